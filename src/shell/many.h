/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One command in several guests at once, told apart in the output. */
#ifndef SMOL_SHELL_MANY_H
#define SMOL_SHELL_MANY_H

#include "shell/each.h"

#define SMOL_MANY_AT_ONCE 32

/*
 * Run `exec` with the options and the guest command of args in each VM of e, at most
 * SMOL_MANY_AT_ONCE at a time. Every VM has a process of its own, `smolsh exec`; its output is
 * marked with the VM's name line by line, with --group folded, with --json one result per VM.
 * Returns the exit code of all together as smol_each_worse() has it, or -1 with *err.
 */
int smol_many_run(struct smol_shell *sh, const struct smol_args *args, const struct smol_each *e,
    struct smol_err *err);

#endif
