/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A directory of the host as the files of a root: walked without following a link and without
 * leaving its file system. What belongs to the user that walks, where that is not root, belongs to
 * root in the guest: an ordinary user's copy of a root could not look otherwise.
 */
#ifndef SMOL_IMAGE_FOLDER_H
#define SMOL_IMAGE_FOLDER_H

#include "base/buf.h"
#include "base/err.h"
#include "image/merge.h"

/* Add all of it to m as one layer, and to seen what would be different had a file been changed. */
int smol_folder_scan(int fd, struct smol_merge *m, struct smol_buf *seen, struct smol_err *err);
/* Open a regular file of it for reading: a descriptor, or -1. */
int smol_folder_open(int fd, const struct smol_merge_file *f, struct smol_err *err);

#endif
