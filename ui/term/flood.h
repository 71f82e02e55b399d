/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A short way for much text: whole lines that only scroll through a terminal are kept without its
 * being drawn, character by character, on a screen that nobody sees in between. It does what
 * libvterm does with the same bytes; tests/unit/test_term.c and tests/fuzz/fuzz_term.c compare.
 */
#ifndef SMOL_UI_FLOOD_H
#define SMOL_UI_FLOOD_H

#include <stddef.h>
#include <stdint.h>

#include "ui/term/history.h"

#define SMOL_FLOOD_COLS_MIN 4	 /* below, libvterm wraps in its own ways */
#define SMOL_FLOOD_LINE	    1024 /* bytes; a longer one is none of these lines */

/* What is at the beginning of some bytes. */
struct smol_flood {
	size_t body;  /* bytes of the lines that can be kept at once; 0: none */
	size_t bytes; /* with those behind them that the screen is to show; or that are no such
			 lines */
};

/*
 * Lines of text, SGR, EL, CR, BS and TAB that end in CR LF, where the cursor begins at a line's
 * beginning: so many at the end as `keep` are for the screen. Nothing where there are not at least
 * twice as many.
 */
struct smol_flood smol_flood_find(const char *bytes, size_t n, int keep);

/*
 * The body, on a line that begins as chars and looks say (cols of them; changed), with a look for
 * what is written next. Each line that is full goes to the history. Returns the look at its end;
 * the line is blank then, and looks so.
 */
uint64_t smol_flood_keep(const char *bytes, size_t n, uint32_t *chars, uint64_t *looks, int cols,
    uint64_t look, struct smol_history *h);

#endif
