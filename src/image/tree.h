/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes into an initramfs: entries in the order they were added (a directory before what is in
 * it; missing parents are made), all owned by root, all with one time stamp. Written as "newc"
 * with libarchive. The same entries give the same bytes.
 */
#ifndef SMOL_IMAGE_TREE_H
#define SMOL_IMAGE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct smol_tree;

struct smol_tree *smol_tree_new(void);
void smol_tree_free(struct smol_tree *t);
static inline void smol_auto_tree_fn(struct smol_tree **t)
{
	smol_tree_free(*t);
}
#define smol_auto_tree __attribute__((cleanup(smol_auto_tree_fn)))

/* Paths are relative to the guest's root ("etc/passwd"); a leading slash is taken off. A later file
 * takes the place of an earlier one; a directory that is there gets the mode. SMOL_E_INVALID: a
 * path with "..", or one below a thing that is no directory. */
int smol_tree_dir(struct smol_tree *t, const char *path, mode_t mode, struct smol_err *err);
int smol_tree_file(struct smol_tree *t, const char *path, mode_t mode, const void *data, size_t n,
    struct smol_err *err);
int smol_tree_link(struct smol_tree *t, const char *path, const char *target, struct smol_err *err);
int smol_tree_node(struct smol_tree *t, const char *path, mode_t mode, unsigned major,
    unsigned minor, struct smol_err *err);
/* A file of the host, with its mode's execute bits. */
int smol_tree_host_file(
    struct smol_tree *t, const char *path, const char *file, struct smol_err *err);
bool smol_tree_has(const struct smol_tree *t, const char *path);

/* The archive, padded to 512 bytes, appended to out. mtime: of every entry. */
int smol_tree_write(
    const struct smol_tree *t, time_t mtime, struct smol_buf *out, struct smol_err *err);

#endif
