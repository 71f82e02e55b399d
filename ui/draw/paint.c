/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words and colours on the screen: see paint.h. */
#include "ui/draw/paint.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"

static bool colored;

void smol_look(enum smol_role role, attr_t attrs)
{
	int wanted = smol_setting(SMOL_SETTING_THEME), pair = 0;
	enum smol_theme theme =
	    smol_theme_pick((enum smol_theme)wanted, colored ? COLORS : 0, getenv("COLORFGBG"));
	struct smol_tint tint = smol_theme_tint(theme, role);

	if (colored && tint.color >= 0)
		pair = alloc_pair(tint.color, -1);
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
	}
}

bool smol_paint_colored(void)
{
	return colored;
}
