/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of the screen, one file each; draw.c puts them together. */
#ifndef SMOL_UI_DRAW_H
#define SMOL_UI_DRAW_H

#include "ui/app.h"
#include "ui/draw/paint.h"

/* draw_list.c: the VMs as a column, or as words in the line below the first. */
void smol_draw_list(struct smol_app *a);
void smol_draw_strip(struct smol_app *a);

/* draw_pane.c */
void smol_draw_pane(struct smol_app *a, int which);
/* What is on it, below r's first line. */
void smol_draw_content(const struct smol_pane *p, const struct smol_rect *r);
/* The panes' numbers, with their end at the end of a row. */
void smol_draw_numbers(struct smol_app *a, int row);

/* draw_page.c: the first start; and what pages share: in their last line, that there is more. */
void smol_draw_first(struct smol_app *a);
void smol_draw_rest(const struct smol_rect *r, int lines);

/* draw_prompt.c: the line itself, and the candidates above it. */
/* Text that is edited, such that its cursor (a byte) is within the width; returns its column. */
int smol_draw_text(int row, int col, int width, const char *text, size_t cursor);
void smol_draw_prompt(struct smol_app *a, int *cursor_row, int *cursor_col);
void smol_draw_candidates(struct smol_app *a);

#endif
