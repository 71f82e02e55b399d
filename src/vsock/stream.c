/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command in the stream form: see client.h. Output goes to its taker in the pieces in which it
 * comes, straight from the buffer; only a frame that is looked into is waited for as a whole.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "vsock/client_impl.h"

#define STDIN_CHUNK (64 * 1024)
#define OUT_BOUND   (256 * 1024) /* stdin is not read beyond it */
#define THE_END	    "the command did"
#define SPILL_MS    1000 /* for a command to end whose output nobody takes */

struct run {
	struct smol_client *c;
	const struct smol_exec_io *io;
	struct smol_exec_result *result;
	int64_t timeout_ms;
	smol_deadline deadline;
	bool replied, done, detached;
	int spilt; /* errno: the taker of the output has failed */
	bool stdin_open;
	uint64_t sent, window; /* positions in stdin */
	struct smol_frame frame;
	uint32_t left; /* bytes of the output frame that have not come yet */
};

static int protocol(struct run *r, struct smol_err *err, const char *what)
{
	r->c->broken = true;
	return smol_err_set(err, SMOL_E_PROTOCOL, "the agent sent %s", what);
}

static void queue_frame(
    struct smol_client *c, unsigned type, uint64_t seq, const void *payload, uint32_t n)
{
	struct smol_frame f = {.type = type, .length = n, .seq = seq};

	smol_frame_encode(&f, (unsigned char *)smol_buf_reserve(&c->out, SMOL_FRAME_HEADER + n));
	smol_buf_commit(&c->out, SMOL_FRAME_HEADER);
	smol_buf_append(&c->out, payload, n);
}

int smol_client_send_signal(struct smol_client *c, int signum)
{
	unsigned char payload[4];

	smol_put_le32(payload, (uint32_t)signum);
	queue_frame(c, SMOL_FRAME_SIGNAL, 0, payload, sizeof(payload));
	smol_client_flush(c);
	return c->deaf ? -1 : 0;
}

int smol_client_send_resize(struct smol_client *c, uint16_t rows, uint16_t cols)
{
	unsigned char payload[4];

	smol_put_le32(payload, (uint32_t)cols << 16 | rows);
	queue_frame(c, SMOL_FRAME_RESIZE, 0, payload, sizeof(payload));
	smol_client_flush(c);
	return c->deaf ? -1 : 0;
}

int smol_client_detach(struct smol_client *c)
{
	if (!c->detaching)
		queue_frame(c, SMOL_FRAME_DETACH, 0, NULL, 0);
	c->detaching = true;
	smol_client_flush(c);
	return c->deaf ? -1 : 0;
}

/* What the reply tells of the job: its id, where its output begins, how far its input came. */
static int take_job(struct run *r, const cJSON *j, struct smol_err *err)
{
	int64_t job = 0, from = 0, sent = 0, window = SMOL_STDIN_WINDOW;
	const char *state = smol_json_str(j, "state");

	if (smol_json_int(j, "job", 1, INT64_MAX / 2, &job) < 0 ||
	    smol_json_int(j, "from", 0, INT64_MAX / 2, &from) < 0 ||
	    smol_json_int(j, "stdin_seq", 0, INT64_MAX / 2, &sent) < 0 ||
	    smol_json_int(j, "stdin_window", 0, INT64_MAX / 2, &window) < 0)
		return protocol(r, err, "a reply with numbers out of range");
	r->c->position = (uint64_t)from;
	r->sent = (uint64_t)sent;
	r->window = (uint64_t)window;
	/* One that waits for its turn has its time before it. */
	r->deadline = r->timeout_ms && !(state && strcmp(state, "queued") == 0)
			  ? smol_in_ms(r->timeout_ms + SMOL_IO_MARGIN_MS)
			  : SMOL_NEVER;
	if (r->io->started)
		r->io->started(r->io->ctx, job);
	return 1;
}

static int take_reply(struct run *r, struct smol_err *err)
{
	smol_auto_json cJSON *j = NULL;
	char *line;
	size_t len;
	int got = smol_client_take_line(r->c, &line, &len, err);

	if (got <= 0)
		return got;
	j = smol_reply_from_agent(line, len, err);
	if (!j)
		return -1;
	r->replied = true;
	return take_job(r, j, err);
}

static int take_exit(struct run *r, const char *payload, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse_object(payload, r->frame.length, err);

	if (!j || smol_exec_result_decode(j, r->result, err) < 0) {
		r->c->broken = true;
		return smol_err_wrap(err, "exit frame");
	}
	r->done = true;
	return 0;
}

static int take_gap(struct run *r, struct smol_err *err)
{
	if (r->frame.seq < r->c->position)
		return protocol(r, err, "a gap that goes back");
	if (r->io->gap && r->frame.seq > r->c->position)
		r->io->gap(r->io->ctx, r->frame.seq - r->c->position);
	r->c->position = r->frame.seq;
	return 0;
}

static int take_detach(struct run *r, struct smol_err *err)
{
	if (!r->c->detaching)
		return protocol(r, err, "a DETACH frame that nobody asked for");
	r->detached = r->done = true;
	return 0;
}

static int take_error(struct run *r, const char *payload, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse_object(payload, r->frame.length, NULL);
	const char *text = smol_json_str(j, "error");
	smol_auto_free char *safe = smol_escape(text ? text : "", text ? strnlen(text, 500) : 0);

	r->c->broken = true;
	return smol_err_set(err, smol_code_from_name(smol_json_str(j, "code")), "%s",
	    text ? safe : "the agent gave no reason");
}

/* A frame whose payload is held as a whole. */
static int take_control(struct run *r, const char *payload, struct smol_err *err)
{
	uint64_t window;

	switch (r->frame.type) {
	case SMOL_FRAME_EXIT:
		return take_exit(r, payload, err);
	case SMOL_FRAME_ERROR:
		return take_error(r, payload, err);
	case SMOL_FRAME_GAP:
		return take_gap(r, err);
	case SMOL_FRAME_DETACH:
		return take_detach(r, err);
	case SMOL_FRAME_WINDOW:
		window = smol_get_le64((const unsigned char *)payload);
		r->window = window > r->window ? window : r->window;
		return 0;
	default:
		return protocol(r, err, "a frame that is not for a client");
	}
}

static bool is_output(const struct smol_frame *f)
{
	return f->type == SMOL_FRAME_STDOUT || f->type == SMOL_FRAME_STDERR;
}

/* Nobody takes the output any more. The job would go on without us, so it gets what a pipe would
 * have given it, and a moment to end. */
static void spill(struct run *r, int errnum)
{
	r->spilt = errnum ? errnum : EIO;
	if (errnum != EINTR)
		smol_client_send_signal(r->c, SIGPIPE);
	r->deadline = smol_in_ms(errnum == EINTR ? 0 : SPILL_MS);
}

/* As much of an output frame as is held. */
static int pass_output(struct run *r)
{
	size_t held = smol_buf_len(&r->c->in), n = held < r->left ? held : r->left;

	if (!n)
		return 0;
	if (!r->spilt && r->io->output(r->io->ctx, r->frame.type, smol_buf_head(&r->c->in), n) < 0)
		spill(r, errno);
	smol_buf_consume(&r->c->in, n);
	r->left -= (uint32_t)n;
	r->c->position += n;
	return 1;
}

/* One step on what is held: 1 something was done, 0 more is needed, -1. */
static int step(struct run *r, struct smol_err *err)
{
	struct smol_buf *in = &r->c->in;

	if (!r->replied)
		return take_reply(r, err);
	if (r->left)
		return pass_output(r);
	if (r->done || smol_buf_len(in) < SMOL_FRAME_HEADER)
		return 0;
	if (smol_frame_decode((const unsigned char *)smol_buf_head(in), &r->frame, err) < 0) {
		r->c->broken = true;
		return -1;
	}
	if (is_output(&r->frame)) {
		if (r->frame.seq != r->c->position)
			return protocol(r, err, "output with a piece missing");
		smol_buf_consume(in, SMOL_FRAME_HEADER);
		r->left = r->frame.length;
		return 1;
	}
	if (smol_buf_len(in) < SMOL_FRAME_HEADER + r->frame.length)
		return 0;
	if (take_control(r, smol_buf_head(in) + SMOL_FRAME_HEADER, err) < 0)
		return -1;
	smol_buf_consume(in, SMOL_FRAME_HEADER + r->frame.length);
	return 1;
}

/* Read before the reply came, input would be lost to a command that does not start. */
static bool wants_stdin(const struct run *r)
{
	return r->stdin_open && r->replied && !r->c->detaching && r->sent < r->window &&
	       smol_buf_len(&r->c->out) < OUT_BOUND;
}

static void read_stdin(struct run *r)
{
	uint64_t room = r->window - r->sent;
	size_t want = room < STDIN_CHUNK ? (size_t)room : STDIN_CHUNK;
	struct smol_frame f = {.type = SMOL_FRAME_STDIN, .seq = r->sent};
	char *p = smol_buf_reserve(&r->c->out, SMOL_FRAME_HEADER + want);
	ssize_t n = read(r->io->stdin_fd, p + SMOL_FRAME_HEADER, want);
	bool detach = false;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (r->io->input) {
		bool came = n > 0;

		n = (ssize_t)r->io->input(
		    r->io->ctx, p + SMOL_FRAME_HEADER, came ? (size_t)n : 0, &detach);
		if (came && !n && !detach)
			return;
	}
	if (n > 0) {
		f.length = (uint32_t)n;
		smol_frame_encode(&f, (unsigned char *)p);
		smol_buf_commit(&r->c->out, SMOL_FRAME_HEADER + (size_t)n);
		r->sent += (uint64_t)n;
	}
	if (detach)
		smol_client_detach(r->c);
	if (n > 0 || detach)
		return;
	/* Input that cannot be read (a terminal that is gone) has ended as well. */
	r->stdin_open = false;
	queue_frame(r->c, SMOL_FRAME_STDIN_EOF, 0, NULL, 0);
}

static int wake(struct run *r, struct smol_err *err)
{
	if (r->io->wake(r->io->ctx, r->c) < 0) {
		r->c->broken = true;
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	}
	return 0;
}

/* Wait for whatever comes next, and take it. */
static int await(struct run *r, struct smol_err *err)
{
	const struct smol_exec_io *io = r->io;
	struct smol_client *c = r->c;
	const char *awaited = r->replied ? THE_END : "the guest said that the command began";
	struct pollfd p[3] = {{.fd = c->fd, .events = POLLIN},
	    {.fd = wants_stdin(r) ? io->stdin_fd : -1, .events = POLLIN},
	    {.fd = io->wake_fd, .events = POLLIN}};
	bool was = c->detaching;
	int n;

	if (smol_buf_len(&c->out))
		p[0].events |= POLLOUT;
	n = poll(p, 3, smol_poll_ms(smol_client_until(c, r->deadline)));
	if (n < 0)
		return errno == EINTR ? 0 : smol_err_errno(err, SMOL_E_IO, errno, "poll");
	if (n == 0)
		return smol_client_too_late(c, &r->deadline, awaited, err);
	if (p[2].revents && wake(r, err) < 0)
		return -1;
	if (p[1].revents)
		read_stdin(r);
	if (c->detaching && !was)
		r->deadline = smol_in_ms(SMOL_IO_TIMEOUT_MS);
	smol_client_flush(c);
	if (p[0].revents & ~POLLOUT)
		return smol_client_fill(c, awaited, err);
	return 0;
}

static int run(struct run *r, struct smol_err *err)
{
	int did;

	while (!r->done) {
		do {
			did = step(r, err);
		} while (did > 0);
		if (did < 0 || (!r->done && await(r, err) < 0))
			return -1;
	}
	return r->detached;
}

/* Ask, and follow to the end. */
static int follow(struct run *r, const struct smol_request *q, struct smol_err *err)
{
	int rc;

	r->c->detaching = false;
	r->c->position = 0;
	if (smol_client_queue(r->c, q, err) < 0)
		return -1;
	smol_client_flush(r->c);
	r->deadline = smol_in_ms(SMOL_IO_TIMEOUT_MS);
	rc = run(r, err);
	if (!r->spilt)
		return rc;
	r->c->broken = true;
	return smol_err_errno(err, SMOL_E_IO, r->spilt, "writing the command's output");
}

int smol_client_exec(struct smol_client *c, const struct smol_exec_request *e,
    const struct smol_exec_io *io, struct smol_exec_result *result, struct smol_err *err)
{
	struct smol_request req = {.op = SMOL_OP_EXEC, .exec = *e}; /* borrows all of it */
	struct run r = {.c = c,
	    .io = io,
	    .result = result,
	    .timeout_ms = e->timeout_ms,
	    .stdin_open = io->stdin_fd >= 0};

	req.exec.stream = true;
	req.exec.detach = false;
	req.exec.want_stdin = io->stdin_fd >= 0;
	return follow(&r, &req, err);
}

int smol_client_attach(struct smol_client *c, const struct smol_job_request *j,
    const struct smol_exec_io *io, struct smol_exec_result *result, struct smol_err *err)
{
	struct smol_request req = {.op = SMOL_OP_ATTACH, .job = *j};
	struct run r = {.c = c, .io = io, .result = result, .stdin_open = io->stdin_fd >= 0};

	req.job.want_stdin = io->stdin_fd >= 0;
	return follow(&r, &req, err);
}
