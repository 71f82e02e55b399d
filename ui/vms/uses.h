/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What VMs use, as the lines of `smolsh stats --watch --json` tell. Foreign text: checked, bounded.
 */
#ifndef SMOL_UI_USES_H
#define SMOL_UI_USES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shell/stats.h"

#define SMOL_USES_MAX 4096 /* VMs */

struct smol_use {
	char id[SMOL_ID_LEN + 1];
	enum smol_health health;
	double cpu;	  /* per cent of one CPU; < 0: not known */
	int64_t resident; /* bytes; < 0: not known */
	int64_t jobs;	  /* < 0: not known */
	int64_t round;	  /* in which it was told last */
};

struct smol_uses {
	struct smol_use *all; /* owned */
	int n;
	int64_t round; /* the newest */
};

/* A line. What is none is ignored, and false. A VM of which the round before told nothing is gone.
 */
bool smol_uses_take(struct smol_uses *u, const char *line, size_t n);
/* NULL: nothing is known of it. */
const struct smol_use *smol_uses_of(const struct smol_uses *u, const char *id);
void smol_uses_free(struct smol_uses *u);

#endif
