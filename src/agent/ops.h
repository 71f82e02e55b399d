/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each request does. */
#ifndef SMOL_AGENT_OPS_H
#define SMOL_AGENT_OPS_H

#include <stddef.h>

struct smol_conn;

/* Carry out one request line (without its newline): a reply is queued on the connection, or a job
 * started on it. */
void smol_ops_handle(struct smol_conn *c, const char *line, size_t n);

#endif
