/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a pane shows of its terminal: a window on its lines, and what is selected among them. It
 * follows the terminal's end, or is held at a line, which then stays where it is while output goes
 * on. Places are a line's number (smol_term_origin()) and a column: a selection stays on its text
 * when that leaves the screen, until the history has no room for it any more. Knows of no curses.
 */
#ifndef SMOL_UI_VIEW_H
#define SMOL_UI_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/term/term.h"

struct smol_spot {
	int64_t line; /* its number */
	int col;      /* of the terminal, not of the window */
};

/* What is looked for: search.h. */
struct smol_search {
	char *text; /* NULL: nothing; owned */
	bool back;  /* from the end to the beginning */
	struct smol_spot hit;
	int at, count; /* the hit is which of how many; at is 0: there is none */
};

/* What a selection grows by. */
enum smol_unit { SMOL_UNIT_CHAR, SMOL_UNIT_WORD, SMOL_UNIT_LINE };

struct smol_view {
	const struct smol_term *live; /* the pane's; not owned */
	struct smol_term *still;      /* looked at in its place, so that nothing moves; owned */
	bool frozen;		      /* for the copy mode */
	int rows, cols;		      /* of the window */
	int right;		      /* columns scrolled to the right */
	bool chases;		      /* the program's cursor, sideways: who types sees it */
	bool held;		      /* it does not follow */
	int64_t top;		      /* the first line, while it is held */

	bool selecting;
	enum smol_unit unit;
	struct smol_spot anchor, head; /* where it began, where it is now */
	struct smol_spot from, to;     /* what is selected, in order, both included */

	struct smol_search search;
	struct smol_spot caret; /* while it is frozen: caret.h */
	int column;		/* where it wants to be, on lines that are as long */
};

/* The terminal must outlive the view. */
void smol_view_open(struct smol_view *v, const struct smol_term *live, int rows, int cols);
void smol_view_close(struct smol_view *v);
void smol_view_resize(struct smol_view *v, int rows, int cols);
/* What is looked at: the terminal, or what it was when smol_view_freeze() was called. */
const struct smol_term *smol_view_term(const struct smol_view *v);

/* The numbers of the first line that there is, of the one at the window's top, and of the last. */
int64_t smol_view_oldest(const struct smol_view *v);
int64_t smol_view_top(const struct smol_view *v);
int64_t smol_view_last(const struct smol_view *v);
/* Lines between the window and the terminal's screen; 0: it shows that. */
int smol_view_back(const struct smol_view *v);
/* By so many lines up (negative: down), within what there is; at the end it follows again. */
void smol_view_scroll(struct smol_view *v, int lines);
/* By so many columns to the right (negative: left), as far as what is shown goes. */
void smol_view_shift(struct smol_view *v, int cols);
/* To the end, and go on with it; nothing is frozen, selected or looked for any more. */
void smol_view_follow(struct smol_view *v);
/* It stays where it is, at the end too. */
void smol_view_hold(struct smol_view *v);
/*
 * What is looked at changes no more, whatever the program does: the copy mode. Until
 * smol_view_thaw(), which drops the selection, stays where it is and follows only where it was at
 * the end.
 */
void smol_view_freeze(struct smol_view *v);
void smol_view_thaw(struct smol_view *v);
bool smol_view_frozen(const struct smol_view *v);
/*
 * Before the terminal gets so many bytes more: where it is held and its lines could go out of the
 * history, it goes on with a copy, until it is scrolled to that one's end.
 */
void smol_view_keep(struct smol_view *v, size_t bytes);
/* Where it chases the program's cursor: sideways to it. */
void smol_view_chase(struct smol_view *v);
/* Scroll as little as brings a spot into the window. */
void smol_view_reveal(struct smol_view *v, struct smol_spot s);

/*
 * A row of the window into cells (room for v->cols). *before and *behind: the line goes on at that
 * side. False: there is nothing.
 */
bool smol_view_cells(
    const struct smol_view *v, int row, VTermScreenCell *cells, bool *before, bool *behind);
/* The spot at a place of the window, which is brought into it. */
struct smol_spot smol_view_spot(const struct smol_view *v, int row, int col);
/* The text of a line and its columns, as smol_term_read() gives them. */
bool smol_view_read(const struct smol_view *v, int64_t line, struct smol_buf *text,
    struct smol_buf *at, bool *full);

/* ---- the selection ---- */

/* Begin one: what is at the spot (the character, word or line) is selected, and where it will be
 * extended to. */
void smol_view_select(struct smol_view *v, enum smol_unit unit, struct smol_spot at);
void smol_view_extend(struct smol_view *v, struct smol_spot to);
void smol_view_deselect(struct smol_view *v);
/* The columns *from … *to, both included, of a line are selected; false: none. */
bool smol_view_selected(const struct smol_view *v, int64_t line, int *from, int *to);
/*
 * The text of what is selected; malloc'd, caller frees; NULL: nothing is. Lines that the terminal
 * wrapped are joined (a line that fills its width is taken to go on), blanks at their ends are cut.
 */
char *smol_view_selection(const struct smol_view *v);
/* The same of all that there is. */
char *smol_view_everything(const struct smol_view *v);
/* 0: blank, 1: a sign, 2: a part of a word, as a path or an address is. */
int smol_view_class(const char *s);
/* The first and last column of the word at a spot; of the blanks or signs, where no word is. */
void smol_view_word(const struct smol_view *v, struct smol_spot at, int *from, int *to);

#endif
