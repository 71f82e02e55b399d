/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pane: see pane.h. */
#include "ui/pane/pane.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/spawn.h"
#include "base/text.h"

#define READ	  (8 * 1024)  /* a pty gives 4 KiB at most */
#define TURN	  (64 * 1024) /* read in a turn of the loop, so that others get theirs */
#define CALM_MS	  500	      /* after a key that is not for a pane's program */
#define CALM_READ (16 * 1024) /* between two drawings, as long as that lasts */
#define GONE_MS	  300	      /* a full-screen program that has left the screen has ended by then */
#define WIDE_COLS 500	      /* of a terminal whose long lines go on beyond the edge */
#define IN_BOUND  (256 * 1024)	/* waiting for the terminal */
#define IN_FLOOD  (32 * 1024)	/* between two drawings: above it the rest waits for the next */
#define TAKE_NS	  (3 * 1000000) /* drawing what has come, at a stretch */
#define LAST_READ (1024 * 1024) /* of a command that has ended; others may hold its terminal */
#define OUT_BOUND (1024 * 1024) /* held for a command that does not read: more is dropped */

static void watch(struct smol_pane *p);

static void flush_out(struct smol_pane *p)
{
	while (p->pty >= 0 && smol_buf_len(&p->out)) {
		ssize_t n = write(p->pty, smol_buf_head(&p->out), smol_buf_len(&p->out));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		smol_buf_consume(&p->out, (size_t)n);
	}
	watch(p);
}

static void on_say(const char *bytes, size_t n, void *ctx)
{
	struct smol_pane *p = ctx;

	if (p->pty < 0 || smol_buf_len(&p->out) + n > OUT_BOUND)
		return;
	smol_buf_append(&p->out, bytes, n);
	flush_out(p);
}

/* What cannot be written to its file is said, and no more is tried. */
static void end_tap(struct smol_pane *p, int rc, const struct smol_err *err)
{
	if (rc == 0)
		return;
	free(p->trouble);
	p->trouble = smol_strdup(err->msg);
	smol_tap_close(p->tap);
	p->tap = NULL;
}

static void tap_output(struct smol_pane *p, const char *bytes, size_t n)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (p->tap)
		end_tap(p, smol_tap_feed(p->tap, bytes, n, &err), &err);
}

static void tap_end_line(struct smol_pane *p)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (p->tap)
		end_tap(p, smol_tap_end_line(p->tap, &err), &err);
}

void smol_pane_set_tap(struct smol_pane *p, struct smol_tap *tap)
{
	tap_end_line(p);
	smol_tap_close(p->tap);
	p->tap = tap;
}

/*
 * The terminal has the pane's size, or is as wide as long lines need; not where a full-screen
 * program draws. One that ends must be gone before: told of another size it would draw once more,
 * over what was there before it.
 */
static void fit_to(struct smol_pane *p, bool ended)
{
	bool full = smol_term_alternate(p->term), wide;
	struct winsize size = {.ws_row = (unsigned short)p->rows};

	if (full || p->full)
		p->full_ms = uv_now(p->loop);
	p->full = full;
	wide = p->wide && p->cols < WIDE_COLS && !full &&
	       (!p->full_ms || uv_now(p->loop) - p->full_ms >= GONE_MS);
	size.ws_col = (unsigned short)(wide ? WIDE_COLS : p->cols);
	/* What a narrower terminal cuts off nobody would draw again. */
	if (ended && smol_term_cols(p->term) > size.ws_col)
		size.ws_col = (unsigned short)smol_term_cols(p->term);
	if (smol_term_rows(p->term) == size.ws_row && smol_term_cols(p->term) == size.ws_col)
		return;
	smol_term_resize(p->term, size.ws_row, size.ws_col);
	if (p->pty >= 0)
		ioctl(p->pty, TIOCSWINSZ, &size);
	if (!wide && !p->view.held)
		p->view.right = 0;
}

static void fit(struct smol_pane *p)
{
	fit_to(p, p->state == SMOL_PANE_ENDED);
}

void smol_pane_set_wide(struct smol_pane *p, bool wide)
{
	p->wide = wide;
	fit(p);
}

/* Both its output and its process have come to their end. */
static void check_end(struct smol_pane *p)
{
	if (p->state != SMOL_PANE_RUNNING || p->pty >= 0 || !p->exited)
		return;
	tap_end_line(p);
	p->state = SMOL_PANE_ENDED;
	p->ended_ms = uv_now(p->loop);
	p->changed(p);
}

/* Output that waits goes to the terminal. */
static void take(struct smol_pane *p, bool all)
{
	uint64_t begun = uv_hrtime();

	smol_view_keep(&p->view, smol_buf_len(&p->in));
	while (smol_buf_len(&p->in) && (all || uv_hrtime() - begun < TAKE_NS))
		smol_buf_consume(
		    &p->in, smol_term_take(p->term, smol_buf_head(&p->in), smol_buf_len(&p->in)));
	if (!smol_buf_len(&p->in) && p->since < IN_FLOOD)
		smol_buf_free(&p->in);
	fit(p); /* a full-screen program may have begun or ended */
}

void smol_pane_settle(struct smol_pane *p)
{
	take(p, false);
	fit(p);
	smol_view_chase(&p->view);
	p->since = 0;
	if (p->resting) {
		p->resting = false;
		watch(p);
	}
	if (smol_buf_len(&p->in))
		p->changed(p);
}

void smol_pane_calm(struct smol_pane *p)
{
	p->calm_ms = uv_now(p->loop) + CALM_MS;
}

static void release(struct smol_pane *p)
{
	smol_pane_set_tap(p, NULL);
	free(p->trouble);
	free(p->lost);
	smol_view_close(&p->view);
	smol_term_free(p->term);
	smol_buf_free(&p->out);
	smol_buf_free(&p->in);
	free(p->line);
	free(p->title);
	free(p);
}

static void on_closed(uv_handle_t *h)
{
	struct smol_pane *p = h->data;

	p->handle = false;
	if (p->freed)
		release(p);
}

static void close_pty(struct smol_pane *p)
{
	uv_poll_stop(&p->poll);
	p->polling = false;
	uv_close((uv_handle_t *)&p->poll, on_closed);
	close(p->pty);
	p->pty = -1;
}

static void hang_up(struct smol_pane *p)
{
	take(p, true);
	close_pty(p);
	smol_buf_clear(&p->out);
	check_end(p);
}

/* So much more of what there is. False: there will be no more. */
static bool read_some(struct smol_pane *p, size_t most)
{
	for (size_t got = 0; got < most;) {
		ssize_t n = read(p->pty, smol_buf_reserve(&p->in, READ), READ);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		smol_buf_commit(&p->in, (size_t)n);
		tap_output(p, p->in.data + p->in.end - n, (size_t)n);
		got += (size_t)n;
		p->since += (size_t)n;
	}
	return true;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct smol_pane *p = poll->data;
	bool calm = uv_now(p->loop) < p->calm_ms;

	if (events & UV_WRITABLE)
		flush_out(p);
	if (status == 0 && !(events & UV_READABLE))
		return;
	if (smol_buf_len(&p->in) < IN_BOUND && !read_some(p, calm ? CALM_READ : TURN)) {
		hang_up(p);
		return;
	}
	if (calm && p->since >= CALM_READ) {
		p->resting = true;
		watch(p);
	}
	if (p->since < IN_FLOOD || smol_buf_len(&p->in) >= IN_BOUND)
		take(p, false);
	p->changed(p);
}

static void watch(struct smol_pane *p)
{
	if (p->polling)
		uv_poll_start(&p->poll,
		    (p->resting ? 0 : UV_READABLE) | (smol_buf_len(&p->out) ? UV_WRITABLE : 0),
		    on_ready);
}

struct smol_pane *smol_pane_new(uv_loop_t *loop, int number, int rows, int cols,
    void (*changed)(struct smol_pane *p), void *owner)
{
	struct smol_pane *p = smol_alloc(sizeof(*p));

	p->loop = loop;
	p->number = number;
	p->rows = rows;
	p->cols = cols;
	p->changed = changed;
	p->owner = owner;
	p->pty = -1;
	p->title = smol_strdup("");
	p->term = smol_term_new(rows, cols, on_say, p);
	smol_view_open(&p->view, p->term, rows, cols);
	return p;
}

void smol_pane_free(struct smol_pane *p)
{
	if (!p)
		return;
	if (p->pid > 0 && !p->exited)
		kill(-p->pid, SIGHUP);
	p->freed = true;
	if (p->pty >= 0)
		close_pty(p);
	else if (!p->handle)
		release(p);
}

/* In the child: on its own terminal. */
_Noreturn static void become(const struct smol_ui_options *options, const char *line)
{
	setenv("TERM", "xterm-256color", 1);
	setenv("SMOLSH_ON_HANGUP", "detach", 1); /* what it runs in a guest outlives us */
	unsetenv("LINES");
	unsetenv("COLUMNS");
	smol_ui_become(options, line);
}

int smol_pane_start(struct smol_pane *p, const struct smol_ui_options *options, const char *line,
    struct smol_err *err)
{
	struct winsize size = {0};
	sigset_t before;
	pid_t pid;
	int pty;

	fit_to(p, false);
	size.ws_row = (unsigned short)smol_term_rows(p->term);
	size.ws_col = (unsigned short)smol_term_cols(p->term);

	smol_signals_hold(&before);
	pid = forkpty(&pty, NULL, NULL, &size);
	if (pid == 0)
		become(options, line);
	smol_signals_release(&before);
	if (pid < 0)
		return smol_err_errno(err, SMOL_E_LIMIT, errno, "cannot start another command");
	fcntl(pty, F_SETFD, FD_CLOEXEC);
	fcntl(pty, F_SETFL, fcntl(pty, F_GETFL) | O_NONBLOCK);
	if (p->line != line) {
		free(p->line);
		p->line = smol_strdup(line);
	}
	p->pty = pty;
	p->pid = pid;
	p->exited = p->resting = false;
	p->state = SMOL_PANE_RUNNING;
	free(p->lost);
	p->lost = NULL;
	p->began_ms = uv_now(p->loop);
	smol_view_follow(&p->view);
	uv_poll_init(p->loop, &p->poll, pty);
	p->poll.data = p;
	p->polling = p->handle = true;
	watch(p);
	p->changed(p);
	return 0;
}

bool smol_pane_reaped(struct smol_pane *p, pid_t pid, int status)
{
	if (pid != p->pid || p->exited)
		return false;
	p->exited = true;
	p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	/* What it left behind may hold its terminal open: what has been written is read, no more is
	 * waited for. */
	if (p->pty >= 0)
		read_some(p, LAST_READ);
	if (p->pty >= 0)
		hang_up(p);
	else
		check_end(p);
	return true;
}

void smol_pane_resize(struct smol_pane *p, int rows, int cols)
{
	if (rows < 1 || cols < 1 || (rows == p->rows && cols == p->cols))
		return;
	p->rows = rows;
	p->cols = cols;
	fit(p);
	smol_view_resize(&p->view, rows, cols);
}

void smol_pane_note(struct smol_pane *p, const char *text)
{
	smol_auto_free char *line = smol_asprintf("\033[2m%s\033[m\r\n", text);

	take(p, true);
	smol_term_reset(p->term);
	smol_term_write(p->term, line, strlen(line));
}

void smol_pane_tell(struct smol_pane *p, const char *note, const char *lines)
{
	smol_auto_free char *safe = smol_escape(note, strlen(note));
	smol_auto_buf struct smol_buf b = {0};

	/* What runs there may have a screen of its own. */
	if (p->state == SMOL_PANE_RUNNING)
		smol_buf_printf(&b, "\r\n%s\r\n", safe);
	else
		smol_pane_note(p, safe);
	for (; *lines; lines++)
		smol_buf_append(&b, *lines == '\n' ? "\r\n" : lines, *lines == '\n' ? 2 : 1);
	if (smol_buf_len(&b))
		smol_term_write(p->term, smol_buf_head(&b), smol_buf_len(&b));
	p->told = true;
}
