/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that tells what VMs use: `smolsh stats --watch --json`, ours alone. One that ends is
 * started again, later each time; as long as there is none, nothing is known.
 */
#ifndef SMOL_UI_STATS_H
#define SMOL_UI_STATS_H

#include <uv.h>

#include "ui/vms/uses.h"

struct smol_stats_feed;

/* changed: after each round, and when nothing is known any more. It begins once the loop runs. */
struct smol_stats_feed *smol_stats_feed_open(
    uv_loop_t *loop, const char *program, void (*changed)(void *ctx), void *ctx);
/* As long as the feed is open; what it holds changes. */
const struct smol_uses *smol_stats_feed_uses(const struct smol_stats_feed *f);
/* Ends the process. Freed by the loop when its handles are closed. NULL is fine. */
void smol_stats_feed_close(struct smol_stats_feed *f);

#endif
