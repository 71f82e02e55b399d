/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One layer of files: a tar, compressed or not, as a member of a container or the whole of it. What
 * it unpacks to is counted, and hashed on the way, so that one pass sees all of it.
 */
#ifndef SMOL_IMAGE_LAYER_H
#define SMOL_IMAGE_LAYER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "image/container.h"
#include "image/merge.h"
#include "image/oci.h"

struct smol_layer;

/*
 * Open one: l names it, NULL for the whole container. *unpacked grows by what it unpacks to;
 * SMOL_E_LIMIT when that comes to more than max.
 */
struct smol_layer *smol_layer_open(struct smol_container *c, const struct smol_oci_layer *l,
    uint64_t *unpacked, uint64_t max, struct smol_err *err);
/* The next entry: 1 with *e, whose strings live until the next call; 0 at the end; -1. */
int smol_layer_next(struct smol_layer *l, struct smol_merge_entry *e, struct smol_err *err);
/* The bytes of that entry: >0, 0 at their end, -1. */
ssize_t smol_layer_data(struct smol_layer *l, void *data, size_t n, struct smol_err *err);
/* After the last entry: what is behind it, and the digests. SMOL_E_INVALID: they differ. */
int smol_layer_verify(struct smol_layer *l, struct smol_err *err);
void smol_layer_close(struct smol_layer *l);

static inline void smol_auto_layer_fn(struct smol_layer **l)
{
	smol_layer_close(*l);
}
#define smol_auto_layer __attribute__((cleanup(smol_auto_layer_fn)))

#endif
