/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection: buffers, the handshake, request lines one after another, frames while a job runs.
 *
 * Invariants: at most one job; `out` never holds more than SMOL_CONN_OUT_BOUND plus one frame or
 * reply; `in` never more than a request line or SMOL_CONN_IN_BOUND plus one frame.
 */
#ifndef SMOL_AGENT_CONN_H
#define SMOL_AGENT_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/loop.h"
#include "agent/server.h"
#include "base/buf.h"
#include "proto/json.h"

#define SMOL_CONN_OUT_BOUND  (256 * 1024) /* a job's pipes are not read beyond it */
#define SMOL_CONN_IN_BOUND   (256 * 1024)
/* AF_VSOCK: bytes that the host may send ahead: at first, and of much as far as memory allows. Not
 * less at first: newer kernels send no more ahead themselves, and a host that is slow to say what
 * it has taken, as that of Linux is, would have them wait for ever. */
#define SMOL_CONN_AHEAD	     (256 * 1024)
#define SMOL_CONN_AHEAD_MOST (1024 * 1024)

enum smol_conn_state {
	SMOL_CONN_HANDSHAKE, /* Unix socket: the CONNECT line is awaited */
	SMOL_CONN_IDLE,	     /* a request line is awaited */
	SMOL_CONN_JOB,	     /* attached to a job */
	SMOL_CONN_WAITING,   /* for the end of one */
	SMOL_CONN_RELAY,     /* it carries a relay's frames: relay.h */
	SMOL_CONN_FILES,     /* it carries files' frames: files.h */
	SMOL_CONN_LISTENER,  /* it tells of connections in the guest: relay.h */
	SMOL_CONN_CLOSING,   /* no more input is taken; closed once output is out */
	SMOL_CONN_DEAD,	     /* closed; freed at the end of the round */
};

struct smol_conn {
	struct smol_watch watch;
	struct smol_timer timer; /* held reply, the end of lingering or of waiting */
	struct smol_server *server;
	struct smol_conn *next, **link; /* the server's list */
	struct smol_conn *next_dirty;
	struct smol_job *job;			    /* state JOB */
	struct smol_job *awaits;		    /* state WAITING */
	struct smol_agent_relay *relay;		    /* state RELAY */
	struct smol_agent_files *files;		    /* state FILES */
	struct smol_agent_listener *guest_listener; /* state LISTENER */
	struct smol_buf in, out;
	size_t ahead;	/* of the server's budget, for what the host may send ahead */
	size_t scanned; /* bytes of `in` known to hold no newline */
	enum smol_conn_state state;
	bool dirty, readable, writable;
	bool starved;	  /* not writable for want of memory */
	bool out_watched; /* that it is writable again is reported */
	bool bulk;	  /* much comes: read in large pieces */
	bool hangup;	  /* reported: read until the end */
	bool probe;	  /* reported since we last looked whether anybody is there */
	bool eof;	  /* the peer sends no more */
	bool refused;	  /* beyond the cap: answered with a failure, closed */
	bool streamed;	  /* frames of a past job may still come */
	bool holding;	  /* a stream's reply line waits a moment for company */
};

/* Takes fd over (closed on failure too). refuse: only tell that there are too many. */
struct smol_conn *smol_conn_new(struct smol_server *s, int fd, bool refuse);
/* Do what can be done: see server.h. */
void smol_conn_serve(struct smol_conn *c);
/* From now on be told that it takes bytes again; only then, or a connection's first event would be
 * that it does, and wake us for nothing. */
void smol_conn_watch_out(struct smol_conn *c);
/* Much comes, or may come: the host may send more ahead, as far as memory allows. */
void smol_conn_grow(struct smol_conn *c);
/* Close at once; its job goes on. */
void smol_conn_drop(struct smol_conn *c);

/* Append a line of JSON (deleted here) to the output. */
void smol_conn_reply(struct smol_conn *c, cJSON *j);
void smol_conn_fail(struct smol_conn *c, const struct smol_err *err);
/* Append a frame. */
void smol_conn_frame(
    struct smol_conn *c, unsigned type, uint64_t seq, const void *payload, size_t n);
/* Send nothing for a moment, so that the reply travels together with a quick command's result. */
void smol_conn_hold(struct smol_conn *c);
/* Answer what is queued, then close. */
void smol_conn_finish(struct smol_conn *c);
/* It is attached no more; the next request may come. */
void smol_conn_job_done(struct smol_conn *c);

static inline bool smol_conn_has_room(const struct smol_conn *c)
{
	return smol_buf_len(&c->out) < SMOL_CONN_OUT_BOUND;
}

#endif
