/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The prompt: readline, fed with the bytes that are its, drawing nothing itself. There is one per
 * process, as readline is.
 */
#ifndef SMOL_UI_PROMPT_H
#define SMOL_UI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "shell/complete.h"

#define SMOL_PROMPT_FRONT "\xe2\x96\xb8 " /* ▸ */

/* A whole line was entered (not empty); or the end (Ctrl-D on an empty line): NULL. */
typedef void (*smol_prompt_fn)(void *ctx, const char *line);

/* Reads the history. */
void smol_prompt_open(smol_prompt_fn entered, void *ctx);
/* Writes what is not written yet. */
void smol_prompt_close(void);
void smol_prompt_feed(const char *bytes, size_t n);
/* Text as it is, whatever the keys mean. */
void smol_prompt_insert(const char *text, size_t n);
/* Replace what is in the line; the cursor behind it. */
void smol_prompt_set(const char *text);
/* Ctrl-C: nothing is in the line any more. */
void smol_prompt_cancel(void);
/* The cursor to a byte of the line, which begins a character. */
void smol_prompt_move(size_t byte);
/* That one of the candidates. */
void smol_prompt_take(int candidate);
bool smol_prompt_empty(void);
void smol_prompt_resize(int rows, int cols);

/* What stands in front (a search shows itself there), the line, and the cursor's byte in it. */
const char *smol_prompt_front(void);
const char *smol_prompt_line(size_t *cursor);
/* The candidates that Tab has found last; none (n is 0) once the line goes on. */
const struct smol_completion *smol_prompt_candidates(void);

#endif
