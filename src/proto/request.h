/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests and results of the control protocol (docs/protocol.md): what the host encodes and the
 * agent decodes, and the other way round, in one place.
 */
#ifndef SMOL_PROTO_REQUEST_H
#define SMOL_PROTO_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/json.h"

#define SMOL_PROTO_VERSION   1
#define SMOL_LINE_MAX	     (1024 * 1024) /* a request or reply line, newline included, bytes */
#define SMOL_PORT_AGENT	     5000	   /* guest port on which the agent listens */
#define SMOL_PORT_READY	     5001	   /* host port to which the agent says that it is ready */
#define SMOL_ARGV_MAX	     4096	   /* words of a command */
#define SMOL_ENV_MAX	     1024	   /* variables of a request */
#define SMOL_TOKEN_LEN	     64		   /* hex digits: 256 bits */
#define SMOL_REALTIME_MAX    4102444800000LL /* ms since the epoch: the year 2100 */
#define SMOL_TIMEOUT_DEFAULT 0		     /* ms; 0: none */

/* X(enumerator, name) */
#define SMOL_OPS(X)                                                                                \
	X(HEALTH, "health")                                                                        \
	X(SYSTEM_INFO, "system_info")                                                              \
	X(EXEC, "exec")                                                                            \
	X(SHUTDOWN, "shutdown")                                                                    \
	X(CONNECT, "connect")                                                                      \
	X(LISTEN, "listen")                                                                        \
	X(ACCEPT, "accept")                                                                        \
	X(PUT, "put_file")                                                                         \
	X(GET, "get_file")                                                                         \
	X(JOBS, "jobs")                                                                            \
	X(ATTACH, "attach")                                                                        \
	X(CANCEL, "cancel")                                                                        \
	X(WAIT, "wait")                                                                            \
	X(PAUSING, "pausing")                                                                      \
	X(RESUMED, "resumed")

enum smol_op {
#define X(e, n) SMOL_OP_##e,
	SMOL_OPS(X)
#undef X
	    SMOL_OP__COUNT
};
const char *smol_op_name(enum smol_op op);

/* A command to run. Strings may be any bytes but NUL. All owned; smol_exec_request_free(). */
struct smol_exec_request {
	char **argv;	    /* NULL-terminated; or NULL when command is set */
	char *command;	    /* run by /bin/sh -c; exactly one of the two */
	char **env;	    /* "K=V", NULL-terminated, or NULL */
	char *cwd;	    /* NULL: the user's home, else / */
	char *user;	    /* "name", "uid" or "uid:gid"; NULL: the agent's own (root) */
	int64_t timeout_ms; /* 0: none */
	bool stream;	    /* frames; else one JSON line */
	bool want_stdin;    /* stream form: STDIN frames will come; else stdin is /dev/null */
	bool tty;	    /* stream form: on a pty of rows × cols with TERM=term */
	bool detach;	    /* answered at once with the job's id; nobody is attached */
	char *term;
	uint16_t rows, cols;
};

/* Ops ATTACH, CANCEL and WAIT: a job that the agent knows. */
struct smol_job_request {
	int64_t job;	    /* its id, 1… */
	bool from_set;	    /* ATTACH: begin at a position; else at the oldest that is held */
	uint64_t from;	    /* that position in the output */
	bool want_stdin;    /* ATTACH: STDIN frames will come */
	int signal;	    /* CANCEL: what it gets first; 0: SIGTERM */
	int64_t timeout_ms; /* WAIT: SMOL_E_DEADLINE when it is not over by then; 0: none */
};

/* Ops CONNECT and LISTEN: an address in the guest; op ACCEPT: a connection that LISTEN told of. */
struct smol_relay_request {
	char *host;   /* an IP address as text; NULL: 127.0.0.1 */
	int64_t port; /* 1…65535; 0 where path is set; LISTEN: 0 for any */
	char *path;   /* a Unix socket instead, or NULL */
	int64_t id;
};

/* Ops PUT and GET: files, in frames (proto/files.h). */
struct smol_files_request {
	char *path;	/* in the guest; a relative one begins at the home of the job's user */
	char *name;	/* PUT: what it is called where path is a directory; or NULL */
	bool recursive; /* GET: a directory as well */
};

/* A decoded request line. */
struct smol_request {
	enum smol_op op;
	int64_t version;
	char *token;		       /* or NULL */
	struct smol_exec_request exec; /* op EXEC */
	struct smol_job_request job;
	struct smol_relay_request relay;
	struct smol_files_request files;
	int64_t realtime_ms; /* op RESUMED: the host's wall clock, ms since the epoch */
	char *how;	     /* op SHUTDOWN: "poweroff" (default) or "reboot" */
};

void smol_exec_request_free(struct smol_exec_request *e);
void smol_request_free(struct smol_request *r);

/* One line with its newline; malloc'd, caller frees. *err: SMOL_E_LIMIT when it is too long. */
char *smol_request_encode(const struct smol_request *r, struct smol_err *err);
/*
 * Decode a line. -1 with SMOL_E_PROTOCOL (no JSON, wrong types), SMOL_E_UNSUPPORTED (unknown op or
 * version), SMOL_E_INVALID (both or neither of command and argv, …). Unknown members are ignored.
 * *r is to be freed in either case; r->token and r->op are set as far as they were understood.
 */
int smol_request_decode(const char *line, size_t n, struct smol_request *r, struct smol_err *err);

/* X(enumerator, name) */
#define SMOL_JOB_STATES(X)                                                                         \
	X(QUEUED, "queued")                                                                        \
	X(RUNNING, "running")                                                                      \
	X(EXITED, "exited")                                                                        \
	X(SIGNALLED, "signalled")                                                                  \
	X(TIMED_OUT, "timed_out")                                                                  \
	X(CANCELLED, "cancelled")                                                                  \
	X(LOST, "lost") /* the agent that ran it is gone */

enum smol_job_state {
#define X(e, n) SMOL_JOB_##e,
	SMOL_JOB_STATES(X)
#undef X
	    SMOL_JOB__COUNT
};
const char *smol_job_state_name(enum smol_job_state s);

/* How a command ended: the EXIT frame's payload, and part of the one-shot reply. */
struct smol_exec_result {
	int exit_code; /* the command's own; 128+signal; 124 when its time ran out */
	int signal;    /* 0: it exited by itself */
	bool timed_out;
	bool truncated; /* a process that outlived it still held its output open */
	bool cancelled;
	bool output_truncated; /* limit output_bytes: there was more than was passed on */
	bool out_of_memory;    /* it failed, and the guest's kernel killed for memory meanwhile */
	bool input_cut; /* its client went without ending its input, behind so many bytes of it */
	int64_t input_bytes;
	enum smol_code limit; /* SMOL_E_LIMIT_RUN, _OUTPUT: which one it hit; else SMOL_E_NONE */
	int64_t duration_ms;
};
cJSON *smol_exec_result_encode(const struct smol_exec_result *r);
int smol_exec_result_decode(const cJSON *j, struct smol_exec_result *r, struct smol_err *err);

/* {"ok":false,"error":…,"code":…} */
cJSON *smol_reply_failure(const struct smol_err *err);
/*
 * Take a reply line apart: the object that holds the result (the reply itself, or what is nested
 * under "result"), or NULL with the failure it reports, or SMOL_E_PROTOCOL. Caller deletes.
 */
cJSON *smol_reply_parse(const char *line, size_t n, struct smol_err *err);
/* The same for an agent's: one that does not know what it is asked is older than this smolsh, or,
 * where it says that it speaks a later version, newer. */
cJSON *smol_reply_from_agent(const char *line, size_t n, struct smol_err *err);

#endif
