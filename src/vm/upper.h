/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A VM's own files over a root image: the upper disk, an ext4 file system in the VM's state
 * directory, which stays over stop and start and goes with the VM. It is sparse: it takes what the
 * guest has written. A VM that goes with its `run` has none; what it writes is in its memory.
 */
#ifndef SMOL_VM_UPPER_H
#define SMOL_VM_UPPER_H

#include "vm/registry.h"

/* Where it is; malloc'd. NULL and no error where the VM has none. */
char *smol_vm_upper_path(const struct smol_vm *vm, struct smol_err *err);
/* Make it, where the VM is to have one. SMOL_E_DEPENDENCY: there is no mke2fs. */
int smol_vm_upper_make(const struct smol_vm *vm, struct smol_err *err);

#endif
