/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the mouse does: to what lies under it (hit.h), or to a pane's program that has asked for it.
 */
#ifndef SMOL_UI_MOUSE_H
#define SMOL_UI_MOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/input/hit.h"
#include "ui/input/input.h"

#define SMOL_CLICK_MS 400 /* two clicks at one place within that are a double one */

struct smol_app;

/* What a button that is held does. */
enum smol_grab {
	SMOL_GRAB_NONE,
	SMOL_GRAB_BORDER,  /* it moves */
	SMOL_GRAB_TEXT,	   /* of a pane: it is selected */
	SMOL_GRAB_PROGRAM, /* a pane's program hears of it */
};

struct smol_mouse_state {
	enum smol_grab grab;
	int what;     /* the border's index, the pane's number */
	int row, col; /* of the last press */
	uint64_t when;
	int clicks;    /* at that place */
	bool followed; /* the pane whose text is selected, which stands still meanwhile */
};

/* The mouse is ours, or the terminal's: the setting "mouse". Told to the terminal when it changes.
 */
void smol_mouse_heed(const struct smol_app *a);
/* The terminal's until it is heeded again. */
void smol_mouse_release(void);
void smol_mouse_event(struct smol_app *a, const struct smol_input_event *e);

#endif
