/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of the guest for the host (docs/protocol.md, "Files"): a connection that carries them, one
 * way at a time. The work is done in this thread, a frame at a time, so that the others have their
 * turn in between.
 */
#ifndef SMOL_AGENT_FILES_H
#define SMOL_AGENT_FILES_H

#include <stdbool.h>

#include "base/err.h"
#include "proto/request.h"

struct smol_conn;
struct smol_agent_files;

/* Take the request on; the connection's state becomes FILES. On failure it stays. */
int smol_agent_files_start(struct smol_conn *c, const struct smol_request *r, struct smol_err *err);
/* Take one frame of what the client puts. True: there may be another one. */
bool smol_agent_files_take(struct smol_conn *c);
/* Send some of what the client gets. True: there is more, and room for it. */
bool smol_agent_files_serve(struct smol_conn *c);
/* The connection is gone: what is not complete is removed. */
void smol_agent_files_abandon(struct smol_conn *c);

#endif
