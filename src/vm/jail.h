/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hypervisor in a jail (Firecracker's jailer): a directory that is its root, and a user that it
 * runs as. The directory is /srv/jailer/PROGRAM/ID, as the jailer has it, or below SMOLSH_HOME;
 * what the hypervisor is to open, and its sockets, lie in "root" there.
 */
#ifndef SMOL_VM_JAIL_H
#define SMOL_VM_JAIL_H

#include <sys/types.h>

#include "vm/registry.h"

/* "nobody", "123" or "123:100": not root. SMOL_E_INVALID: who is there. */
int smol_jail_user(const char *text, uid_t *uid, gid_t *gid, struct smol_err *err);
/* Where jails are, without a slash at its end; malloc'd, caller frees. */
char *smol_jail_base(void);
/* The VM's own, which goes with it; malloc'd, caller frees. NULL where the VM has none. */
char *smol_vm_jail_dir(const struct smol_vm *vm);

#endif
