/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a key does: a function for each action of shell/keys.h. Those of panes that are looked at
 * are in actions_view.c, those of their places in actions_layout.c, the others in actions.c.
 */
#ifndef SMOL_UI_ACTIONS_H
#define SMOL_UI_ACTIONS_H

#include "ui/app.h"

#define X(action, name, hint, help) void smol_action_##action(struct smol_app *a);
SMOL_UI_ACTIONS(X)
#undef X

#define ACTION(action) void smol_action_##action(struct smol_app *a)

#endif
