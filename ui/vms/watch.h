/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whoever shows VMs hears when the registry has changed. */
#ifndef SMOL_UI_WATCH_H
#define SMOL_UI_WATCH_H

#include <uv.h>

struct smol_watch_registry {
	uv_fs_event_t changes;
	uv_timer_t soon;
	void (*changed)(void);
};

/* From here on changed() is called a moment after a change, once for those that come together. */
void smol_watch_registry(struct smol_watch_registry *w, uv_loop_t *loop, void (*changed)(void));
/* The loop has to turn once more. */
void smol_watch_registry_close(struct smol_watch_registry *w);

#endif
