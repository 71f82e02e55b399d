/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was copied last: kept here, and told to the terminal, which has the clipboard (OSC 52). Text
 * of guests has come through a grid: it has no control character but the ends of lines.
 */
#ifndef SMOL_UI_CLIP_H
#define SMOL_UI_CLIP_H

#include <stddef.h>

#define SMOL_CLIP_MAX 74994 /* bytes that terminals take; xterm's bound */

/* Keep text (taken over) and tell it. Returns the bytes that the terminal was told: less than the
 * text has, where that is too long; 0 where it knows of no clipboard. */
size_t smol_clip_set(char *text);
/* NULL: nothing was copied. Valid until the next smol_clip_set(). */
const char *smol_clip_text(void);

#endif
