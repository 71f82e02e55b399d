/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Colours, by what they say. A theme is a column of one table: for a dark and for a light
 * background in the 256 colours that are the same everywhere, and in the terminal's own 16, which
 * whoever chose them can read on whatever lies behind them.
 */
#ifndef SMOL_UI_THEME_H
#define SMOL_UI_THEME_H

#include <stdbool.h>

#include "shell/settings.h"

/* What a colour says. It is never all that says it. */
enum smol_role {
	SMOL_PLAIN,
	SMOL_ACCENT, /* where the focus is */
	SMOL_GOOD,
	SMOL_BUSY,
	SMOL_BAD,
	SMOL_DIM,  /* less than plain, and still to be read */
	SMOL_RULE, /* lines between areas */
	SMOL_ROLES
};

struct smol_tint {
	short color; /* its number, or -1: the terminal's text */
	bool dim;    /* by the terminal's own way of dimming */
};

/*
 * The theme that is wanted, as far as the terminal has so many colours. AUTO: by COLORFGBG (or
 * NULL), which some terminals set; where it says nothing, the terminal's own 16. Never AUTO.
 */
enum smol_theme smol_theme_pick(enum smol_theme wanted, int colors, const char *colorfgbg);
struct smol_tint smol_theme_tint(enum smol_theme theme, enum smol_role role);

#endif
