/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a character of a terminal looks, in one number, and what SGR sequences make of it. */
#ifndef SMOL_UI_LOOK_H
#define SMOL_UI_LOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <vterm.h>

#include "base/buf.h"

/* Of each colour 24 bits of value and 2 of kind (enum smol_look_kind), then the attributes. */
#define SMOL_LOOK_FG	    0
#define SMOL_LOOK_BG	    26
#define SMOL_LOOK_KIND	    24 /* behind a colour's value */
#define SMOL_LOOK_BOLD	    (UINT64_C(1) << 52)
#define SMOL_LOOK_ITALIC    (UINT64_C(1) << 53)
#define SMOL_LOOK_BLINK	    (UINT64_C(1) << 54)
#define SMOL_LOOK_REVERSE   (UINT64_C(1) << 55)
#define SMOL_LOOK_STRIKE    (UINT64_C(1) << 56)
#define SMOL_LOOK_UNDERLINE 57 /* two bits: 0…3, as VTERM_UNDERLINE_… */
#define SMOL_LOOK_PLAIN	    UINT64_C(0)

enum smol_look_kind { SMOL_LOOK_DEFAULT, SMOL_LOOK_INDEX, SMOL_LOOK_RGB };

static inline enum smol_look_kind smol_look_kind(uint64_t look, int which)
{
	return (enum smol_look_kind)(look >> (which + SMOL_LOOK_KIND) & 3);
}
static inline uint32_t smol_look_value(uint64_t look, int which)
{
	return (uint32_t)(look >> which & 0xffffff);
}

uint64_t smol_look_of_cell(const VTermScreenCell *c);
/* Colours and attributes of a cell; nothing else of it. */
void smol_look_to_cell(uint64_t look, VTermScreenCell *c);
/* That with which the next character will be written. */
uint64_t smol_look_of_pen(const VTermState *s);
/* A blank with it is seen. */
static inline bool smol_look_shows(uint64_t look)
{
	return smol_look_kind(look, SMOL_LOOK_BG) != SMOL_LOOK_DEFAULT ||
	       look & (SMOL_LOOK_REVERSE | SMOL_LOOK_STRIKE | UINT64_C(3) << SMOL_LOOK_UNDERLINE);
}

/*
 * SGR parameters (ECMA-48 8.3.117, ITU T.416, xterm) one after another, in one form: {n}; {4, 3},
 * a curly line; {38 or 48, 5, index}; {38 or 48, 2, red, green, blue}. What is not known, or has a
 * value that cannot be, gives n = 0.
 */
struct smol_sgr {
	int n, v[5];
};

/* One from text of "0123456789;:" (an empty one is 0); returns where the one behind it begins, or
 * NULL: it was the last. */
const char *smol_sgr_next(const char *from, const char *end, struct smol_sgr *g);
uint64_t smol_sgr_apply(uint64_t look, const struct smol_sgr *g);
/* As a sequence of its own. */
void smol_sgr_put(const struct smol_sgr *g, struct smol_buf *out);
/* The sequences that make this look, whatever there was. */
void smol_look_put(uint64_t look, struct smol_buf *out);

#endif
