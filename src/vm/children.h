/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which processes a VM's monitor has started, noted where the next command finds it: a monitor that
 * is killed takes them with it, but they end after it, and until they have the VM has not ended and
 * neither its CID nor its sockets are free.
 */
#ifndef SMOL_VM_CHILDREN_H
#define SMOL_VM_CHILDREN_H

#include "base/buf.h"
#include "vm/registry.h"

#define SMOL_CHILDREN_MAX 16

/* Called by the monitor itself: these, and no others, are its children; a pid of 0 is left out. */
int smol_children_note(const struct smol_vm *vm, const pid_t *pids, int n, struct smol_err *err);
/*
 * The monitor that vm->monitor_pid names is gone: kill what it has left and wait for its end.
 * What another monitor has noted is not touched. SMOL_E_STATE: one does not end.
 */
int smol_children_end(const struct smol_vm *vm, struct smol_err *err);
/*
 * VMs that run and are none of these (NULL-terminated): their registry was lost, or is one from
 * before. How many; the pids of their monitors and their ids are added, with a blank in front of
 * each. A monitor ends its VM in order on SIGTERM.
 */
int smol_children_unknown(
    struct smol_vm *const *known, struct smol_buf *pids, struct smol_buf *ids);

#endif
