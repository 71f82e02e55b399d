/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kernel modules of one kernel: which there are, what each needs, and in which order they load.
 * What a module needs is taken from modules.dep, or where there is none (a package that was
 * unpacked and never installed) from the module's own .modinfo.
 */
#ifndef SMOL_IMAGE_KMOD_H
#define SMOL_IMAGE_KMOD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define SMOL_KMODS_MAX	   20000	      /* modules of a kernel */
#define SMOL_KMOD_SIZE_MAX (64 * 1024 * 1024) /* bytes of one */

struct smol_kmod {
	char *name;	      /* "virtio_rng": no directory, no suffix, '_' for '-' */
	char *path;	      /* below lib/modules/VERSION, uncompressed name: "kernel/…/x.ko" */
	char *file;	      /* where it is read from, or NULL when data holds it */
	struct smol_buf data; /* the module, uncompressed, once it has been read */
	char **deps;	      /* names, NULL-terminated; NULL: not known yet */
	int mark;	      /* while ordering */
};

struct smol_kmods {
	struct smol_kmod **list; /* sorted by name once smol_kmods_sort() has run */
	size_t n;
	char **builtin; /* names, NULL-terminated, or NULL */
};

void smol_kmods_free(struct smol_kmods *k);
#define smol_auto_kmods __attribute__((cleanup(smol_kmods_free)))

/* Is this the name of a module file (.ko, .ko.xz, …)? */
bool smol_kmod_is_file(const char *path);
/* Add one. path: below lib/modules/VERSION, may be compressed; file: where to read it, or NULL
 * with its bytes in data (taken over). SMOL_E_LIMIT when there are too many. */
int smol_kmods_add(struct smol_kmods *k, const char *path, const char *file, struct smol_buf *data,
    struct smol_err *err);
/* After the last one was added, before anything is looked up. */
void smol_kmods_sort(struct smol_kmods *k);
/* The text of modules.builtin and of modules.dep. Lines that make no sense are ignored. */
void smol_kmods_parse_builtin(struct smol_kmods *k, const char *text, size_t n);
void smol_kmods_parse_dep(struct smol_kmods *k, const char *text, size_t n);

/* NULL when it is not there; '-' and '_' are the same. */
struct smol_kmod *smol_kmods_find(const struct smol_kmods *k, const char *name);
bool smol_kmods_is_builtin(const struct smol_kmods *k, const char *name);
/* Read it, unless it has been: data is the module, uncompressed. */
int smol_kmod_read(struct smol_kmod *m, struct smol_err *err);
/* Cut the signature off that follows the module's end. */
void smol_kmod_strip_signature(struct smol_kmod *m);
/* The nth field of this name (0: the first) of a module's .modinfo ("depends", "alias"); malloc'd,
 * NULL if there is none. */
char *smol_modinfo(const void *module, size_t n, const char *field, unsigned nth);

/*
 * Append name and what it needs to order, in the order of loading; what is in there already or
 * built in is not added again. SMOL_E_NOT_FOUND: it, or one it needs, is neither a module nor
 * built in; SMOL_E_INVALID: modules that need each other. order is NULL-terminated, malloc'd; the
 * caller frees it, but not what it points to.
 */
int smol_kmods_order(struct smol_kmods *k, const char *name, struct smol_kmod ***order, size_t *n,
    struct smol_err *err);

#endif
