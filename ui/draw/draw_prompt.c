/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prompt's line, or what is asked in its place; see draw.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "ui/draw/draw.h"
#include "ui/prompt/prompt.h"

#define QUESTION_ROWS 8

/* The candidates, above the prompt. */
void smol_draw_candidates(struct smol_app *a)
{
	const struct smol_completion *c = smol_prompt_candidates();
	int rows = c->n < a->at.body_rows - 1 ? c->n : a->at.body_rows - 1, width = 8, top;

	if (!c->n || rows < 1)
		return;
	if (rows > 12)
		rows = 12;
	top = a->rows - 3 - rows;
	for (int i = 0; i < c->n; i++) {
		int w = smol_columns(c->list[i].text, strlen(c->list[i].text));

		if (w > width)
			width = w < a->cols / 2 ? w : a->cols / 2;
	}
	for (int i = 0; i < rows; i++) {
		char more[48];

		smol_plain();
		mvhline(top + i, 0, ' ', a->cols);
		smol_look(SMOL_DIM, A_NORMAL);
		smol_put(top + i, 1, 1, "\xe2\x94\x8a"); /* ┊ */
		smol_plain();
		if (i == rows - 1 && c->n > rows) {
			snprintf(more, sizeof(more), "… and %d more", c->n - rows + 1);
			smol_put(top + i, 3, a->cols - 4, more);
			break;
		}
		smol_hits_add(&a->hits, SMOL_HIT_CANDIDATE,
		    (struct smol_rect){.row = top + i, .rows = 1, .cols = a->cols}, i);
		smol_put(top + i, 3, width, c->list[i].text);
		smol_look(SMOL_DIM, A_NORMAL);
		smol_put(top + i, 5 + width, a->cols - width - 6, c->list[i].help);
	}
	smol_plain();
}

/* Whom the line will reach, where that is more than the one it names. Returns the columns left. */
static int draw_reached(struct smol_app *a, int row, const char *line)
{
	smol_auto_free char *word = smol_line_target(line), *names = NULL, *text = NULL;
	int n = 0, w;

	if (!*line && a->vms.nmarks)
		word = smol_strdup("@marked");
	if (!word || !strpbrk(word, "@*?[,"))
		return a->cols;
	names = smol_vms_reached(&a->vms, word, &n);
	text = smol_asprintf("\xe2\x86\x92 %s", n ? names : "no VM"); /* → */
	w = smol_columns(text, strlen(text));
	if (w > a->cols / 2) {
		free(text);
		text = smol_asprintf("\xe2\x86\x92 %d VMs", n);
		w = smol_columns(text, strlen(text));
	}
	smol_look(n ? SMOL_ACCENT : SMOL_BAD, A_NORMAL);
	smol_put(row, a->cols - 1 - w, w, text);
	smol_plain();
	return a->cols - 2 - w;
}

/* The first byte of a text that is shown within a width, so that the cursor is, too. */
static size_t first_shown(const char *text, size_t cursor, int width)
{
	size_t from = 0;

	while (from < cursor && smol_columns(text + from, cursor - from) > width) {
		size_t len = smol_utf8_len(text + from, strlen(text + from));

		from += len ? len : 1;
	}
	return from;
}

int smol_draw_text(int row, int col, int width, const char *text, size_t cursor)
{
	size_t from = first_shown(text, cursor, width);

	smol_put(row, col, width, text + from);
	return col + smol_columns(text + from, cursor - from);
}

/* Marks that a key or @marked would reach are never out of sight. */
static char *front_text(const struct smol_app *a)
{
	const char *front = smol_prompt_front();

	if (!a->vms.nmarks || strcmp(front, SMOL_PROMPT_FRONT) != 0)
		return smol_strdup(front);
	return smol_asprintf("%d marked %s", a->vms.nmarks, front);
}

/* What of a text a line of that width takes: whole words, where there are any. Malloc'd. */
static char *first_line(const char *text, int width)
{
	size_t n = strlen(text), fits = 0, words = 0;

	while (fits < n) {
		size_t len = smol_utf8_len(text + fits, n - fits);

		if (smol_columns(text, fits + (len ? len : 1)) > width)
			break;
		fits += len ? len : 1;
		if (fits == n || text[fits] == ' ')
			words = fits;
	}
	return smol_strndup(text, words ? words : fits);
}

/* All that is asked: what the prompt's row has no room for stands above it, and the rule higher.
 * Returns the column behind it. */
static int draw_question(const struct smol_app *a, int row)
{
	const char *p = a->question.text;
	char *lines[QUESTION_ROWS];
	int n = 0, used = 0;

	for (; *p && n < QUESTION_ROWS && n < a->rows - 4; p += strspn(p, " ")) {
		lines[n] = first_line(p, a->cols - 2);
		p += strlen(lines[n++]);
	}
	if (n > 1)
		smol_put_rule(row - n, a->cols);
	for (int i = 0; i < n; i++) {
		mvhline(row - n + 1 + i, 0, ' ', a->cols);
		attr_set(A_BOLD, 0, NULL);
		used = smol_put(row - n + 1 + i, 1, a->cols - 2, lines[i]);
		smol_plain();
		free(lines[i]);
	}
	return 2 + used;
}

void smol_draw_prompt(struct smol_app *a, int *cursor_row, int *cursor_col)
{
	smol_auto_free char *front = front_text(a);
	const char *line;
	int row = a->rows - 2, at, room;
	size_t cursor;

	line = smol_prompt_line(&cursor);
	if (a->question.text) {
		*cursor_row = row;
		*cursor_col = draw_question(a, row);
		return;
	}
	if (smol_entry_is_open(&a->entry)) {
		at = 1 + smol_put(row, 1, a->cols - 2, a->entry.label);
		*cursor_row = row;
		*cursor_col = smol_draw_text(row, at, a->cols - at - 1,
		    smol_field_text(&a->entry.field), a->entry.field.cursor);
		return;
	}
	room = draw_reached(a, row, line);
	smol_look(a->focus == SMOL_FOCUS_PROMPT ? SMOL_ACCENT : SMOL_PLAIN, A_NORMAL);
	at = 1 + smol_put(row, 1, room / 2, front);
	smol_plain();
	*cursor_row = row;
	*cursor_col = smol_draw_text(row, at, room - at - 1, line, cursor);
	smol_hits_add(
	    &a->hits, SMOL_HIT_PROMPT, (struct smol_rect){.row = row, .rows = 1, .cols = at}, -1);
	smol_hits_add(&a->hits, SMOL_HIT_PROMPT,
	    (struct smol_rect){.row = row, .col = at, .rows = 1, .cols = a->cols - at},
	    (int)first_shown(line, cursor, room - at - 1));
}
