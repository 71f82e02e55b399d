/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All of one VM: configuration, events, console, jobs and ports, each what a command of ours prints
 * on a terminal that is no pane. Those that follow (events, console) run as long as the page is
 * open; the others run again when the VM has changed or some time has gone by, and what they
 * printed before stays until they are done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "shell/vm_json.h"
#include "ui/draw/draw.h"

#define WIDE_COLS 120  /* from here on all parts stand side by side */
#define TABS_COLS 76   /* from here on all titles fit in a line */
#define AGAIN_MS  2000 /* jobs and ports tell nobody when they change */

enum part { CONFIG, EVENTS, CONSOLE, JOBS, PORTS, PARTS };

static const struct {
	const char *title, *command;
	bool follows, again;
	bool end; /* what is new stands there */
} kinds[PARTS] = {
    [CONFIG] = {"configuration", "info", false, false, false},
    [EVENTS] = {"events", "events -f -n 1000", true, false, true},
    [CONSOLE] = {"console", "logs -f -n 1000", true, false, true},
    [JOBS] = {"jobs", "jobs", false, true, true},
    [PORTS] = {"ports", "forward list", false, true, false},
};

static struct {
	char *vm;    /* its name; NULL: the page is closed; owned */
	char *state; /* what of it the parts depend on; owned */
	enum part chosen;
	struct {
		struct smol_pane *shown,
		    *next;	     /* next runs, and is to be shown when it has ended */
		struct smol_rect at; /* with its title; rows is 0: not shown */
		bool stale;
	} parts[PARTS];
} page;

const char *smol_page_details_vm(void)
{
	return page.vm;
}

static const struct smol_vm *find_vm(const struct smol_app *a)
{
	for (int i = 0; page.vm && i < a->vms.nall; i++)
		if (strcmp(a->vms.all[i]->name, page.vm) == 0)
			return a->vms.all[i];
	return NULL;
}

/* ---- the commands ---- */

static int64_t depth(const struct smol_pane *p)
{
	return p ? smol_view_top(&p->view) - smol_view_oldest(&p->view) : 0;
}

/* From the first line on, or from so many below it. */
static void show_from(struct smol_pane *p, int64_t lines)
{
	int64_t by = depth(p) - lines;

	smol_view_scroll(&p->view, by < -SMOL_TERM_HISTORY ? -SMOL_TERM_HISTORY : (int)by);
}

static void on_part(struct smol_pane *p)
{
	struct smol_app *a = p->owner;

	for (int i = 0; i < PARTS; i++) {
		const struct smol_pane *shown = page.parts[i].shown;
		int64_t was = depth(shown);
		bool end = kinds[i].end && (!shown || !smol_view_back(&shown->view));

		if (page.parts[i].next != p || p->state != SMOL_PANE_ENDED)
			continue;
		smol_pane_free(page.parts[i].shown);
		page.parts[i].shown = smol_steal(&page.parts[i].next);
		if (!end)
			show_from(p, was);
	}
	smol_app_changed(a);
}

static void run(struct smol_app *a, enum part part)
{
	const struct smol_rect *r = &page.parts[part].at;
	smol_auto_free char *line = smol_asprintf("%s %s", kinds[part].command, page.vm);
	struct smol_pane *p = smol_pane_new(a->loop, -1, r->rows - 1, r->cols, on_part, a);

	page.parts[part].stale = false;
	if (kinds[part].follows) {
		smol_pane_free(page.parts[part].shown);
		page.parts[part].shown = p;
	} else {
		smol_pane_free(page.parts[part].next);
		page.parts[part].next = p;
	}
	smol_pane_start(p, a->options, line, NULL);
}

/* Those that can be seen and are not what they should be. */
static void refresh_parts(struct smol_app *a)
{
	for (enum part i = 0; i < PARTS; i++) {
		const struct smol_pane *p = page.parts[i].shown;

		if (page.parts[i].at.rows < 2 || page.parts[i].next)
			continue;
		if (!p || page.parts[i].stale ||
		    (kinds[i].again && uv_now(a->loop) - p->ended_ms >= AGAIN_MS))
			run(a, i);
	}
}

static char *state_of(const struct smol_vm *vm)
{
	smol_auto_free char *labels = smol_vm_labels_text(vm);

	return smol_asprintf("%d %lld %lld %lld %s", vm->state, (long long)vm->started_ms,
	    (long long)vm->ready_ms, (long long)vm->ended_ms, labels);
}

static void load_details(struct smol_app *a)
{
	const struct smol_vm *vm = find_vm(a);
	smol_auto_free char *state = vm ? state_of(vm) : NULL;

	if (!vm) {
		smol_page_close(a);
		return;
	}
	if (page.state && strcmp(page.state, state) == 0)
		return;
	free(page.state);
	page.state = smol_steal(&state);
	for (enum part i = 0; i < PARTS; i++)
		page.parts[i].stale = !kinds[i].follows || !page.parts[i].shown ||
				      (page.parts[i].shown->state == SMOL_PANE_ENDED &&
					  smol_vm_state_live(vm->state));
	smol_app_changed(a);
}

static void tick_details(struct smol_app *a)
{
	refresh_parts(a);
}

static bool reaped(struct smol_app *a, pid_t pid, int status)
{
	(void)a;
	for (int i = 0; i < PARTS; i++) {
		struct smol_pane *const both[] = {page.parts[i].shown, page.parts[i].next};

		for (int k = 0; k < 2; k++)
			if (both[k] && smol_pane_reaped(both[k], pid, status))
				return true;
	}
	return false;
}

/* ---- where they stand ---- */

static void place(const struct smol_rect *r)
{
	int half = r->cols / 2, left = r->rows - 5 - r->rows / 4, upper = r->rows / 3;

	for (int i = 0; i < PARTS; i++)
		page.parts[i].at = (struct smol_rect){0};
	if (r->cols < WIDE_COLS) {
		/* The tabs are its title. */
		page.parts[page.chosen].at =
		    (struct smol_rect){r->row - 1, r->col, r->rows + 1, r->cols};
		return;
	}
	page.parts[CONFIG].at = (struct smol_rect){r->row, r->col, left, half - 1};
	page.parts[JOBS].at = (struct smol_rect){r->row + left, r->col, r->rows / 4, half - 1};
	page.parts[PORTS].at = (struct smol_rect){r->row + r->rows - 5, r->col, 5, half - 1};
	page.parts[EVENTS].at = (struct smol_rect){r->row, r->col + half, upper, r->cols - half};
	page.parts[CONSOLE].at =
	    (struct smol_rect){r->row + upper, r->col + half, r->rows - upper, r->cols - half};
}

/* What is made for another width is made again. */
static void fit(enum part i)
{
	const struct smol_rect *r = &page.parts[i].at;
	struct smol_pane *p = page.parts[i].shown;

	if (r->rows < 2 || !p || (p->rows == r->rows - 1 && p->cols == r->cols))
		return;
	page.parts[i].stale = page.parts[i].stale || (!kinds[i].follows && p->cols != r->cols);
	smol_pane_resize(p, r->rows - 1, r->cols);
}

/* ---- how they look ---- */

static void draw_tabs(struct smol_app *a, const struct smol_rect *r)
{
	const struct smol_vm *vm = find_vm(a);
	int at = 1;
	char text[32];

	smol_look(SMOL_PLAIN, A_BOLD);
	at += smol_put(r->row, at, r->cols / 3, page.vm) + 1;
	smol_look(SMOL_DIM, A_NORMAL);
	at += smol_put(r->row, at, 10, vm ? smol_vm_state_name(vm->state) : "") + 2;
	for (int i = 0; i < PARTS && r->cols < WIDE_COLS; i++) {
		bool chosen = i == (int)page.chosen;

		/* Where there is no room, the others are digits. */
		snprintf(text, sizeof(text), "%d%s%s", i + 1,
		    chosen || r->cols >= TABS_COLS ? " " : "",
		    chosen || r->cols >= TABS_COLS ? kinds[i].title : "");
		smol_look(chosen ? SMOL_ACCENT : SMOL_DIM, chosen ? A_BOLD : A_NORMAL);
		at += smol_put(r->row, at, r->cols - at - 1, text) + 2;
	}
	smol_plain();
}

static void draw_part(struct smol_app *a, enum part i)
{
	const struct smol_rect *r = &page.parts[i].at;
	struct smol_pane *p = page.parts[i].shown;
	bool chosen = i == page.chosen;
	char text[32];

	snprintf(text, sizeof(text), "%d %s", i + 1, kinds[i].title);
	smol_look(chosen ? SMOL_ACCENT : SMOL_DIM, chosen ? A_BOLD : A_NORMAL);
	if (a->cols >= WIDE_COLS)
		smol_put(r->row, r->col + 1, r->cols - 2, text);
	if (p && smol_view_back(&p->view)) {
		snprintf(
		    text, sizeof(text), "\xe2\x86\x93 %d lines", smol_view_back(&p->view)); /* ↓ */
		smol_put_right(r->row, r->col + r->cols - 1, text);
	}
	smol_plain();
	if (p)
		smol_draw_content(p, r);
}

static void draw_details(struct smol_app *a, const struct smol_rect *r, int *row, int *col)
{
	struct smol_rect body = {r->row + 1, r->col, r->rows - 1, r->cols};

	(void)row;
	(void)col;
	draw_tabs(a, r);
	place(&body);
	for (enum part i = 0; i < PARTS; i++) {
		fit(i);
		for (int k = 0; k < 2; k++) {
			struct smol_pane *p = k ? page.parts[i].next : page.parts[i].shown;

			if (p)
				smol_pane_settle(p);
		}
		if (page.parts[i].at.rows > 1)
			draw_part(a, i);
	}
	if (body.cols >= WIDE_COLS) {
		smol_look(SMOL_DIM, A_NORMAL);
		for (int y = 0; y < body.rows; y++)
			smol_put(body.row + y, body.col + body.cols / 2 - 1, 1, "\xe2\x94\x82");
		smol_plain();
	}
	refresh_parts(a);
}

/* ---- keys ---- */

static void scroll_details(struct smol_app *a, int lines)
{
	struct smol_pane *p = page.parts[page.chosen].shown;
	int most = page.parts[page.chosen].at.rows - 2;

	(void)a;
	/* A page of the screen is more than one of a part. */
	if (abs(lines) < SMOL_TERM_HISTORY && abs(lines) > most)
		lines = lines > 0 ? most : -most;
	if (p)
		smol_view_scroll(&p->view, lines);
}

static void step_details(struct smol_app *a, int by)
{
	page.chosen = (enum part)((page.chosen + PARTS + by) % PARTS);
	smol_app_changed(a);
}

static void key_details(struct smol_app *a, const struct smol_input_event *e)
{
	if (e->key == SMOL_KEY_CHAR && !e->mods && e->c >= '1' && e->c < '1' + PARTS)
		page.chosen = (enum part)(e->c - '1');
	smol_app_changed(a);
}

static void close_details(struct smol_app *a)
{
	(void)a;
	for (int i = 0; i < PARTS; i++) {
		smol_pane_free(page.parts[i].shown);
		smol_pane_free(page.parts[i].next);
		page.parts[i].shown = page.parts[i].next = NULL;
	}
	free(smol_steal(&page.vm));
	free(smol_steal(&page.state));
}

void smol_page_details_open(struct smol_app *a, const char *vm)
{
	smol_auto_free char *name = smol_strdup(vm);

	smol_page_close(a);
	page.vm = smol_steal(&name);
	smol_page_open(a, SMOL_PAGE_DETAILS);
	load_details(a);
}

const struct smol_page_ops smol_page_details = {
    .focus = SMOL_FOCUS_DETAILS,
    .draw = draw_details,
    .scroll = scroll_details,
    .step = step_details,
    .key = key_details,
    .load = load_details,
    .tick = tick_details,
    .reaped = reaped,
    .close = close_details,
};
