/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reply line of a one-shot exec: output gathered, cut so that the line keeps its bound. */
#ifndef SMOL_AGENT_ONESHOT_H
#define SMOL_AGENT_ONESHOT_H

#include <stdbool.h>

#include "base/buf.h"
#include "proto/request.h"

struct smol_gather {
	struct smol_buf held;
	bool cut; /* there was more than is held */
};

/* Keep what fits of n bytes that were read, at most max in all. */
void smol_gather_add(struct smol_gather *g, const char *data, size_t n, size_t max);
/* The line with its newline, at most SMOL_LINE_MAX bytes; malloc'd, caller frees. */
char *smol_oneshot_reply(
    const struct smol_exec_result *r, const struct smol_gather *out, const struct smol_gather *err);

#endif
