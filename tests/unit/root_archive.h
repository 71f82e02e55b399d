/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Archives for tests of root images, made in memory: layers from short lines, and around them what
 * `docker save` writes or an OCI image layout. A line is
 *
 *   "d NAME"  "f NAME TEXT"  "l NAME TARGET"  "h NAME OTHER"  "c NAME MAJOR:MINOR"  "p NAME"
 *
 * and what it makes has mode 0755 for directories, 0644 for the rest, and belongs to 0:0.
 */
#ifndef SMOL_TESTS_ROOT_ARCHIVE_H
#define SMOL_TESTS_ROOT_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define ROOT_LAYERS 4

/* What is wrong with an archive; 0: nothing. */
enum root_flaw {
	ROOT_SOUND,
	ROOT_WRONG_DIGEST, /* of the last layer */
	ROOT_NO_LAYER,	   /* the last layer is not in it */
	ROOT_ARM,	   /* for another machine, says the configuration */
	ROOT_ARM_INDEX,	   /* says the index */
	ROOT_TWO_IMAGES,   /* and no word which */
	ROOT_BAD_JSON,	   /* the manifest */
	ROOT_NO_DIFF_IDS,  /* the configuration lists none */
	ROOT_LOST_INDEX,   /* the index that index.json names is not in it */
};

/* A tar of these lines (NULL-terminated); gzip: compressed. */
void root_tar(struct smol_buf *out, const char *const *lines, bool gzip);
/* A container image of layers (each as of root_tar()), n of them. oci: a layout with compressed
 * layers and an index for two machines, else as `docker save`. */
void root_image(
    struct smol_buf *out, struct smol_buf *layers, int n, bool oci, enum root_flaw flaw);
/* A descriptor of a file without a name that holds it. */
int root_fd(const struct smol_buf *b);

#endif
