/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Editing a line with readline, as the screen's prompt and the line prompt both do it: the history
 * file, what an entered line is, what Tab inserts. One per process, as readline is.
 */
#ifndef SMOL_UI_EDIT_H
#define SMOL_UI_EDIT_H

#include "shell/complete.h"

/* Before readline is first used: the name that an inputrc may ask for, and the history. */
void smol_edit_open(void);
/* The history's file keeps its bound and its mode. */
void smol_edit_close(void);
/* A line goes into the history, at once into its file, too; the same one twice does not. */
void smol_edit_remember(const char *line);
/* A line that was entered: where its command begins, in the same bytes; NULL: it is empty. It is
 * remembered unless a space stands in front of it, as in other shells. */
const char *smol_edit_entered(const char *line);
/* How many VMs "@marked" stands for: 0, and it is not offered. */
void smol_edit_set_marks(int n);
/*
 * Tab: what all candidates at the cursor have in common is inserted. *c: those that are left to
 * choose from; n is 0 when there is nothing to choose. Caller frees. Returns whether the line has
 * changed. A guest that is asked may take SMOL_COMPLETE_GUEST_MS.
 */
bool smol_edit_complete(struct smol_completion *c);
/* One of those that were left, while the line is as it was then. */
void smol_edit_take(const struct smol_completion *c, int which);

#endif
