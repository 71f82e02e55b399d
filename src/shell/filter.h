/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest output on its way to a person or into JSON, chunk by chunk: what a chunk's end cuts in two
 * (a UTF-8 character, a colour sequence) waits for the next one.
 */
#ifndef SMOL_SHELL_FILTER_H
#define SMOL_SHELL_FILTER_H

#include <stdbool.h>

#include "base/buf.h"

#define SMOL_FILTER_PENDING 64 /* bytes that may wait */

struct smol_filter {
	char pending[SMOL_FILTER_PENDING];
	size_t n;
};

/* What may be shown of pending and data, as smol_escape_terminal() does; appended to out. */
void smol_filter_terminal(struct smol_filter *f, const char *data, size_t n, struct smol_buf *out);
/* The same bytes, but never half a UTF-8 character at the end of out. */
void smol_filter_utf8(struct smol_filter *f, const char *data, size_t n, struct smol_buf *out);
/* The stream has ended: what still waits, escaped (terminal) or as it is. */
void smol_filter_end(struct smol_filter *f, bool terminal, struct smol_buf *out);

/*
 * A guest's terminal on ours (exec -t, shell): what draws passes, what else a terminal can be told
 * does not. Text, C0, SGR, cursor, erasing, scrolling and the modes in a list pass; OSC, DCS, APC,
 * PM and SOS strings are swallowed up to their end, or SMOL_FILTER_STRING bytes; so is everything
 * that makes a terminal answer, print, resize or change how it reads bytes. Nothing that is begun
 * goes out before it is known what it is.
 */
#define SMOL_FILTER_STRING (64 * 1024)

struct smol_tty_filter {
	unsigned char state; /* private to filter_tty.c */
	unsigned char need;  /* continuation bytes that a UTF-8 character lacks */
	char seq[SMOL_FILTER_PENDING];
	size_t n;	      /* of seq */
	size_t string;	      /* bytes of a string that were swallowed */
	bool modes;	      /* private modes were changed */
	bool alternate;	      /* the alternate screen is shown */
	unsigned char origin; /* modes that change where the cursor's home is: 1 for 6, 2 for 69 */
};

void smol_filter_tty(struct smol_tty_filter *f, const char *data, size_t n, struct smol_buf *out);
/* The end: what puts our terminal back into the state that shells expect, appended to out. */
void smol_filter_tty_end(struct smol_tty_filter *f, struct smol_buf *out);

#endif
