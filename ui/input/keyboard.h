/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal's bytes as they come into the loop, and when a lone ESC is one: when nothing has
 * come for SMOL_ESCAPE_MS, and not when the loop had no time to look.
 */
#ifndef SMOL_UI_KEYBOARD_H
#define SMOL_UI_KEYBOARD_H

#include <stdbool.h>
#include <uv.h>

#include "ui/input/input.h"

/* Neither copied nor moved between open and the loop's turn behind close. */
struct smol_keyboard {
	uv_poll_t poll;
	uv_timer_t escape;
	int fd;
	struct smol_input input;
	void (*take)(bool late); /* there are events; late: smol_input_next() is to be told so */
	void (*gone)(void);	 /* the terminal has ended */
};

/* Watches fd, which stays the caller's. */
void smol_keyboard_open(
    struct smol_keyboard *k, uv_loop_t *loop, int fd, void (*take)(bool late), void (*gone)(void));
/* The loop has to turn once more behind it; then smol_input_free() of its input. */
void smol_keyboard_close(struct smol_keyboard *k);

#endif
