/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry's files watched: see watch.h. */
#include "ui/vms/watch.h"

#include <string.h>

#include "base/auto.h"
#include "base/path.h"

#define TOGETHER_MS 40

static void on_soon(uv_timer_t *t)
{
	struct smol_watch_registry *w = t->data;

	w->changed();
}

static void on_change(uv_fs_event_t *h, const char *name, int events, int status)
{
	struct smol_watch_registry *w = h->data;

	(void)events;
	if (status == 0 && name && strncmp(name, "registry.db", 11) == 0 &&
	    !uv_is_active((uv_handle_t *)&w->soon))
		uv_timer_start(&w->soon, on_soon, TOGETHER_MS, 0);
}

void smol_watch_registry(struct smol_watch_registry *w, uv_loop_t *loop, void (*changed)(void))
{
	smol_auto_free char *state = smol_path_state(NULL);

	w->changed = changed;
	uv_timer_init(loop, &w->soon);
	uv_fs_event_init(loop, &w->changes);
	w->soon.data = w->changes.data = w;
	if (state)
		uv_fs_event_start(&w->changes, on_change, state, 0);
}

void smol_watch_registry_close(struct smol_watch_registry *w)
{
	uv_close((uv_handle_t *)&w->soon, NULL);
	uv_close((uv_handle_t *)&w->changes, NULL);
}
