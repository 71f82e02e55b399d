/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ports of the guest for the host (docs/protocol.md, "Relays").
 *
 *   connect   this connection becomes a relay to an address in the guest
 *   listen    the guest listens; each connection that comes is told on this connection as a line
 *             {"accepted":ID}, and is fetched by
 *   accept    on another connection, which becomes the relay
 *
 * A connection that is not fetched within SMOL_RELAY_FETCH_MS is closed.
 */
#ifndef SMOL_AGENT_RELAY_H
#define SMOL_AGENT_RELAY_H

#include "agent/server.h"
#include "proto/request.h"

#define SMOL_RELAY_CONNECT_MS 10000
#define SMOL_RELAY_FETCH_MS   10000
#define SMOL_RELAY_WAITING    128 /* accepted and not yet fetched, of a listener */
#define SMOL_RELAY_SPARE      16  /* connections that relays leave to others, at most a quarter */

struct smol_conn;
struct smol_agent_relay;
struct smol_agent_listener;

/* Take the request on; the connection's state becomes RELAY or LISTENER. On failure it stays. */
int smol_relay_start(struct smol_conn *c, const struct smol_request *r, struct smol_err *err);
/* The connection is served: move bytes. Drops it when it is over. */
void smol_relay_serve(struct smol_conn *c);
/* The connection is gone. */
void smol_relay_abandon(struct smol_conn *c);

#endif
