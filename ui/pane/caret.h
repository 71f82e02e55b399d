/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cursor of the copy mode: it moves on a frozen view (view.h), and the selection with it. */
#ifndef SMOL_UI_CARET_H
#define SMOL_UI_CARET_H

#include <stdbool.h>

#include "ui/pane/view.h"

enum smol_move {
	SMOL_MOVE_LEFT,
	SMOL_MOVE_RIGHT,
	SMOL_MOVE_WORD_BACK,
	SMOL_MOVE_WORD, /* to where the next one begins */
	SMOL_MOVE_LINE_BEGIN,
	SMOL_MOVE_LINE_END,
};

/* Freeze the view and put the caret where the program's cursor is; where that is not in the window,
 * at its last line. */
void smol_caret_begin(struct smol_view *v);
void smol_caret_move(struct smol_view *v, enum smol_move how);
/* So many lines down (negative: up), in the same column where there is one. */
void smol_caret_down(struct smol_view *v, int lines);
/* To a spot, which is brought into what there is; the window follows. */
void smol_caret_put(struct smol_view *v, struct smol_spot s);
/* Begin to select at the caret; end that where the unit is the same, change it where not. */
void smol_caret_select(struct smol_view *v, enum smol_unit unit);
/* To the other end of what is selected. */
void smol_caret_other_end(struct smol_view *v);
/* Where it is in the window. False: it is not in it. */
bool smol_caret_place(const struct smol_view *v, int *row, int *col);

#endif
