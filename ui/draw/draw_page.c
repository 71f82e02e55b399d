/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first start, and what pages share; see draw.h. */
#include <stdio.h>

#include "base/auto.h"
#include "ui/draw/draw.h"
#include "ui/prompt/welcome.h"

void smol_draw_rest(const struct smol_rect *r, int lines)
{
	char text[48];

	if (lines < 1)
		return;
	snprintf(text, sizeof(text), "\xe2\x86\x93 %d more line%s", lines, /* ↓ */
	    lines == 1 ? "" : "s");
	smol_look(SMOL_DIM, A_NORMAL);
	smol_put_right(r->row + r->rows - 1, r->col + r->cols - 1, text);
	smol_plain();
}

void smol_draw_first(struct smol_app *a)
{
	int row = a->rows / 4, col = a->cols >= 80 ? 8 : 2;

	smol_put(row, col, a->cols - col,
	    "No VM yet. Type a line below, or press Enter to run the first one:");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(smol_welcome); i++) {
		int at = row + 2 + (int)i;

		if (at > a->rows - 5)
			break;
		attr_set(A_BOLD, 0, NULL);
		smol_put(at, col + 4, a->cols - col - 4, smol_welcome[i][0]);
		smol_look(SMOL_DIM, A_NORMAL);
		smol_put(at, col + 26, a->cols - col - 26, smol_welcome[i][1]);
		smol_plain();
	}
}
