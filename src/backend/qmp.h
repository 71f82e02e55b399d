/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * QMP, QEMU's control protocol: JSON objects, one a line, over a socket. This keeps the reading
 * side only as a state machine fed with bytes, so that it can be tested and fuzzed without QEMU.
 * What QEMU says is foreign: lines are bounded and parsed strictly.
 */
#ifndef SMOL_BACKEND_QMP_H
#define SMOL_BACKEND_QMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/json.h"

#define SMOL_QMP_LINE_MAX (256 * 1024) /* bytes */

struct smol_qmp {
	struct smol_buf in;
	bool greeted; /* the greeting has come */
	bool ready;   /* qmp_capabilities has been accepted: commands may be sent */
	/* An event: its name and its data (may be NULL), valid during the call. */
	void (*event)(void *ctx, const char *name, const cJSON *data);
	/* Commands are accepted from now on. */
	void (*up)(void *ctx);
	/* A command was carried out: its id (foreign; NULL: none came). */
	void (*done)(void *ctx, const char *id);
	/* A command has failed: its id (foreign; NULL: none came) and QEMU's description, escaped.
	 */
	void (*failed)(void *ctx, const char *id, const char *desc);
	void *ctx;
};

/* Feed what was read. -1 when it is no QMP (the connection is to be given up). */
int smol_qmp_feed(struct smol_qmp *q, const char *data, size_t n, struct smol_err *err);
void smol_qmp_free(struct smol_qmp *q);

/* The data of BALLOON_CHANGE: how much of memory_mib the guest has given. -1: it makes no sense. */
int smol_qmp_taken(const cJSON *data, int64_t memory_mib, int64_t *taken_mib);

/* {"execute":"name","id":"name"}\n */
char *smol_qmp_command(const char *name);
/* The same command under an id of its own. */
char *smol_qmp_command_as(const char *id, const char *name);
/* {"execute":"name","arguments":{"key":value},"id":"name"}\n */
char *smol_qmp_command_int(const char *name, const char *key, int64_t value);

#endif
