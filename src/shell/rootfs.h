/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --rootfs: a root image by name, or made of what its value names. */
#ifndef SMOL_SHELL_ROOTFS_H
#define SMOL_SHELL_ROOTFS_H

#include "shell/parse.h"
#include "shell/shell.h"
#include "vm/registry.h"

/* Into c->rootfs and c->rootfs_size; nothing where it was not given. A source that is new, or has
 * changed, is made into a root image first (smolsh-image). SMOL_E_NOT_FOUND: neither of both. */
int smol_rootfs_from_args(struct smol_shell *sh, const struct smol_args *args,
    struct smol_vm_config *c, struct smol_err *err);
/* A VM that was registered with one takes it: nobody removes it now, and the disk for its own files
 * is there. Nothing for a VM without. */
int smol_rootfs_take(const struct smol_vm *vm, struct smol_err *err);
/* The command of the root image, NULL-terminated, each malloc'd, as is the array. SMOL_E_USAGE: it
 * has none. */
char **smol_rootfs_command(const struct smol_vm_config *c, struct smol_err *err);
/* "alpine (0123456789ab, 3.2M), …" for people; malloc'd; NULL: the VM has none. */
char *smol_rootfs_text(const struct smol_vm_config *c, bool ephemeral);

#endif
