/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The line prompt: readline on the terminal as it is, for where there can be no screen. Each line
 * is a `smolsh -c LINE` in the foreground of the same terminal, as a shell runs its commands; what
 * becomes of VMs meanwhile is told above the line that is being typed.
 */
#ifndef SMOL_UI_LINE_PROMPT_H
#define SMOL_UI_LINE_PROMPT_H

#include "ui/options.h"

/* Run until the user leaves. why: there is no screen, in a few words. Returns the exit code. */
int smol_line_prompt_run(const struct smol_ui_options *options, const char *why);

#endif
