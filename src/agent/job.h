/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A job: a command that runs, its streams, its time.
 *
 * It belongs to one connection, which it tells when it is over (smol_conn_job_done). When the
 * connection goes first the job is abandoned: its process group gets SIGHUP, SIGTERM a second
 * later, SIGKILL four seconds after that, and only then is it forgotten.
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
#define SMOL_TERM_GRACE_MS  2000 /* between SIGTERM and SIGKILL of a command whose time is up */
#define SMOL_HUP_GRACE_MS   1000 /* between SIGHUP and SIGTERM of an abandoned one */
#define SMOL_GONE_GRACE_MS  4000 /* between SIGTERM and SIGKILL of an abandoned one */

struct smol_conn;
struct smol_job;

/* Run a command for the connection; its state becomes SMOL_CONN_JOB. On failure nothing runs. */
int smol_job_start(struct smol_conn *c, const struct smol_exec_request *e, struct smol_err *err);
/* Move what can be moved. May end the job (it is not to be touched afterwards). True: there is
 * more to read, and only the connection's buffer stood in the way. */
bool smol_job_serve(struct smol_job *j);
/* The connection is gone. */
void smol_job_abandon(struct smol_job *j);

/* Does it take frames (stream form)? */
bool smol_job_takes_frames(const struct smol_job *j);
/* Is so much stdin waiting that no further frame may be taken? */
bool smol_job_input_full(const struct smol_job *j);
/* A frame from the client. -1: it breaks the protocol. */
int smol_job_frame(
    struct smol_job *j, const struct smol_frame *f, const char *payload, struct smol_err *err);
/* The client will send no more. */
void smol_job_input_eof(struct smol_job *j);

/* SIGCHLD: take notice of every process that has exited. */
void smol_job_reap(struct smol_server *s);
/* Free what is finished, and make the next job's pipes ahead of need. */
void smol_job_sweep(struct smol_server *s);
/* Kill and free all. */
void smol_job_close_all(struct smol_server *s);

#endif
