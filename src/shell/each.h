/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One act on several VMs: `stop a b`, `start --all`. */
#ifndef SMOL_SHELL_EACH_H
#define SMOL_SHELL_EACH_H

#include "shell/parse.h"
#include "shell/shell.h"

/* The act on one VM: an exit code, or -1 with *err. *data: what --json shows of it; may stay NULL.
 */
typedef int (*smol_each_fn)(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err);

/* --all; for commands whose words are the VMs. */
extern const struct smol_option smol_all_options[];
/* --watch, --interval; for commands that show them again and again. */
extern const struct smol_option smol_watch_options[];
/* Between two rounds, in ms. */
int64_t smol_watch_interval(const struct smol_args *args);
/* VM… */
extern const struct smol_positional smol_vms_words[];

/* The VMs that were named, reconciled, each once; and the words that fit none. */
struct smol_each {
	struct smol_vm **vms; /* NULL-terminated; owned */
	struct smol_each_miss {
		const char *word; /* not owned */
		struct smol_err err;
	} * missed; /* owned */
	int nvms, nmissed;
	bool single; /* one word that names one VM, and not --all */
	bool whole;  /* a name's beginning names no VM: SMOL_COMMAND_WHOLE */
};

/*
 * Find what args name: its words, or all VMs with --all. -1: SMOL_E_USAGE when there are neither
 * or both, or the registry cannot be read, or the only word fits none. *e is to be freed in either
 * case.
 */
int smol_each_find(
    struct smol_shell *sh, const struct smol_args *args, struct smol_each *e, struct smol_err *err);
/* The same for words that are not all that args hold. */
int smol_each_words(struct smol_shell *sh, const char *const *words, int nwords,
    struct smol_each *e, struct smol_err *err);
void smol_each_free(struct smol_each *e);
#define smol_auto_each __attribute__((cleanup(smol_each_free)))

/*
 * Do it to each. A single VM: its code, or -1 with *err. Several: all are tried, trouble is told as
 * it comes, and the result is 125 if one failed so, else 124 if one did, else the highest code.
 * With --json one envelope: the data of the one, or an array.
 */
int smol_each_act(struct smol_shell *sh, struct smol_each *e, const struct smol_args *args,
    smol_each_fn act, struct smol_err *err);
/* Both. */
int smol_each_run(
    struct smol_shell *sh, const struct smol_args *args, smol_each_fn act, struct smol_err *err);

/* The exit code of two outcomes together. */
int smol_each_worse(int a, int b);

#endif
