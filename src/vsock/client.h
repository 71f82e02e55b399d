/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host's end of the control protocol: one connection to an agent.
 *
 * Opening is lazy about the handshake: over a Unix socket "CONNECT port\n" goes out together with
 * the first request, and the answers are read in whatever pieces they come (nothing behind "OK n"
 * is ever lost). Every wait has a deadline. A connection that ends before the answer is
 * SMOL_E_RESET ("the connection ended before the command did"), never success.
 */
#ifndef SMOL_VSOCK_CLIENT_H
#define SMOL_VSOCK_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "proto/request.h"
#include "vsock/addr.h"

#define SMOL_DIAL_TIMEOUT_MS 5000  /* connect and handshake */
#define SMOL_IO_TIMEOUT_MS   10000 /* an answer to a request that takes no time of its own */
#define SMOL_IO_MARGIN_MS    10000 /* added to a command's own timeout */

struct smol_client;

static inline void smol_auto_client_fn(struct smol_client **c);
#define smol_auto_client __attribute__((cleanup(smol_auto_client_fn)))

/*
 * Connect. token may be NULL; it is copied. SMOL_E_REFUSED: nobody listens on the socket;
 * SMOL_E_DEADLINE: no answer in time. The caller closes with smol_client_close().
 */
struct smol_client *smol_client_open(const struct smol_vsock_addr *addr, const char *token,
    smol_deadline deadline, struct smol_err *err);
/* The same, given up with SMOL_E_INTERRUPTED once interrupt_fd can be read. */
struct smol_client *smol_client_open_or(const struct smol_vsock_addr *addr, const char *token,
    smol_deadline deadline, int interrupt_fd, struct smol_err *err);
void smol_client_close(struct smol_client *c); /* NULL is fine */
/* Has the guest taken the connection? */
bool smol_client_is_connected(const struct smol_client *c);
/*
 * Whom to ask when a wait is over and nothing has come: for how many ms more to wait, because the
 * VM stood still meanwhile; 0: not. None (NULL) to begin with. Of use where a request may take
 * longer than a pause: exec, attach, files, op WAIT.
 */
void smol_client_set_patience(struct smol_client *c, int64_t (*more)(void *ctx), void *ctx);

/*
 * One request, one reply line. Returns the result object (caller deletes) or NULL. A closed
 * connection after CONNECT without "OK" is SMOL_E_REFUSED (the guest refuses the port); a reply
 * line longer than SMOL_LINE_MAX is SMOL_E_PROTOCOL. For a one-shot exec, and for op WAIT, the wait
 * is never shorter than the request's own timeout plus SMOL_IO_MARGIN_MS, and unlimited where it
 * has none.
 */
cJSON *smol_client_call(struct smol_client *c, const struct smol_request *r, smol_deadline deadline,
    struct smol_err *err);

/*
 * The same for one who asks many at once: _begin() sends the request, and with the descriptor ready
 * as _wants() says, _step() gives 1 with *reply (caller deletes), 0 when it has not come yet, or
 * -1. When to stop waiting is the caller's.
 */
int smol_client_begin(struct smol_client *c, const struct smol_request *r, struct smol_err *err);
void smol_client_wants(const struct smol_client *c, struct pollfd *p);
int smol_client_step(struct smol_client *c, short revents, cJSON **reply, struct smol_err *err);

/* What goes in and out while a command runs. */
struct smol_exec_io {
	int stdin_fd; /* sent as STDIN frames, EOF as STDIN_EOF; -1: no stdin */
	/* Output (STDOUT or STDERR), in order, as soon as it comes: a piece is at most a frame
	 * and may be a part of one. -1 with errno ends the exec with an error (SMOL_E_IO; EPIPE
	 * means that our own reader has gone), and the command with SIGPIPE unless it was EINTR. */
	int (*output)(void *ctx, enum smol_frame_type stream, const char *data, size_t n);
	/* May be NULL. n bytes that were read from stdin_fd and are to be sent: how many of them
	 * (from the first on) do go; with *detach smol_client_detach() behind them. n is 0: stdin
	 * has ended, which the command is told unless *detach. */
	size_t (*input)(void *ctx, char *data, size_t n, bool *detach);
	/* May be NULL. The reply has come: the command is a job of this id (0: an agent that
	 * knows no jobs). */
	void (*started)(void *ctx, int64_t job);
	/* May be NULL. So many bytes of output are no longer held; what comes next is behind
	 * them. */
	void (*gap)(void *ctx, uint64_t bytes);
	/* When wake_fd (or -1) becomes readable, wake() is called; it may use
	 * smol_client_send_signal(), _resize() and _detach(). -1 gives up with
	 * SMOL_E_INTERRUPTED: the job goes on without us, its stdin ended. */
	int wake_fd;
	int (*wake)(void *ctx, struct smol_client *c);
	void *ctx;
};

/*
 * Run a command in the stream form and wait for its exit (r->stream and r->want_stdin do not
 * matter: stdin is wanted where io->stdin_fd is not -1, and read only once the command runs). The
 * reply line has to come within SMOL_IO_TIMEOUT_MS; the end within the command's own timeout plus
 * SMOL_IO_MARGIN_MS where it has one, else never. 0 with *result; 1 when wake() has detached: the
 * job goes on, its stdin open; or -1.
 */
int smol_client_exec(struct smol_client *c, const struct smol_exec_request *r,
    const struct smol_exec_io *io, struct smol_exec_result *result, struct smol_err *err);

/*
 * The same for a job that runs already, or is over: what is held of its output, from j->from or
 * the oldest on, then what comes. Who was attached before is told and detached. j->want_stdin does
 * not matter: see smol_client_exec().
 */
int smol_client_attach(struct smol_client *c, const struct smol_job_request *j,
    const struct smol_exec_io *io, struct smol_exec_result *result, struct smol_err *err);
/* Start a command with nobody attached. 0 with the job's id, or -1. */
int smol_client_start(
    struct smol_client *c, const struct smol_exec_request *r, int64_t *job, struct smol_err *err);
/* Where the output of the last exec or attach on this connection went on when it ended: what to
 * attach from later. */
uint64_t smol_client_position(const struct smol_client *c);

/* Only while smol_client_exec() or _attach() runs, from wake(). 0 or -1. */
int smol_client_send_signal(struct smol_client *c, int signum);
int smol_client_send_resize(struct smol_client *c, uint16_t rows, uint16_t cols);
/* Leave the job running and return, once the agent has confirmed it, with 1. */
int smol_client_detach(struct smol_client *c);

static inline void smol_auto_client_fn(struct smol_client **c)
{
	smol_client_close(*c);
}

#endif
