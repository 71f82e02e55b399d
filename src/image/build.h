/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building an image: from a kernel, busybox and the agent to a directory with a manifest. */
#ifndef SMOL_IMAGE_BUILD_H
#define SMOL_IMAGE_BUILD_H

#include <stdbool.h>

#include "base/err.h"
#include "image/image.h"
#include "image/source.h"

#define SMOL_BUILD_ADDS_MAX 256

struct smol_build {
	const char *name;
	const char *kernel, *modules; /* files, or NULL */
	bool host_kernel;
	const char *agent, *busybox;	       /* NULL: found by itself */
	const char *adds[SMOL_BUILD_ADDS_MAX]; /* "HOSTFILE:GUESTPATH" */
	int nadds;
	bool force;	 /* replace an image that is whole */
	bool if_changed; /* nothing to do when it was built from the same */
	smol_step_fn step;
};

/*
 * Build it in the first directory of images. An image of that name that is whole is
 * SMOL_E_EXISTS, unless force or if_changed is set; a damaged one is replaced. Until the new one
 * is complete the old one stays; on failure nothing is left. *built: false when if_changed found
 * nothing to do. Returns the image (caller frees) or NULL.
 */
struct smol_image *smol_build(const struct smol_build *b, bool *built, struct smol_err *err);
/* Remove an image wherever it lies. */
int smol_build_remove(const struct smol_image *img, struct smol_err *err);

#endif
