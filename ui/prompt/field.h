/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of text that is being edited: what is asked for, a field of a form. No terminal. */
#ifndef SMOL_UI_FIELD_H
#define SMOL_UI_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/input/input.h"

#define SMOL_FIELD_MAX 1024 /* bytes */

struct smol_field {
	char *text;    /* UTF-8; NULL: ""; owned */
	size_t cursor; /* byte in it, between characters */
};

/* "" where there is none yet. */
const char *smol_field_text(const struct smol_field *f);
/* Another text (copied), the cursor behind it. */
void smol_field_set(struct smol_field *f, const char *text);
void smol_field_free(struct smol_field *f);
/* A key: characters, pasted text up to its first line's end, and those of emacs that people know.
 * False: the key means nothing here. */
bool smol_field_key(struct smol_field *f, const struct smol_input_event *key);

#endif
