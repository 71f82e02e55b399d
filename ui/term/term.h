/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal in a pane: a grid over a program's output (libvterm, behind wash.h) and the lines
 * that have left it at the top. Foreign bytes end here: titles, clipboards and other strings are
 * dropped, few queries are answered to the program. No process and no screen of ours: see pane.h
 * and draw.h.
 */
#ifndef SMOL_UI_TERM_H
#define SMOL_UI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vterm.h>

#include "base/buf.h"

#define SMOL_TERM_HISTORY 10000 /* lines, unless told otherwise */
#define SMOL_TERM_MAX	  1000	/* rows or columns */

struct smol_term;

/* What the terminal says to the program: answers, keys. */
typedef void (*smol_term_say)(const char *bytes, size_t n, void *ctx);

/* rows is brought into 1…SMOL_TERM_MAX, cols into 2…SMOL_TERM_MAX. Caller frees. */
struct smol_term *smol_term_new(int rows, int cols, smol_term_say say, void *ctx);
void smol_term_free(struct smol_term *t);
void smol_term_resize(struct smol_term *t, int rows, int cols);
/* Output of the program. */
void smol_term_write(struct smol_term *t, const char *bytes, size_t n);
/*
 * A part of it from its beginning, at least a byte; returns how much. It takes about a millisecond
 * at most. The more bytes there are the better: what would only scroll through is not drawn
 * (flood.h).
 */
size_t smol_term_take(struct smol_term *t, const char *bytes, size_t n);
/* So many bytes have only scrolled through: for tests. */
uint64_t smol_term_undrawn(const struct smol_term *t);
/* A fresh screen below what there is; modes and colours as at the beginning. */
void smol_term_reset(struct smol_term *t);

/* How many lines above the screen are kept (at least 1); what is more goes at once. */
void smol_term_set_history(struct smol_term *t, int lines);
/* Lines above the screen. */
int smol_term_history(const struct smol_term *t);
/* Lines that can be added to them before the oldest go. */
int smol_term_room(const struct smol_term *t);
int smol_term_rows(const struct smol_term *t);
int smol_term_cols(const struct smol_term *t);
/* Lines are counted since the beginning and keep their number when they leave the screen: that of
 * the screen's first line, row 0. */
int64_t smol_term_origin(const struct smol_term *t);
/*
 * What it shows now and its history, to be looked at while the terminal goes on: lines have the
 * same rows and numbers; nothing can be written to it. Caller frees.
 */
struct smol_term *smol_term_still(const struct smol_term *t);
/*
 * A line into cells (room for cols): rows of the screen count from 0, lines of the history from -1
 * upwards. What the line does not fill is blank. False where there is no such line.
 */
bool smol_term_line(const struct smol_term *t, int row, VTermScreenCell *cells, int cols);
/* The same as text without what is blank at its end; malloc'd, caller frees. NULL: no such line. */
char *smol_term_text(const struct smol_term *t, int row);
/*
 * The same into a buffer, and into at (unless that is NULL) the column of each byte, an uint16_t;
 * both are cleared before. *full (unless that is NULL): it reaches the terminal's last column, so
 * it may go on in the next line. False: no such line.
 */
bool smol_term_read(
    const struct smol_term *t, int row, struct smol_buf *text, struct smol_buf *at, bool *full);

/* False where the program has hidden it. */
bool smol_term_cursor(const struct smol_term *t, int *row, int *col);
/* A full-screen program draws: there is no history to look at. */
bool smol_term_alternate(const struct smol_term *t);

/* What of the mouse the program has asked for. */
enum smol_term_mouse {
	SMOL_TERM_MOUSE_NONE,
	SMOL_TERM_MOUSE_CLICK,
	SMOL_TERM_MOUSE_DRAG, /* and moves while a button is pressed */
	SMOL_TERM_MOUSE_MOVE, /* and all moves */
};
enum smol_term_mouse smol_term_mouse(const struct smol_term *t);
/*
 * The mouse is at that place of the screen, which is brought into it, and so is the button: 1…3,
 * or 4 and 5 for the wheel (only pressed); 0: it has only moved. The program is told what it has
 * asked for, in its coding.
 */
void smol_term_mouse_event(
    struct smol_term *t, int row, int col, int button, bool pressed, VTermModifier mod);

/* Keys and text for the program, in the modes that it has asked for. */
void smol_term_key(struct smol_term *t, VTermKey key, VTermModifier mod);
void smol_term_char(struct smol_term *t, uint32_t c, VTermModifier mod);
void smol_term_paste(struct smol_term *t, const char *text, size_t n);

#endif
