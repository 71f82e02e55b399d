/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drawing: the whole screen each time; curses sends what has changed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shell/settings.h"
#include "ui/pane/caret.h"
#include "ui/draw/draw.h"

/* "2 running  1 paused": of those that there are, as far as they fit. */
static int draw_counts(const struct smol_app *a, int at, int end)
{
	static const struct {
		enum smol_vm_state state;
		enum smol_role role;
		const char *word;
	} told[] = {
	    {SMOL_VM_RUNNING, SMOL_PLAIN, "running"},
	    {SMOL_VM_STARTING, SMOL_BUSY, "booting"},
	    {SMOL_VM_PAUSED, SMOL_BUSY, "paused"},
	    {SMOL_VM_STOPPING, SMOL_BUSY, "stopping"},
	    {SMOL_VM_DIED, SMOL_BAD, "died"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		int n = 0, width;

		for (int k = 0; k < a->vms.nall; k++)
			n += a->vms.all[k]->state == told[i].state;
		width = snprintf(text, sizeof(text), "  %d %s", n, told[i].word);
		if (!n || at + width > end)
			continue;
		smol_look(told[i].role, A_NORMAL);
		at += smol_put(0, at, width, text);
	}
	smol_plain();
	return at;
}

static void draw_top(struct smol_app *a)
{
	struct tm tm;
	time_t now = time(NULL);
	char text[32];
	int at, end;

	localtime_r(&now, &tm);
	snprintf(text, sizeof(text), "%02d:%02d", tm.tm_hour, tm.tm_min);
	smol_look(SMOL_DIM, A_NORMAL);
	end = smol_put_right(0, a->cols - 1, text);
	attr_set(A_BOLD, 0, NULL);
	at = 1 + smol_put(0, 1, 10, "smolsh");
	smol_plain();
	if (a->vms.nall)
		snprintf(
		    text, sizeof(text), "   %d VM%s", a->vms.nall, a->vms.nall == 1 ? "" : "s");
	else
		snprintf(text, sizeof(text), "   no VMs");
	at += smol_put(0, at, 20, text);
	at = draw_counts(a, at, end - 2);
	smol_look(SMOL_DIM, A_NORMAL);
	if (a->accel && end - at > 16)
		end = smol_put_right(0, end - 3, a->accel);
	if (!smol_setting(SMOL_SETTING_MOUSE) && end - at > 16)
		smol_put_right(0, end - 3, "no mouse");
	smol_plain();
}

static bool some_are_hidden(const struct smol_app *a)
{
	for (int i = 0; i < SMOL_PANES; i++)
		if (smol_panes_shown(a, i) && !a->at.panes[i].rows)
			return true;
	return false;
}

/* Where the focus is already is no hint. */
static bool is_here(const struct smol_app *a, enum smol_action action, enum smol_focus focus)
{
	return (action == SMOL_ACTION_prompt && focus == SMOL_FOCUS_PROMPT) ||
	       (action == SMOL_ACTION_copy && !(focus & (SMOL_FOCUS_PANE | SMOL_FOCUS_SCROLL))) ||
	       (action == SMOL_ACTION_search &&
		   (focus & (SMOL_FOCUS_PROMPT | SMOL_FOCUS_LIST | SMOL_FOCUS_PAGE))) ||
	       /* What one selects with comes first there. */
	       (focus == SMOL_FOCUS_COPY &&
		   (action == SMOL_ACTION_list || action == SMOL_ACTION_prompt ||
		       action == SMOL_ACTION_zoom || action == SMOL_ACTION_close)) ||
	       (action == SMOL_ACTION_list && focus == SMOL_FOCUS_LIST) ||
	       (action == SMOL_ACTION_close && !a->current);
}

/* On a page its own keys matter, and of the others only what closes it. */
static bool is_beside(enum smol_action action, enum smol_focus focus)
{
	return (focus & SMOL_FOCUS_PAGE) &&
	       (action == SMOL_ACTION_list || action == SMOL_ACTION_prompt ||
		   action == SMOL_ACTION_zoom || action == SMOL_ACTION_close ||
		   action == SMOL_ACTION_follow);
}

/* The columns that it takes; 0 where it has no key here. */
static int draw_hint(
    struct smol_app *a, int row, int at, enum smol_action action, enum smol_focus focus)
{
	const struct smol_binding *b = smol_key_of(action, focus);
	const char *hint = smol_actions[action].hint;
	char shown[SMOL_KEY_MAX];
	int width;

	if (!b)
		return 0;
	smol_key_shown(b->key, shown);
	width = (int)strlen(shown) + 1 + smol_columns(hint, strlen(hint));
	if (at + width > a->cols - 1)
		return a->cols;
	smol_plain();
	smol_put(row, at, width, shown);
	smol_look(SMOL_DIM, A_NORMAL);
	smol_put(row, at + (int)strlen(shown) + 1, width, hint);
	smol_hits_add(&a->hits, SMOL_HIT_HINT,
	    (struct smol_rect){.row = row, .col = at, .rows = 1, .cols = width}, (int)action);
	return width + 3;
}

static void draw_answers(struct smol_app *a, int row)
{
	char yes[48];
	const char *const texts[] = {yes, "n keep (default)"};
	int at = 1;

	snprintf(yes, sizeof(yes), "y %s", a->question.word);
	for (int i = 0; i < 2; i++) {
		int width = smol_put(row, at, a->cols - 1 - at, texts[i]);

		smol_hits_add(&a->hits, SMOL_HIT_ANSWER,
		    (struct smol_rect){.row = row, .col = at, .rows = 1, .cols = width}, i == 0);
		at += width + 3;
	}
}

static void draw_bottom(struct smol_app *a)
{
	enum smol_focus focus = smol_app_focus(a);
	int row = a->rows - 1, at = 1;

	if (a->question.text) {
		draw_answers(a, row);
		return;
	}
	if (a->message) {
		smol_look(SMOL_BUSY, A_NORMAL);
		smol_put(row, 1, a->cols - 2, a->message);
		smol_plain();
		return;
	}
	for (int i = 1; i < SMOL_ACTION__count; i++)
		if (*smol_actions[i].hint && !is_here(a, (enum smol_action)i, focus) &&
		    !is_beside((enum smol_action)i, focus))
			at += draw_hint(a, row, at, (enum smol_action)i, focus);
	smol_plain();
}

/* Where a bar ends above a rule it ends in it. */
static void end_bar(int row, int col)
{
	wchar_t text[CCHARW_MAX + 1] = {0};
	attr_t attrs;
	cchar_t below;
	short pair;

	if (mvin_wch(row, col, &below) == OK && getcchar(&below, text, &attrs, &pair, NULL) == OK &&
	    text[0] == 0x2500)
		smol_put(row, col, 1, "\xe2\x94\xb4"); /* ┴ */
}

static void draw_bars(struct smol_app *a)
{
	smol_look(SMOL_RULE, A_NORMAL);
	for (int i = 0; i < a->at.nborders; i++) {
		const struct smol_border *b = &a->at.borders[i];

		smol_hits_add(&a->hits, SMOL_HIT_BORDER, b->at, i);
		if (b->way != SMOL_ACROSS)
			continue;
		for (int y = 0; y < b->at.rows; y++)
			smol_put(b->at.row + y, b->at.col, 1, "\xe2\x94\x82"); /* │ */
		end_bar(b->at.row + b->at.rows, b->at.col);
	}
	smol_plain();
}

static void draw_body(struct smol_app *a, int *row, int *col)
{
	const struct smol_rect body = {.row = 1, .rows = a->rows - 4, .cols = a->cols};

	if (a->page) {
		smol_hits_add(&a->hits, SMOL_HIT_PAGE, body, 0);
		smol_page(a)->draw(a, &body, row, col);
		return;
	}
	if (smol_app_is_new(a)) {
		smol_draw_first(a);
		return;
	}
	if (a->at.strip)
		smol_draw_strip(a);
	if (a->at.list.rows)
		smol_draw_list(a);
	for (int i = 0; i < SMOL_PANES; i++)
		if (a->at.panes[i].rows > 0)
			smol_draw_pane(a, i);
	draw_bars(a);
}

void smol_draw(struct smol_app *a)
{
	int row = 0, col = 0, page_row = -1, page_col = -1;
	bool cursor = true;

	erase();
	smol_hits_clear(&a->hits);
	smol_mouse_heed(a);
	if (a->rows < SMOL_ROWS_MIN || a->cols < SMOL_COLS_MIN) {
		smol_put(0, 0, a->cols, "smolsh: the window is too small");
		refresh();
		return;
	}
	smol_panes_place(a);
	draw_top(a);
	smol_put_rule(a->rows - 3, a->cols);
	draw_body(a, &page_row, &page_col);
	if (!a->at.strip && some_are_hidden(a) && !a->page)
		smol_draw_numbers(a, a->rows - 3);
	smol_draw_candidates(a);
	smol_draw_prompt(a, &row, &col);
	draw_bottom(a);
	if (a->focus == SMOL_FOCUS_PANE && !a->question.text && !smol_entry_is_open(&a->entry)) {
		const struct smol_rect *r = &a->at.panes[a->current];
		struct smol_pane *p = a->panes[a->current];

		cursor = r->rows && (smol_view_frozen(&p->view)
					    ? smol_caret_place(&p->view, &row, &col)
					    : !p->view.held && p->state == SMOL_PANE_RUNNING &&
						  smol_term_cursor(p->term, &row, &col));
		col -= smol_view_frozen(&p->view) ? 0 : p->view.right;
		cursor = cursor && col >= 0;
		if (col >= r->cols)
			col = r->cols - 1;
		row += r->row + 1;
		col += r->col;
	} else if ((a->focus & SMOL_FOCUS_PAGE) && !smol_entry_is_open(&a->entry) &&
		   !a->question.text) {
		cursor = page_row >= 0;
		row = page_row;
		col = page_col;
	} else if (a->focus == SMOL_FOCUS_LIST && !smol_entry_is_open(&a->entry) &&
		   !a->question.text) {
		cursor = false;
	}
	curs_set(cursor);
	if (cursor)
		move(row, col);
	refresh();
}

void smol_draw_anew(void)
{
	clearok(curscr, TRUE);
}

void smol_draw_open(bool colored)
{
	set_escdelay(SMOL_ESCAPE_MS);
	raw();
	noecho();
	nonl();
	smol_paint_open(colored);
	/* Pasted text is told from typed text. */
	fputs("\033[?2004h", stdout);
	fflush(stdout);
}

void smol_draw_close(void)
{
	smol_mouse_release();
	endwin();
	fputs("\033[?2004l", stdout);
	fflush(stdout);
}
