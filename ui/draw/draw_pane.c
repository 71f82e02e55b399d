/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pane: its title line and its cells; see draw.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/auto.h"
#include "base/text.h"
#include "ui/draw/draw.h"
#include "ui/pane/search.h"

#define MATCH_COLOR 3 /* yellow */

static int color_number(const VTermColor *c)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(c) || VTERM_COLOR_IS_DEFAULT_BG(c))
		return -1;
	if (VTERM_COLOR_IS_INDEXED(c))
		return smol_color_index(c->indexed.idx);
	return smol_color_rgb(c->rgb.red, c->rgb.green, c->rgb.blue);
}

static attr_t attrs_of(const VTermScreenCell *c)
{
	return (c->attrs.bold ? A_BOLD : 0) | (c->attrs.underline ? A_UNDERLINE : 0) |
	       (c->attrs.italic ? A_ITALIC : 0) | (c->attrs.reverse ? A_REVERSE : 0);
}

static int pair_of(const VTermScreenCell *c)
{
	int fg, bg;

	if (!smol_paint_colored())
		return 0;
	fg = color_number(&c->fg);
	bg = color_number(&c->bg);
	return fg >= 0 || bg >= 0 ? alloc_pair(fg, bg) : 0;
}

/* A cell's characters; a blank where there is none, or only half of one. */
static void text_of(const VTermScreenCell *c, bool last, wchar_t text[VTERM_MAX_CHARS_PER_CELL + 1])
{
	int n = 0;

	for (; n < VTERM_MAX_CHARS_PER_CELL && c->chars[n]; n++)
		text[n] = (wchar_t)c->chars[n];
	/* What we and the terminal may not agree about would shift the line. */
	if (n && (n > 1 || text[0] < L' ' || text[0] > L'~') &&
	    (wcwidth(text[0]) != c->width || wcwidth(text[0]) < 1)) {
		text[0] = 0xfffd;
		n = 1;
	}
	if (!n || (c->width == 2 && last)) {
		text[0] = L' ';
		n = 1;
	}
	text[n] = L'\0';
}

/* All cells of a line at once: curses takes as long for one as for all of them. */
static void draw_cells(int row, int col, const VTermScreenCell *cells, int cols)
{
	cchar_t *out = smol_alloc(sizeof(*out) * (size_t)cols);
	const VTermScreenCell *before = NULL;
	int pair = 0, n = 0;

	for (int i = 0; i < cols; i++) {
		const VTermScreenCell *c = &cells[i];
		wchar_t text[VTERM_MAX_CHARS_PER_CELL + 1];

		if (c->chars[0] == (uint32_t)-1)
			continue;
		text_of(c, i + 1 >= cols, text);
		if (!before || !vterm_color_is_equal(&c->fg, &before->fg) ||
		    !vterm_color_is_equal(&c->bg, &before->bg))
			pair = pair_of(c);
		setcchar(&out[n++], text, attrs_of(c), 0, &pair);
		before = c;
	}
	mvadd_wchnstr(row, col, out, n);
	free(out);
}

/* What is selected stands out, whatever its colours are. */
static void mark_selected(const struct smol_view *v, int64_t line, VTermScreenCell *cells, int cols)
{
	int from, to;

	if (!smol_view_selected(v, line, &from, &to))
		return;
	for (int i = 0; i < cols; i++)
		if (v->right + i >= from && v->right + i <= to)
			cells[i].attrs.reverse = !cells[i].attrs.reverse;
}

/* Matches are underlined, the one that one is at stands out. */
static void mark_matches(const struct smol_view *v, int64_t line, VTermScreenCell *cells, int cols)
{
	struct smol_mark marks[SMOL_MARKS];
	int n = smol_search_marks(v, line, marks);

	for (int k = 0; k < n; k++)
		for (int i = marks[k].from - v->right; i <= marks[k].to - v->right; i++) {
			if (i < 0 || i >= cols)
				continue;
			cells[i].attrs.underline = 1;
			cells[i].attrs.reverse = marks[k].hit;
			cells[i].attrs.bold = marks[k].hit;
			vterm_color_indexed(&cells[i].fg, MATCH_COLOR);
			cells[i].bg.type = VTERM_COLOR_DEFAULT_BG;
		}
}

static void draw_row(
    const struct smol_pane *p, int row, const struct smol_rect *r, VTermScreenCell *cells)
{
	int64_t line = smol_view_top(&p->view) + row;
	bool before, behind;

	if (p->view.cols != r->cols || !smol_view_cells(&p->view, row, cells, &before, &behind))
		return;
	mark_matches(&p->view, line, cells, r->cols);
	mark_selected(&p->view, line, cells, r->cols);
	draw_cells(r->row + 1 + row, r->col, cells, r->cols);
	if (before || behind) {
		smol_look(SMOL_ACCENT, A_NORMAL);
		if (before)
			smol_put(r->row + 1 + row, r->col, 1, "\xe2\x80\xb9"); /* ‹ */
		if (behind)
			smol_put(r->row + 1 + row, r->col + r->cols - 1, 1, "\xe2\x80\xba");
		smol_plain();
	}
}

#define STATE_MAX 80
#define LOST_COLS 70 /* of a pane in whose title there is room for why a VM died */

static void pane_state(
    const struct smol_app *a, const struct smol_pane *p, char text[STATE_MAX], int *color)
{
	uint64_t end = p->state == SMOL_PANE_RUNNING ? uv_now(a->loop) : p->ended_ms;
	char time[16];

	*color = SMOL_PLAIN;
	*text = '\0';
	if (p->state == SMOL_PANE_EMPTY)
		return;
	smol_duration_text((int64_t)(end - p->began_ms), time);
	if (p->state == SMOL_PANE_RUNNING) {
		*color = SMOL_GOOD;
		snprintf(text, STATE_MAX, "run %s", time);
	} else if (p->status == 0) {
		snprintf(text, STATE_MAX, "done %s", time);
	} else if (p->lost) {
		smol_auto_free char *safe = smol_escape(p->lost, strlen(p->lost));

		*color = SMOL_BAD;
		snprintf(text, STATE_MAX, p->cols < LOST_COLS ? "lost" : "lost  %.60s", safe);
	} else if (p->status > 128 && p->status < 128 + 65) {
		*color = SMOL_BAD;
		snprintf(text, STATE_MAX, "signal %d  %s", p->status - 128, time);
	} else {
		*color = SMOL_BAD;
		snprintf(text, STATE_MAX, "exit %d  %s", p->status, time);
	}
}

/* A word of the title, in front of what is there already; left out where there is no room. */
static void put_word(const struct smol_rect *r, int *end, const char *text)
{
	int width = smol_columns(text, strlen(text));

	if (width && *end - width - 1 > r->col + 8)
		*end = smol_put_right(r->row, *end - 1, text) - 1;
}

/* Where the window is on what there is. */
static void put_place(const struct smol_pane *p, const struct smol_rect *r, int *end)
{
	const struct smol_view *v = &p->view;
	char text[48];

	if (v->held) {
		snprintf(text, sizeof(text), "\xe2\x86\x91 %d lines", smol_view_back(v)); /* ↑ */
		put_word(r, end, smol_view_back(v) ? text : "held");
	} else if (p->state == SMOL_PANE_RUNNING && r->cols >= 40) {
		put_word(r, end, "follow");
	}
	if (v->right) {
		snprintf(text, sizeof(text), "\xe2\x86\x92 %d", v->right); /* → */
		put_word(r, end, text);
	}
	if (v->search.at && v->held) {
		snprintf(text, sizeof(text), "%d/%d", v->search.at, v->search.count);
		put_word(r, end, text);
	}
	if (smol_view_frozen(v))
		put_word(r, end, "copy");
	if (p->tap) {
		const char *path = smol_tap_path(p->tap), *slash = strrchr(path, '/');
		smol_auto_free char *name =
		    smol_escape(slash ? slash + 1 : path, strlen(slash ? slash + 1 : path));

		snprintf(text, sizeof(text), "\xe2\x96\xb8%.40s", name); /* ▸ */
		put_word(r, end, text);
	}
}

void smol_draw_content(const struct smol_pane *p, const struct smol_rect *r)
{
	VTermScreenCell *cells = smol_alloc(sizeof(*cells) * (size_t)r->cols);

	for (int row = 0; row < r->rows - 1; row++)
		draw_row(p, row, r, cells);
	free(cells);
}

void smol_draw_pane(struct smol_app *a, int which)
{
	const struct smol_rect *r = &a->at.panes[which];
	struct smol_pane *p = a->panes[which];
	bool focus = which == a->current;
	bool typed = focus && a->focus == SMOL_FOCUS_PANE;
	char state[STATE_MAX], number[16];
	int color, end = r->col + r->cols, at;

	smol_hits_add(&a->hits, SMOL_HIT_PANE, *r, which);
	smol_look(typed ? SMOL_ACCENT : focus ? SMOL_PLAIN : SMOL_DIM, typed ? A_BOLD : A_NORMAL);
	put_place(p, r, &end);
	pane_state(a, p, state, &color);
	smol_look(color == SMOL_PLAIN ? SMOL_DIM : color, A_NORMAL);
	put_word(r, &end, state);
	smol_look(typed ? SMOL_ACCENT : focus ? SMOL_PLAIN : SMOL_DIM, typed ? A_BOLD : A_NORMAL);
	snprintf(number, sizeof(number), which ? "%d" : "session", which);
	at = r->col + 1 + smol_put(r->row, r->col + 1, 7, number) + 1;
	if (end - 1 > at)
		at += smol_put(r->row, at, end - 1 - at, p->title);
	/* Below another pane the title is told from that one's output. */
	smol_look(SMOL_RULE, A_NORMAL);
	if (r->row > a->rows - 3 - a->at.body_rows)
		for (at += *p->title != '\0'; at < end; at++)
			smol_put(r->row, at, 1, "\xe2\x94\x80"); /* ─ */
	smol_plain();
	smol_draw_content(p, r);
}

void smol_draw_numbers(struct smol_app *a, int row)
{
	int at = a->cols - 1;
	char text[16];

	for (int i = SMOL_PANES - 1; i >= 0; i--) {
		if (!smol_panes_shown(a, i))
			continue;
		snprintf(text, sizeof(text), i == a->current ? "[%d]" : " %d ", i);
		smol_look(i == a->current ? SMOL_ACCENT : SMOL_PLAIN, A_NORMAL);
		at = smol_put_right(row, at, text);
		smol_hits_add(&a->hits, SMOL_HIT_NUMBER,
		    (struct smol_rect){.row = row, .col = at, .rows = 1, .cols = 3}, i);
	}
	smol_plain();
}
