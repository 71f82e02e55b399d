/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of VMs; see draw.h. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "shell/settings.h"
#include "shell/vm_json.h"
#include "ui/draw/draw.h"

static const char *glyph(enum smol_vm_state s, int *color, const char **word)
{
	static const struct {
		const char *glyph, *word;
		int color;
	} states[SMOL_VM__COUNT] = {
	    [SMOL_VM_CREATED] = {"\xe2\x97\x8b", "new", SMOL_PLAIN},	 /* ○ */
	    [SMOL_VM_STARTING] = {"\xe2\x97\x90", "boot", SMOL_BUSY},	 /* ◐ */
	    [SMOL_VM_RUNNING] = {"\xe2\x97\x8f", "run", SMOL_GOOD},	 /* ● */
	    [SMOL_VM_PAUSED] = {"\xe2\x80\x96", "paused", SMOL_BUSY},	 /* ‖ */
	    [SMOL_VM_STOPPING] = {"\xe2\x97\x90", "stop", SMOL_BUSY},	 /* ◐ */
	    [SMOL_VM_STOPPED] = {"\xe2\x97\x8b", "stopped", SMOL_PLAIN}, /* ○ */
	    [SMOL_VM_DIED] = {"\xe2\x9c\x95", "died", SMOL_BAD},	 /* ✕ */
	};

	*color = states[s].color;
	*word = states[s].word;
	return states[s].glyph;
}

/* ---- columns ---- */

enum { STATE, HEALTH, CPU, RESIDENT, MEMORY, AGE, JOBS, COLUMNS };

/* In a narrow list a long state stands in the place of the CPU that its VM has not. */
static const struct {
	const char *heading, *short_heading; /* NULL: not in a narrow list */
	int width, short_width;
	bool right;
	enum smol_sort sort; /* NAME: it is not sorted by that */
} columns[COLUMNS] = {
    [STATE] = {"STATE", "STATE", 8, 4, false, SMOL_SORT_STATE},
    [HEALTH] = {"HEALTH", NULL, 6, 0, false, SMOL_SORT_NAME},
    [CPU] = {"CPU", "CPU", 6, 4, true, SMOL_SORT_CPU},
    [RESIDENT] = {"RESIDENT", "RES", 8, 5, true, SMOL_SORT_MEMORY},
    [MEMORY] = {"MEMORY", NULL, 6, 0, true, SMOL_SORT_NAME},
    [AGE] = {"AGE", "AGE", 6, 3, true, SMOL_SORT_UPTIME},
    [JOBS] = {"JOBS", "JOBS", 4, 4, true, SMOL_SORT_NAME},
};
/* Who gets room first. */
static const int order[COLUMNS] = {STATE, AGE, CPU, RESIDENT, JOBS, HEALTH, MEMORY};

#define BEFORE	      4 /* choice, mark, state's glyph, a blank */
#define NAME_MIN      11
#define ROOMY	      60 /* columns */
/* Of the strip: columns that a name has at least, and those at its end for panes' numbers. */
#define STRIP_NAME    8
#define STRIP_NUMBERS 20

/* Where they stand. */
struct grid {
	bool roomy;
	int name;	  /* columns of it */
	int at[COLUMNS];  /* 0: not shown */
	int end[COLUMNS]; /* behind it */
};

/* Everything keeps its place whatever it holds: only the list's width matters. */
static void make_grid(int cols, struct grid *g)
{
	int gap, left, at;
	bool shown[COLUMNS] = {false};

	*g = (struct grid){.roomy = cols >= ROOMY};
	gap = g->roomy ? 2 : 1;
	left = cols - BEFORE - 1;
	for (int i = 0; i < COLUMNS; i++) {
		int c = order[i], w = g->roomy ? columns[c].width : columns[c].short_width;

		if (!w || left - w - gap < NAME_MIN)
			continue;
		shown[c] = true;
		left -= w + gap;
	}
	g->name = left < SMOL_NAME_MAX ? left : SMOL_NAME_MAX;
	at = BEFORE + g->name;
	for (int c = 0; c < COLUMNS; c++) {
		if (!shown[c])
			continue;
		g->at[c] = at + gap;
		at += gap + (g->roomy ? columns[c].width : columns[c].short_width);
		g->end[c] = at;
	}
}

/* ---- a row ---- */

static int64_t age_ms(const struct smol_vm *vm)
{
	bool up;

	return smol_vm_age_ms(vm, &up);
}

/* In three columns: "59s", "12m", "23h", "99d", "14w". */
static void short_age(int64_t ms, char text[16])
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = {{1000, 's'}, {60000, 'm'}, {3600000, 'h'}, {86400000, 'd'},
	    {7LL * 86400000, 'w'}, {365LL * 86400000, 'y'}};
	static const int most[] = {60, 60, 24, 100, 100, 100};
	size_t u = 0;

	while (u < sizeof(units) / sizeof(units[0]) - 1 && ms / units[u].ms >= most[u])
		u++;
	snprintf(text, 16, "%d%c", (int)(ms / units[u].ms % 100), units[u].unit);
}

static void cpu_text(double cpu, bool roomy, char text[16])
{
	if (cpu < 0)
		*text = '\0';
	else if (roomy)
		snprintf(text, 16, "%.1f%%", cpu);
	else
		snprintf(text, 16, cpu < 999 ? "%.0f%%" : "%.0f", cpu);
}

static void fill(
    const struct smol_vm *vm, const struct smol_use *use, bool roomy, char text[COLUMNS][16])
{
	bool live = smol_vm_state_live(vm->state);

	for (int c = 0; c < COLUMNS; c++)
		*text[c] = '\0';
	if (roomy)
		smol_duration_text(age_ms(vm), text[AGE]);
	else
		short_age(age_ms(vm), text[AGE]);
	smol_size_text((uint64_t)vm->config.memory_mib << 20, text[MEMORY]);
	if (!use || !live)
		return;
	if (vm->state == SMOL_VM_RUNNING && use->health == SMOL_HEALTH_SILENT)
		snprintf(text[HEALTH], 16, "silent");
	if (vm->state != SMOL_VM_PAUSED && (roomy || !*text[HEALTH]))
		cpu_text(use->cpu, roomy, text[CPU]);
	if (use->resident >= 0)
		smol_size_text((uint64_t)use->resident, text[RESIDENT]);
	if (use->jobs >= 0)
		snprintf(text[JOBS], 16, "%d", (int)(use->jobs < 9999 ? use->jobs : 9999));
}

static void draw_cells(
    int row, int col, const struct grid *g, const struct smol_vm *vm, const struct smol_use *use)
{
	char text[COLUMNS][16];
	const char *word;
	int color;

	glyph(vm->state, &color, &word);
	fill(vm, use, g->roomy, text);
	if (*text[HEALTH]) {
		smol_look(SMOL_BAD, A_NORMAL);
		if (g->at[HEALTH])
			smol_put(row, col + g->at[HEALTH], columns[HEALTH].width, text[HEALTH]);
		else
			word = text[HEALTH];
	}
	if (!*text[HEALTH] || g->at[HEALTH])
		smol_look(color, A_NORMAL);
	if (g->at[STATE])
		smol_put(row, col + g->at[STATE],
		    g->at[CPU] && (g->at[HEALTH] || *text[CPU])
			? g->end[STATE] - g->at[STATE]
			: columns[STATE].width - (g->at[CPU] ? 0 : 1),
		    word);
	smol_look(SMOL_DIM, A_NORMAL);
	for (int c = CPU; c < COLUMNS; c++)
		if (g->at[c] && *text[c])
			smol_put_right(row, col + g->end[c], text[c]);
	smol_plain();
}

static void draw_row(struct smol_app *a, int row, const struct grid *g, const struct smol_vm *vm)
{
	bool chosen = strcmp(vm->id, a->vms.chosen) == 0;
	bool here = chosen && a->focus == SMOL_FOCUS_LIST;
	int col = a->at.list.col, color;
	const char *word, *mark = glyph(vm->state, &color, &word);

	smol_look(here ? SMOL_ACCENT : SMOL_PLAIN, here ? A_BOLD : A_NORMAL);
	smol_put(row, col, 1, chosen ? "\xe2\x96\xb8" : " "); /* ▸ */
	smol_put(row, col + 1, 1, smol_vms_marked(&a->vms, vm) ? "*" : " ");
	smol_put_name(row, col + BEFORE, g->name, vm->name);
	smol_look(color, A_NORMAL);
	smol_put(row, col + 2, 1, mark);
	draw_cells(row, col, g, vm, smol_uses_of(a->vms.uses, vm->id));
}

/* ---- the list ---- */

/* "VMs by cpu  /web", and where there is room what the columns are. */
static void draw_heading(struct smol_app *a, const struct grid *g, bool whole)
{
	const struct smol_rect *r = &a->at.list;
	bool focus = a->focus == SMOL_FOCUS_LIST;
	int end = whole ? BEFORE + g->name : r->cols - 1, at = 1;

	smol_look(focus ? SMOL_ACCENT : SMOL_DIM, focus ? A_BOLD : A_NORMAL);
	at += smol_put(r->row, r->col + at, end - at, "VMs");
	if (a->vms.sort != SMOL_SORT_NAME) {
		at += smol_put(r->row, r->col + at, end - at, " by ");
		at += smol_put(r->row, r->col + at, end - at,
		    smol_settings[SMOL_SETTING_SORT].values[a->vms.sort]);
	}
	if (a->vms.filter && *a->vms.filter && end > at + 3) {
		smol_put(r->row, r->col + at + 2, 1, "/");
		smol_put(r->row, r->col + at + 3, end - at - 3, a->vms.filter);
	}
	for (int c = 0; whole && c < COLUMNS; c++) {
		const char *text = g->roomy ? columns[c].heading : columns[c].short_heading;
		bool sorted = columns[c].sort && columns[c].sort == a->vms.sort;

		if (!g->at[c])
			continue;
		smol_look(sorted ? SMOL_PLAIN : SMOL_DIM, sorted ? A_BOLD : A_NORMAL);
		if (columns[c].right)
			smol_put_right(r->row, r->col + g->end[c], text);
		else
			smol_put(r->row, r->col + g->at[c], g->end[c] - g->at[c] + 1, text);
	}
	smol_plain();
}

void smol_draw_list(struct smol_app *a)
{
	const struct smol_rect *r = &a->at.list;
	struct grid g;

	if (a->vms.sort != (enum smol_sort)smol_setting(SMOL_SETTING_SORT))
		smol_vms_sort(&a->vms, (enum smol_sort)smol_setting(SMOL_SETTING_SORT));
	make_grid(r->cols, &g);
	draw_heading(a, &g, r->cols == a->cols || g.roomy);
	smol_vms_scroll(&a->vms, r->rows - 1);
	smol_hits_add(&a->hits, SMOL_HIT_LIST,
	    (struct smol_rect){
		.row = r->row + 1, .col = r->col, .rows = r->rows - 1, .cols = r->cols},
	    a->vms.first);
	for (int i = a->vms.first; i < a->vms.nshown && i - a->vms.first < r->rows - 1; i++)
		draw_row(a, r->row + 1 + i - a->vms.first, &g, a->vms.all[a->vms.shown[i]]);
	if (!a->vms.nshown) {
		smol_look(SMOL_DIM, A_NORMAL);
		smol_put(r->row + 1, r->col + 1, r->cols - 1,
		    a->vms.nall ? "no VM fits the filter" : "none yet");
		smol_plain();
	}
}

/* So wide may each name be, that as many as possible are seen. */
static int strip_width(const struct smol_app *a, int room)
{
	int all = 0, each;

	for (int i = 0; i < a->vms.nshown; i++)
		all += (int)strlen(a->vms.all[a->vms.shown[i]]->name) + 2;
	each = all <= room ? room : room / a->vms.nshown - 2;
	return each < STRIP_NAME ? STRIP_NAME : each;
}

void smol_draw_strip(struct smol_app *a)
{
	int at = 1, end = a->cols - STRIP_NUMBERS, width = strip_width(a, end - at);

	for (int i = 0; i < a->vms.nshown && at < end; i++) {
		const struct smol_vm *vm = a->vms.all[a->vms.shown[i]];
		int color, n = (int)strlen(vm->name);
		const char *word;

		n = n < width ? n : width;
		n = n < end - at ? n : end - at;
		smol_look(glyph(vm->state, &color, &word) ? color : SMOL_PLAIN, A_NORMAL);
		smol_put(1, at, 1, glyph(vm->state, &color, &word));
		smol_plain();
		smol_put_name(1, at + 1, n, vm->name);
		smol_hits_add(&a->hits, SMOL_HIT_VM,
		    (struct smol_rect){.row = 1, .col = at, .rows = 1, .cols = n + 1}, i);
		at += n + 2;
	}
	smol_draw_numbers(a, 1);
}
