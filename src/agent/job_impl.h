/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside a job: shared by job.c (its life) and job_io.c (its streams). */
#ifndef SMOL_AGENT_JOB_IMPL_H
#define SMOL_AGENT_JOB_IMPL_H

#include <sys/types.h>

#include "agent/job.h"
#include "agent/oneshot.h"

struct smol_output {
	struct smol_watch watch; /* the reading end */
	struct smol_job *job;
	int child_end; /* kept open until the exit, so that no hang-up wakes us before; or -1 */
	bool open;     /* its end has not been read */
	bool ready;    /* may hold something to read */
	bool armed;    /* news will be reported, once (a terminal: always) */
	size_t owed;   /* bytes it held at the exit that have not been read yet */
	struct smol_gather gather; /* one-shot form */
};

enum smol_job_stage { SMOL_JOB_RUNS, SMOL_JOB_TERMED, SMOL_JOB_HUPPED, SMOL_JOB_KILLED };

struct smol_job {
	struct smol_job *next, **link; /* the server's list */
	struct smol_server *server;
	struct smol_conn *conn;	   /* NULL: abandoned */
	struct smol_output out[2]; /* stdout, stderr; of a terminal only the first is used */
	struct smol_watch in;	   /* writing end of stdin (a terminal: out[0]'s) or -1 */
	struct smol_buf in_buf;
	bool in_ready, in_eof;
	uint64_t in_received, in_taken, in_granted; /* positions in stdin */
	uint64_t seq;				    /* position in the output */
	size_t chunk;				    /* what is read at once: grows with the flow */
	pid_t pid;
	int status;
	bool stream, tty, exited, timed_out;
	bool owed_known, drained;
	enum smol_job_stage stage;
	int64_t started_ms, exited_ms;
	int64_t read_ms; /* when output came last */
	bool burst;	 /* it comes in many small pieces */
	struct smol_timer kill_timer, drain_timer, pace_timer;
};

/* Outputs and stdin into and out of existence. -1: errno; smol_job_io_close() tidies up. */
int smol_job_io_make(struct smol_job *j);
void smol_job_io_close(struct smol_job *j);
int smol_job_io_stdin(struct smol_job *j, int *child_end);
int smol_job_io_tty(struct smol_job *j, const struct smol_exec_request *e, uid_t uid, gid_t gid);
/* The process has exited: our copies of its ends are closed. */
void smol_job_io_exited(struct smol_job *j);
/* Read what there is room for. True when something came. */
bool smol_job_io_pump(struct smol_job *j);
/* Have news of the outputs reported. */
void smol_job_io_arm(struct smol_job *j);
/* Write what stdin takes. */
void smol_job_io_feed(struct smol_job *j);

#endif
