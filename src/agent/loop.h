/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's event loop: epoll, timers, and work put off to the end of a round.
 *
 * A round is: wait; tell each watch what happened; run the timers that are due; call after();
 * free what was given to smol_loop_free_later(). An object that embeds a watch or a timer is
 * therefore never freed while an event of the same round may still name it.
 *
 * Its clock can be held: it stands still until it is released, and goes on where it stood. So that
 * a VM that is paused does not let time run out in it: some guests' CLOCK_MONOTONIC jumps by the
 * pause, and a timer must not be due before somebody has said why.
 */
#ifndef SMOL_AGENT_LOOP_H
#define SMOL_AGENT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define smol_container(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

struct smol_watch {
	int fd; /* -1: none; owned by whoever embeds the watch */
	void (*fn)(struct smol_watch *w, uint32_t events); /* NULL: events are ignored */
};

/* Who holds the clock and then says nothing is waited for as long as this, in time that a clock
 * that jumps cannot pass at once. */
#define SMOL_LOOP_HOLD_MS 5000

struct smol_timer {
	smol_deadline at; /* of smol_loop_now() */
	void (*fn)(struct smol_timer *t);
	struct smol_timer **link; /* what points to it while it is armed, else NULL */
	struct smol_timer *next;
};

struct smol_loop {
	int epfd;
	int64_t now;		/* this round's time, 0 until somebody asks */
	int64_t (*clock)(void); /* smol_now_ms() */
	int64_t lost;		/* ms that did not count */
	bool held;
	int64_t held_at;	  /* what the clock shows meanwhile */
	int64_t seen_at, seen_ms; /* real time when last looked at; how much was seen to pass */
	struct smol_timer *timers;
	bool again; /* do not wait in the next round */
	bool stop;
	void (*after)(void *ctx);
	void *ctx;
	struct smol_buf garbage; /* of void * */
};

int smol_loop_init(struct smol_loop *l, struct smol_err *err);
void smol_loop_close(struct smol_loop *l);
/* Events are those of epoll_ctl(2). 0 or -1 (errno). */
int smol_loop_add(struct smol_loop *l, struct smol_watch *w, uint32_t events);
int smol_loop_modify(struct smol_loop *l, struct smol_watch *w, uint32_t events);
/* Close the descriptor, ignoring what was already reported for it. */
void smol_loop_close_watch(struct smol_loop *l, struct smol_watch *w);
/* ms of CLOCK_MONOTONIC less what did not count, read once per round: a guest's clock can be slow
 * to read. */
int64_t smol_loop_now(struct smol_loop *l);
/* Stop the clock, at most for a while; let it go on. Both are harmless when it is so. */
void smol_loop_hold(struct smol_loop *l);
void smol_loop_release(struct smol_loop *l);
void smol_timer_set(struct smol_loop *l, struct smol_timer *t, int64_t ms);
void smol_timer_stop(struct smol_timer *t);
void smol_loop_free_later(struct smol_loop *l, void *p);
/* One round, waiting at most max_ms (-1: until something happens). */
int smol_loop_round(struct smol_loop *l, int max_ms);

#endif
