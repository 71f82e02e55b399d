/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What comes from the keyboard, taken apart: characters, named keys, pasted text; and what the
 * mouse does. The bytes of each stay with it, for whoever reads bytes (readline).
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
	SMOL_KEY_MOUSE,	    /* no key: mouse says what */
	SMOL_KEY_UNKNOWN,   /* a sequence that is none of these */
};

enum smol_mouse {
	SMOL_MOUSE_PRESS,
	SMOL_MOUSE_RELEASE,
	SMOL_MOUSE_DRAG, /* moved, with a button or (0) none */
	SMOL_MOUSE_UP,	 /* the wheel */
	SMOL_MOUSE_DOWN,
};

struct smol_input_mouse {
	enum smol_mouse what;
	int button;   /* 1 left, 2 middle, 3 right; 0: none, or not said */
	int row, col; /* of the terminal, from 0; at most SMOL_MOUSE_MAX */
};
#define SMOL_MOUSE_MAX 9999

struct smol_input_event {
	enum smol_key key;
	uint32_t c;    /* CHAR; with CTRL a letter */
	unsigned mods; /* enum smol_mod */
	struct smol_input_mouse mouse;
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
/* "C-x", "M-1", "S-PgUp", "a", "Space"; "" for what has no name: pasted text, the mouse. */
void smol_input_name(const struct smol_input_event *e, char name[24]);

#endif
