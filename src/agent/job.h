/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A job: a command, its streams, its time. Every command that is run is one.
 *
 * It outlives its client: at most one connection is attached to it, and whether one is makes no
 * difference to the command but that a slow one slows it. Its last output stays in two rings
 * (ring.h), its end in a list of the last SMOL_JOBS_KEPT that are over.
 *
 * A command is over when its process has exited and its output is at its end; where another
 * process holds that open, when nothing has come for SMOL_DRAIN_QUIET_MS, at the latest after
 * SMOL_DRAIN_MAX_MS (what was in the pipes at the exit is delivered in any case).
 */
#ifndef SMOL_AGENT_JOB_H
#define SMOL_AGENT_JOB_H

#include <stdbool.h>

#include "agent/server.h"
#include "base/err.h"
#include "proto/frame.h"
#include "proto/request.h"

#define SMOL_DRAIN_QUIET_MS 300
#define SMOL_DRAIN_MAX_MS   2000
#define SMOL_TERM_GRACE_MS  2000 /* between the first signal and SIGKILL of what is to end */
#define SMOL_JOBS_KEPT	    64	 /* that are over */

/* Their output together, in bytes of memory; and what of one stays in any case. */
#define SMOL_JOBS_KEPT_BYTES (1024 * 1024)
#define SMOL_JOBS_KEPT_FEW   4096

struct smol_conn;
struct smol_job;

/* ---- what a connection asks for: jobs.c. -1: nothing was done, and err is to be told ---- */

/* Run a command, at once or when its turn comes; takes what it keeps out of e. */
int smol_jobs_exec(struct smol_conn *c, struct smol_exec_request *e, struct smol_err *err);
int smol_jobs_attach(struct smol_conn *c, const struct smol_job_request *q, struct smol_err *err);
int smol_jobs_cancel(struct smol_conn *c, const struct smol_job_request *q, struct smol_err *err);
int smol_jobs_wait(struct smol_conn *c, const struct smol_job_request *q, struct smol_err *err);
void smol_jobs_list(struct smol_conn *c);
/* The connection, which waited for a job's end, has waited long enough. */
void smol_jobs_late(struct smol_conn *c);

/* ---- the jobs as a whole: jobs.c ---- */

/* Make known what an earlier agent has lost. */
void smol_jobs_open(struct smol_server *s);
/* Free what is finished, start what waited, and make the next job's pipes ahead of need. */
void smol_jobs_sweep(struct smol_server *s);
/* Kill and free all. */
void smol_jobs_close(struct smol_server *s);

/* ---- one job and its connection: job.c, job_io.c, job_pass.c ---- */

/* Move what can be moved, as far as the connection has room. */
void smol_job_serve(struct smol_job *j);
/* One that is attached to nobody, from the list of dirty ones; gives the next in that. */
struct smol_job *smol_job_serve_alone(struct smol_job *j);
/* Is there more to be done right now: read or, where sending is possible, sent? */
bool smol_job_has_more(const struct smol_job *j, bool sendable);
/* The connection is gone, or of no use any more. */
void smol_job_abandon(struct smol_job *j);
/* The same for a connection that lives on: what has begun to go out is completed. */
void smol_job_disown(struct smol_job *j);
/* Does it take frames (stream form)? */
bool smol_job_takes_frames(const struct smol_job *j);
/* Is so much stdin waiting that no further frame may be taken? */
bool smol_job_input_full(const struct smol_job *j);
/* A frame from the client; it may be the one that detaches it. -1: it breaks the protocol. */
int smol_job_frame(
    struct smol_job *j, const struct smol_frame *f, const char *payload, struct smol_err *err);
/* The client will send no more. */
void smol_job_input_eof(struct smol_job *j);
/* It has gone without saying so. */
void smol_job_input_cut(struct smol_job *j);
/* Has a part of a frame gone out, so that nothing else may before the rest? */
bool smol_job_mid_frame(const struct smol_job *j);
/* Send output straight from the rings. >0: bytes, 0: there is none for now, -1: errno. */
ssize_t smol_job_send(struct smol_job *j, int fd);
/* SIGCHLD: take notice of every process that has exited. */
void smol_job_reap(struct smol_server *s);

#endif
