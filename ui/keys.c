/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys: see keys.h. */
#include "ui/keys.h"

#include <stdio.h>
#include <string.h>

const struct smol_action_entry smol_actions[SMOL_ACTION__count] = {
    [SMOL_ACTION_none] = {"", "", ""},
#define X(action, name, hint, help) [SMOL_ACTION_##action] = {name, hint, help},
    SMOL_UI_ACTIONS(X)
#undef X
};

const struct smol_key_entry smol_keys[] = {
#define X(action, key, where) {SMOL_ACTION_##action, key, where},
    SMOL_UI_KEYS(X)
#undef X
	{0},
};

enum smol_action smol_key_action(const char *name, enum smol_focus focus)
{
	if (strncmp(name, "M-", 2) == 0 && name[2] >= '0' && name[2] <= '9' && !name[3])
		return SMOL_ACTION_pane;
	for (const struct smol_key_entry *k = smol_keys; k->key; k++)
		if ((k->where & focus) && strcmp(k->key, name) == 0)
			return k->action;
	return SMOL_ACTION_none;
}

void smol_key_shown(const char *name, char text[24])
{
	const char *alt = strncmp(name, "M-", 2) == 0 ? "Alt-" : "";
	const char *ctrl = strncmp(name, "C-", 2) == 0 ? "Ctrl-" : "";
	const char *shift = strncmp(name, "S-", 2) == 0 ? "Shift-" : "";

	if (*alt || *ctrl || *shift)
		name += 2;
	snprintf(text, 24, "%s%s%s%s", alt, ctrl, shift, name);
}
