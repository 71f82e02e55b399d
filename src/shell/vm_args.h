/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options that say what a VM is to be, and the VM that is made of them; for create and run. */
#ifndef SMOL_SHELL_VM_ARGS_H
#define SMOL_SHELL_VM_ARGS_H

#include "shell/parse.h"
#include "shell/shell.h"
#include "shell/spinner.h"
#include "vm/config.h"
#include "vm/lifecycle.h"

extern const struct smol_option smol_config_options[];

/* *c is to be freed in either case. */
int smol_config_from_args(
    const struct smol_args *args, struct smol_vm_config *c, struct smol_err *err);
/* Register a VM with this configuration and the labels that args give it; as
 * smol_registry_create(). The caller frees it. */
struct smol_vm *smol_vm_from_args(struct smol_registry *r, const struct smol_args *args,
    const char *name, const struct smol_vm_config *c, bool ephemeral, struct smol_err *err);
/*
 * Start a VM and wait until it is ready, with a spinner on a terminal; Ctrl-C (signals) gives up.
 * hold as in smol_vm_start(). *spinner: NULL, or a spinner that goes on after a successful start.
 */
int smol_shell_start(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    struct smol_signals *signals, struct smol_hold **hold, struct smol_spinner **spinner,
    struct smol_err *err);

static inline void smol_auto_config_fn(struct smol_vm_config *c)
{
	smol_vm_config_free(c);
}
#define smol_auto_config __attribute__((cleanup(smol_auto_config_fn)))

#endif
