/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The monitor's side of the vsock: the agent connects to the host's ready port and says one line,
 * {"ready":true,…}, each time it has started; no polling, at boot or ever. (The other way round:
 * tell.c.) All that comes from there is hostile: bounded, and at worst ignored.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "monitor/monitor.h"
#include "vsock/dial.h"

#define LINE_MAX_BYTES 4096

struct smol_ready_conn {
	struct smol_watch watch;
	int fd;
	struct smol_buf in;
	struct smol_monitor_state *m;
	struct smol_ready_conn *next;
};

static void drop(struct smol_ready_conn *c)
{
	struct smol_ready_conn **p = &c->m->ready_conns;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->m->nready--;
	smol_buf_free(&c->in);
	smol_watch_stop_free(&c->watch, c);
	close(c->fd);
}

static void copy_escaped(const cJSON *j, const char *key, char *out, size_t n)
{
	const char *s = smol_json_str(j, key);
	smol_auto_free char *safe = s ? smol_escape(s, strnlen(s, n / 4)) : NULL;

	if (safe)
		snprintf(out, n, "%s", safe);
}

static void take_note(struct smol_monitor_state *m, const char *line, size_t n)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, n, NULL);

	if (!j || !smol_json_bool(j, "ready", false))
		return;
	copy_escaped(j, "agent", m->agent_version, sizeof(m->agent_version));
	copy_escaped(j, "kernel", m->guest_kernel, sizeof(m->guest_kernel));
	smol_machine_ready(m);
}

static void on_note(void *ctx)
{
	struct smol_ready_conn *c = ctx;
	ssize_t n = read(c->fd, smol_buf_reserve(&c->in, 1024), 1024);
	char *line;
	size_t len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		smol_buf_commit(&c->in, (size_t)n);
	line = smol_buf_len(&c->in) ? smol_buf_line(&c->in, &len) : NULL;
	if (line)
		take_note(c->m, line, len);
	if (line || n <= 0 || smol_buf_len(&c->in) > LINE_MAX_BYTES)
		drop(c);
}

static void on_connect(void *ctx)
{
	struct smol_monitor_state *m = ctx;
	int fd = accept4(m->ready_sock.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct smol_ready_conn *c, *oldest;

	if (fd < 0)
		return;
	if (!smol_vsock_is_ours(m, fd)) {
		close(fd);
		return;
	}
	/* One that says nothing must not keep the next one out. */
	if (m->nready >= SMOL_READY_MAX) {
		for (oldest = m->ready_conns; oldest->next; oldest = oldest->next)
			;
		drop(oldest);
	}
	c = smol_alloc(sizeof(*c));
	c->fd = fd;
	c->m = m;
	c->next = m->ready_conns;
	m->ready_conns = c;
	m->nready++;
	smol_watch_start(&m->loop, &c->watch, fd, on_note, c);
}

void smol_guest_begin(struct smol_monitor_state *m)
{
	if (m->ready_sock.fd >= 0)
		smol_watch_start(&m->loop, &m->ready_watch, m->ready_sock.fd, on_connect, m);
}

void smol_guest_end(struct smol_monitor_state *m)
{
	smol_watch_stop(&m->ready_watch);
	while (m->ready_conns)
		drop(m->ready_conns);
}
