/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colours, by what they say: see theme.h. */
#include "ui/draw/theme.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

/* Of 256: 16 + 36 r + 6 g + b with r, g, b up to 5; from 232 on, greys. */
static const struct smol_tint tints[SMOL_ROLES][SMOL_THEME_16 + 1] = {
    [SMOL_PLAIN] = {[SMOL_THEME_DARK] = {-1, false},
	[SMOL_THEME_LIGHT] = {-1, false},
	[SMOL_THEME_16] = {-1, false}},
    [SMOL_ACCENT] = {[SMOL_THEME_DARK] = {80, false},
	[SMOL_THEME_LIGHT] = {24, false},
	[SMOL_THEME_16] = {6, false}},
    [SMOL_GOOD] = {[SMOL_THEME_DARK] = {114, false},
	[SMOL_THEME_LIGHT] = {22, false},
	[SMOL_THEME_16] = {2, false}},
    [SMOL_BUSY] = {[SMOL_THEME_DARK] = {221, false},
	[SMOL_THEME_LIGHT] = {94, false},
	[SMOL_THEME_16] = {3, false}},
    [SMOL_BAD] = {[SMOL_THEME_DARK] = {210, false},
	[SMOL_THEME_LIGHT] = {124, false},
	[SMOL_THEME_16] = {1, false}},
    [SMOL_DIM] = {[SMOL_THEME_DARK] = {247, false},
	[SMOL_THEME_LIGHT] = {240, false},
	[SMOL_THEME_16] = {-1, true}},
    [SMOL_RULE] = {[SMOL_THEME_DARK] = {242, false},
	[SMOL_THEME_LIGHT] = {248, false},
	[SMOL_THEME_16] = {-1, true}},
};

/* "15;0", "0;default;15": the last is the background's number of 16. -1: it does not say. */
static int background(const char *colorfgbg)
{
	const char *last = colorfgbg ? strrchr(colorfgbg, ';') : NULL;
	int64_t n;

	return last && smol_parse_int(last + 1, 0, 15, &n) == 0 ? (int)n : -1;
}

enum smol_theme smol_theme_pick(enum smol_theme wanted, int colors, const char *colorfgbg)
{
	int behind = background(colorfgbg);

	if (colors < 256)
		return SMOL_THEME_16;
	if (wanted != SMOL_THEME_AUTO)
		return wanted;
	if (behind < 0)
		return SMOL_THEME_16;
	/* White, and the bright ones but grey. */
	return behind == 7 || behind > 8 ? SMOL_THEME_LIGHT : SMOL_THEME_DARK;
}

struct smol_tint smol_theme_tint(enum smol_theme theme, enum smol_role role)
{
	return tints[role][theme];
}
