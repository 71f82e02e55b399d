/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent is told something, and what it answers is told to whoever did it. One thing at a time:
 * a second one ends the first. The guest may answer what it likes, late or never; nobody waits for
 * it longer than the deadline.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "monitor/monitor.h"
#include "vsock/dial.h"

#define REPLY_MAX    4096
#define HANDSHAKE_OK "OK "

struct smol_tell {
	struct smol_watch watch;
	int fd;
	char *text; /* to be sent, once it is connected; then NULL */
	struct smol_buf in;
	smol_told_fn done;
	struct smol_monitor_state *m;
};

/* It held the token. */
static void wipe(struct smol_tell *t)
{
	if (t->text)
		explicit_bzero(t->text, strlen(t->text));
	free(t->text);
	t->text = NULL;
}

static void end(struct smol_monitor_state *m, bool ok, const char *words)
{
	smol_told_fn done = m->tell->done;

	smol_guest_tell_end(m);
	done(m, ok, words);
}

static void take_reply(struct smol_monitor_state *m, const char *line, size_t n)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = smol_reply_parse(line, n, &err);

	/* An agent of before it knew of this has nothing to do about it. */
	if (j || err.code == SMOL_E_UNSUPPORTED)
		end(m, true, NULL);
	else
		end(m, false, err.msg);
}

/* It is connected, or cannot be: the request goes in one piece, or not at all. */
static void say(struct smol_tell *t)
{
	size_t len = strlen(t->text);
	ssize_t n = send(t->fd, t->text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)len) {
		end(t->m, false, "it cannot be reached");
		return;
	}
	wipe(t);
	smol_watch_wants(&t->watch, UV_READABLE | UV_DISCONNECT);
}

static void on_event(void *ctx)
{
	struct smol_tell *t = ctx;
	struct smol_monitor_state *m = t->m;
	char *line;
	size_t len;
	ssize_t n;

	if (t->text) {
		say(t);
		return;
	}
	n = read(t->fd, smol_buf_reserve(&t->in, 1024), 1024);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		smol_buf_commit(&t->in, (size_t)n);
	while (smol_buf_len(&t->in) && (line = smol_buf_line(&t->in, &len))) {
		if (strncmp(line, HANDSHAKE_OK, strlen(HANDSHAKE_OK)) == 0)
			continue;
		take_reply(m, line, len);
		return;
	}
	if (n <= 0)
		end(m, false, "the connection ended");
	else if (smol_buf_len(&t->in) > REPLY_MAX)
		end(m, false, "its answer is too long");
}

static void on_late(uv_timer_t *timer)
{
	struct smol_monitor_state *m = timer->data;

	if (m->tell)
		end(m, false, "no answer");
}

/* The request, behind the handshake where there is one; NULL: it cannot be made. */
static char *text_of(const struct smol_monitor_state *m, const struct smol_request *request,
    const struct smol_vsock_addr *addr)
{
	struct smol_request r = *request; /* borrows all of it */
	char *line;

	r.token = m->vm->token;
	line = smol_request_encode(&r, NULL);
	if (line && addr->kind == SMOL_VSOCK_UNIX) {
		smol_auto_free char *bare = line;

		line = smol_asprintf("CONNECT %u\n%s", addr->port, bare);
	}
	return line;
}

void smol_guest_tell_give_up(struct smol_monitor_state *m)
{
	/* Who hears of it may have something to tell, too. */
	while (m->tell)
		end(m, false, "something else came in between");
}

void smol_guest_tell(struct smol_monitor_state *m, const struct smol_request *r,
    int64_t deadline_ms, smol_told_fn done)
{
	smol_auto_close int fd = -1;
	struct smol_vsock_addr addr;
	struct smol_tell *t;
	char *text = NULL;

	smol_guest_tell_give_up(m);
	if (m->vm->config.vsock.enabled && (m->ready || m->restore || m->care.restarts)) {
		smol_vsock_agent_addr(m, &addr);
		fd = smol_vsock_dial_begin(&addr, NULL);
		text = fd < 0 ? NULL : text_of(m, r, &addr);
	}
	if (!text) {
		done(m, false, "it cannot be reached");
		return;
	}
	t = smol_alloc(sizeof(*t));
	*t = (struct smol_tell){.fd = smol_steal_fd(&fd), .text = text, .done = done, .m = m};
	m->tell = t;
	smol_watch_start(&m->loop, &t->watch, t->fd, on_event, t);
	smol_watch_wants(&t->watch, UV_WRITABLE | UV_DISCONNECT);
	uv_timer_start(&m->tell_timer, on_late, (uint64_t)deadline_ms, 0);
}

void smol_guest_tell_begin(struct smol_monitor_state *m)
{
	uv_timer_init(&m->loop, &m->tell_timer);
	m->tell_timer.data = m;
}

void smol_guest_tell_end(struct smol_monitor_state *m)
{
	struct smol_tell *t = smol_steal(&m->tell);

	if (!t)
		return;
	uv_timer_stop(&m->tell_timer);
	wipe(t);
	smol_buf_free(&t->in);
	smol_watch_stop_free(&t->watch, t);
	close(t->fd);
}
