/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pane shows: see view.h. */
#include "ui/pane/view.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int64_t clamp(int64_t n, int64_t least, int64_t most)
{
	return n > most ? most : n < least ? least : n;
}

void smol_view_open(struct smol_view *v, const struct smol_term *live, int rows, int cols)
{
	*v = (struct smol_view){.live = live, .rows = rows, .cols = cols};
}

void smol_view_close(struct smol_view *v)
{
	smol_term_free(v->still);
	v->still = NULL;
	v->frozen = false;
	free(v->search.text);
	v->search = (struct smol_search){0};
}

void smol_view_resize(struct smol_view *v, int rows, int cols)
{
	v->rows = rows;
	v->cols = cols;
}

const struct smol_term *smol_view_term(const struct smol_view *v)
{
	return v->still ? v->still : v->live;
}

/* ---- where the window is ---- */

static int64_t origin(const struct smol_view *v)
{
	return smol_term_origin(smol_view_term(v));
}

int64_t smol_view_oldest(const struct smol_view *v)
{
	return origin(v) - smol_term_history(smol_view_term(v));
}

int64_t smol_view_last(const struct smol_view *v)
{
	return origin(v) + smol_term_rows(smol_view_term(v)) - 1;
}

/* Where the window shows the end: the screen, or its lower part where that is higher. */
static int64_t bottom(const struct smol_view *v)
{
	int64_t top = smol_view_last(v) + 1 - v->rows;

	return clamp(top, smol_view_oldest(v), smol_view_last(v));
}

int64_t smol_view_top(const struct smol_view *v)
{
	return v->held ? clamp(v->top, smol_view_oldest(v), bottom(v)) : bottom(v);
}

int smol_view_back(const struct smol_view *v)
{
	int64_t back = smol_term_origin(v->live) - smol_view_top(v);

	return v->held ? (int)clamp(back, 0, INT_MAX) : 0;
}

static void drop_copy(struct smol_view *v)
{
	smol_term_free(v->still);
	v->still = NULL;
}

void smol_view_scroll(struct smol_view *v, int lines)
{
	v->top = clamp(smol_view_top(v) - lines, smol_view_oldest(v), bottom(v));
	/* What is behind a copy's end is in the terminal, unless that has lost it. */
	if (v->still && !v->frozen && v->top == bottom(v))
		drop_copy(v);
	v->held = v->frozen || v->top < bottom(v);
}

/* The columns that a line takes. */
static int width(const struct smol_view *v, int64_t line)
{
	smol_auto_buf struct smol_buf text = {0}, at = {0};
	int cols;

	if (!smol_view_read(v, line, &text, &at, NULL) || !smol_buf_len(&at))
		return 0;
	cols = ((const uint16_t *)(const void *)at.data)[smol_buf_len(&at) / sizeof(uint16_t) - 1];
	return cols + 1;
}

void smol_view_shift(struct smol_view *v, int cols)
{
	int64_t top = smol_view_top(v);
	int most = 0;

	v->chases = false;
	for (int row = 0; row < v->rows && cols > 0; row++) {
		int w = width(v, top + row);

		most = w > most ? w : most;
	}
	most = most > v->cols ? most - v->cols : 0;
	/* Where it is already it may stay, though what went so far is gone. */
	if (most < v->right)
		most = v->right;
	v->right = (int)clamp((int64_t)v->right + cols, 0, most);
}

void smol_view_follow(struct smol_view *v)
{
	smol_view_close(v);
	smol_view_deselect(v);
	v->held = false;
}

void smol_view_hold(struct smol_view *v)
{
	v->top = smol_view_top(v);
	v->held = true;
}

static void copy(struct smol_view *v)
{
	smol_view_hold(v);
	if (!v->still)
		v->still = smol_term_still(v->live);
}

void smol_view_freeze(struct smol_view *v)
{
	copy(v);
	v->frozen = true;
}

void smol_view_thaw(struct smol_view *v)
{
	int64_t top = smol_view_top(v);

	if (!v->frozen)
		return;
	v->frozen = false;
	smol_view_deselect(v);
	v->held = top < bottom(v);
	v->top = top;
	/* Where the terminal has those lines no more, the copy goes on. */
	if (!v->held || top >= smol_term_origin(v->live) - smol_term_history(v->live))
		drop_copy(v);
}

bool smol_view_frozen(const struct smol_view *v)
{
	return v->frozen;
}

void smol_view_keep(struct smol_view *v, size_t bytes)
{
	/* A byte is a line at most. */
	int64_t lines = smol_view_top(v) - smol_view_oldest(v) + smol_term_room(v->live);

	if (v->held && !v->still && (uint64_t)lines < bytes)
		copy(v);
}

void smol_view_reveal(struct smol_view *v, struct smol_spot s)
{
	int64_t top = smol_view_top(v);

	if (s.line < top)
		smol_view_scroll(v, (int)(top - s.line));
	else if (s.line >= top + v->rows)
		smol_view_scroll(v, -(int)(s.line - top - v->rows + 1));
	if (s.col < v->right)
		v->right = s.col;
	else if (s.col >= v->right + v->cols)
		v->right = s.col - v->cols + 1;
}

void smol_view_chase(struct smol_view *v)
{
	int row, col;

	if (v->chases && !v->held && smol_term_cols(v->live) > v->cols &&
	    smol_term_cursor(v->live, &row, &col))
		smol_view_reveal(v, (struct smol_spot){.line = origin(v) + row, .col = col});
}

/* ---- what is in it ---- */

bool smol_view_read(
    const struct smol_view *v, int64_t line, struct smol_buf *text, struct smol_buf *at, bool *full)
{
	if (line < smol_view_oldest(v) || line > smol_view_last(v))
		return false;
	return smol_term_read(smol_view_term(v), (int)(line - origin(v)), text, at, full);
}

static void blank(VTermScreenCell *c)
{
	*c = (VTermScreenCell){.width = 1};
	c->fg.type = VTERM_COLOR_DEFAULT_FG;
	c->bg.type = VTERM_COLOR_DEFAULT_BG;
}

bool smol_view_cells(
    const struct smol_view *v, int row, VTermScreenCell *cells, bool *before, bool *behind)
{
	const struct smol_term *t = smol_view_term(v);
	int64_t line = smol_view_top(v) + row, at = line - origin(v);
	VTermScreenCell *all;

	*before = *behind = false;
	if (line < smol_view_oldest(v) || line > smol_view_last(v))
		return false;
	if (at < 0 || v->still || smol_term_cols(t) > v->cols) {
		int w = width(v, line);

		*before = v->right > 0 && w > 0;
		*behind = w > v->right + v->cols;
	}
	if (v->right) {
		all = smol_alloc((size_t)(v->right + v->cols) * sizeof(*all));
		smol_term_line(t, (int)at, all, v->right + v->cols);
		memcpy(cells, all + v->right, (size_t)v->cols * sizeof(*cells));
		free(all);
	} else {
		smol_term_line(t, (int)at, cells, v->cols);
	}
	/* Half of a wide character is none. */
	if (cells[0].chars[0] == (uint32_t)-1)
		blank(&cells[0]);
	if (cells[v->cols - 1].width == 2)
		blank(&cells[v->cols - 1]);
	return true;
}

struct smol_spot smol_view_spot(const struct smol_view *v, int row, int col)
{
	int64_t line = smol_view_top(v) + clamp(row, 0, v->rows - 1);

	return (struct smol_spot){
	    .line = line > smol_view_last(v) ? smol_view_last(v) : line,
	    .col = v->right + (int)clamp(col, 0, v->cols - 1),
	};
}

/* ---- the selection ---- */

static bool precedes(struct smol_spot a, struct smol_spot b)
{
	return a.line < b.line || (a.line == b.line && a.col < b.col);
}

int smol_view_class(const char *s)
{
	static const char signs[] = "\"'`()[]{}<>|;,&!?=*#";

	return *s == ' ' ? 0 : strchr(signs, *s) ? 1 : 2;
}

void smol_view_word(const struct smol_view *v, struct smol_spot s, int *from, int *to)
{
	smol_auto_buf struct smol_buf text = {0}, at = {0};
	const uint16_t *col;
	int n, first, last, class;

	*from = *to = s.col;
	if (!smol_view_read(v, s.line, &text, &at, NULL) || !smol_buf_len(&text))
		return;
	n = (int)smol_buf_len(&text);
	col = (const uint16_t *)(const void *)at.data;
	if (s.col > col[n - 1])
		return;
	for (first = 0; first + 1 < n && col[first + 1] <= s.col;)
		first++;
	last = first;
	class = smol_view_class(text.data + first);
	while (first > 0 && smol_view_class(text.data + first - 1) == class)
		first--;
	while (last + 1 < n && smol_view_class(text.data + last + 1) == class)
		last++;
	*from = col[first];
	*to = last + 1 < n ? col[last + 1] - 1 : col[last];
}

/* What is selected from where it began and where it is now. */
static void settle(struct smol_view *v)
{
	bool forth = !precedes(v->head, v->anchor);
	int from, to;

	v->from = forth ? v->anchor : v->head;
	v->to = forth ? v->head : v->anchor;
	if (v->unit == SMOL_UNIT_LINE) {
		v->from.col = 0;
		v->to.col = SMOL_TERM_MAX;
	} else if (v->unit == SMOL_UNIT_WORD) {
		smol_view_word(v, v->from, &from, &to);
		v->from.col = from;
		smol_view_word(v, v->to, &from, &to);
		v->to.col = to;
	}
}

void smol_view_select(struct smol_view *v, enum smol_unit unit, struct smol_spot at)
{
	v->selecting = true;
	v->unit = unit;
	v->anchor = v->head = at;
	settle(v);
}

void smol_view_extend(struct smol_view *v, struct smol_spot to)
{
	if (!v->selecting)
		return;
	v->head = to;
	settle(v);
}

void smol_view_deselect(struct smol_view *v)
{
	v->selecting = false;
}

bool smol_view_selected(const struct smol_view *v, int64_t line, int *from, int *to)
{
	if (!v->selecting || line < v->from.line || line > v->to.line)
		return false;
	*from = line == v->from.line ? v->from.col : 0;
	*to = line == v->to.line ? v->to.col : SMOL_TERM_MAX;
	return true;
}

/* The part of a line's text that is in the columns from … to. */
static void cut(struct smol_buf *out, const struct smol_buf *text, const uint16_t *col, int from,
    int to, bool keep_blanks)
{
	size_t n = smol_buf_len(text), first = 0, end;

	/* The second half of a wide character stands for it. */
	while (first < n && col[first] < from &&
	       !(first + 1 < n && col[first + 1] > from && col[first + 1] - col[first] > 1))
		first++;
	while (first > 0 && first < n && col[first - 1] == col[first])
		first--;
	for (end = first; end < n && col[end] <= to;)
		end++;
	while (!keep_blanks && end > first && text->data[end - 1] == ' ')
		end--;
	smol_buf_append(out, text->data + first, end - first);
}

static char *text_of(const struct smol_view *v, struct smol_spot first, struct smol_spot last)
{
	bool joins = !smol_term_alternate(smol_view_term(v)), full;
	smol_auto_buf struct smol_buf out = {0}, text = {0}, at = {0};
	int64_t line = first.line > smol_view_oldest(v) ? first.line : smol_view_oldest(v);

	for (; line <= last.line && smol_view_read(v, line, &text, &at, &full); line++) {
		bool goes_on = joins && full && line < last.line;

		if (smol_buf_len(&text))
			cut(&out, &text, (const uint16_t *)(const void *)at.data,
			    line == first.line ? first.col : 0,
			    line == last.line ? last.col : SMOL_TERM_MAX, goes_on);
		if (line < last.line && !goes_on)
			smol_buf_append(&out, "\n", 1);
	}
	return smol_buf_take(&out);
}

char *smol_view_selection(const struct smol_view *v)
{
	return v->selecting ? text_of(v, v->from, v->to) : NULL;
}

char *smol_view_everything(const struct smol_view *v)
{
	struct smol_spot first = {.line = smol_view_oldest(v)},
			 last = {.line = smol_view_last(v), .col = SMOL_TERM_MAX};
	char *text = text_of(v, first, last);
	size_t n = strlen(text);

	/* What is below the last line that has something is none of it. */
	while (n && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return text;
}
