/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things stand: one line above, the list, the panes, and three lines below. */
#include "ui/app.h"

/* The panes that are there; the session only when it has something to say, or nobody else has. */
static int gather(const struct smol_app *a, int which[SMOL_PANES])
{
	int n = 0;

	for (int i = 1; i < SMOL_PANES; i++)
		if (smol_panes_shown(a, i))
			which[n++] = i;
	if (!n || a->panes[0]->line)
		which[n++] = 0;
	return n;
}

static void tile(struct smol_app *a, const struct smol_rect *r, const int *which, int n)
{
	int across = r->cols / SMOL_PANE_COLS, fit, down, first = 0, shown;

	if (across < 1)
		across = 1;
	if (across > n)
		across = n;
	fit = r->rows / SMOL_PANE_ROWS * across;
	if (fit < 1)
		fit = across = 1;
	shown = n < fit ? n : fit;
	/* The chosen one is always among them. */
	for (int i = 0; i < n; i++)
		if (which[i] == a->current && i >= shown)
			first = i - shown + 1;
	down = (shown + across - 1) / across;
	for (int i = 0; i < shown; i++) {
		int y = i / across, x = i % across;
		/* The last row's panes share what an incomplete row leaves. */
		int in_row = y == down - 1 ? shown - y * across : across;
		int top = r->rows * y / down, left = r->cols * x / in_row;

		a->panes_at[which[first + i]] = (struct smol_rect){
		    .row = r->row + top,
		    .col = r->col + left + (x > 0),
		    .rows = r->rows * (y + 1) / down - top,
		    .cols = r->cols * (x + 1) / in_row - left - (x > 0),
		};
	}
}

void smol_layout(struct smol_app *a)
{
	struct smol_rect body = {.row = 1, .rows = a->rows - 4, .cols = a->cols};
	int which[SMOL_PANES], n = gather(a, which);
	bool list = (a->cols >= SMOL_COLS_WIDE && !a->zoom) || a->focus == SMOL_FOCUS_LIST ||
		    smol_entry_is_open(&a->entry);

	a->list = (struct smol_rect){0};
	a->strip = a->cols < SMOL_COLS_WIDE && !list;
	for (int i = 0; i < SMOL_PANES; i++)
		a->panes_at[i] = (struct smol_rect){0};
	if (a->strip) {
		body.row++;
		body.rows--;
	}
	a->body_rows = body.rows;
	if (list) {
		a->list = (struct smol_rect){.row = body.row,
		    .rows = body.rows,
		    .cols = a->cols >= SMOL_COLS_WIDE ? SMOL_LIST_COLS : a->cols};
		if (a->cols < SMOL_COLS_WIDE)
			return;
		body.col = SMOL_LIST_COLS + 1;
		body.cols -= SMOL_LIST_COLS + 1;
	}
	if (a->zoom || a->cols < SMOL_COLS_WIDE) {
		int only = a->panes[a->current] ? a->current : which[0];

		tile(a, &body, &only, 1);
	} else {
		tile(a, &body, which, n);
	}
	for (int i = 0; i < SMOL_PANES; i++)
		if (a->panes_at[i].rows > 1)
			smol_pane_resize(a->panes[i], a->panes_at[i].rows - 1, a->panes_at[i].cols);
}
