/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's event loop: see loop.h. Timers are few, so they are a plain list. */
#include "agent/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS	32
#define TICK_MS 1000 /* how far the clock may jump at once while it is held */

int smol_loop_init(struct smol_loop *l, struct smol_err *err)
{
	*l = (struct smol_loop){.epfd = epoll_create1(EPOLL_CLOEXEC), .clock = smol_now_ms};
	if (l->epfd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "epoll");
	return 0;
}

static void collect_garbage(struct smol_loop *l)
{
	void *p;

	while (smol_buf_len(&l->garbage)) {
		memcpy(&p, smol_buf_head(&l->garbage), sizeof(p));
		smol_buf_consume(&l->garbage, sizeof(p));
		free(p);
	}
}

void smol_loop_close(struct smol_loop *l)
{
	collect_garbage(l);
	smol_buf_free(&l->garbage);
	if (l->epfd >= 0)
		close(l->epfd);
	l->epfd = -1;
}

static int control(struct smol_loop *l, struct smol_watch *w, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	return epoll_ctl(l->epfd, op, w->fd, &ev);
}

int smol_loop_add(struct smol_loop *l, struct smol_watch *w, uint32_t events)
{
	return control(l, w, EPOLL_CTL_ADD, events);
}

int smol_loop_modify(struct smol_loop *l, struct smol_watch *w, uint32_t events)
{
	return control(l, w, EPOLL_CTL_MOD, events);
}

void smol_loop_close_watch(struct smol_loop *l, struct smol_watch *w)
{
	if (w->fd >= 0) {
		/* Closing alone would not end it: a process that is just being launched holds a
		 * copy until its exec is through (vfork returns before that closes any). */
		epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
		close(w->fd);
	}
	w->fd = -1;
	w->fn = NULL;
}

int64_t smol_loop_now(struct smol_loop *l)
{
	if (!l->now)
		l->now = l->held ? l->held_at : l->clock() - l->lost;
	return l->now;
}

void smol_loop_hold(struct smol_loop *l)
{
	if (!l->held)
		l->held_at = smol_loop_now(l);
	l->held = true;
	l->seen_ms = 0;
	l->seen_at = l->clock();
}

void smol_loop_release(struct smol_loop *l)
{
	if (!l->held)
		return;
	l->lost = l->clock() - l->held_at;
	l->held = false;
	l->now = 0;
}

/* Nobody has released it: it was not paused after all, or who paused it is gone. */
static void look_at_hold(struct smol_loop *l)
{
	int64_t now = l->clock(), ms = now - l->seen_at;

	l->seen_at = now;
	l->seen_ms += ms < TICK_MS ? ms : TICK_MS;
	if (l->seen_ms >= SMOL_LOOP_HOLD_MS)
		smol_loop_release(l);
}

void smol_timer_set(struct smol_loop *l, struct smol_timer *t, int64_t ms)
{
	t->at = smol_loop_now(l) + ms;
	if (t->link)
		return;
	t->next = l->timers;
	if (t->next)
		t->next->link = &t->next;
	t->link = &l->timers;
	l->timers = t;
}

void smol_timer_stop(struct smol_timer *t)
{
	if (!t->link)
		return;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	t->link = NULL;
	t->next = NULL;
}

void smol_loop_free_later(struct smol_loop *l, void *p)
{
	smol_buf_append(&l->garbage, &p, sizeof(p));
}

static int wait_ms(struct smol_loop *l, int max_ms)
{
	int64_t left = max_ms < 0 ? INT_MAX : max_ms;

	if (l->again)
		return 0;
	if (l->held && left > TICK_MS)
		left = TICK_MS;
	for (struct smol_timer *t = l->timers; t; t = t->next) {
		int64_t ms = t->at - smol_loop_now(l);

		left = ms < left ? ms : left;
	}
	return left < 0 ? 0 : left == INT_MAX ? -1 : (int)left;
}

static void run_timers(struct smol_loop *l)
{
	for (bool ran = true; ran;) {
		ran = false;
		/* From the start after each: a timer's function may arm and stop others. */
		for (struct smol_timer *t = l->timers; t; t = t->next)
			if (t->at <= smol_loop_now(l)) {
				smol_timer_stop(t);
				t->fn(t);
				ran = true;
				break;
			}
	}
}

int smol_loop_round(struct smol_loop *l, int max_ms)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(l->epfd, ev, EVENTS, wait_ms(l, max_ms));

	if (n < 0 && errno != EINTR)
		return -1;
	l->now = 0;
	l->again = false;
	if (l->held)
		look_at_hold(l);
	for (int i = 0; i < n; i++) {
		struct smol_watch *w = ev[i].data.ptr;

		if (w->fn)
			w->fn(w, ev[i].events);
	}
	if (l->timers)
		run_timers(l);
	if (l->after)
		l->after(l->ctx);
	collect_garbage(l);
	return 0;
}
