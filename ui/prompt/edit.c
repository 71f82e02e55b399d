/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Editing a line: see edit.h. */
#include "ui/prompt/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"

#define HISTORY_KEEP 10000

static char *history_file; /* or NULL */
static int marks;

void smol_edit_set_marks(int n)
{
	marks = n;
}

void smol_edit_open(void)
{
	smol_auto_free char *state = smol_path_state(NULL);

	rl_readline_name = "smolsh";
	using_history();
	if (!state)
		return;
	history_file = smol_asprintf("%s/history", state);
	read_history(history_file);
	stifle_history(HISTORY_KEEP);
}

void smol_edit_close(void)
{
	if (!history_file)
		return;
	history_truncate_file(history_file, HISTORY_KEEP);
	chmod(history_file, 0600);
	free(history_file);
	history_file = NULL;
}

void smol_edit_remember(const char *line)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

	if (last && strcmp(last->line, line) == 0)
		return;
	add_history(line);
	using_history(); /* or a search would not begin at its end */
	if (history_file && append_history(1, history_file) != 0)
		write_history(history_file);
}

const char *smol_edit_entered(const char *line)
{
	const char *begin = line + strspn(line, " \t");

	if (!*begin)
		return NULL;
	if (*line != ' ')
		smol_edit_remember(line);
	return begin;
}

/* How many bytes all candidates have in common, in whole characters. */
static size_t common_length(const struct smol_completion *c)
{
	size_t n = strlen(c->list[0].insert);

	for (int i = 1; i < c->n; i++)
		while (strncmp(c->list[0].insert, c->list[i].insert, n) != 0)
			n--;
	while (n && ((unsigned char)c->list[0].insert[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* In the place of what stands from there to the cursor. Of a whole word the end is seen. */
static void replace(const struct smol_completion *c, const char *text, bool whole)
{
	rl_begin_undo_group();
	rl_delete_text((int)c->start, rl_point);
	rl_point = (int)c->start;
	rl_insert_text(text);
	if (whole && rl_line_buffer[rl_point] != ' ')
		rl_insert_text(" ");
	rl_end_undo_group();
}

void smol_edit_take(const struct smol_completion *c, int which)
{
	replace(c, c->list[which].insert, !c->list[which].open);
}

/* Returns whether the line has changed. */
static bool insert(const struct smol_completion *c)
{
	size_t n = c->n == 1 ? strlen(c->list[0].insert) : common_length(c);
	smol_auto_free char *text = smol_strndup(c->list[0].insert, n);
	smol_auto_free char *before = smol_strdup(rl_line_buffer);

	if (n < c->end - c->start && c->n > 1)
		return false;
	rl_point = (int)c->end;
	replace(c, text, c->n == 1 && !c->list[0].open);
	return strcmp(before, rl_line_buffer) != 0;
}

bool smol_edit_complete(struct smol_completion *c)
{
	bool changed;

	smol_complete_line(rl_line_buffer, (size_t)rl_point, smol_complete_host, &marks, c);
	changed = c->n && insert(c);
	if (c->n == 1)
		smol_completion_free(c);
	return changed;
}
