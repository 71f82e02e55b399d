/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is where on the screen, for the mouse: whoever draws something that can be clicked says so.
 * What is said later lies above.
 */
#ifndef SMOL_UI_HIT_H
#define SMOL_UI_HIT_H

#include "ui/pane/layout.h"

#define SMOL_HITS_MAX 128 /* what is more is drawn, but cannot be clicked */

/* What `what` is of each kind stands behind it. */
enum smol_hit_kind {
	SMOL_HIT_NONE,
	SMOL_HIT_PANE,	    /* with its title; its number */
	SMOL_HIT_BORDER,    /* of the layout's, its index */
	SMOL_HIT_LIST,	    /* its rows; the first one's place in what is shown of the VMs */
	SMOL_HIT_VM,	    /* one alone; its place in what is shown */
	SMOL_HIT_PAGE,	    /* 0 */
	SMOL_HIT_NUMBER,    /* a pane's */
	SMOL_HIT_CANDIDATE, /* its index */
	SMOL_HIT_PROMPT,    /* the line from its byte `what` on; -1: beside it */
	SMOL_HIT_HINT,	    /* its action */
	SMOL_HIT_ANSWER,    /* to the question that is asked: 1 is yes */
};

struct smol_hit {
	enum smol_hit_kind kind;
	struct smol_rect at;
	int what;
};

struct smol_hits {
	struct smol_hit all[SMOL_HITS_MAX];
	int n;
};

void smol_hits_clear(struct smol_hits *h);
void smol_hits_add(struct smol_hits *h, enum smol_hit_kind kind, struct smol_rect at, int what);
/* What lies there; kind is NONE where nothing does. */
struct smol_hit smol_hits_find(const struct smol_hits *h, int row, int col);

#endif
