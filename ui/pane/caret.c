/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cursor of the copy mode: see caret.h. */
#include "ui/pane/caret.h"

#include <string.h>

/* The characters of the caret's line. */
struct letters {
	struct smol_buf text, at;
	int n; /* bytes */
};

static void read_line(const struct smol_view *v, int64_t line, struct letters *l)
{
	*l = (struct letters){0};
	if (smol_view_read(v, line, &l->text, &l->at, NULL))
		l->n = (int)smol_buf_len(&l->text);
}

static void forget(struct letters *l)
{
	smol_buf_free(&l->text);
	smol_buf_free(&l->at);
}

static int column(const struct letters *l, int i)
{
	return ((const uint16_t *)(const void *)l->at.data)[i];
}

static int class(const struct letters *l, int i)
{
	return smol_view_class(l->text.data + i);
}

/* The first byte of the character at a column; of the last one, where the line ends before. */
static int byte_at(const struct letters *l, int col)
{
	int i = 0;

	while (i + 1 < l->n && column(l, i + 1) <= col)
		i++;
	while (i > 0 && column(l, i - 1) == column(l, i))
		i--;
	return i;
}

/* The line's column that is nearest to the wanted one. */
static int column_near(const struct smol_view *v, int64_t line, int col)
{
	struct letters l;
	int is;

	read_line(v, line, &l);
	is = l.n ? column(&l, byte_at(&l, col)) : 0;
	forget(&l);
	return is;
}

static void settle(struct smol_view *v)
{
	smol_view_reveal(v, v->caret);
	smol_view_extend(v, v->caret);
}

static int64_t within(const struct smol_view *v, int64_t line)
{
	if (line < smol_view_oldest(v))
		return smol_view_oldest(v);
	return line > smol_view_last(v) ? smol_view_last(v) : line;
}

void smol_caret_put(struct smol_view *v, struct smol_spot s)
{
	v->caret.line = within(v, s.line);
	v->caret.col = v->column = column_near(v, v->caret.line, s.col);
	settle(v);
}

void smol_caret_begin(struct smol_view *v)
{
	int row, col;

	smol_term_cursor(v->live, &row, &col);
	smol_view_freeze(v);
	if (smol_view_back(v))
		smol_caret_put(v, (struct smol_spot){.line = smol_view_top(v) + v->rows - 1});
	else
		smol_caret_put(
		    v, (struct smol_spot){.line = smol_term_origin(v->still) + row, .col = col});
}

void smol_caret_down(struct smol_view *v, int lines)
{
	v->caret.line = within(v, v->caret.line + lines);
	v->caret.col = column_near(v, v->caret.line, v->column);
	settle(v);
}

/* Where the next word begins: in this line, or at the next line's first. */
static void word(struct smol_view *v, const struct letters *l, int i)
{
	int was;

	if (l->n) {
		was = class(l, i);
		while (i < l->n && was && class(l, i) == was)
			i++;
		while (i < l->n && !class(l, i))
			i++;
	}
	if (i < l->n) {
		v->caret.col = column(l, i);
	} else if (v->caret.line < smol_view_last(v)) {
		struct letters next;

		read_line(v, ++v->caret.line, &next);
		for (i = 0; i < next.n && !class(&next, i);)
			i++;
		v->caret.col = i < next.n ? column(&next, i) : 0;
		forget(&next);
	}
}

static void word_back(struct smol_view *v, const struct letters *l, int i)
{
	int was;

	while (i > 0 && !class(l, i - 1))
		i--;
	if (i > 0) {
		was = class(l, i - 1);
		while (i > 0 && class(l, i - 1) == was)
			i--;
		v->caret.col = column(l, i);
	} else if (v->caret.line > smol_view_oldest(v)) {
		v->caret.col = column_near(v, --v->caret.line, SMOL_TERM_MAX);
	} else {
		v->caret.col = 0;
	}
}

static void right(struct smol_view *v, const struct letters *l, int i)
{
	while (i + 1 < l->n && column(l, i) <= v->caret.col)
		i++;
	if (l->n)
		v->caret.col = column(l, i);
}

void smol_caret_move(struct smol_view *v, enum smol_move how)
{
	struct letters l;
	int i;

	read_line(v, v->caret.line, &l);
	i = l.n ? byte_at(&l, v->caret.col) : 0;
	switch (how) {
	case SMOL_MOVE_LEFT:
		v->caret.col = i > 0 ? column(&l, i - 1) : 0;
		break;
	case SMOL_MOVE_RIGHT:
		right(v, &l, i);
		break;
	case SMOL_MOVE_WORD_BACK:
		word_back(v, &l, i);
		break;
	case SMOL_MOVE_WORD:
		word(v, &l, i);
		break;
	case SMOL_MOVE_LINE_BEGIN:
		v->caret.col = 0;
		break;
	case SMOL_MOVE_LINE_END:
		v->caret.col = l.n ? column(&l, l.n - 1) : 0;
		break;
	}
	forget(&l);
	v->column = how == SMOL_MOVE_LINE_END ? SMOL_TERM_MAX : v->caret.col;
	settle(v);
}

void smol_caret_select(struct smol_view *v, enum smol_unit unit)
{
	struct smol_spot anchor = v->anchor;

	if (v->selecting && v->unit == unit) {
		smol_view_deselect(v);
		return;
	}
	smol_view_select(v, unit, v->selecting ? anchor : v->caret);
	smol_view_extend(v, v->caret);
}

void smol_caret_other_end(struct smol_view *v)
{
	struct smol_spot head = v->head;

	if (!v->selecting)
		return;
	v->caret = v->anchor;
	v->column = v->caret.col;
	v->anchor = head;
	settle(v);
}

bool smol_caret_place(const struct smol_view *v, int *row, int *col)
{
	int64_t down = v->caret.line - smol_view_top(v);

	if (!smol_view_frozen(v) || down < 0 || down >= v->rows || v->caret.col < v->right ||
	    v->caret.col >= v->right + v->cols)
		return false;
	*row = (int)down;
	*col = v->caret.col - v->right;
	return true;
}
