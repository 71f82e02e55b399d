/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Container images: which layers there are, in which order, and what the image wants to be run
 * with. Read are OCI image layouts (image-spec 1.0: image-layout, index, manifest, config) and what
 * `docker save` writes. Of an index for several machines the one for x86-64 is taken.
 */
#ifndef SMOL_IMAGE_OCI_H
#define SMOL_IMAGE_OCI_H

#include <stddef.h>

#include "base/err.h"
#include "image/container.h"
#include "proto/json.h"

struct smol_oci_layer {
	char *member;	  /* of the container */
	char digest[65];  /* SHA-256 of that member, or "" */
	char diff_id[65]; /* SHA-256 of what it unpacks to, or "" */
};

struct smol_oci {
	struct smol_oci_layer *layers;
	size_t nlayers;
	cJSON *env, *entrypoint, *cmd; /* as in struct smol_root */
	char *cwd, *user;
};

/*
 * Read the image in it. SMOL_E_INVALID: a manifest that makes no sense, a digest that does not
 * match, an image for another machine, several images. *o is to be freed in either case.
 */
int smol_oci_read(struct smol_container *c, struct smol_oci *o, struct smol_err *err);
void smol_oci_free(struct smol_oci *o);
#define smol_auto_oci __attribute__((cleanup(smol_oci_free)))

#endif
