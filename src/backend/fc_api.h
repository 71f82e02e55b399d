/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Firecracker's REST API over its Unix socket, without ever blocking: requests are queued and sent
 * one after the other, each with a deadline, and its end is told to a callback. What comes back is
 * foreign: bounded, parsed strictly, escaped before it becomes part of a sentence.
 */
#ifndef SMOL_BACKEND_FC_API_H
#define SMOL_BACKEND_FC_API_H

#include "backend/fc_request.h"

#define SMOL_FC_BODY_MAX   (64 * 1024) /* bytes of an answer: none that is asked for has 4 KiB */
#define SMOL_FC_HEADER_MAX (16 * 1024) /* bytes of its head, all lines */
#define SMOL_FC_QUEUE_MAX  64	       /* requests that wait */

struct smol_fc_api;

/*
 * The end of a request: err is NULL where it was granted (200, 204), else what it was, why it was
 * not, and what would help; reply is the answer's JSON object or NULL. All are valid during the
 * call. More requests may be sent from within; the api must not be freed.
 */
typedef void smol_fc_done(
    void *ctx, const struct smol_fc_request *r, const cJSON *reply, const struct smol_err *err);

/*
 * Nothing need listen on the socket yet: until the first connection, that is waited for, for
 * up_ms. NULL and err where the machine has no more descriptors. Free with smol_fc_api_free().
 */
struct smol_fc_api *smol_fc_api_new(
    const char *socket, int64_t up_ms, smol_fc_done *done, void *ctx, struct smol_err *err);
/* Drops what waits; nothing is told any more. NULL is nothing. */
void smol_fc_api_free(struct smol_fc_api *a);
/* Readable: call smol_fc_api_turn(). Stays the api's. */
int smol_fc_api_fd(const struct smol_fc_api *a);
void smol_fc_api_turn(struct smol_fc_api *a);
/* Whatever waits is not sent; the one under way goes on. */
void smol_fc_api_drop(struct smol_fc_api *a);
/* r is taken. ms: from when it is sent. -1: the queue is full. */
int smol_fc_api_send(
    struct smol_fc_api *a, struct smol_fc_request r, int64_t ms, struct smol_err *err);

#endif
