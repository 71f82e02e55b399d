/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directory of root images, as those see it who change it: one at a time. */
#ifndef SMOL_IMAGE_ROOTS_H
#define SMOL_IMAGE_ROOTS_H

#include "base/err.h"
#include "image/root.h"
#include "image/source.h"

/* Make the directory where it is missing and lock it, waiting for whoever has it; step, or NULL, is
 * told so. Returns a descriptor, which is the lock (caller closes), or -1. */
int smol_roots_lock(const char *dir, smol_step_fn step, struct smol_err *err);
/* Remove files that have no name any more and that no VM uses. The caller holds the lock. */
void smol_roots_sweep(const char *dir);
/* Forget NAME; its files go with it, unless another name or a VM has them. */
int smol_root_remove(const struct smol_root *r, struct smol_err *err);

#endif
