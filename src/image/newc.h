/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A "newc" cpio archive of one directory and one file, made in memory: what the monitor appends
 * to an image's initramfs to hand a VM its secrets. (The image itself is written with libarchive,
 * which the monitor does not link.)
 */
#ifndef SMOL_IMAGE_NEWC_H
#define SMOL_IMAGE_NEWC_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Append an archive that makes the directory dir ("run-smolsh", no leading slash, one component;
 * closed to others if the file is) and in it the file, of n bytes with this mode. It ends with
 * its trailer and is padded to 512 bytes. The caller wipes the buffer.
 */
void smol_newc_single(struct smol_buf *out, const char *dir, const char *file, const void *data,
    size_t n, unsigned mode);

#endif
