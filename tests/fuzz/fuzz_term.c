/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pane under any bytes: output of a program in pieces, keys and sizes between them. Beyond memory
 * errors it checks that what a line gives is a character and no control, that what goes to the
 * program is bounded by what came, and that all bytes at once, of which much is not drawn, give the
 * same as in pieces that are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ui/term/history.h"
#include "ui/term/look.h"
#include "ui/term/term.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t said;

static void on_say(const char *bytes, size_t n, void *ctx)
{
	(void)bytes;
	(void)ctx;
	said += n;
}

static void look_at(const struct smol_term *t, int row, int cols)
{
	VTermScreenCell cells[64];
	char *text;

	if (!smol_term_line(t, row, cells, cols))
		return;
	text = smol_term_text(t, row);
	for (const char *s = text; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			abort();
	free(text);
}

/* ---- what only scrolls through, against what is drawn ---- */

#define PAIR_COLS 40

struct pair {
	struct smol_term *whole, *drawn;
	int rows, cols;
};

static void same(bool yes)
{
	if (!yes)
		abort();
}

static void same_cell(const VTermScreenCell *a, const VTermScreenCell *b)
{
	same(a->width == b->width);
	same(smol_look_of_cell(a) == smol_look_of_cell(b));
	same(smol_cell_char(a->chars[0]) == smol_cell_char(b->chars[0]));
	for (int k = 1; k < VTERM_MAX_CHARS_PER_CELL && a->chars[0] && a->chars[k - 1]; k++)
		same(a->chars[k] == b->chars[k]);
}

static void same_terms(const struct pair *p)
{
	int row[2], col[2];

	same(smol_term_history(p->whole) == smol_term_history(p->drawn));
	same(smol_term_origin(p->whole) == smol_term_origin(p->drawn));
	same(smol_term_alternate(p->whole) == smol_term_alternate(p->drawn));
	same(smol_term_cursor(p->whole, &row[0], &col[0]) ==
	     smol_term_cursor(p->drawn, &row[1], &col[1]));
	same(row[0] == row[1] && col[0] == col[1]);
	for (int i = -smol_term_history(p->whole); i < p->rows; i++) {
		VTermScreenCell a[PAIR_COLS], b[PAIR_COLS];

		same(smol_term_line(p->whole, i, a, p->cols));
		same(smol_term_line(p->drawn, i, b, p->cols));
		for (int k = 0; k < p->cols; k++)
			same_cell(&a[k], &b[k]);
	}
}

static void put_both(struct pair *p, const char *bytes, size_t n, bool singly)
{
	smol_term_write(p->whole, bytes, n);
	while (n) {
		const char *line = memchr(bytes, '\n', n);
		size_t part = singly ? 1 : line ? (size_t)(line + 1 - bytes) : n;

		smol_term_write(p->drawn, bytes, part);
		bytes += part;
		n -= part;
	}
	same_terms(p);
}

static void size_both(struct pair *p, int rows, int cols)
{
	p->rows = rows;
	p->cols = cols;
	smol_term_resize(p->whole, rows, cols);
	smol_term_resize(p->drawn, rows, cols);
	same_terms(p);
}

/* The last two bytes say the size. A single line is always drawn. What joins the character before
 * it is not the same to libvterm on its own. */
static void compare(const char *bytes, size_t n)
{
	unsigned char a = (unsigned char)bytes[n - 1], b = (unsigned char)bytes[n - 2];
	struct pair p = {.rows = 2 + a % 4, .cols = 4 + b % (PAIR_COLS - 4)};
	bool singly = true;

	for (size_t i = 0; i < n; i++)
		singly = singly && (unsigned char)bytes[i] < 0xcc;
	p.whole = smol_term_new(p.rows, p.cols, on_say, NULL);
	p.drawn = smol_term_new(p.rows, p.cols, on_say, NULL);
	put_both(&p, "\n\n\n\n\r", 5, false);
	put_both(&p, bytes, n - 2, singly);
	put_both(&p, "\r\n", 2, false);
	put_both(&p, bytes, n - 2, false);
	size_both(&p, 2 + b % 5, 4 + a % (PAIR_COLS - 4));
	put_both(&p, bytes, n - 2, false);
	same(smol_term_undrawn(p.drawn) == 0);
	smol_term_free(p.whole);
	smol_term_free(p.drawn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smol_term *t = smol_term_new(8, 20, on_say, NULL);
	int rows = 8, cols = 20, row, col;

	said = 0;
	for (size_t at = 0; at < size;) {
		size_t n = 1 + data[at] % 32;

		if (n > size - at)
			n = size - at;
		if (data[at] >= 0xf0) {
			rows = 1 + data[at] % 16;
			cols = 1 + (int)(n * 7 % 60);
			smol_term_resize(t, rows, cols);
		} else if (data[at] >= 0xe0) {
			smol_term_key(t, (VTermKey)(1 + data[at] % 13), VTERM_MOD_NONE);
			smol_term_reset(t);
		}
		smol_term_write(t, (const char *)data + at, n);
		at += n;
	}
	for (row = -smol_term_history(t) - 1; row <= rows; row++)
		look_at(t, row, cols);
	smol_term_cursor(t, &row, &col);
	if (row < 0 || row >= rows || col < 0 || col > cols)
		abort();
	if (said > 1000 * (size + 1))
		abort();
	smol_term_free(t);
	if (size > 2)
		compare((const char *)data, size);
	return 0;
}
