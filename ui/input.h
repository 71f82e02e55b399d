/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What comes from the keyboard, taken apart: characters, named keys, pasted text. The bytes of each
 * stay with it, for whoever reads bytes (readline).
 */
#ifndef SMOL_UI_INPUT_H
#define SMOL_UI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "shell/keys.h"

#define SMOL_ESCAPE_MS 30 /* a lone ESC is a key when nothing follows for so long */

enum smol_mod { SMOL_MOD_SHIFT = 1, SMOL_MOD_ALT = 2, SMOL_MOD_CTRL = 4 };

enum smol_key {
	SMOL_KEY_CHAR, /* a character: c */
#define X(e, n) SMOL_KEY_##e,
	SMOL_KEYS(X)
#undef X
	    SMOL_KEY_PASTE, /* bytes are pasted text */
	SMOL_KEY_UNKNOWN,   /* a sequence that is none of these */
};

struct smol_input_event {
	enum smol_key key;
	uint32_t c;	   /* CHAR; with CTRL a letter */
	unsigned mods;	   /* enum smol_mod */
	const char *bytes; /* as they came; valid until the next call */
	size_t n;
};

struct smol_input {
	struct smol_buf in;
	bool pasting;
	struct smol_buf pasted;
	size_t taken;
};

void smol_input_free(struct smol_input *i);
void smol_input_feed(struct smol_input *i, const char *bytes, size_t n);
/*
 * The next event. False when there is none, or when what there is could go on: then late (nothing
 * has come for SMOL_ESCAPE_MS) makes the best of it.
 */
bool smol_input_next(struct smol_input *i, bool late, struct smol_input_event *e);
/* Does it wait for the rest of a sequence? */
bool smol_input_waits(const struct smol_input *i);
/* "C-x", "M-1", "S-PgUp", "a", "Space". */
void smol_input_name(const struct smol_input_event *e, char name[24]);

#endif
