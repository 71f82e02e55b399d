/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest's root file system holds at the start. */
#ifndef SMOL_IMAGE_ROOTFS_H
#define SMOL_IMAGE_ROOTFS_H

#include "base/err.h"
#include "image/kmod.h"
#include "image/tree.h"

/* Directories, device nodes and the files of /etc. */
int smol_rootfs_skeleton(struct smol_tree *t, struct smol_err *err);
/* /bin/busybox and a link for each of its applets. busybox: a static binary of this machine. */
int smol_rootfs_busybox(struct smol_tree *t, const char *busybox, struct smol_err *err);
/* /init, with the loader and the shared libraries it needs. */
int smol_rootfs_agent(struct smol_tree *t, const char *agent, struct smol_err *err);
/*
 * /lib/modules/VERSION with the modules a guest may want, modules.dep and modules.alias, and the
 * list of those that are loaded at every boot, in their order (/lib/smolsh/modules.order).
 * SMOL_E_INVALID when the kernel has no driver for what every guest needs, or the modules are
 * another kernel's.
 */
int smol_rootfs_modules(
    struct smol_tree *t, const char *version, struct smol_kmods *mods, struct smol_err *err);

#endif
