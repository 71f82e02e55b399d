/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of VMs; see draw.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "ui/draw.h"

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

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void age_of(const struct smol_vm *vm, char text[16])
{
	int64_t since = vm->state == SMOL_VM_RUNNING	? vm->ready_ms
			: vm->state == SMOL_VM_PAUSED	? vm->ready_ms
			: smol_vm_state_live(vm->state) ? vm->started_ms
			: vm->ended_ms			? vm->ended_ms
							: vm->created_ms;

	smol_duration_text(wall_ms() - since > 0 ? wall_ms() - since : 0, text);
}

void smol_draw_list(struct smol_app *a)
{
	const struct smol_rect *r = &a->at.list;
	bool focus = a->focus == SMOL_FOCUS_LIST;
	int chosen = 0, first = 0, rows = r->rows - 1;
	char text[64];

	smol_look(focus ? SMOL_ACCENT : SMOL_DIM, focus ? A_BOLD : A_NORMAL);
	smol_put(r->row, r->col + 1, 3, "VMs");
	if (a->vms.filter && *a->vms.filter) {
		snprintf(text, sizeof(text), "/%.40s", a->vms.filter);
		smol_put(r->row, r->col + 6, r->cols - 7, text);
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

		smol_look(focus && i == chosen ? SMOL_ACCENT : SMOL_PLAIN,
		    focus && i == chosen ? A_BOLD : A_NORMAL);
		smol_put(row, r->col, 1, i == chosen ? "\xe2\x96\xb8" : " "); /* ▸ */
		smol_put(row, r->col + 1, 1, smol_vms_marked(&a->vms, vm) ? "*" : " ");
		smol_put(row, r->col + 4, name, vm->name);
		smol_look(color, A_NORMAL);
		smol_put(row, r->col + 2, 1, g);
		smol_put(row, r->col + 5 + name, 7, word);
		smol_look(SMOL_DIM, A_NORMAL);
		age_of(vm, age);
		smol_put_right(row, r->col + r->cols - 1, age);
		if (r->cols >= 60) {
			smol_size_text((uint64_t)vm->config.memory_mib << 20, memory);
			smol_put_right(row, r->col + r->cols - 9, memory);
		}
		smol_plain();
	}
	if (!a->vms.nshown) {
		smol_look(SMOL_DIM, A_NORMAL);
		smol_put(r->row + 1, r->col + 1, r->cols - 1,
		    a->vms.nall ? "none with that name" : "none yet");
		smol_plain();
	}
}

void smol_draw_strip(struct smol_app *a)
{
	int at = 1;

	for (int i = 0; i < a->vms.nshown && at < a->cols - 20; i++) {
		const struct smol_vm *vm = a->vms.all[a->vms.shown[i]];
		const char *word;
		int color, n;

		smol_look(glyph(vm->state, &color, &word) ? color : SMOL_PLAIN, A_NORMAL);
		smol_put(1, at, 1, glyph(vm->state, &color, &word));
		smol_plain();
		n = smol_put(1, at + 1, a->cols - 20 - at, vm->name);
		at += n + 2;
	}
	smol_draw_numbers(a, 1);
}
