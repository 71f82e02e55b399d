/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is where on the screen: see hit.h. */
#include "ui/input/hit.h"

void smol_hits_clear(struct smol_hits *h)
{
	h->n = 0;
}

void smol_hits_add(struct smol_hits *h, enum smol_hit_kind kind, struct smol_rect at, int what)
{
	if (h->n < SMOL_HITS_MAX && at.rows > 0 && at.cols > 0)
		h->all[h->n++] = (struct smol_hit){.kind = kind, .at = at, .what = what};
}

struct smol_hit smol_hits_find(const struct smol_hits *h, int row, int col)
{
	for (int i = h->n - 1; i >= 0; i--) {
		const struct smol_rect *r = &h->all[i].at;

		if (row >= r->row && row < r->row + r->rows && col >= r->col &&
		    col < r->col + r->cols)
			return h->all[i];
	}
	return (struct smol_hit){.kind = SMOL_HIT_NONE};
}
