/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firecracker in its jailer: what is put into the jail, and how the jailer is called. */
#ifndef SMOL_BACKEND_FC_JAIL_H
#define SMOL_BACKEND_FC_JAIL_H

#include <sys/types.h>

#include "backend/backend.h"

/* Where the jailed one finds them. */
#define SMOL_FC_JAIL_KERNEL "/kernel"
#define SMOL_FC_JAIL_INITRD "/initrd"
#define SMOL_FC_JAIL_SOCKET "/fc.sock"
#define SMOL_FC_JAIL_VSOCK  "/vsock.sock"

#define SMOL_FC_JAILER "jailer"

/* The jailer that belongs to this Firecracker: the one beside it, else the first in PATH. malloc'd,
 * caller frees; NULL and SMOL_E_DEPENDENCY. */
char *smol_fc_jailer(const char *firecracker, struct smol_err *err);
/* Kernel and initramfs into l->jail->root, for its user's eyes only. */
int smol_fc_jail_fill(const struct smol_launch *l, struct smol_err *err);
/* The guest has started: neither is needed any more. */
void smol_fc_jail_empty(const char *root);
/* Give a file in the jail to its user. */
int smol_fc_jail_own(const struct smol_jail *j, const char *path, struct smol_err *err);
/* The jailer's command line, NULL-terminated; free each word and the array. */
char **smol_fc_jail_argv(const char *jailer, const char *firecracker, const struct smol_launch *l);

#endif
