/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ui: themes: which one is taken, and whether what is written in it can be read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ui/draw/theme.h"

static void picked(enum smol_theme wanted, int colors, const char *colorfgbg, enum smol_theme got)
{
	assert_int_equal(smol_theme_pick(wanted, colors, colorfgbg), got);
}

static void what_is_taken(void **state)
{
	(void)state;
	picked(SMOL_THEME_AUTO, 256, NULL, SMOL_THEME_16);
	picked(SMOL_THEME_AUTO, 256, "", SMOL_THEME_16);
	picked(SMOL_THEME_AUTO, 256, "15", SMOL_THEME_16);
	picked(SMOL_THEME_AUTO, 256, "15;default", SMOL_THEME_16);
	picked(SMOL_THEME_AUTO, 256, "15;99", SMOL_THEME_16);
	picked(SMOL_THEME_AUTO, 256, "15;0", SMOL_THEME_DARK);
	picked(SMOL_THEME_AUTO, 256, "12;8", SMOL_THEME_DARK);
	picked(SMOL_THEME_AUTO, 256, "0;15", SMOL_THEME_LIGHT);
	picked(SMOL_THEME_AUTO, 256, "0;default;7", SMOL_THEME_LIGHT);
	picked(SMOL_THEME_DARK, 256, "0;15", SMOL_THEME_DARK);
	picked(SMOL_THEME_LIGHT, 256, "15;0", SMOL_THEME_LIGHT);
	picked(SMOL_THEME_16, 256, "15;0", SMOL_THEME_16);
	/* A terminal with few colours, or none. */
	picked(SMOL_THEME_LIGHT, 16, "0;15", SMOL_THEME_16);
	picked(SMOL_THEME_DARK, 8, NULL, SMOL_THEME_16);
	picked(SMOL_THEME_AUTO, 0, "0;15", SMOL_THEME_16);
}

static double linear(int value)
{
	double c = value / 255.0;

	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* Relative luminance of one of the 240 colours that are the same everywhere. */
static double luminance(int color)
{
	static const int levels[] = {0, 95, 135, 175, 215, 255};
	int c = color - 16;

	if (color >= 232)
		return linear(8 + 10 * (color - 232));
	return 0.2126 * linear(levels[c / 36]) + 0.7152 * linear(levels[c / 6 % 6]) +
	       0.0722 * linear(levels[c % 6]);
}

static double contrast(double a, double b)
{
	return a > b ? (a + 0.05) / (b + 0.05) : (b + 0.05) / (a + 0.05);
}

/* WCAG's 4.5 for text, against black and a dark grey, or white and a light one; 1.5 for lines. */
static void what_is_written_can_be_read(void **state)
{
	static const double behind[][2] = {
	    [SMOL_THEME_DARK] = {0.0, 0.02}, [SMOL_THEME_LIGHT] = {1.0, 0.85}};

	(void)state;
	for (enum smol_theme t = SMOL_THEME_DARK; t <= SMOL_THEME_LIGHT; t++)
		for (enum smol_role r = SMOL_ACCENT; r < SMOL_ROLES; r++)
			for (int i = 0; i < 2; i++) {
				struct smol_tint tint = smol_theme_tint(t, r);
				double least = r == SMOL_RULE ? 1.5 : 4.5, got;

				assert_in_range(tint.color, 16, 255);
				assert_false(tint.dim);
				got = contrast(luminance(tint.color), behind[t][i]);
				if (got < least)
					fail_msg("theme %d, role %d: contrast %.1f", t, r, got);
			}
}

/* In each theme what means something else looks otherwise. */
static void roles_differ(void **state)
{
	(void)state;
	for (enum smol_theme t = SMOL_THEME_DARK; t <= SMOL_THEME_16; t++)
		for (enum smol_role a = SMOL_PLAIN; a < SMOL_DIM; a++)
			for (enum smol_role b = a + 1; b <= SMOL_DIM; b++) {
				struct smol_tint x = smol_theme_tint(t, a);
				struct smol_tint y = smol_theme_tint(t, b);

				assert_true(x.color != y.color || x.dim != y.dim);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_taken),
	    cmocka_unit_test(what_is_written_can_be_read),
	    cmocka_unit_test(roles_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
