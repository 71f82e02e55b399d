/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking for text in what a pane shows: its history and its screen. The text is plain; capitals
 * count where it has one. A match lies in one line of the terminal. Every search reads all lines
 * once, so it knows how many matches there are.
 */
#ifndef SMOL_UI_SEARCH_H
#define SMOL_UI_SEARCH_H

#include <stdbool.h>

#include "ui/pane/view.h"

#define SMOL_MARKS 64 /* of a line: more are not marked */

struct smol_mark {
	int from, to; /* columns, both included */
	bool hit;     /* where one is */
};

/*
 * Look for text (copied; "": nothing any more) from a spot on, or back from in front of it, and on
 * from the other end. The window is brought there and held, and so is the caret. False: there is
 * none, nothing moves.
 */
bool smol_search(struct smol_view *v, const char *text, struct smol_spot from, bool back);
/* To the next match, in the search's direction or against it. False: there is none. */
bool smol_search_step(struct smol_view *v, bool against);
/* Where a search begins: at the caret, or at the window's edge. */
struct smol_spot smol_search_start(const struct smol_view *v, bool back);
/* The matches of a line. Returns their number. */
int smol_search_marks(const struct smol_view *v, int64_t line, struct smol_mark marks[SMOL_MARKS]);

#endif
