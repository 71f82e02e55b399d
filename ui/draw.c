/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drawing: the whole screen each time; curses sends what has changed. */
#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "ui/app.h"
#include "base/auto.h"
#include "base/text.h"
#include "ui/prompt.h"
#include "shell/command.h"

enum { PLAIN, ACCENT, GOOD, BUSY, BAD, NCOLORS };
static short color_of[NCOLORS] = {-1, COLOR_CYAN, COLOR_GREEN, COLOR_YELLOW, COLOR_RED};
static bool colored;

static attr_t look(int color, attr_t attrs)
{
	attr_set(attrs, 0, NULL);
	if (colored && color != PLAIN) {
		int pair = alloc_pair(color_of[color], -1);

		attr_set(attrs, 0, &pair);
	}
	return attrs;
}

static void plain(void)
{
	attr_set(A_NORMAL, 0, NULL);
}

/* Text within a width, in whole characters; what is no character of ours is shown as '?'. Returns
 * the columns taken. */
static int put(int row, int col, int width, const char *text)
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

static int columns_of(const char *text, size_t n)
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

/* With its end at the column; returns where it begins. */
static int put_right(int row, int end, const char *text)
{
	int w = columns_of(text, strlen(text));

	put(row, end - w, w, text);
	return end - w;
}

/* ---- state of a VM ---- */

static const char *glyph(enum smol_vm_state s, int *color, const char **word)
{
	static const struct {
		const char *glyph, *word;
		int color;
	} states[SMOL_VM__COUNT] = {
	    [SMOL_VM_CREATED] = {"\xe2\x97\x8b", "new", PLAIN},	    /* ○ */
	    [SMOL_VM_STARTING] = {"\xe2\x97\x90", "boot", BUSY},    /* ◐ */
	    [SMOL_VM_RUNNING] = {"\xe2\x97\x8f", "run", GOOD},	    /* ● */
	    [SMOL_VM_STOPPING] = {"\xe2\x97\x90", "stop", BUSY},    /* ◐ */
	    [SMOL_VM_STOPPED] = {"\xe2\x97\x8b", "stopped", PLAIN}, /* ○ */
	    [SMOL_VM_DIED] = {"\xe2\x9c\x95", "died", BAD},	    /* ✕ */
	};

	*color = states[s].color;
	*word = states[s].word;
	return states[s].glyph;
}

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void age_of(const struct smol_vm *vm, char text[16])
{
	int64_t since = vm->state == SMOL_VM_RUNNING	? vm->ready_ms
			: smol_vm_state_live(vm->state) ? vm->started_ms
			: vm->ended_ms			? vm->ended_ms
							: vm->created_ms;

	smol_duration_text(wall_ms() - since > 0 ? wall_ms() - since : 0, text);
}

static void draw_list(struct smol_app *a)
{
	const struct smol_rect *r = &a->list;
	bool focus = a->focus == SMOL_FOCUS_LIST;
	int chosen = 0, first = 0, rows = r->rows - 1;
	char text[64];

	look(focus ? ACCENT : PLAIN, focus ? A_BOLD : A_DIM);
	put(r->row, r->col + 1, 3, "VMs");
	if (a->vms.filter && *a->vms.filter) {
		snprintf(text, sizeof(text), "/%.40s", a->vms.filter);
		put(r->row, r->col + 6, r->cols - 7, text);
	}
	for (int i = 0; i < a->vms.nshown; i++)
		if (strcmp(a->vms.all[a->vms.shown[i]]->id, a->vms.chosen) == 0)
			chosen = i;
	if (chosen >= rows)
		first = chosen - rows + 1;
	for (int i = first; i < a->vms.nshown && i - first < rows; i++) {
		const struct smol_vm *vm = a->vms.all[a->vms.shown[i]];
		int row = r->row + 1 + i - first, color, name = r->cols - 18;
		const char *word, *g = glyph(vm->state, &color, &word);
		char age[16], memory[24];

		look(focus && i == chosen ? ACCENT : PLAIN,
		    focus && i == chosen ? A_BOLD : A_NORMAL);
		put(row, r->col, 1, i == chosen ? "\xe2\x96\xb8" : " "); /* ▸ */
		put(row, r->col + 1, 1, smol_vms_marked(&a->vms, vm) ? "*" : " ");
		put(row, r->col + 4, name, vm->name);
		look(color, A_NORMAL);
		put(row, r->col + 2, 1, g);
		put(row, r->col + 5 + name, 7, word);
		look(PLAIN, A_DIM);
		age_of(vm, age);
		put_right(row, r->col + r->cols - 1, age);
		if (r->cols >= 60) {
			smol_size_text((uint64_t)vm->config.memory_mib << 20, memory);
			put_right(row, r->col + r->cols - 9, memory);
		}
		plain();
	}
	if (!a->vms.nshown) {
		look(PLAIN, A_DIM);
		put(r->row + 1, r->col + 1, r->cols - 1,
		    a->vms.nall ? "none with that name" : "none yet");
		plain();
	}
}

/* ---- panes ---- */

static short color_number(const VTermColor *c)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(c) || VTERM_COLOR_IS_DEFAULT_BG(c))
		return -1;
	if (VTERM_COLOR_IS_INDEXED(c))
		return (short)(c->indexed.idx < COLORS ? c->indexed.idx : c->indexed.idx % 8);
	if (COLORS >= 256)
		return (short)(16 + 36 * ((c->rgb.red * 5 + 127) / 255) +
			       6 * ((c->rgb.green * 5 + 127) / 255) +
			       (c->rgb.blue * 5 + 127) / 255);
	return (short)((c->rgb.red > 127) | (c->rgb.green > 127) << 1 | (c->rgb.blue > 127) << 2);
}

static void draw_cells(int row, int col, const VTermScreenCell *cells, int cols)
{
	for (int i = 0; i < cols; i++) {
		const VTermScreenCell *c = &cells[i];
		wchar_t text[VTERM_MAX_CHARS_PER_CELL + 1] = {L' '};
		attr_t attrs = A_NORMAL;
		cchar_t out;
		int pair = 0, n = 0;

		if (c->chars[0] == (uint32_t)-1)
			continue;
		for (; n < VTERM_MAX_CHARS_PER_CELL && c->chars[n]; n++)
			text[n] = (wchar_t)c->chars[n];
		if (n && (wcwidth(text[0]) != c->width || wcwidth(text[0]) < 1)) {
			/* What we and the terminal may not agree about would shift the line. */
			text[0] = 0xfffd;
			n = 1;
		}
		text[n ? n : 1] = L'\0';
		if (c->attrs.bold)
			attrs |= A_BOLD;
		if (c->attrs.underline)
			attrs |= A_UNDERLINE;
		if (c->attrs.italic)
			attrs |= A_ITALIC;
		if (c->attrs.reverse)
			attrs |= A_REVERSE;
		if (colored) {
			short fg = color_number(&c->fg), bg = color_number(&c->bg);

			if (fg >= 0 || bg >= 0)
				pair = alloc_pair(fg, bg);
		}
		if (c->width == 2 && i + 1 >= cols)
			text[0] = L' ';
		setcchar(&out, text, attrs, 0, &pair);
		mvadd_wch(row, col + i, &out);
	}
}

static void pane_state(
    const struct smol_app *a, const struct smol_pane *p, char text[64], int *color)
{
	uint64_t end = p->state == SMOL_PANE_RUNNING ? uv_now(a->loop) : p->ended_ms;
	char time[16];

	*color = PLAIN;
	*text = '\0';
	if (p->state == SMOL_PANE_EMPTY)
		return;
	smol_duration_text((int64_t)(end - p->began_ms), time);
	if (p->state == SMOL_PANE_RUNNING) {
		*color = GOOD;
		snprintf(text, 64, "run %s", time);
	} else if (p->status == 0) {
		snprintf(text, 64, "done %s", time);
	} else if (p->status > 128 && p->status < 128 + 65) {
		*color = BAD;
		snprintf(text, 64, "signal %d  %s", p->status - 128, time);
	} else {
		*color = BAD;
		snprintf(text, 64, "exit %d  %s", p->status, time);
	}
}

static void draw_pane(struct smol_app *a, int which)
{
	const struct smol_rect *r = &a->panes_at[which];
	struct smol_pane *p = a->panes[which];
	bool focus = which == a->current;
	bool typed = focus && a->focus == SMOL_FOCUS_PANE;
	VTermScreenCell *cells = smol_alloc(sizeof(*cells) * (size_t)r->cols);
	char state[64], number[16], place[48];
	int color, end = r->col + r->cols, at;

	look(typed ? ACCENT : PLAIN, typed ? A_BOLD : focus ? A_NORMAL : A_DIM);
	if (p->back) {
		snprintf(place, sizeof(place), "\xe2\x86\x91 %d lines", p->back); /* ↑ */
		end = put_right(r->row, end - 1, place) - 2;
	} else if (p->state == SMOL_PANE_RUNNING && r->cols >= 40) {
		end = put_right(r->row, end - 1, "follow") - 2;
	}
	pane_state(a, p, state, &color);
	look(color, color == PLAIN ? A_DIM : A_NORMAL);
	end = put_right(r->row, end, state) - 2;
	look(typed ? ACCENT : PLAIN, typed ? A_BOLD : focus ? A_NORMAL : A_DIM);
	snprintf(number, sizeof(number), which ? "%d" : "session", which);
	at = r->col + 1 + put(r->row, r->col + 1, 7, number) + 1;
	if (end > at)
		put(r->row, at, end - at, p->title);
	plain();
	for (int row = 0; row < r->rows - 1; row++)
		if (smol_term_line(p->term, row - p->back, cells, r->cols))
			draw_cells(r->row + 1 + row, r->col, cells, r->cols);
	free(cells);
}

/* The panes' numbers, at the end of a row. */
static void draw_numbers(struct smol_app *a, int row)
{
	int at = a->cols - 1;
	char text[16];

	for (int i = SMOL_PANES - 1; i >= 0; i--) {
		if (!a->panes[i] || (i == 0 && !a->panes[0]->line))
			continue;
		snprintf(text, sizeof(text), i == a->current ? "[%d]" : " %d ", i);
		look(i == a->current ? ACCENT : PLAIN, A_NORMAL);
		at = put_right(row, at, text);
	}
	plain();
}

static bool some_are_hidden(const struct smol_app *a)
{
	for (int i = 0; i < SMOL_PANES; i++)
		if (a->panes[i] && (i || a->panes[0]->line) && !a->panes_at[i].rows)
			return true;
	return false;
}

static void draw_strip(struct smol_app *a)
{
	int at = 1;

	for (int i = 0; i < a->vms.nshown && at < a->cols - 20; i++) {
		const struct smol_vm *vm = a->vms.all[a->vms.shown[i]];
		const char *word;
		int color, n;

		look(glyph(vm->state, &color, &word) ? color : PLAIN, A_NORMAL);
		put(1, at, 1, glyph(vm->state, &color, &word));
		plain();
		n = put(1, at + 1, a->cols - 20 - at, vm->name);
		at += n + 2;
	}
	draw_numbers(a, 1);
}

/* ---- the rest ---- */

static void draw_top(struct smol_app *a)
{
	struct tm tm;
	time_t now = time(NULL);
	char text[96];
	int at, booting = 0, died = 0, end;

	for (int i = 0; i < a->vms.nall; i++) {
		booting += a->vms.all[i]->state == SMOL_VM_STARTING;
		died += a->vms.all[i]->state == SMOL_VM_DIED;
	}
	attr_set(A_BOLD, 0, NULL);
	at = 1 + put(0, 1, 10, "smolsh");
	plain();
	if (a->vms.nall)
		snprintf(
		    text, sizeof(text), "   %d VM%s", a->vms.nall, a->vms.nall == 1 ? "" : "s");
	else
		snprintf(text, sizeof(text), "   no VMs");
	at += put(0, at, 20, text);
	if (a->vms.nlive - booting) {
		snprintf(text, sizeof(text), "  %d running", a->vms.nlive - booting);
		at += put(0, at, 20, text);
	}
	if (booting) {
		look(BUSY, A_NORMAL);
		snprintf(text, sizeof(text), "  %d booting", booting);
		at += put(0, at, 20, text);
	}
	if (died) {
		look(BAD, A_NORMAL);
		snprintf(text, sizeof(text), "  %d died", died);
		at += put(0, at, 20, text);
	}
	look(PLAIN, A_DIM);
	localtime_r(&now, &tm);
	snprintf(text, sizeof(text), "%02d:%02d", tm.tm_hour, tm.tm_min);
	end = put_right(0, a->cols - 1, text);
	if (a->accel && end - at > 16)
		put_right(0, end - 3, a->accel);
	plain();
}

static void draw_help(struct smol_app *a)
{
	const struct smol_command **all = smol_command_sorted();
	int row = 2, last = a->rows - 5, right = a->cols >= 100 ? a->cols / 2 : 0;

	attr_set(A_BOLD, 0, NULL);
	put(row++, 2, a->cols - 4, "Keys");
	plain();
	for (const struct smol_key_entry *k = smol_keys; k->key && row <= last; k++) {
		char shown[24];

		if (k > smol_keys && strcmp(k[-1].help, k->help) == 0)
			continue;
		smol_key_shown(k->key, shown);
		put(row, 4, 12, shown);
		put(row++, 17, (right ? right : a->cols) - 18, k->help);
	}
	if (right) {
		row = 2;
		attr_set(A_BOLD, 0, NULL);
		put(row++, right, a->cols - right - 2, "Commands (help COMMAND tells all)");
		plain();
		for (int i = 0; all[i] && row <= last; i++) {
			put(row, right + 2, 10, all[i]->name);
			put(row++, right + 13, a->cols - right - 14, all[i]->summary);
		}
	}
	free(all);
}

static void draw_new(struct smol_app *a)
{
	static const char *const lines[][2] = {
	    {"run -- uname -a", "a fresh VM for one command"},
	    {"create web", "a VM that stays"},
	    {"help", "everything else"},
	};
	int row = a->rows / 4, col = a->cols >= 80 ? 8 : 2;

	put(row, col, a->cols - col,
	    "No VM yet. Type a line below, or press Enter to run the first one:");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int at = row + 2 + (int)i;

		if (at > a->rows - 5)
			break;
		attr_set(A_BOLD, 0, NULL);
		put(at, col + 4, a->cols - col - 4, lines[i][0]);
		look(PLAIN, A_DIM);
		put(at, col + 26, a->cols - col - 26, lines[i][1]);
		plain();
	}
}

/* The candidates, above the prompt. */
static void draw_candidates(struct smol_app *a)
{
	const struct smol_completion *c = smol_prompt_candidates();
	int rows = c->n < a->body_rows - 1 ? c->n : a->body_rows - 1, width = 8, top;

	if (!c->n || rows < 1)
		return;
	if (rows > 12)
		rows = 12;
	top = a->rows - 3 - rows;
	for (int i = 0; i < c->n; i++) {
		int w = columns_of(c->list[i].text, strlen(c->list[i].text));

		if (w > width)
			width = w < a->cols / 2 ? w : a->cols / 2;
	}
	for (int i = 0; i < rows; i++) {
		char more[48];

		plain();
		mvhline(top + i, 0, ' ', a->cols);
		look(PLAIN, A_DIM);
		put(top + i, 1, 1, "\xe2\x94\x8a"); /* ┊ */
		plain();
		if (i == rows - 1 && c->n > rows) {
			snprintf(more, sizeof(more), "… and %d more", c->n - rows + 1);
			put(top + i, 3, a->cols - 4, more);
			break;
		}
		put(top + i, 3, width, c->list[i].text);
		look(PLAIN, A_DIM);
		put(top + i, 5 + width, a->cols - width - 6, c->list[i].help);
	}
	plain();
}

/* Whom the line will reach, where that is more than the one it names. Returns the columns left. */
static int draw_reached(struct smol_app *a, int row, const char *line)
{
	smol_auto_free char *word = smol_app_target(line), *names = NULL, *text = NULL;
	int n = 0, w;

	if (!word || !strpbrk(word, "@*?[,"))
		return a->cols;
	names = smol_vms_reached(&a->vms, word, &n);
	text = smol_asprintf("\xe2\x86\x92 %s", n ? names : "no VM"); /* → */
	w = columns_of(text, strlen(text));
	if (w > a->cols / 2) {
		free(text);
		text = smol_asprintf("\xe2\x86\x92 %d VMs", n);
		w = columns_of(text, strlen(text));
	}
	look(n ? ACCENT : BAD, A_NORMAL);
	put(row, a->cols - 1 - w, w, text);
	plain();
	return a->cols - 2 - w;
}

static void draw_prompt(struct smol_app *a, int *cursor_row, int *cursor_col)
{
	const char *front = smol_prompt_front(), *line;
	int row = a->rows - 2, at, room, before;
	size_t cursor, from = 0;

	line = smol_prompt_line(&cursor);
	if (a->question.text) {
		attr_set(A_BOLD, 0, NULL);
		at = 1 + put(row, 1, a->cols - 30, a->question.text);
		plain();
		put(row, at + 2, 28, "y yes   n keep (default)");
		*cursor_row = row;
		*cursor_col = at + 1;
		return;
	}
	if (a->filtering) {
		at = 1 + put(row, 1, a->cols - 2, "filter /");
		at += put(row, at, a->cols - at - 1, a->vms.filter ? a->vms.filter : "");
		*cursor_row = row;
		*cursor_col = at;
		return;
	}
	room = draw_reached(a, row, line);
	look(a->focus == SMOL_FOCUS_PROMPT ? ACCENT : PLAIN, A_NORMAL);
	at = 1 + put(row, 1, room / 2, front);
	plain();
	room -= at + 1;
	/* The cursor is always within what is shown. */
	before = columns_of(line, cursor);
	while (before > room && from < cursor) {
		size_t len = smol_utf8_len(line + from, strlen(line + from));

		from += len ? len : 1;
		before = columns_of(line + from, cursor - from);
	}
	put(row, at, room, line + from);
	*cursor_row = row;
	*cursor_col = at + before;
}

static void draw_bottom(struct smol_app *a)
{
	enum smol_focus focus = smol_app_focus(a);
	int row = a->rows - 1, at = 1;

	if (a->message) {
		look(BUSY, A_NORMAL);
		put(row, 1, a->cols - 2, a->message);
		plain();
		return;
	}
	for (const struct smol_key_entry *k = smol_keys; k->key; k++) {
		char shown[24], text[64];
		int w;

		if (!*k->hint || !(k->where & focus || (!k->where && focus == SMOL_FOCUS_PROMPT)))
			continue;
		/* Where the focus is already is no hint. */
		if ((k->action == SMOL_ACTION_PROMPT && focus == SMOL_FOCUS_PROMPT) ||
		    (k->action == SMOL_ACTION_LIST && focus == SMOL_FOCUS_LIST) ||
		    (k->action == SMOL_ACTION_CLOSE && !a->current))
			continue;
		smol_key_shown(k->key, shown);
		snprintf(text, sizeof(text), "%s %s", shown, k->hint);
		w = columns_of(text, strlen(text));
		if (at + w > a->cols - 1)
			break;
		plain();
		at += put(row, at, 24, shown);
		look(PLAIN, A_DIM);
		at += 1 + put(row, at + 1, 40, k->hint) + 3;
	}
	plain();
}

static void draw_body(struct smol_app *a)
{
	if (a->help) {
		draw_help(a);
		return;
	}
	if (smol_app_is_new(a)) {
		draw_new(a);
		return;
	}
	if (a->strip)
		draw_strip(a);
	if (a->list.rows)
		draw_list(a);
	if (a->list.rows && a->list.cols < a->cols) {
		look(PLAIN, A_DIM);
		for (int row = a->list.row; row < a->list.row + a->list.rows; row++)
			put(row, a->list.cols, 1, "\xe2\x94\x82"); /* │ */
		plain();
	}
	for (int i = 0; i < SMOL_PANES; i++)
		if (a->panes_at[i].rows > 0) {
			draw_pane(a, i);
			if (a->panes_at[i].col > a->list.cols + 1) {
				look(PLAIN, A_DIM);
				for (int y = 0; y < a->panes_at[i].rows; y++)
					put(a->panes_at[i].row + y, a->panes_at[i].col - 1, 1,
					    "\xe2\x94\x82");
				plain();
			}
		}
}

void smol_draw(struct smol_app *a)
{
	int row = 0, col = 0;
	bool cursor = true;

	erase();
	if (a->rows < SMOL_ROWS_MIN || a->cols < SMOL_COLS_MIN) {
		put(0, 0, a->cols, "smolsh: the window is too small");
		refresh();
		return;
	}
	smol_layout(a);
	draw_top(a);
	draw_body(a);
	look(PLAIN, A_DIM);
	for (int i = 0; i < a->cols; i++)
		put(a->rows - 3, i, 1,
		    i && i == a->list.cols && !a->help && !smol_app_is_new(a) ? "\xe2\x94\xb4"
									      : "\xe2\x94\x80");
	plain();
	if (!a->strip && some_are_hidden(a) && !a->help)
		draw_numbers(a, a->rows - 3);
	draw_candidates(a);
	draw_prompt(a, &row, &col);
	draw_bottom(a);
	if (a->focus == SMOL_FOCUS_PANE && !a->question.text) {
		const struct smol_rect *r = &a->panes_at[a->current];
		struct smol_pane *p = a->panes[a->current];

		cursor = r->rows && !p->back && smol_term_cursor(p->term, &row, &col) &&
			 p->state == SMOL_PANE_RUNNING;
		if (col >= r->cols)
			col = r->cols - 1;
		row += r->row + 1;
		col += r->col;
	} else if (a->focus == SMOL_FOCUS_LIST && !a->filtering && !a->question.text) {
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

void smol_draw_open(void)
{
	const char *no = getenv("NO_COLOR");

	set_escdelay(SMOL_ESCAPE_MS);
	raw();
	noecho();
	nonl();
	if (has_colors() && !(no && *no)) {
		start_color();
		use_default_colors();
		colored = true;
	}
	/* Pasted text is told from typed text. */
	fputs("\033[?2004h", stdout);
	fflush(stdout);
}

void smol_draw_close(void)
{
	endwin();
	fputs("\033[?2004l", stdout);
	fflush(stdout);
}
