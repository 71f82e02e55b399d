/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smolsh-forward: one forwarded port of one VM, a child of its monitor.
 *
 * Forward: it accepts on a listening socket of the host that it was given; for each connection
 * it dials the agent and asks it to `connect`. Reverse: it asks the agent to `listen`, and for each
 * connection that it is told of dials again, asks for it with `accept`, and connects on the host.
 * What was asked for is kept until it is killed: an agent that goes away is dialled again.
 *
 * One process, one poll loop. Each connection is a flow: greeting (CONNECT, request, two lines of
 * answer), then a relay (proto/relay.h).
 */
#ifndef SMOL_FORWARD_FORWARD_H
#define SMOL_FORWARD_FORWARD_H

#include <poll.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "proto/relay.h"
#include "proto/request.h"
#include "vsock/addr.h"

#define SMOL_FLOWS_MAX	      512 /* connections at once; more wait in the backlog */
#define SMOL_FLOW_GREET_MS    15000
/* Reverse: before an agent that has gone is dialled again; then twice as long each time, up to */
#define SMOL_REVERSE_FIRST_MS 50
#define SMOL_REVERSE_PAUSE_MS 500

enum smol_flow_stage { SMOL_FLOW_GREETING, SMOL_FLOW_RELAYING, SMOL_FLOW_CONTROL, SMOL_FLOW_OVER };

struct smol_flow {
	struct smol_flow *next;
	enum smol_flow_stage stage;
	bool control;		 /* the reverse's connection that tells of others */
	bool ok_seen;		 /* the line "OK n" has come */
	int plain, framed;	 /* -1: none */
	struct smol_buf in, out; /* while it greets, and of a control connection */
	struct smol_relay relay;
	smol_deadline deadline; /* of the greeting */
};

struct smol_forward {
	struct smol_vsock_addr agent;
	char token[SMOL_TOKEN_LEN + 1];
	bool reverse;
	struct smol_relay_request guest; /* where it goes, or what is listened on, in the guest */
	int listen_fd;			 /* forward */
	int status_fd;			 /* one line: how the beginning went; -1 once it is said */
	const char *host, *host_port;	 /* reverse: where it goes on the host; or */
	const char *host_path;		 /* a Unix socket */
	struct smol_flow *flows;
	int nflows, max_flows;
	smol_deadline retry; /* reverse: when to dial again, */
	int pause_ms;	     /* and how long that waits the next time */
};

/* A flow that dials the agent and makes a request; plain is taken over (closed on failure). With
 * -1 for plain, and no control connection, it is over when the request was granted. */
struct smol_flow *smol_flow_new(
    struct smol_forward *f, int plain, const struct smol_request *r, struct smol_err *err);
/* Fill in what is to be waited for: two entries. */
void smol_flow_poll(const struct smol_flow *w, struct pollfd p[2]);
/* Something happened, or may have. The stage is OVER when it is to be freed. For a greeting that
 * was answered, *answer is the reply (deleted by the caller), else NULL; *err when it failed. */
void smol_flow_serve(struct smol_flow *w, cJSON **answer, struct smol_err *err);
void smol_flow_free(struct smol_forward *f, struct smol_flow *w);

int smol_forward_run(struct smol_forward *f);

#endif
