/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection: see conn.h. Sockets are watched edge-triggered: what an event reported is
 * remembered in `readable` and `writable` until the kernel says EAGAIN. */
#include "agent/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "agent/files.h"
#include "agent/job.h"
#include "agent/ops.h"
#include "agent/relay.h"
#include "base/auto.h"
#include "base/text.h"
#include "proto/frame.h"
#include "proto/request.h"

#define READ_SMALL    4096
#define READ_MEDIUM   (32 * 1024) /* of much, where memory is short */
#define READ_LARGE    (256 * 1024)
#define HANDSHAKE_MAX 64	  /* bytes of a CONNECT line */
#define HOLD_MS	      10	  /* how long a stream's reply line waits for company */
#define LINGER_MS     1000	  /* for a peer to take a last reply */
#define KEEP	      (64 * 1024) /* an idle connection keeps no larger buffer */
#define SENDS	      8		  /* of a round, so that others get their turn */

static void on_event(struct smol_watch *w, uint32_t events)
{
	struct smol_conn *c = smol_container(w, struct smol_conn, watch);

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->hangup = c->probe = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		c->writable = true;
	smol_server_mark(c->server, c);
}

static void on_timer(struct smol_timer *t)
{
	struct smol_conn *c = smol_container(t, struct smol_conn, timer);

	if (c->state == SMOL_CONN_CLOSING) {
		smol_conn_drop(c);
		return;
	}
	if (c->state == SMOL_CONN_WAITING) {
		smol_jobs_late(c);
		return;
	}
	c->holding = false;
	smol_server_mark(c->server, c);
}

struct smol_conn *smol_conn_new(struct smol_server *s, int fd, bool refuse)
{
	struct smol_conn *c = smol_alloc(sizeof(*c));

	c->watch = (struct smol_watch){.fd = fd, .fn = on_event};
	c->timer.fn = on_timer;
	c->server = s;
	c->state = s->cfg->unix_path ? SMOL_CONN_HANDSHAKE : SMOL_CONN_IDLE;
	c->refused = refuse;
	c->writable = true;
	if (smol_loop_add(&s->loop, &c->watch, EPOLLIN | EPOLLRDHUP | EPOLLET) < 0) {
		close(fd);
		free(c);
		return NULL;
	}
	c->next = s->conns;
	if (c->next)
		c->next->link = &c->next;
	c->link = &s->conns;
	s->conns = c;
	s->nconns++;
	return c;
}

void smol_conn_drop(struct smol_conn *c)
{
	if (c->state == SMOL_CONN_DEAD)
		return;
	c->state = SMOL_CONN_DEAD;
	smol_timer_stop(&c->timer);
	if (c->job)
		smol_job_abandon(c->job);
	c->awaits = NULL;
	smol_relay_abandon(c);
	smol_agent_files_abandon(c);
	smol_loop_close_watch(&c->server->loop, &c->watch);
	smol_buf_free(&c->in);
	smol_buf_free(&c->out);
	smol_server_release(c->server, &c->ahead);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	smol_server_conn_gone(c->server, c);
	if (!c->dirty)
		smol_loop_free_later(&c->server->loop, c);
}

void smol_conn_finish(struct smol_conn *c)
{
	if (c->state == SMOL_CONN_DEAD || c->state == SMOL_CONN_CLOSING)
		return;
	c->state = SMOL_CONN_CLOSING;
	c->holding = false;
	smol_timer_set(&c->server->loop, &c->timer, LINGER_MS);
	smol_server_mark(c->server, c);
}

void smol_conn_reply(struct smol_conn *c, cJSON *j)
{
	smol_auto_json cJSON *owned = j;
	smol_auto_free char *text = smol_json_print(owned);

	smol_buf_puts(&c->out, text);
	smol_buf_append(&c->out, "\n", 1);
}

void smol_conn_fail(struct smol_conn *c, const struct smol_err *err)
{
	smol_conn_reply(c, smol_reply_failure(err));
}

void smol_conn_frame(
    struct smol_conn *c, unsigned type, uint64_t seq, const void *payload, size_t n)
{
	struct smol_frame f = {.type = type, .length = (uint32_t)n, .seq = seq};

	smol_frame_encode(&f, (unsigned char *)smol_buf_reserve(&c->out, SMOL_FRAME_HEADER + n));
	smol_buf_commit(&c->out, SMOL_FRAME_HEADER);
	smol_buf_append(&c->out, payload, n);
	c->holding = false;
}

void smol_conn_hold(struct smol_conn *c)
{
	c->holding = true;
	smol_timer_set(&c->server->loop, &c->timer, HOLD_MS);
}

void smol_conn_job_done(struct smol_conn *c)
{
	c->job = NULL;
	if (c->state == SMOL_CONN_JOB)
		c->state = SMOL_CONN_IDLE;
	c->bulk = false;
	c->holding = false;
}

/* Nobody will read what we send: a send of nothing tells, without waiting for a reply to try it
 * with. A peer that has only stopped sending passes. */
static bool is_gone(const struct smol_conn *c)
{
	return send(c->watch.fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN;
}

static void at_eof(struct smol_conn *c)
{
	c->eof = true;
	c->readable = c->probe = false;
	if (is_gone(c))
		smol_conn_drop(c);
	else if (c->job)
		smol_job_input_cut(c->job);
}

/* May more be read now, given what is held already? */
static bool wants_input(const struct smol_conn *c)
{
	size_t held = smol_buf_len(&c->in);

	if (!c->readable || c->eof || c->state == SMOL_CONN_DEAD)
		return false;
	if (c->state == SMOL_CONN_CLOSING)
		return true;
	if (c->state == SMOL_CONN_RELAY)
		return false; /* the relay reads */
	if (c->state == SMOL_CONN_FILES)
		return held < SMOL_FRAME_HEADER + SMOL_FRAME_MAX;
	if (c->state == SMOL_CONN_JOB)
		return held < SMOL_CONN_IN_BOUND + SMOL_FRAME_HEADER + SMOL_FRAME_MAX &&
		       !(c->job && smol_job_input_full(c->job));
	return held < SMOL_LINE_MAX + 1;
}

void smol_conn_grow(struct smol_conn *c)
{
	uint64_t size = SMOL_CONN_AHEAD_MOST;

	if (!c->ahead && smol_server_hold(c->server, &c->ahead, SMOL_CONN_AHEAD_MOST) &&
	    !c->server->cfg->unix_path)
		setsockopt(c->watch.fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size));
}

static void read_some(struct smol_conn *c)
{
	size_t want = !c->bulk ? READ_SMALL : c->ahead ? READ_LARGE : READ_MEDIUM;
	char trash[READ_SMALL], *to = trash;
	ssize_t n;

	if (c->state == SMOL_CONN_CLOSING)
		want = READ_SMALL;
	else
		to = smol_buf_reserve(&c->in, want);
	n = read(c->watch.fd, to, want);
	if (n < 0) {
		if (errno == EINTR)
			return;
		c->readable = false;
		if (errno != EAGAIN)
			smol_conn_drop(c);
		return;
	}
	if (n == 0) {
		at_eof(c);
		return;
	}
	if (c->state != SMOL_CONN_CLOSING)
		smol_buf_commit(&c->in, (size_t)n);
	if ((size_t)n == want) {
		c->bulk = true;
		smol_conn_grow(c);
	}
	/* Less than asked for: it is empty now, and news will be reported. An end that was
	 * reported together with these bytes will not be. */
	if ((size_t)n < want && !c->hangup)
		c->readable = false;
}

/* The next whole line, NULL where there is none yet. *too_long: there will be none. */
static char *next_line(struct smol_conn *c, size_t max, size_t *len, bool *too_long)
{
	size_t held = smol_buf_len(&c->in);

	*too_long = false;
	if (held > c->scanned &&
	    memchr(smol_buf_head(&c->in) + c->scanned, '\n', held - c->scanned)) {
		c->scanned = 0;
		return smol_buf_line(&c->in, len);
	}
	c->scanned = held;
	*too_long = held >= max;
	return NULL;
}

static void refuse_line(struct smol_conn *c, enum smol_code code, const char *what, size_t max)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	smol_err_set(&err, code, "%s longer than %zu bytes", what, max);
	smol_conn_fail(c, &err);
	smol_conn_finish(c);
}

static bool handshake(struct smol_conn *c)
{
	bool too_long;
	int64_t port;
	size_t len;
	char *line = next_line(c, HANDSHAKE_MAX, &len, &too_long);

	if (!line && !too_long)
		return false;
	if (too_long || strncmp(line, "CONNECT ", 8) != 0 ||
	    smol_parse_int(line + 8, 1, UINT32_MAX - 1, &port) < 0) {
		smol_conn_drop(c);
		return false;
	}
	smol_buf_printf(&c->out, "OK %u\n", 1024U + (unsigned)c->watch.fd);
	c->state = SMOL_CONN_IDLE;
	return true;
}

/* Frames that a client sent before it knew that its job was over: passed over. */
static bool skip_stale_frame(struct smol_conn *c)
{
	struct smol_frame f;

	if (smol_buf_len(&c->in) < SMOL_FRAME_HEADER)
		return false;
	if (smol_frame_decode((unsigned char *)smol_buf_head(&c->in), &f, NULL) < 0) {
		smol_conn_drop(c);
		return false;
	}
	if (smol_buf_len(&c->in) < SMOL_FRAME_HEADER + f.length)
		return false;
	smol_buf_consume(&c->in, SMOL_FRAME_HEADER + f.length);
	return true;
}

static bool is_frame_byte(char b)
{
	return b == SMOL_FRAME_STDIN || b == SMOL_FRAME_STDIN_EOF || b == SMOL_FRAME_RESIZE ||
	       b == SMOL_FRAME_SIGNAL || b == SMOL_FRAME_DETACH;
}

static bool take_request(struct smol_conn *c)
{
	bool too_long;
	size_t len;
	char *line;

	if (c->refused) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		smol_err_set(&err, SMOL_E_LIMIT_CONNECTIONS,
		    "too many connections at once (limit connections, %d)",
		    (int)c->server->cfg->limits.connections);
		smol_conn_fail(c, &err);
		smol_conn_finish(c);
		return false;
	}
	/* Who does not take replies gets no more of them. */
	if (!smol_conn_has_room(c) || !smol_buf_len(&c->in))
		return false;
	if (c->streamed && !c->scanned && is_frame_byte(*smol_buf_head(&c->in)))
		return skip_stale_frame(c);
	line = next_line(c, SMOL_LINE_MAX, &len, &too_long);
	if (too_long || (line && len >= SMOL_LINE_MAX)) {
		refuse_line(c, SMOL_E_LIMIT, "a request", SMOL_LINE_MAX);
		return false;
	}
	if (!line)
		return false;
	if (len)
		smol_ops_handle(c, line, len);
	return true;
}

static bool take_frame(struct smol_conn *c)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *head = smol_buf_len(&c->in) ? smol_buf_head(&c->in) : NULL;
	struct smol_frame f;

	if (!c->job || !smol_job_takes_frames(c->job) || smol_job_input_full(c->job) ||
	    smol_buf_len(&c->in) < SMOL_FRAME_HEADER)
		return false;
	if (smol_frame_decode((const unsigned char *)head, &f, &err) == 0) {
		if (smol_buf_len(&c->in) < SMOL_FRAME_HEADER + f.length)
			return false;
		if (smol_job_frame(c->job, &f, head + SMOL_FRAME_HEADER, &err) == 0) {
			smol_buf_consume(&c->in, SMOL_FRAME_HEADER + f.length);
			return true;
		}
	}
	{
		smol_auto_json cJSON *j = smol_reply_failure(&err);
		smol_auto_free char *text = smol_json_print(j);

		smol_job_disown(c->job);
		smol_conn_frame(c, SMOL_FRAME_ERROR, 0, text, strlen(text));
		smol_conn_finish(c);
	}
	return false;
}

static bool process(struct smol_conn *c)
{
	switch (c->state) {
	case SMOL_CONN_HANDSHAKE:
		return handshake(c);
	case SMOL_CONN_IDLE:
		return take_request(c);
	case SMOL_CONN_JOB:
		return take_frame(c);
	case SMOL_CONN_FILES:
		return smol_agent_files_take(c);
	default:
		return false;
	}
}

void smol_conn_watch_out(struct smol_conn *c)
{
	if (c->out_watched)
		return;
	c->out_watched = true;
	smol_loop_modify(&c->server->loop, &c->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

static void is_full(struct smol_conn *c)
{
	c->writable = false;
	smol_conn_watch_out(c);
}

/* A send has failed. */
static void send_failed(struct smol_conn *c)
{
	if (errno == EINTR)
		c->server->loop.again = true;
	else if (errno == EAGAIN)
		is_full(c);
	else if (errno == ENOMEM || errno == ENOBUFS)
		smol_server_send_again(c->server, c);
	else
		smol_conn_drop(c);
}

/* True when the buffer is empty now. */
static bool flush_buffer(struct smol_conn *c)
{
	size_t held = smol_buf_len(&c->out);
	ssize_t n;

	if (!held)
		return true;
	n = send(c->watch.fd, smol_buf_head(&c->out), held, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0) {
		send_failed(c);
		return false;
	}
	smol_buf_consume(&c->out, (size_t)n);
	/* Cut short, because it is full or memory has run out: the next send tells. */
	if ((size_t)n == held && c->timer.link && c->state != SMOL_CONN_CLOSING &&
	    c->state != SMOL_CONN_WAITING)
		smol_timer_stop(&c->timer);
	return (size_t)n == held;
}

/* What is queued and, behind it, a job's output that is sent straight from its rings. */
static void flush(struct smol_conn *c)
{
	for (int i = 0; i < SENDS && c->writable && !c->holding && c->state != SMOL_CONN_DEAD;
	     i++) {
		ssize_t n;

		if (!(c->job && smol_job_mid_frame(c->job)) && !flush_buffer(c))
			return;
		n = c->job ? smol_job_send(c->job, c->watch.fd) : 0;
		if (n < 0) {
			send_failed(c);
			return;
		}
		if (n == 0)
			break;
	}
	if (c->state == SMOL_CONN_DEAD)
		return;
	if (!smol_buf_len(&c->out) && !c->job && !c->files && c->out.cap > KEEP)
		smol_buf_free(&c->out);
	if (!smol_buf_len(&c->in) && !c->job && !c->files && c->in.cap > KEEP)
		smol_buf_free(&c->in);
}

/* Is it over? A closing connection waits, its time limited, until the peer has taken the last
 * reply and closed: closing with input unread could cost the peer that reply. */
static bool is_over(const struct smol_conn *c)
{
	if (smol_buf_len(&c->out))
		return false;
	if (c->state == SMOL_CONN_CLOSING)
		return c->eof || c->refused;
	return c->eof && c->state != SMOL_CONN_JOB && c->state != SMOL_CONN_WAITING;
}

void smol_conn_serve(struct smol_conn *c)
{
	bool more = false;

	while (process(c))
		;
	/* Files are worked on as they come: the others have their turn sooner. */
	for (int i = c->files ? 3 : 0; i < 4 && wants_input(c); i++) {
		read_some(c);
		while (process(c))
			;
	}
	/* A client that went while its job takes no input is not noticed by reading. */
	if (c->probe && c->job) {
		c->probe = false;
		if (is_gone(c))
			smol_conn_drop(c);
	}
	if (c->job)
		smol_job_serve(c->job);
	else if (c->files)
		more = smol_agent_files_serve(c);
	/* The job's end may have made room for the next request. */
	while (process(c))
		;
	flush(c);
	if (c->state == SMOL_CONN_RELAY)
		smol_relay_serve(c);
	if (c->state == SMOL_CONN_DEAD || c->state == SMOL_CONN_RELAY)
		return;
	if (is_over(c)) {
		smol_conn_drop(c);
		return;
	}
	if (wants_input(c) || (c->writable && smol_buf_len(&c->out) && !c->holding) ||
	    (c->job && smol_job_has_more(c->job, c->writable && !c->holding)) ||
	    (more && smol_conn_has_room(c))) {
		smol_server_mark(c->server, c);
		c->server->loop.again = true;
	}
}
