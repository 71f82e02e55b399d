/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the client: shared by client.c (connection, requests) and stream.c (a running command). */
#ifndef SMOL_VSOCK_CLIENT_IMPL_H
#define SMOL_VSOCK_CLIENT_IMPL_H

#include <stdbool.h>

#include "base/buf.h"
#include "vsock/client.h"

struct smol_client {
	int fd;
	struct smol_vsock_addr addr;
	char *token;	   /* or NULL; owned */
	bool connect_sent; /* the CONNECT line has been queued */
	bool connected;	   /* OK has been read (AF_VSOCK: from the start) */
	bool deaf;	   /* the peer reads no more; what it has written may still be read */
	bool broken;	   /* in the middle of something: not to be used again */
	bool detaching;	   /* a DETACH frame has been queued */
	uint64_t position; /* in the output of the last job */
	smol_deadline dial_deadline; /* for the OK */
	struct smol_buf in, out;
	size_t scanned;		    /* bytes of `in` known to hold no newline */
	int64_t (*more)(void *ctx); /* smol_client_set_patience() */
	void *more_ctx;
	size_t chunk; /* what is read at once: grows with the flow */
};

/* Queue a request, and the CONNECT line before the first. */
int smol_client_queue(struct smol_client *c, const struct smol_request *r, struct smol_err *err);
/* Send what is queued as far as it goes now. Never an error: a peer that is gone is found by
 * reading, behind what it may have said before. */
void smol_client_flush(struct smol_client *c);
/* Read what is there. -1: the connection is over (SMOL_E_REFUSED before the OK, else SMOL_E_RESET
 * with what was awaited) or broken. */
int smol_client_fill(struct smol_client *c, const char *awaited, struct smol_err *err);
/* 1 and the reply line in *line (valid until the buffer changes), 0 when there is none yet, -1. */
int smol_client_take_line(struct smol_client *c, char **line, size_t *len, struct smol_err *err);
/* When to give up: deadline, or the handshake's while that is under way. */
smol_deadline smol_client_until(const struct smol_client *c, smol_deadline deadline);
/* The deadline has passed: it, or the handshake's, is put off (0), or the error set (-1). */
int smol_client_too_late(
    struct smol_client *c, smol_deadline *deadline, const char *awaited, struct smol_err *err);

#endif
