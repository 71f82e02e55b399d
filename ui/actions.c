/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a key does: one function for each action of keys.h. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "ui/app.h"
#include "ui/prompt.h"

/* A command for the VMs that are marked, or the chosen one; they stand for "VM" in the format. One
 * that ends in a space is only begun, at the prompt. */
static void for_vms(struct smol_app *a, const char *format)
{
	int n;
	smol_auto_free char *names = smol_vms_targets(&a->vms, &n), *line = NULL;
	const char *at = strstr(format, "VM");

	if (!names) {
		smol_app_say(a, "no VM is chosen");
		return;
	}
	line = smol_asprintf("%.*s%s%s", (int)(at - format), format, names, at + 2);
	if (format[strlen(format) - 1] == ' ') {
		smol_prompt_set(line);
		a->focus = SMOL_FOCUS_PROMPT;
	} else if (strncmp(format, "delete", 6) == 0) {
		smol_event_ask(a, smol_asprintf("Delete %s?", names), line);
	} else {
		smol_line_run(a, line);
	}
}

static bool in_list(const struct smol_app *a)
{
	return a->focus == SMOL_FOCUS_LIST;
}

/* By lines up (negative: down), in the list or in the pane. */
static void move(struct smol_app *a, int lines)
{
	if (in_list(a))
		smol_vms_move(&a->vms, -lines);
	else
		smol_pane_scroll(smol_panes_current(a), lines);
}

static int page(const struct smol_app *a)
{
	int rows = in_list(a) ? a->list.rows : a->panes_at[a->current].rows;

	return rows > 3 ? rows - 2 : 1;
}

#define ACTION(name) static void action_##name(struct smol_app *a)

ACTION(none)
{
	(void)a;
}

ACTION(complete)
{
	(void)a;
}

ACTION(pane)
{
	int which = a->key[2] - '0';

	if (!a->panes[which])
		return;
	a->current = which;
	a->focus = SMOL_FOCUS_PANE;
}

ACTION(list)
{
	a->focus = in_list(a) ? SMOL_FOCUS_PROMPT : SMOL_FOCUS_LIST;
}

ACTION(prompt)
{
	if (a->help)
		a->help = false;
	else
		a->focus = SMOL_FOCUS_PROMPT;
}

ACTION(next)
{
	smol_panes_step(a, 1);
}

ACTION(previous)
{
	smol_panes_step(a, -1);
}

ACTION(zoom)
{
	a->zoom = !a->zoom;
}

ACTION(close)
{
	smol_panes_close(a, a->current);
}

ACTION(again)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_pane *p = smol_panes_current(a);

	if (!p->line || p->state == SMOL_PANE_RUNNING)
		return;
	smol_pane_note(p, "");
	if (smol_pane_start(p, a->program, p->line, &err) < 0)
		smol_app_say(a, err.msg);
}

ACTION(page_up)
{
	move(a, page(a));
}

ACTION(page_down)
{
	move(a, -page(a));
}

ACTION(follow)
{
	smol_panes_current(a)->back = 0;
}

ACTION(top)
{
	smol_pane_scroll(smol_panes_current(a), SMOL_TERM_HISTORY);
}

ACTION(up)
{
	move(a, 1);
}

ACTION(down)
{
	move(a, -1);
}

ACTION(shell)
{
	struct smol_vm *vm = smol_vms_chosen(&a->vms);
	smol_auto_free char *line = vm ? smol_asprintf("shell %s", vm->name) : NULL;

	if (line)
		smol_line_run(a, line);
}

ACTION(mark)
{
	struct smol_vm *vm = smol_vms_chosen(&a->vms);

	if (vm)
		smol_vms_mark(&a->vms, vm, !smol_vms_marked(&a->vms, vm));
	smol_vms_move(&a->vms, 1);
}

static void on_filter(struct smol_app *a, const char *text)
{
	smol_vms_set_filter(&a->vms, text);
}

ACTION(filter)
{
	smol_entry_open(&a->entry, "filter /", a->vms.filter, on_filter, NULL);
}

ACTION(start)
{
	for_vms(a, "start VM");
}

ACTION(stop)
{
	for_vms(a, "stop VM");
}

ACTION(restart)
{
	for_vms(a, "restart VM");
}

ACTION(exec)
{
	for_vms(a, "exec VM -- ");
}

ACTION(logs)
{
	for_vms(a, "logs -f VM");
}

ACTION(info)
{
	for_vms(a, "info VM");
}

ACTION(jobs)
{
	for_vms(a, "jobs VM");
}

ACTION(create)
{
	smol_prompt_set("create ");
	a->focus = SMOL_FOCUS_PROMPT;
}

ACTION(delete)
{
	for_vms(a, "delete --force --yes VM");
}

ACTION(help)
{
	a->help = !a->help;
}

ACTION(suspend)
{
	smol_app_suspend(a);
}

ACTION(redraw)
{
	(void)a;
	smol_draw_anew();
}

ACTION(cancel)
{
	(void)a;
	smol_prompt_cancel();
}

ACTION(leave)
{
	smol_app_leave(a);
}

static void (*const actions[SMOL_ACTION__count])(struct smol_app *a) = {
    [SMOL_ACTION_none] = action_none,
#define X(action, name, hint, help) [SMOL_ACTION_##action] = action_##action,
    SMOL_UI_ACTIONS(X)
#undef X
};

void smol_action_do(struct smol_app *a, enum smol_action action, const char *key)
{
	snprintf(a->key, sizeof(a->key), "%s", key);
	actions[action](a);
}
