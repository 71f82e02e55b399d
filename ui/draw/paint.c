/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words and colours on the screen: see paint.h. */
#include "ui/draw/paint.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"

static bool colored;
static int direct; /* the first of the terminal's numbers that is 0xRRGGBB; 0: none is */

/* ---- colours ---- */

/* One of the 256 colours as 0xRRGGBB; the first 16 as xterm has them. */
static int value_of(int index)
{
	static const int low[] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
	    0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff,
	    0x00ffff, 0xffffff};
	static const int levels[] = {0, 95, 135, 175, 215, 255};
	int c = index - 16;

	if (index < 16)
		return low[index];
	if (index >= 232)
		return (8 + 10 * (index - 232)) * 0x010101;
	return levels[c / 36] << 16 | levels[c / 6 % 6] << 8 | levels[c % 6];
}

/* The darkest are the terminal's own colours as numbers: as good as the same, then. */
static int number_of(int value)
{
	return value < direct ? value | 0x010000 : value;
}

int smol_color_rgb(int red, int green, int blue)
{
	if (direct)
		return number_of(red << 16 | green << 8 | blue);
	if (COLORS >= 256)
		return 16 + 36 * ((red * 5 + 127) / 255) + 6 * ((green * 5 + 127) / 255) +
		       (blue * 5 + 127) / 255;
	return (red > 127) | (green > 127) << 1 | (blue > 127) << 2;
}

int smol_color_index(int index)
{
	int value;

	if (index < (direct ? direct : COLORS))
		return index;
	if (!direct && index < 16)
		return index % 8;
	value = value_of(index);
	return smol_color_rgb(value >> 16, value >> 8 & 255, value & 255);
}

/* Terminfo's flag RGB: numbers are values, but for the first 8, 16 or 256. Which, the sequence
 * tells: a value takes four signs between its numbers. */
static int find_direct(void)
{
	static const int firsts[] = {8, 16, 256};
	const char *setaf = tigetstr("setaf");

	if (tigetflag("RGB") <= 0 || COLORS < 1 << 24 || !setaf || setaf == (char *)-1)
		return 0;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		const char *s = tiparm(setaf, firsts[i]);
		int signs = 0;

		for (; s && *s; s++)
			signs += *s == ':' || *s == ';';
		if (signs >= 4)
			return firsts[i];
	}
	return 0;
}

/* ---- words ---- */

void smol_look(enum smol_role role, attr_t attrs)
{
	int wanted = smol_setting(SMOL_SETTING_THEME), pair = 0;
	enum smol_theme theme =
	    smol_theme_pick((enum smol_theme)wanted, colored ? COLORS : 0, getenv("COLORFGBG"));
	struct smol_tint tint = smol_theme_tint(theme, role);

	if (colored && tint.color >= 0)
		pair = alloc_pair(smol_color_index(tint.color), -1);
	attr_set(attrs | (tint.dim ? A_DIM : A_NORMAL), 0, &pair);
}

void smol_plain(void)
{
	attr_set(A_NORMAL, 0, NULL);
}

int smol_put(int row, int col, int width, const char *text)
{
	int used = 0;

	for (size_t n = strlen(text), at = 0; at < n;) {
		size_t len = smol_utf8_len(text + at, n - at);
		wchar_t wc = L'?';
		int w;

		if (len && mbrtowc(&wc, text + at, len, &(mbstate_t){0}) > 4)
			wc = L'?';
		if (wc == L'\n')
			wc = L'\u21b5'; /* ↵ */
		w = wcwidth(wc);
		if (w < 0) {
			wc = L'?';
			w = 1;
		}
		if (used + w > width)
			break;
		mvaddnwstr(row, col + used, &wc, 1);
		used += w;
		at += len ? len : 1;
	}
	return used;
}

int smol_columns(const char *text, size_t n)
{
	int used = 0;

	for (size_t at = 0; at < n;) {
		size_t len = smol_utf8_len(text + at, n - at);
		wchar_t wc;
		int w = 1;

		if (len && mbrtowc(&wc, text + at, len, &(mbstate_t){0}) <= 4)
			w = wcwidth(wc);
		used += w < 0 ? 1 : w;
		at += len ? len : 1;
	}
	return used;
}

void smol_put_rule(int row, int cols)
{
	smol_look(SMOL_RULE, A_NORMAL);
	for (int i = 0; i < cols; i++)
		smol_put(row, i, 1, "\xe2\x94\x80"); /* ─ */
	smol_plain();
}

void smol_put_name(int row, int col, int width, const char *name)
{
	int n = (int)strlen(name), front = width / 2;

	if (n <= width) {
		smol_put(row, col, width, name);
		return;
	}
	smol_put(row, col, front, name);
	smol_put(row, col + front, 1, "\xe2\x80\xa6"); /* … */
	smol_put(row, col + front + 1, width, name + n - (width - front - 1));
}

int smol_put_right(int row, int end, const char *text)
{
	int w = smol_columns(text, strlen(text));

	smol_put(row, end - w, w, text);
	return end - w;
}

void smol_paint_open(bool wanted)
{
	colored = wanted && has_colors();
	if (colored) {
		start_color();
		use_default_colors();
		direct = find_direct();
	}
}

bool smol_paint_colored(void)
{
	return colored;
}
