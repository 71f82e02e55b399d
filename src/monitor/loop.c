/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A watched descriptor: see loop.h. */
#include "monitor/loop.h"

#include <stdlib.h>

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct smol_watch *w = p->data;

	/* An error is seen, and dealt with, by the read that follows. */
	(void)status;
	(void)events;
	w->fn(w->ctx);
}

void smol_watch_start(
    uv_loop_t *loop, struct smol_watch *w, int fd, void (*fn)(void *ctx), void *ctx)
{
	w->fn = fn;
	w->ctx = ctx;
	w->poll.data = w;
	w->active = uv_poll_init(loop, &w->poll, fd) == 0 &&
		    uv_poll_start(&w->poll, UV_READABLE | UV_DISCONNECT, on_poll) == 0;
}

void smol_watch_wants(struct smol_watch *w, int events)
{
	if (w->active)
		uv_poll_start(&w->poll, events, on_poll);
}

void smol_watch_stop(struct smol_watch *w)
{
	if (!w->active)
		return;
	w->active = false;
	uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, NULL);
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

void smol_watch_stop_free(struct smol_watch *w, void *owner)
{
	w->active = false;
	uv_poll_stop(&w->poll);
	w->poll.data = owner;
	uv_close((uv_handle_t *)&w->poll, on_closed);
}
