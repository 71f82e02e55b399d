/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What smolsh tells the program that it becomes. */
#ifndef SMOL_UI_OPTIONS_H
#define SMOL_UI_OPTIONS_H

#include <stdbool.h>

struct smol_ui_options {
	const char *program; /* smolsh itself, which runs the commands */
	const char *color;   /* --color's word as it was given, or NULL */
	bool colored;	     /* what that comes to on this terminal */
	bool line;	     /* no screen is wanted */
};

/* In a child, forked with signals held (base/spawn.h): become `smolsh -c LINE`, with the same
 * options. Does not return. */
_Noreturn void smol_ui_become(const struct smol_ui_options *o, const char *line);

#endif
