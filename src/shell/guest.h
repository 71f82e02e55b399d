/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command in a guest, its output here: what exec and run share. */
#ifndef SMOL_SHELL_GUEST_H
#define SMOL_SHELL_GUEST_H

#include "shell/parse.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/spinner.h"
#include "vm/lifecycle.h"

extern const struct smol_option smol_guest_options[];

struct smol_guest {
	struct smol_shell *sh;
	const struct smol_vm *vm;
	const struct smol_args *args;
	struct smol_signals *signals; /* open */
	struct smol_spinner *spinner; /* or NULL; stopped before the first output */
	struct smol_hold *hold;	      /* or NULL: it says why an ephemeral VM died */
};

/* Are the options and the command such that they can be run? Before a VM is made for them. */
int smol_guest_check(
    const struct smol_shell *sh, const struct smol_args *args, struct smol_err *err);
/*
 * Run args->guest in the VM and wait for its end. Returns the exit code: its own, 128+n by signal
 * n, SMOL_EXIT_READER_GONE when nobody reads our output any more, 130 or 143 when it was given up
 * by Ctrl-C or SIGTERM. -1 with *err: it could not be run, or nobody knows how it ended.
 */
int smol_guest_run(const struct smol_guest *guest, struct smol_err *err);

#endif
