/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A descriptor watched by the monitor's event loop. */
#ifndef SMOL_MONITOR_LOOP_H
#define SMOL_MONITOR_LOOP_H

#include <stdbool.h>
#include <uv.h>

struct smol_watch {
	uv_poll_t poll;
	void (*fn)(void *ctx);
	void *ctx;
	bool active;
};

/* Call fn(ctx) whenever fd is readable or has hung up. w must stay where it is until
 * smol_watch_stop() has been called and the loop has ended or freed is called. */
void smol_watch_start(
    uv_loop_t *loop, struct smol_watch *w, int fd, void (*fn)(void *ctx), void *ctx);
/* Be called for these events (UV_READABLE and so on) instead. */
void smol_watch_wants(struct smol_watch *w, int events);
/* No more calls. Before the descriptor is closed. Harmless when it is not active. */
void smol_watch_stop(struct smol_watch *w);
/* The same, and free(owner) when the loop has let go of w. */
void smol_watch_stop_free(struct smol_watch *w, void *owner);

#endif
