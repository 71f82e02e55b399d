/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process that tells what VMs use: see stats.h. */
#include "ui/vms/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/proc.h"
#include "base/spawn.h"

#define INTERVAL     "5s"
#define FIRST_MS     100   /* the screen is to be there first */
#define AGAIN_MS     1000  /* until one that has ended is started again: at first, */
#define AGAIN_MAX_MS 60000 /* and at most */
#define SETTLED_MS   30	   /* a round's lines come together; behind the last one it is over */
#define LINE_BYTES   (16 * 1024)

struct smol_stats_feed {
	uv_loop_t *loop;
	const char *program;
	void (*changed)(void *ctx);
	void *ctx;
	struct smol_uses uses;
	uv_timer_t again, settled;
	uv_poll_t *poll; /* NULL: there is no process; freed when it is closed */
	int fd, pidfd;
	uint64_t again_ms;
	struct smol_buf in;
	int open_handles; /* of the two timers */
};

static void on_again(uv_timer_t *t);

static void on_poll_closed(uv_handle_t *h)
{
	free(h);
}

static void end_process(struct smol_stats_feed *f)
{
	if (!f->poll)
		return;
	uv_poll_stop(f->poll);
	uv_close((uv_handle_t *)smol_steal(&f->poll), on_poll_closed);
	close(smol_steal_fd(&f->fd));
	/* It may have ended; whoever hears of SIGCHLD takes its status. */
	smol_proc_kill(f->pidfd, SIGTERM);
	close(smol_steal_fd(&f->pidfd));
	smol_buf_clear(&f->in);
}

static void start_later(struct smol_stats_feed *f)
{
	uv_timer_start(&f->again, on_again, f->again_ms, 0);
	f->again_ms = f->again_ms * 2 < AGAIN_MAX_MS ? f->again_ms * 2 : AGAIN_MAX_MS;
}

static void lost(struct smol_stats_feed *f)
{
	end_process(f);
	uv_timer_stop(&f->settled);
	smol_uses_free(&f->uses);
	f->changed(f->ctx);
	start_later(f);
}

static void on_settled(uv_timer_t *t)
{
	struct smol_stats_feed *f = t->data;

	f->changed(f->ctx);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct smol_stats_feed *f = poll->data;
	ssize_t n = read(f->fd, smol_buf_reserve(&f->in, 8192), 8192);
	char *line;
	size_t len;

	(void)status;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lost(f);
		return;
	}
	smol_buf_commit(&f->in, (size_t)n);
	while ((line = smol_buf_line(&f->in, &len)))
		if (smol_uses_take(&f->uses, line, len)) {
			f->again_ms = AGAIN_MS;
			uv_timer_start(&f->settled, on_settled, SETTLED_MS, 0);
		}
	if (smol_buf_len(&f->in) > LINE_BYTES)
		lost(f);
}

static int start(struct smol_stats_feed *f)
{
	const char *argv[] = {
	    f->program, "stats", "--watch", "--json", "--interval", INTERVAL, NULL};
	struct smol_spawn s = {
	    .argv = argv, .nfds = 3, .die_with_parent = true, .new_session = true};
	smol_auto_close int theirs = -1;
	int p[2], rc;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	theirs = p[1];
	s.fds[0] = s.fds[2] = -1;
	s.fds[1] = theirs;
	rc = smol_spawn(&s, &pid, &f->pidfd, NULL);
	if (rc < 0) {
		close(p[0]);
		return -1;
	}
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	f->fd = p[0];
	f->poll = smol_alloc(sizeof(*f->poll));
	uv_poll_init(f->loop, f->poll, f->fd);
	f->poll->data = f;
	uv_poll_start(f->poll, UV_READABLE, on_readable);
	return 0;
}

static void on_again(uv_timer_t *t)
{
	struct smol_stats_feed *f = t->data;

	if (start(f) < 0)
		start_later(f);
}

struct smol_stats_feed *smol_stats_feed_open(
    uv_loop_t *loop, const char *program, void (*changed)(void *ctx), void *ctx)
{
	struct smol_stats_feed *f = smol_alloc(sizeof(*f));

	*f = (struct smol_stats_feed){.loop = loop,
	    .program = program,
	    .changed = changed,
	    .ctx = ctx,
	    .fd = -1,
	    .pidfd = -1,
	    .again_ms = AGAIN_MS,
	    .open_handles = 2};
	uv_timer_init(loop, &f->again);
	uv_timer_init(loop, &f->settled);
	f->again.data = f->settled.data = f;
	uv_timer_start(&f->again, on_again, FIRST_MS, 0);
	return f;
}

const struct smol_uses *smol_stats_feed_uses(const struct smol_stats_feed *f)
{
	return &f->uses;
}

static void on_timer_closed(uv_handle_t *h)
{
	struct smol_stats_feed *f = h->data;

	if (--f->open_handles)
		return;
	smol_uses_free(&f->uses);
	smol_buf_free(&f->in);
	free(f);
}

void smol_stats_feed_close(struct smol_stats_feed *f)
{
	if (!f)
		return;
	end_process(f);
	uv_close((uv_handle_t *)&f->again, on_timer_closed);
	uv_close((uv_handle_t *)&f->settled, on_timer_closed);
}
