/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest's bytes before libvterm gets them. What comes out is text in valid UTF-8 and whole
 * sequences of a list, each written anew with few and small numbers: libvterm 0.1.4 has no bound
 * for the number of parameters, repeats "nothing" without end, goes beyond its grid with a restored
 * cursor, and shows APC, PM and SOS strings as text. Strings of every kind end here, and so does
 * every query but those that are answered from what a pane is: DA, DA2, DSR 5 and 6, DECRQM.
 */
#ifndef SMOL_UI_WASH_H
#define SMOL_UI_WASH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define SMOL_WASH_STRING (1024 * 1024) /* bytes of a string, then it is text again */
#define SMOL_WASH_SEQ	 256	       /* of any other sequence; a longer one is dropped */

/* What the terminal does not do with plain text as at its beginning. */
enum smol_wash_odd {
	SMOL_WASH_INSERT = 1 << 0,
	SMOL_WASH_NEWLINE = 1 << 1,
	SMOL_WASH_REVERSE = 1 << 2,
	SMOL_WASH_ORIGIN = 1 << 3,
	SMOL_WASH_NO_WRAP = 1 << 4,
	SMOL_WASH_ALTERNATE = 1 << 5,
	SMOL_WASH_REGION = 1 << 6, /* only some rows scroll */
	SMOL_WASH_CHARSET = 1 << 7,
	SMOL_WASH_TABS = 1 << 8,
};

/* Begins as {0} with rows and cols set to the terminal's, which may change. */
struct smol_wash {
	int rows, cols;
	unsigned odd;	     /* enum smol_wash_odd */
	unsigned char state; /* this and what follows is private to wash.c */
	unsigned char need;
	bool shifted, graphics[2], saved;
	char seq[SMOL_WASH_SEQ];
	size_t n, string;
	char last[4]; /* the character that may be repeated */
	size_t nlast;
};

/* Appends to out; a sequence becomes at most a line of text (REP) or a few sequences. What is
 * incomplete waits. */
void smol_wash(struct smol_wash *w, const char *bytes, size_t n, struct smol_buf *out);
/* Nothing waits for its end. */
bool smol_wash_idle(const struct smol_wash *w);
/* What waits is dropped. */
void smol_wash_cut(struct smol_wash *w);

#endif
