/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a root image (image/root.h) of a directory, a tar or a container image. */
#ifndef SMOL_IMAGE_IMPORT_H
#define SMOL_IMAGE_IMPORT_H

#include <stdbool.h>

#include "base/err.h"
#include "image/container.h"
#include "image/merge.h"
#include "image/oci.h"
#include "image/root.h"
#include "image/source.h"

struct smol_import {
	const char *source; /* a path */
	const char *name;   /* NULL: made of the source's, and one that is free */
	bool force;	    /* even if nothing has changed */
	smol_step_fn step;
};

/*
 * Make it in the first directory of images; of a source that has not changed since the last time,
 * nothing is made again. Of two that do so at once one waits. On failure nothing is left. *built:
 * false when there was nothing to do. Returns what there is now (caller frees) or NULL.
 */
struct smol_root *smol_import(const struct smol_import *im, bool *built, struct smol_err *err);

/*
 * Read all names of a container, of what kind it ever is, into m: the first half of an import. o is
 * what smol_oci_read() gave for a container image, else empty. SMOL_E_INVALID, SMOL_E_LIMIT.
 */
int smol_import_scan(struct smol_container *c, const struct smol_oci *o,
    const struct smol_root_limits *limits, struct smol_merge *m, struct smol_err *err);

#endif
