/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An answer of Firecracker's API as its bytes: what it means for the request, without a socket, so
 * that any bytes can be tried. They are foreign.
 */
#ifndef SMOL_BACKEND_FC_REPLY_H
#define SMOL_BACKEND_FC_REPLY_H

#include "backend/fc_request.h"

/* What helps where nothing about the request is to blame. */
#define SMOL_FC_OTHER "another Firecracker with --firecracker PATH, or --backend qemu"

/*
 * n bytes of body (0: none) that came with a status. 0 where the request was granted; -1 with what
 * it was, why it was not (escaped), and what would help. *reply: the body's object or NULL; caller
 * deletes, in either case.
 */
int smol_fc_reply(const struct smol_fc_request *r, long status, const char *body, size_t n,
    cJSON **reply, struct smol_err *err);

#endif
