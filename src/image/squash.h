/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A squashfs file, written by squashfs-tools' sqfstar, which is fed a tar of what is to be in it:
 * so owners, devices and attributes need no root and no files on the host.
 */
#ifndef SMOL_IMAGE_SQUASH_H
#define SMOL_IMAGE_SQUASH_H

#include <stddef.h>

#include "base/err.h"
#include "image/merge.h"

/* Says how it is packed; part of what decides whether a root image is up to date. */
#define SMOL_SQUASH_FORMAT "squashfs lz4 1"

struct smol_squash;

/* Start writing path, which must not be there. root: the root directory, of which mode and time
 * are taken; it is root's. SMOL_E_DEPENDENCY: there
 * is no sqfstar. Caller closes. */
struct smol_squash *smol_squash_open(
    const char *path, const struct smol_merge_file *root, struct smol_err *err);
/* An entry by its first name; the bytes of a regular file follow, exactly f->size of them. */
int smol_squash_add(struct smol_squash *s, const struct smol_merge_file *f, struct smol_err *err);
int smol_squash_data(struct smol_squash *s, const void *data, size_t n, struct smol_err *err);
/* Its other names, after its bytes. */
int smol_squash_links(struct smol_squash *s, const struct smol_merge_file *f, struct smol_err *err);
/* That was all: wait until the file is complete. */
int smol_squash_finish(struct smol_squash *s, struct smol_err *err);
/* Ends what has not been finished. NULL is fine. */
void smol_squash_close(struct smol_squash *s);

static inline void smol_auto_squash_fn(struct smol_squash **s)
{
	smol_squash_close(*s);
}
#define smol_auto_squash __attribute__((cleanup(smol_auto_squash_fn)))

#endif
