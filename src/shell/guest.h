/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command in a guest, its output here: what exec and run share. */
#ifndef SMOL_SHELL_GUEST_H
#define SMOL_SHELL_GUEST_H

#include "shell/parse.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/spinner.h"
#include "vm/lifecycle.h"
#include "vsock/client.h"

/* How a command is run: stdin, terminal, timeout; and where: variables, directory, user. */
extern const struct smol_option smol_guest_options[], smol_place_options[];
#define SMOL_DETACH_KEYS                                                                           \
	{                                                                                          \
		.name = "detach-keys", .type = SMOL_OPTION_STRING, .arg = "KEY",                   \
		.help = "with -t: the key that leaves the job running, or none (^])"               \
	}

struct smol_guest {
	struct smol_shell *sh;
	const struct smol_vm *vm;
	const struct smol_args *args;
	struct smol_signals *signals; /* open */
	struct smol_spinner *spinner; /* or NULL; stopped before the first output */
	struct smol_hold *hold;	      /* or NULL: it says why an ephemeral VM died */
	bool tty;		      /* on a terminal, which ours is then; smol_tty_check() */
	const char *const *argv;      /* in place of args->guest, or NULL */
	/* Not args->guest, but this job, which runs already; or NULL. */
	const struct smol_job_request *attach;
};

/* Are the options and the command such that they can be run? Before a VM is made for them. */
int smol_guest_check(
    const struct smol_shell *sh, const struct smol_args *args, struct smol_err *err);
/*
 * Run args->guest (where there is none: a login shell) in the VM and wait for its end. Returns the
 * exit code: its own, 128+n by signal n, SMOL_EXIT_READER_GONE when nobody reads our output any
 * more, 130 or 143 when it was given up by Ctrl-C or SIGTERM, 0 when it was left running by the key
 * that detaches. -1 with *err: it could not be run, or nobody knows how it ended.
 */
int smol_guest_run(const struct smol_guest *guest, struct smol_err *err);

/* The state of a job that an agent tells of, for people: foreign, so on one line; and that its
 * input was cut off. Caller frees. */
char *smol_guest_job_state(const cJSON *job);

/* Start it as a job to which nobody is attached. 0 with its id, or -1. */
int smol_guest_start(const struct smol_guest *guest, int64_t *job, struct smol_err *err);

#endif
