/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages in the place of the panes: help, and the first start; see draw.h. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "shell/command.h"
#include "ui/draw.h"
#include "ui/welcome.h"

#define KEYS_WIDTH 18 /* columns of the keys' names */

/* What a person has bound. */
static void draw_lines(int row, int last, int width)
{
	int n;
	const struct smol_binding *bound = smol_keys_bound(&n);
	char shown[SMOL_KEY_MAX];

	for (int i = 0; i < n && row <= last; i++) {
		if (!bound[i].line)
			continue;
		smol_key_shown(bound[i].key, shown);
		smol_put(row, 4, KEYS_WIDTH - 1, shown);
		smol_put(row++, 4 + KEYS_WIDTH, width, bound[i].line);
	}
}

void smol_draw_help(struct smol_app *a)
{
	const struct smol_command **all = smol_command_sorted();
	int row = 2, last = a->rows - 5, right = a->cols >= 100 ? a->cols / 2 : 0;

	attr_set(A_BOLD, 0, NULL);
	smol_put(row++, 2, a->cols - 4, "Keys");
	smol_plain();
	for (int i = 1; i < SMOL_ACTION__count && row <= last; i++) {
		char keys[KEYS_WIDTH];

		smol_action_keys((enum smol_action)i, keys, sizeof(keys));
		smol_put(row, 4, KEYS_WIDTH, keys);
		smol_put(row++, 4 + KEYS_WIDTH, (right ? right : a->cols) - 5 - KEYS_WIDTH,
		    smol_actions[i].help);
	}
	draw_lines(row, last, (right ? right : a->cols) - 5 - KEYS_WIDTH);
	if (right) {
		row = 2;
		attr_set(A_BOLD, 0, NULL);
		smol_put(row++, right, a->cols - right - 2, "Commands (help COMMAND tells all)");
		smol_plain();
		for (int i = 0; all[i] && row <= last; i++) {
			smol_put(row, right + 2, 10, all[i]->name);
			smol_put(row++, right + 13, a->cols - right - 14, all[i]->summary);
		}
	}
	free(all);
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
		smol_look(SMOL_PLAIN, A_DIM);
		smol_put(at, col + 26, a->cols - col - 26, smol_welcome[i][1]);
		smol_plain();
	}
}
