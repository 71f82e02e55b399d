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
/* VM… */
extern const struct smol_positional smol_vms_words[];

/*
 * The VMs that args name: its words (each once), or all of them with --all. SMOL_E_USAGE when there
 * are neither or both; SMOL_E_NOT_FOUND for a word that fits none. NULL-terminated, reconciled;
 * free with smol_vm_list_free().
 */
struct smol_vm **smol_each_find(
    struct smol_shell *sh, const struct smol_args *args, struct smol_err *err);

/*
 * Do it to each. One VM: its code, or -1 with *err. Several: all are tried, trouble is told as it
 * comes, and the result is 125 if one failed so, else 124 if one did, else the highest code. With
 * --json one envelope: the data of the one, or an array.
 */
int smol_each_run(
    struct smol_shell *sh, const struct smol_args *args, smol_each_fn act, struct smol_err *err);
/* The same for VMs that have been found already. */
int smol_each_act(struct smol_shell *sh, struct smol_vm **vms, const struct smol_args *args,
    smol_each_fn act, struct smol_err *err);

/* The exit code of two outcomes together. */
int smol_each_worse(int a, int b);

#endif
