/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host's face: the listening Unix socket with its `CONNECT <port>\n` handshake, and the sockets
 * `<uds path>_<port>` that connections from the guest lead to.
 */
#ifndef SMOL_VSOCKD_UDS_H
#define SMOL_VSOCKD_UDS_H

#include "vsockd/device.h"

/* Take new clients; more than there is room for are closed at once. */
void smol_uds_accept(struct smol_vsockd *d);
/* The listener was not watched while the system lacked something: try again. */
void smol_uds_listen_again(struct smol_vsockd *d);
/* Go on with a client in state HANDSHAKE. May free the record. */
void smol_uds_handshake(struct smol_vsockd *d, struct smol_conn *c);
/* The guest said yes: tell the client. -1 when the client cannot be told. */
int smol_uds_ok(struct smol_conn *c);
/* Connect to the host's listener for c->host_port, without waiting. May retire the record. */
void smol_uds_dial(struct smol_vsockd *d, struct smol_conn *c);

/* Port of a complete line without its newline; -1 when it is no `CONNECT port`. */
int64_t smol_uds_parse(const char *line, unsigned len);

#endif
