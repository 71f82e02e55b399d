/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of commands as a page: every line that ran, the newest at the end. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/text.h"
#include "ui/input/actions.h"
#include "ui/draw/draw.h"
#include "ui/prompt/prompt.h"
#include "ui/pane/save.h"

#define STATE_COL 12
#define TOOK_END  30
#define LINE_COL  32

static int chosen, top;

void smol_page_log_open(struct smol_app *a)
{
	chosen = a->log.n - 1;
	smol_page_open(a, SMOL_PAGE_LOG);
}

/* ---- how it looks ---- */

static void draw_state(const struct smol_log_entry *e, int row, int col)
{
	char text[24];

	if (e->state == SMOL_LOG_RUNS) {
		smol_look(SMOL_GOOD, A_NORMAL);
		snprintf(text, sizeof(text), "run");
	} else if (e->state == SMOL_LOG_LEFT) {
		smol_look(SMOL_DIM, A_NORMAL);
		snprintf(text, sizeof(text), "left");
	} else if (!e->status) {
		smol_look(SMOL_DIM, A_NORMAL);
		snprintf(text, sizeof(text), "done");
	} else {
		smol_look(SMOL_BAD, A_NORMAL);
		snprintf(text, sizeof(text), e->status > 128 ? "signal %d" : "exit %d",
		    e->status > 128 ? e->status - 128 : e->status);
	}
	smol_put(row, col, 10, text);
	smol_plain();
}

static void draw_entry(
    const struct smol_log_entry *e, const struct smol_rect *r, int row, bool here)
{
	smol_auto_free char *safe = smol_escape(e->line, strlen(e->line));
	time_t t = e->began_ms / 1000;
	char text[24];
	struct tm tm;

	smol_look(here ? SMOL_ACCENT : SMOL_DIM, here ? A_BOLD : A_NORMAL);
	smol_put(row, r->col, 1, here ? "\xe2\x96\xb8" : " "); /* ▸ */
	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	smol_put(row, r->col + 2, 9, text);
	draw_state(e, row, r->col + STATE_COL);
	smol_duration_text(
	    (e->state == SMOL_LOG_RUNS ? smol_lines_now_ms() : e->ended_ms) - e->began_ms, text);
	smol_look(SMOL_DIM, A_NORMAL);
	smol_put_right(row, r->col + TOOK_END, text);
	smol_look(here ? SMOL_ACCENT : SMOL_PLAIN, here ? A_BOLD : A_NORMAL);
	smol_put(row, r->col + LINE_COL, r->cols - LINE_COL - 1, safe);
	smol_plain();
}

static void draw_log(struct smol_app *a, const struct smol_rect *r, int *row, int *col)
{
	int rows = r->rows - 1;

	(void)row;
	(void)col;
	if (chosen >= a->log.n)
		chosen = a->log.n - 1;
	if (chosen < 0)
		chosen = 0;
	if (chosen < top)
		top = chosen;
	if (chosen >= top + rows)
		top = chosen - rows + 1;
	/* No empty rows below the newest where there are older ones: the window may have grown. */
	if (top > a->log.n - rows)
		top = a->log.n > rows ? a->log.n - rows : 0;
	smol_look(SMOL_PLAIN, A_BOLD);
	smol_put(r->row, r->col + 2, r->cols - 3, "Commands");
	smol_plain();
	if (!a->log.n) {
		smol_look(SMOL_DIM, A_NORMAL);
		smol_put(r->row + 1, r->col + 2, r->cols - 3, "none yet");
		smol_plain();
	}
	for (int i = 0; i < rows && top + i < a->log.n; i++)
		draw_entry(&a->log.entries[top + i], r, r->row + 1 + i, top + i == chosen);
	smol_draw_rest(&(struct smol_rect){r->row, r->col, 1, r->cols}, a->log.n - top - rows);
}

/* ---- keys ---- */

static void scroll_log(struct smol_app *a, int lines)
{
	chosen -= lines;
	smol_app_changed(a); /* which brings it into what there is */
}

static const char *chosen_line(const struct smol_app *a)
{
	return chosen >= 0 && chosen < a->log.n ? a->log.entries[chosen].line : NULL;
}

static void accept_log(struct smol_app *a, bool whole)
{
	smol_auto_free char *line = smol_strdup(chosen_line(a));

	(void)whole;
	if (!line)
		return;
	smol_page_close(a);
	smol_line_run(a, line);
}

ACTION(log)
{
	if (a->page == SMOL_PAGE_LOG)
		smol_page_close(a);
	else
		smol_page_log_open(a);
}

ACTION(edit_line)
{
	const char *line = chosen_line(a);

	if (!line)
		return;
	smol_prompt_set(line);
	smol_page_close(a);
	a->focus = SMOL_FOCUS_PROMPT;
}

ACTION(export)
{
	char name[40];
	time_t t = time(NULL);
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(name, sizeof(name), "smolsh-%Y%m%d-%H%M", &tm);
	smol_save_ask(a, "save the log as a script to ", name, smol_log_script(&a->log), 0700);
}

const struct smol_page_ops smol_page_log = {
    .focus = SMOL_FOCUS_LOG,
    .draw = draw_log,
    .scroll = scroll_log,
    .accept = accept_log,
};
