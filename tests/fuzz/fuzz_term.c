/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pane under any bytes: output of a program in pieces, keys and sizes between them. Beyond memory
 * errors it checks that what a line gives is a character and no control, and that what goes to the
 * program is bounded by what came.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
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
	return 0;
}
