/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside a job: shared by jobs.c (all of them), job.c (its life), job_io.c (its streams) and
 * job_pass.c (from its rings to a connection). */
#ifndef SMOL_AGENT_JOB_IMPL_H
#define SMOL_AGENT_JOB_IMPL_H

#include <sys/types.h>

#include "agent/job.h"
#include "agent/oneshot.h"
#include "agent/ring.h"
#include "agent/roster.h"

struct smol_output {
	struct smol_watch watch; /* the reading end */
	struct smol_job *job;
	int child_end; /* kept open until the exit, so that no hang-up wakes us before; or -1 */
	bool open;     /* its end has not been read */
	bool ready;    /* may hold something to read */
	bool armed;    /* news will be reported, once (a terminal: always) */
	size_t owed;   /* bytes it held at the exit that have not been read yet */
	size_t grown;  /* of the server's budget, for a large pipe */
	struct smol_ring ring;
	uint64_t passed;	   /* position in the ring up to which the connection has it */
	struct smol_gather gather; /* one-shot form */
};

enum smol_job_stage { SMOL_JOB_RUNS, SMOL_JOB_TERMED, SMOL_JOB_KILLED };

struct smol_job {
	struct smol_job *next, **link; /* the server's list, newest first */
	struct smol_job *next_dirty;
	struct smol_server *server;
	struct smol_conn *conn; /* attached; or NULL */
	int64_t id;
	enum smol_job_state state;
	char command[SMOL_JOB_COMMAND];	  /* for people */
	struct smol_roster_entry *roster; /* or NULL */
	struct smol_exec_request request; /* while it is queued */
	struct smol_output out[2];	  /* stdout, stderr; of a terminal only the first is used */
	struct smol_watch in;		  /* writing end of stdin (a terminal: out[0]'s) or -1 */
	struct smol_buf in_buf;
	size_t in_grown, in_held; /* of the server's budget: for a large pipe, for in_buf */
	bool in_ready, in_eof;
	bool in_cut;  /* whoever gave its input went without ending it */
	bool in_said; /* STDIN_EOF, by the connection that is attached */
	uint64_t in_received, in_taken, in_granted; /* positions in stdin */
	uint64_t seq;				    /* position in the output */
	uint64_t told;				    /* position up to which the connection has it */
	uint32_t mid; /* bytes that have gone out of the frame at out[mid_of].passed */
	int mid_of;
	size_t chunk; /* what is read at once: grows with the flow */
	pid_t pid;
	int status;
	bool dirty;  /* to be served in this round */
	bool stream; /* the connection takes frames; else a line at the end */
	bool tty, exited, timed_out, cancelled;
	bool vm_limit; /* the time that ran out was the VM's, not the request's */
	bool cut;      /* there was more output than the limit output_bytes */
	bool untidy;   /* it is over, and still has descriptors */
	bool owed_known, drained;
	enum smol_job_stage stage;
	int64_t queued_ms, started_ms, exited_ms;
	int64_t read_ms; /* when output came last */
	bool burst;	 /* it comes in many small pieces */
	struct smol_timer kill_timer, drain_timer, pace_timer;
	struct smol_exec_result result; /* when it is over */
	struct smol_err failure;	/* it could not be started when its turn came */
};

static inline bool smol_job_is_over(const struct smol_job *j)
{
	return j->state != SMOL_JOB_QUEUED && j->state != SMOL_JOB_RUNNING;
}

/* Pipes made, nothing more; NULL: errno. */
struct smol_job *smol_job_make(struct smol_server *s);
void smol_job_free(struct smol_job *j);
/* Start its process. On failure it is as before. */
int smol_job_launch(struct smol_job *j, const struct smol_exec_request *e, struct smol_err *err);
/* To be served in this round, with its connection or without. */
void smol_job_mark(struct smol_job *j);
/* End it: this signal, SIGKILL to what is left after a while. */
void smol_job_end(struct smol_job *j, int sig);
/* It is over: the result is made, and told to all who wait for it but the attached one. */
void smol_job_finish(struct smol_job *j, enum smol_job_state state);
/* End it on request, also while it waits for its turn. */
void smol_job_cancel(struct smol_job *j, int sig);
/* Tell those who wait. */
void smol_jobs_tell(struct smol_job *j);

/* ---- job_pass.c ---- */

/* Is there output that the connection does not have? In bytes of frames. */
size_t smol_job_unsent(const struct smol_job *j);
/* From this position in the output on. */
void smol_job_rewind(struct smol_job *j, uint64_t from);
/* Small frames into the connection's buffer; and, when all has been passed on, the end. */
void smol_job_pass(struct smol_job *j);
/* No connection any more; a frame that is on its way is completed first. Gives the connection,
 * ready for its next request. */
struct smol_conn *smol_job_part(struct smol_job *j);
/* An error as the last frame, or the reply line of a one-shot. */
void smol_job_say_error(struct smol_conn *c, bool stream, const struct smol_err *err);

/* ---- job_io.c ---- */

/* Outputs and stdin into and out of existence. -1: errno; smol_job_io_close() tidies up. */
void smol_job_io_init(struct smol_job *j); /* nothing is open */
int smol_job_io_make(struct smol_job *j);
void smol_job_io_close(struct smol_job *j);
int smol_job_io_stdin(struct smol_job *j, int *child_end);
int smol_job_io_tty(struct smol_job *j, const struct smol_exec_request *e, uid_t uid, gid_t gid);
/* The process has exited: our copies of its ends are closed. */
void smol_job_io_exited(struct smol_job *j);
/* Read what there is room for. True when something came. */
bool smol_job_io_pump(struct smol_job *j);
/* Is there something to read, and room for it? */
bool smol_job_io_can_read(const struct smol_job *j);
/* Have news of the outputs reported. */
void smol_job_io_arm(struct smol_job *j);
/* Write what stdin takes. */
void smol_job_io_feed(struct smol_job *j);

#endif
