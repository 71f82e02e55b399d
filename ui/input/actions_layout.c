/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a key does: with the places of panes, and whose the mouse is; see actions.h. */
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "shell/settings.h"
#include "ui/input/actions.h"

/* A shell where the pane's command is; where that is no VM, in the one that the list has chosen. */
ACTION(split)
{
	const char *before = smol_panes_current(a)->line;
	smol_auto_free char *target = before ? smol_line_target(before) : NULL, *line = NULL;
	const struct smol_vm *vm = smol_vms_chosen(&a->vms);
	int from = a->current;

	for (int i = 0; target && i < a->vms.nall; i++)
		if (strcmp(a->vms.all[i]->name, target) == 0)
			vm = a->vms.all[i];
	if (!vm) {
		smol_app_say(a, "no VM is chosen");
		return;
	}
	line = smol_asprintf("shell %s", vm->name);
	a->zoom = false;
	smol_line_run(a, line);
	smol_layout_put_behind(&a->layout, a->current, from);
}

ACTION(arrange)
{
	a->zoom = false;
	smol_layout_arrange(&a->layout,
	    (enum smol_arrangement)((a->layout.arrangement + 1) % SMOL_ARRANGE__COUNT), a->current);
	smol_app_say(a, smol_arrangements[a->layout.arrangement]);
}

static void swap(struct smol_app *a, int by)
{
	struct smol_layout_ask ask = smol_panes_ask(a);

	smol_layout_swap(&a->layout, ask.there, a->current, by);
}

ACTION(swap_next)
{
	swap(a, 1);
}

ACTION(swap_previous)
{
	swap(a, -1);
}

static void grow(struct smol_app *a, int by)
{
	struct smol_layout_ask ask = smol_panes_ask(a);

	if (a->focus == SMOL_FOCUS_LIST)
		smol_layout_grow_list(&a->layout, &ask, 2 * by);
	else
		smol_layout_grow(&a->layout, &ask, a->current, by, 3 * by);
}

ACTION(grow)
{
	grow(a, 1);
}

ACTION(shrink)
{
	grow(a, -1);
}

ACTION(mouse)
{
	bool on = smol_setting(SMOL_SETTING_MOUSE);
	smol_auto_free char *text = NULL;
	char keys[64];

	smol_setting_set(SMOL_SETTING_MOUSE, on ? "off" : "on", NULL);
	smol_action_keys(SMOL_ACTION_mouse, keys, sizeof(keys));
	text = smol_asprintf("the mouse is %s; %s gives it %s", on ? "the terminal's" : "smolsh's",
	    keys, on ? "back" : "to the terminal");
	smol_app_say(a, text);
}
