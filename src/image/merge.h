/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layers merged into one tree, in memory and by name only: nothing is unpacked. Entries are added
 * layer by layer in the order they come; a later one takes the place of an earlier one, and
 * whiteouts (OCI image specification, "Layer Filesystem Changeset") take away what lower layers
 * brought. What files hold stays where it is: a file of the tree knows in which layer and as the
 * how manieth entry there its bytes are.
 *
 * Every name is hostile: ".." and absolute names are refused, a symbolic link in the middle of a
 * name is followed inside of the tree as chroot() would, and all counts have limits.
 */
#ifndef SMOL_IMAGE_MERGE_H
#define SMOL_IMAGE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define SMOL_ROOT_BYTES_MAX   (UINT64_C(32) << 30) /* that all layers unpack to */
#define SMOL_ROOT_ENTRIES_MAX 1000000		   /* of all layers together */
#define SMOL_ROOT_NAMES_MAX   (256 << 20)	   /* bytes of names, link targets and attributes */
#define SMOL_ROOT_LAYERS_MAX  128
#define SMOL_ROOT_DEPTH_MAX   128   /* directories in a name */
#define SMOL_ROOT_XATTRS_MAX  65536 /* bytes of the extended attributes of one file */
#define SMOL_ROOT_LINKS_MAX   40    /* symbolic links followed for one name */

struct smol_root_limits {
	uint64_t bytes, entries, names;
	int layers;
};
extern const struct smol_root_limits smol_root_limits_default;

struct smol_xattr {
	const char *name;
	const void *value;
	size_t size;
};

/* All of it belongs to the caller and is copied. */
struct smol_merge_entry {
	const char *path;     /* "usr/bin/x", "./usr/bin/x"; "." is the root */
	const char *hardlink; /* the name of the file that this is another name of, or NULL */
	const char *symlink;  /* S_IFLNK: its target */
	mode_t mode;	      /* with its type */
	int64_t uid, gid, mtime;
	uint64_t size; /* S_IFREG */
	unsigned major, minor;
	const struct smol_xattr *xattrs;
	size_t nxattrs;
};

/* A file of the merged tree; one that has several names is one of these. */
struct smol_merge_file {
	mode_t mode;
	uint32_t uid, gid;
	int64_t mtime;
	uint64_t size;
	unsigned major, minor;
	char *symlink;
	struct smol_xattr *xattrs;
	size_t nxattrs;
	int layer;	/* where its bytes are: layers count from 0 … */
	uint64_t entry; /* … and entries from 0 in each */
	char **names;	/* in the finished tree; NULL-terminated */
	size_t nnames;
	unsigned refs;
};

struct smol_merge;

struct smol_merge *smol_merge_new(const struct smol_root_limits *limits);
void smol_merge_free(struct smol_merge *m);
/* Another layer begins. whiteouts: names that begin with ".wh." have their meaning. */
int smol_merge_layer(struct smol_merge *m, bool whiteouts, struct smol_err *err);
/* SMOL_E_INVALID: a name or link that cannot be; SMOL_E_LIMIT: too many or too large. */
int smol_merge_add(struct smol_merge *m, const struct smol_merge_entry *e, struct smol_err *err);
/*
 * All layers are there. Then list[0…*n) is what there is: first all that has no bytes to be read,
 * parents before what is in them, then the regular files by layer and entry. Owned by m.
 */
struct smol_merge_file **smol_merge_finish(struct smol_merge *m, size_t *n);
/* The root directory itself, which is not in that list. */
const struct smol_merge_file *smol_merge_root(const struct smol_merge *m);

static inline void smol_auto_merge_fn(struct smol_merge **m)
{
	smol_merge_free(*m);
}
#define smol_auto_merge __attribute__((cleanup(smol_auto_merge_fn)))

#endif
