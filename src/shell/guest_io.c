/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes in and out of a guest command. Output goes straight to descriptors 1 and 2 as it comes:
 * raw where they are no terminals or with --raw, else through a filter. On a terminal of its own
 * (-t) every key goes to the guest but the one that detaches.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/guest_impl.h"
#include "shell/output.h"
#include "shell/tty.h"

#define MARK	 "\033[31m"
#define MARK_END "\033[0m"

static void send_size(struct smol_guest_io *r)
{
	uint16_t rows, cols;

	smol_tty_size(&rows, &cols);
	smol_client_send_resize(r->client, rows, cols);
}

/* Is the job to go on when our terminal has gone? The screen wants that of its panes' commands. */
static bool outlives_terminal(void)
{
	const char *on_hangup = getenv("SMOLSH_ON_HANGUP");

	return on_hangup && strcmp(on_hangup, "detach") == 0;
}

/* Our terminal has gone: the job goes on, its stdin open. What it still prints is nobody's. */
static void let_go(struct smol_guest_io *r)
{
	if (!r->let_go)
		smol_client_detach(r->client);
	r->let_go = true;
}

/* What the job is told when we go. A shell on a terminal would not heed SIGTERM; that its terminal
 * has gone it does. */
static void pass_on(struct smol_guest_io *r, int sig)
{
	/* Somebody else's job goes on without us. */
	if (r->g->attach)
		return;
	smol_client_send_signal(r->client, r->g->tty ? SIGHUP : sig);
	/* It may not heed it. A VM of its own ends it. */
	if (r->job && sig == SIGTERM && !r->g->vm->ephemeral)
		smol_out_notice(r->g->sh,
		    "terminated; job %lld of VM '%s' was told, and may go on; try: smolsh jobs %s",
		    (long long)r->job, r->g->vm->name, r->g->vm->name);
}

/* Ctrl-C: interrupt, then terminate, then kill and leave; leave at once where the guest has not
 * even taken the connection (should it do so later the signal comes with the request). SIGTERM and
 * SIGHUP: pass on and leave. */
static int on_signals(struct smol_guest_io *r)
{
	static const int steps[] = {SIGINT, SIGTERM, SIGKILL};
	int sig;

	while ((sig = smol_signals_take(r->g->signals))) {
		if (sig == SIGWINCH) {
			send_size(r);
			continue;
		}
		if (sig == SIGHUP && outlives_terminal()) {
			let_go(r);
			continue;
		}
		if (sig != SIGINT) {
			pass_on(r, sig);
			r->leave = 128 + sig;
			return -1;
		}
		if (r->presses < 3)
			smol_client_send_signal(r->client, steps[r->presses++]);
		if (r->presses == 3 || !smol_client_is_connected(r->client)) {
			r->leave =
			    smol_err_exit_code(&(struct smol_err){.code = SMOL_E_INTERRUPTED});
			return -1;
		}
	}
	return 0;
}

int smol_guest_on_wake(void *ctx, struct smol_client *c)
{
	(void)c;
	return on_signals(ctx);
}

/* Not smol_io_write_all(): a reader that has stopped must not keep Ctrl-C from working. */
static int put(struct smol_guest_io *r, int fd, const char *data, size_t n)
{
	while (n && !r->let_go) {
		ssize_t w = write(fd, data, n);

		if (w >= 0) {
			data += w;
			n -= (size_t)w;
			continue;
		}
		if (errno == EIO && r->client && outlives_terminal()) {
			let_go(r); /* a signal says so, too, but may come later */
			continue;
		}
		if (errno == EPIPE)
			r->reader_gone = true;
		if (errno != EINTR && errno != EAGAIN) {
			r->write_failed = true;
			return -1;
		}
		if (errno == EAGAIN) {
			struct pollfd p[] = {{.fd = fd, .events = POLLOUT},
			    {.fd = r->g->signals->fd, .events = POLLIN}};

			poll(p, 2, -1);
		}
		if (on_signals(r) < 0) {
			errno = EINTR;
			return -1;
		}
	}
	return 0;
}

/* A line of JSON, deleted; as put(). */
static int put_line(struct smol_guest_io *r, cJSON *line)
{
	smol_auto_json cJSON *j = line;
	smol_auto_free char *text = smol_json_print(j);
	smol_auto_buf struct smol_buf b = {0};

	smol_buf_printf(&b, "%s\n", text);
	return put(r, STDOUT_FILENO, smol_buf_head(&b), smol_buf_len(&b));
}

static int put_json(
    struct smol_guest_io *r, struct smol_guest_stream *s, const char *data, size_t n)
{
	cJSON *j;

	if (!n)
		return 0;
	j = cJSON_CreateObject();
	smol_json_add_str(j, "stream", s->name);
	smol_json_add_bytes(j, "data", data, n);
	return put_line(r, j);
}

int smol_guest_on_output(void *ctx, enum smol_frame_type type, const char *data, size_t n)
{
	struct smol_guest_io *r = ctx;
	struct smol_guest_stream *s = type == SMOL_FRAME_STDERR ? &r->err : &r->out;
	smol_auto_buf struct smol_buf b = {0};

	smol_spinner_stop(r->g->spinner);
	if (r->g->tty) {
		if (r->raw)
			return put(r, s->fd, data, n);
		smol_filter_tty(&r->tty, data, n, &b);
		return put(r, s->fd, smol_buf_head(&b), smol_buf_len(&b));
	}
	if (r->g->sh->json) {
		smol_filter_utf8(&s->filter, data, n, &b);
		return put_json(r, s, smol_buf_head(&b), smol_buf_len(&b));
	}
	if (!s->filtered)
		return put(r, s->fd, data, n);
	if (s->marked)
		smol_buf_puts(&b, MARK);
	smol_filter_terminal(&s->filter, data, n, &b);
	if (s->marked)
		smol_buf_puts(&b, MARK_END);
	return put(r, s->fd, smol_buf_head(&b), smol_buf_len(&b));
}

/* A terminal that has gone is at its end, too, but not as one on which somebody pressed Ctrl-D. */
static bool terminal_has_gone(int fd)
{
	struct termios t;

	return tcgetattr(fd, &t) < 0 && errno == EIO;
}

/* On a terminal keys in front of the one that detaches still go to the guest. */
size_t smol_guest_on_input(void *ctx, char *data, size_t n, bool *detach)
{
	struct smol_guest_io *r = ctx;
	char *key = r->g->tty && r->detach_key >= 0 ? memchr(data, r->detach_key, n) : NULL;

	if (!n && outlives_terminal() && terminal_has_gone(STDIN_FILENO)) {
		let_go(r);
		*detach = true;
		return 0;
	}
	*detach = key != NULL;
	return key ? (size_t)(key - data) : n;
}

void smol_guest_on_started(void *ctx, int64_t job)
{
	struct smol_guest_io *r = ctx;

	r->job = job;
	if (!r->g->tty)
		return;
	smol_spinner_stop(r->g->spinner);
	smol_tty_raw();
	/* One that was started elsewhere has the size of the terminal there. */
	if (r->g->attach)
		send_size(r);
}

void smol_guest_on_gap(void *ctx, uint64_t bytes)
{
	struct smol_guest_io *r = ctx;
	bool was_raw = smol_tty_is_raw();
	char text[16];

	if (r->g->sh->json) {
		cJSON *j = cJSON_CreateObject();

		smol_json_add_int(j, "gap", (int64_t)bytes);
		put_line(r, j);
		return;
	}
	smol_size_text(bytes, text);
	smol_tty_restore();
	smol_out_notice(r->g->sh, "%s of output are no longer held", text);
	if (was_raw)
		smol_tty_raw();
}

/* What the filters still hold, once no more can come. */
void smol_guest_end_streams(struct smol_guest_io *r)
{
	struct smol_guest_stream *const streams[] = {&r->out, &r->err};

	if (smol_tty_is_raw()) {
		smol_auto_buf struct smol_buf b = {0};

		smol_filter_tty_end(&r->tty, &b);
		if (!r->raw)
			put(r, STDOUT_FILENO, smol_buf_head(&b), smol_buf_len(&b));
		smol_tty_restore();
	}
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(streams); i++) {
		struct smol_guest_stream *s = streams[i];
		smol_auto_buf struct smol_buf b = {0};

		smol_filter_end(&s->filter, s->filtered, &b);
		if (!smol_buf_len(&b))
			continue;
		if (r->g->sh->json)
			put_json(r, s, smol_buf_head(&b), smol_buf_len(&b));
		else
			put(r, s->fd, smol_buf_head(&b), smol_buf_len(&b));
	}
}
