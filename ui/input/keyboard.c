/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See keyboard.h. */
#include "ui/input/keyboard.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static void on_escape(uv_timer_t *t)
{
	struct smol_keyboard *k = t->data;
	struct pollfd p = {.fd = k->fd, .events = POLLIN};

	/* The loop sees to its timers first. What has come belongs to what has begun: on_bytes().
	 */
	if (poll(&p, 1, 0) <= 0)
		k->take(true);
}

static void on_bytes(uv_poll_t *h, int status, int events)
{
	struct smol_keyboard *k = h->data;
	char bytes[4096];
	ssize_t n = read(k->fd, bytes, sizeof(bytes));

	(void)events;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || n == 0 || status < 0) {
		k->gone();
		return;
	}
	if (n < 0)
		return;
	smol_input_feed(&k->input, bytes, (size_t)n);
	uv_timer_stop(&k->escape);
	k->take(false);
	if (!smol_input_waits(&k->input))
		return;
	/* From now: what was done meanwhile is no time in which something could have come. */
	uv_update_time(h->loop);
	uv_timer_start(&k->escape, on_escape, SMOL_ESCAPE_MS, 0);
}

void smol_keyboard_open(
    struct smol_keyboard *k, uv_loop_t *loop, int fd, void (*take)(bool late), void (*gone)(void))
{
	*k = (struct smol_keyboard){.fd = fd, .take = take, .gone = gone};
	k->poll.data = k->escape.data = k;
	uv_timer_init(loop, &k->escape);
	uv_poll_init(loop, &k->poll, fd);
	uv_poll_start(&k->poll, UV_READABLE, on_bytes);
}

void smol_keyboard_close(struct smol_keyboard *k)
{
	uv_close((uv_handle_t *)&k->escape, NULL);
	uv_close((uv_handle_t *)&k->poll, NULL);
}
