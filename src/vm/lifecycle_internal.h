/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files behind lifecycle.h share and nobody else sees. */
#ifndef SMOL_VM_LIFECYCLE_INTERNAL_H
#define SMOL_VM_LIFECYCLE_INTERNAL_H

#include "vm/registry.h"

#define SMOL_EXPLAIN_MS	   1000 /* to learn that a VM has ended */
#define SMOL_VM_TAIL_LINES 10	/* of the console, behind an error */

/* The VM's row as it is now; vm is updated in place. */
int smol_vm_refresh(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err);
/* Its sockets, and with state_too its logs. Only while nobody can start it. */
void smol_vm_remove_files(const struct smol_vm *vm, bool state_too);

/* Why nothing can be asked of its guest, with the mend; always -1. */
int smol_vm_not_running(const struct smol_vm *vm, struct smol_err *err);

#endif
