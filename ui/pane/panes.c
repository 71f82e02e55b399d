/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The panes: places, order, the chosen one; see app.h. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/settings.h"
#include "ui/app.h"

#define LOST 125 /* what a command ends with whose VM dies */

/* What ended the VM while the pane's command ran in it; NULL: nothing did. */
static const char *cause_of(const struct smol_app *a, const struct smol_pane *p)
{
	smol_auto_free char *target = smol_line_target(p->line);
	int64_t began = smol_wall_ms() - (int64_t)(uv_now(a->loop) - p->began_ms);

	for (int i = 0; target && i < a->vms.nall; i++) {
		const struct smol_vm *vm = a->vms.all[i];

		if (strcmp(vm->name, target) == 0 && vm->state == SMOL_VM_DIED &&
		    vm->ended_ms >= began && vm->end_cause)
			return vm->end_cause;
	}
	return NULL;
}

void smol_panes_find_lost(struct smol_app *a)
{
	for (int i = 0; i < SMOL_PANES; i++) {
		struct smol_pane *p = a->panes[i];

		if (p && p->line && p->state == SMOL_PANE_ENDED && p->status == LOST && !p->lost)
			p->lost = smol_strdup(cause_of(a, p));
	}
}

static void on_pane(struct smol_pane *p)
{
	struct smol_app *a = p->owner;

	/* Who was asked something, or typed into it, goes on at the prompt; not who looks at it. */
	if (p->state == SMOL_PANE_ENDED && a->focus == SMOL_FOCUS_PANE && p->number == a->current &&
	    !p->view.held && (p->number == 0 || p->status == 0))
		a->focus = SMOL_FOCUS_PROMPT;
	if (p->state == SMOL_PANE_ENDED)
		smol_log_end(&a->log, p, smol_lines_now_ms(), p->status);
	/* What it said is not seen now. */
	if (p->state == SMOL_PANE_ENDED && !p->number && a->page && p->status) {
		smol_auto_free char *text =
		    smol_asprintf("%s: exit %d; Alt-0 shows why", p->line, p->status);

		smol_app_say(a, text);
	}
	if (p->trouble) {
		smol_app_say(a, p->trouble);
		free(p->trouble);
		p->trouble = NULL;
	}
	smol_panes_find_lost(a);
	smol_app_changed(a);
}

static void put(struct smol_app *a, int which)
{
	smol_log_leave(&a->log, a->panes[which], smol_lines_now_ms());
	smol_pane_free(a->panes[which]);
	a->panes[which] = smol_pane_new(a->loop, which, 20, 80, on_pane, a);
	smol_pane_set_wide(a->panes[which], !smol_setting(SMOL_SETTING_WRAP));
	smol_term_set_history(a->panes[which]->term, smol_setting(SMOL_SETTING_HISTORY));
}

void smol_panes_heed(struct smol_app *a)
{
	for (int i = 0; i < SMOL_PANES; i++)
		if (a->panes[i])
			smol_term_set_history(
			    a->panes[i]->term, smol_setting(SMOL_SETTING_HISTORY));
}

static bool runs(const struct smol_app *a, int which)
{
	return a->panes[which] && a->panes[which]->state == SMOL_PANE_RUNNING;
}

struct smol_pane *smol_panes_current(const struct smol_app *a)
{
	return a->panes[a->current];
}

void smol_panes_open_session(struct smol_app *a)
{
	smol_layout_init(&a->layout);
	put(a, 0);
}

struct smol_pane *smol_panes_open(struct smol_app *a)
{
	int which = -1;

	for (int i = 1; i < SMOL_PANES && (which < 0 || a->panes[which]); i++)
		if (!a->panes[i] || (!runs(a, i) && (which < 0 || a->panes[i]->ended_ms <
								      a->panes[which]->ended_ms)))
			which = i;
	if (which < 0)
		return NULL;
	put(a, which);
	return a->panes[which];
}

void smol_panes_close(struct smol_app *a, int which)
{
	if (!which || !a->panes[which])
		return;
	smol_log_leave(&a->log, a->panes[which], smol_lines_now_ms());
	smol_pane_free(a->panes[which]);
	a->panes[which] = NULL;
	smol_layout_forget(&a->layout, which);
	if (which != a->current)
		return;
	a->current = 0;
	for (int i = which - 1; i > 0 && !a->current; i--)
		a->current = a->panes[i] ? i : 0;
	for (int i = which + 1; i < SMOL_PANES && !a->current; i++)
		a->current = a->panes[i] ? i : 0;
	if (a->focus == SMOL_FOCUS_PANE)
		a->focus = SMOL_FOCUS_PROMPT;
}

/* In the order in which they stand. */
void smol_panes_step(struct smol_app *a, int by)
{
	const int *order = a->layout.order;
	int at = 0;

	while (order[at] != a->current)
		at++;
	for (int i = 1; i < SMOL_PANES; i++) {
		int which = order[(at + by * i + SMOL_PANES) % SMOL_PANES];

		if (smol_panes_shown(a, which)) {
			a->current = which;
			return;
		}
	}
}

void smol_panes_sweep(struct smol_app *a)
{
	for (int i = 1; i < SMOL_PANES; i++)
		if (a->panes[i] && a->panes[i]->closing && !runs(a, i))
			smol_panes_close(a, i);
}

int smol_panes_running(const struct smol_app *a)
{
	int n = 0;

	for (int i = 0; i < SMOL_PANES; i++)
		n += runs(a, i);
	return n;
}

bool smol_panes_shown(const struct smol_app *a, int which)
{
	return a->panes[which] && (which || a->panes[0]->line || a->panes[0]->told);
}

struct smol_layout_ask smol_panes_ask(const struct smol_app *a)
{
	struct smol_layout_ask ask = {.rows = a->rows,
	    .cols = a->cols,
	    .list_cols = smol_setting(SMOL_SETTING_LIST_WIDTH),
	    .current = a->current,
	    .zoom = a->zoom,
	    .list = a->focus == SMOL_FOCUS_LIST};
	bool any = false;

	for (int i = 0; i < SMOL_PANES; i++)
		any |= ask.there[i] = smol_panes_shown(a, i);
	/* The session only when it has something to say, nobody else has, or it is chosen. */
	ask.there[0] |= !any || a->current == 0;
	return ask;
}

void smol_panes_place(struct smol_app *a)
{
	struct smol_layout_ask ask = smol_panes_ask(a);
	static int list_cols;

	/* What was set last holds: the setting, or the border that was moved. */
	if (list_cols != ask.list_cols) {
		list_cols = ask.list_cols;
		a->layout.list = 0;
	}
	smol_layout_place(&a->layout, &ask, &a->at);
	for (int i = 0; i < SMOL_PANES; i++)
		if (a->at.panes[i].rows > 1)
			smol_pane_resize(a->panes[i], a->at.panes[i].rows - 1, a->at.panes[i].cols);
}
