/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables aligned by display width: see output.h. */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/output.h"

#define GAP 2

struct smol_table {
	const char *const *headers; /* not owned */
	int ncols, nrows;
	char **cells; /* ncols × nrows; owned */
};

/* The C locale knows no widths; asked for only where a table is printed, as it costs time. */
static void know_widths(void)
{
	static bool done;

	if (!done)
		setlocale(LC_CTYPE, "C.UTF-8");
	done = true;
}

/* Columns of the character at s, *len its bytes. */
static int char_width(const char *s, size_t *len)
{
	mbstate_t st = {0};
	wchar_t wc;
	size_t n = mbrtowc(&wc, s, strlen(s), &st);
	int w;

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
		*len = 1;
		return 1;
	}
	*len = n;
	w = wcwidth(wc);
	return w < 0 ? 0 : w;
}

int smol_text_width(const char *s)
{
	int width = 0;

	know_widths();
	for (size_t len; *s; s += len)
		width += char_width(s, &len);
	return width;
}

struct smol_table *smol_table_new(const char *const *headers)
{
	struct smol_table *t = smol_alloc(sizeof(*t));

	t->headers = headers;
	while (headers[t->ncols])
		t->ncols++;
	return t;
}

void smol_table_row(struct smol_table *t, const char *const *cells)
{
	size_t ncols = (size_t)t->ncols, at = ncols * (size_t)t->nrows;

	t->cells = smol_realloc(t->cells, (at + ncols) * sizeof(*t->cells));
	for (size_t i = 0; i < ncols; i++)
		t->cells[at + i] = smol_out_one_line(cells[i] ? cells[i] : "-");
	t->nrows++;
}

void smol_table_free(struct smol_table *t)
{
	for (int i = 0; i < t->ncols * t->nrows; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

/* As much of s as fits into width columns, with an ellipsis where something is missing. */
static void print_cut(const char *s, int width)
{
	int used = 0;

	if (smol_text_width(s) <= width) {
		fputs(s, stdout);
		return;
	}
	for (size_t len; *s; s += len) {
		int w = char_width(s, &len);

		if (used + w > width - 1)
			break;
		used += w;
		fwrite(s, 1, len, stdout);
	}
	fputs("…", stdout);
}

/* Cells up to the last that holds something: no blanks at a line's end. */
static void print_row(
    const struct smol_table *t, const char *const *cells, const int *widths, int width)
{
	int left = width, last = t->ncols - 1;

	while (last > 0 && !*cells[last])
		last--;
	for (int i = 0; i < last; i++) {
		bool right = t->headers[i][0] == '>';
		int pad = widths[i] - smol_text_width(cells[i]);

		printf("%*s%s%*s", right ? pad : 0, "", cells[i], (right ? 0 : pad) + GAP, "");
		left -= widths[i] + GAP;
	}
	if (t->headers[last][0] == '>')
		printf("%*s", widths[last] - smol_text_width(cells[last]), "");
	if (!width)
		fputs(cells[last], stdout);
	else if (left > 0)
		print_cut(cells[last], left);
	putchar('\n');
}

void smol_table_print(const struct smol_table *t, bool headers, int width)
{
	smol_auto_free int *widths = smol_alloc((size_t)t->ncols * sizeof(*widths));
	smol_auto_free const char **names = smol_alloc((size_t)t->ncols * sizeof(*names));

	for (int i = 0; i < t->ncols; i++) {
		names[i] = t->headers[i] + (t->headers[i][0] == '>');
		widths[i] = headers ? smol_text_width(names[i]) : 0;
		for (int r = 0; r < t->nrows; r++) {
			int w = smol_text_width(t->cells[r * t->ncols + i]);

			widths[i] = w > widths[i] ? w : widths[i];
		}
	}
	if (headers)
		print_row(t, names, widths, width);
	for (int r = 0; r < t->nrows; r++)
		print_row(t, (const char *const *)t->cells + r * t->ncols, widths, width);
}
