/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines that have left a terminal at its top, packed: text as UTF-8, looks as runs. They lie
 * one behind the other in blocks; what is dropped is dropped from the beginning, block by block.
 */
#ifndef SMOL_UI_HISTORY_H
#define SMOL_UI_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <vterm.h>

#include "base/buf.h"

/* Besides the number of lines there is a bound for their bytes: so many a line on average. What is
 * above it costs the oldest lines. 80 columns of text take 85. */
#define SMOL_HISTORY_BYTES 1024

struct smol_history;

/* At most so many lines (at least 1). Caller frees. */
struct smol_history *smol_history_new(int lines);
void smol_history_free(struct smol_history *h);
/* Another number; the oldest go. */
void smol_history_limit(struct smol_history *h, int lines);
int smol_history_count(const struct smol_history *h);
/* Lines that can be pushed before the oldest go, unless they are long. */
int smol_history_room(const struct smol_history *h);
/* Lines that have been pushed and not popped, ever: the number of the next. */
int64_t smol_history_total(const struct smol_history *h);
/* As it is now, with room for so many lines more. Caller frees. */
struct smol_history *smol_history_copy(const struct smol_history *h, int more);

/* A line from cells; what is blank at its end is not kept. */
void smol_history_push(struct smol_history *h, const VTermScreenCell *cells, int cols);
/* The same from characters (0 is a blank) of one column each, and their looks. */
void smol_history_push_text(
    struct smol_history *h, const uint32_t *chars, const uint64_t *looks, int cols);
/* The newest is gone. Not where there is none. */
void smol_history_pop(struct smol_history *h);

/* The newest is 1. Into cells, to cols; what it does not fill is blank. False: no such line. */
bool smol_history_cells(const struct smol_history *h, int back, VTermScreenCell *cells, int cols);
/*
 * Its text appended, without what is blank at its end, and to at (unless that is NULL) the column
 * of each byte, an uint16_t. *full (unless that is NULL): the line reached its last column. False:
 * no such line.
 */
bool smol_history_text(
    const struct smol_history *h, int back, struct smol_buf *out, struct smol_buf *at, bool *full);

/* Blank cells. */
void smol_cells_blank(VTermScreenCell *cells, int from, int cols);
/* A program may have put anything into a cell; only what is a character is shown. 0: a blank. */
uint32_t smol_cell_char(uint32_t c);

/* In the cell behind a wide one. */
#define SMOL_CELL_OFF ((uint32_t)-1)

#endif
