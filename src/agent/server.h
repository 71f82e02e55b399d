/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent proper: one process, one thread, one epoll loop that serves every connection at once.
 *
 * Events only note what has become possible and mark their connection dirty; at the end of a round
 * each dirty connection is served once: input taken, job pumped, output sent. So a command that is
 * over within a round is answered by one send.
 */
#ifndef SMOL_AGENT_SERVER_H
#define SMOL_AGENT_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "agent/defaults.h"
#include "agent/loop.h"
#include "base/err.h"
#include "proto/limits.h"

struct smol_conn;
struct smol_job;
struct smol_roster;
struct smol_agent_listener;

struct smol_agent_config {
	const char *token;	    /* NULL: nothing but liveness is answered */
	const char *unix_path;	    /* listen here and expect a CONNECT line; NULL: AF_VSOCK */
	uint32_t guest_port;	    /* AF_VSOCK: where it listens */
	uint32_t ready_port;	    /* AF_VSOCK: host port that is told when it does; 0: none */
	bool supervised;	    /* the parent is PID 1, which does the shutting down */
	struct smol_roster *roster; /* what PID 1 is to know of the jobs; or NULL */
	struct smol_limits limits;
	struct smol_defaults defaults; /* the root image's */
};

struct smol_server {
	struct smol_loop loop;
	const struct smol_agent_config *cfg;
	struct smol_watch listener, signals, ready;
	struct smol_timer accept_again, send_again, ready_timer;
	bool listener_off; /* out of descriptors: not looked at until one is closed */
	struct smol_conn *conns, *dirty;
	struct smol_job *jobs;	     /* newest first */
	struct smol_job *dirty_jobs; /* those without a connection */
	struct smol_job *spare;	     /* with its pipes, made ahead of need */
	int64_t last_job;	     /* id */
	bool untidy;		     /* a job has ended, and its turn is another's */
	size_t ring_bytes;	     /* memory of all rings */
	size_t promised; /* what pipes, input and sockets may hold beyond the least each has */
	size_t budget;	 /* where both together stop growing */
	struct smol_agent_listener *listeners; /* ports of the guest that are listened on */
	int64_t accepted_id;
	int nconns, nrelays, nchildren;
	int64_t oom_kills, oom_ms; /* the kernel's count, and when it was last seen to have grown */
	int njobs, nqueued, nended; /* jobs that run, wait for their turn, are over */
	int64_t refusal_ms;	    /* when the console was told last, and what not since */
	int refusals;
	int null_fd;
	struct rlimit job_files; /* RLIMIT_NOFILE, as the agent was started with it */
	bool job_files_known;
	int oom_fd;	      /* our own oom_score_adj; -1 outside a VM */
	const char *shutdown; /* asked for: "poweroff" or "reboot" */
};

/* Set up; the listening socket is open afterwards. */
int smol_server_open(
    struct smol_server *s, const struct smol_agent_config *cfg, struct smol_err *err);
/* Serve until SIGTERM or, outside a VM, a shutdown request. */
int smol_server_run(struct smol_server *s, struct smol_err *err);
/* Ends every job (SIGKILL to its group) and connection. */
void smol_server_close(struct smol_server *s);

/* The connection will be served at the end of this round. */
void smol_server_mark(struct smol_server *s, struct smol_conn *c);
/* Serve all that is dirty: the end of a round. */
void smol_server_serve(struct smol_server *s);
/* The guest has no memory to send with, and nothing will tell when it has: tried again soon. */
void smol_server_send_again(struct smol_server *s, struct smol_conn *c);
/* A request was refused for its token; said on stderr, a guest's console, now and then. */
void smol_server_refused(struct smol_server *s, const char *why);
/*
 * Memory for streams, which the kernel cannot get back by killing anybody: may n bytes more be
 * held? A command's stream begins with little; much is for those through which much flows, as long
 * as there is some. A relay, which reads its connection by itself, asks at once. *held, 0 until
 * then, is n afterwards; given back by smol_server_release().
 */
bool smol_server_hold(struct smol_server *s, size_t *held, size_t n);
/* So many jobs run that each is to hold even less than it would at first. */
bool smol_server_crowded(const struct smol_server *s);
void smol_server_release(struct smol_server *s, size_t *held);
/* A connection is over: a descriptor is free again. */
void smol_server_conn_gone(struct smol_server *s, struct smol_conn *c);

#endif
