/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's event loop: epoll, timers, and work put off to the end of a round.
 *
 * A round is: wait; tell each watch what happened; run the timers that are due; call after();
 * free what was given to smol_loop_free_later(). An object that embeds a watch or a timer is
 * therefore never freed while an event of the same round may still name it.
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

struct smol_timer {
	smol_deadline at;
	void (*fn)(struct smol_timer *t);
	struct smol_timer **link; /* what points to it while it is armed, else NULL */
	struct smol_timer *next;
};

struct smol_loop {
	int epfd;
	int64_t now; /* this round's time, 0 until somebody asks */
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
/* ms of CLOCK_MONOTONIC, read once per round: a guest's clock can be slow to read. */
int64_t smol_loop_now(struct smol_loop *l);
void smol_timer_set(struct smol_loop *l, struct smol_timer *t, int64_t ms);
void smol_timer_stop(struct smol_timer *t);
void smol_loop_free_later(struct smol_loop *l, void *p);
/* One round, waiting at most max_ms (-1: until something happens). */
int smol_loop_round(struct smol_loop *l, int max_ms);

#endif
