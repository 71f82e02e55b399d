/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files on their way out: a file or a tree below one directory, frame by frame. Links within the
 * tree are sent as links and never followed; what is neither file, directory nor link is counted
 * and left out. Holes travel as holes.
 */
#ifndef SMOL_PROTO_FILES_SEND_H
#define SMOL_PROTO_FILES_SEND_H

#include "proto/files.h"

#define SMOL_FILES_CHUNK (128 * 1024) /* bytes of content in a frame */

struct smol_files_sender;

/* What path names, links followed; a file of more than max_bytes (0: no limit) is
 * SMOL_E_LIMIT_FILE. SMOL_E_NOT_FOUND; SMOL_E_INVALID for a directory without recursive, or
 * something that is no file. Caller frees; NULL on failure. */
struct smol_files_sender *smol_files_sender_open(
    const char *path, bool recursive, uint64_t max_bytes, struct smol_err *err);
/* One file of unknown size: what fd gives until its end. fd stays the caller's. */
struct smol_files_sender *smol_files_sender_of_fd(int fd);
void smol_files_sender_free(struct smol_files_sender *s); /* NULL is fine */

/*
 * Append the next frame, at most one chunk of content. 1: there is more to come; 0: that was DONE;
 * -1. Reading from a descriptor of _of_fd() may block: wait until it is readable.
 */
int smol_files_sender_next(struct smol_files_sender *s, struct smol_buf *out, struct smol_err *err);
/* What has been sent so far. */
const struct smol_file_counts *smol_files_sender_counts(const struct smol_files_sender *s);

static inline void smol_auto_files_sender_fn(struct smol_files_sender **s)
{
	smol_files_sender_free(*s);
}
#define smol_auto_files_sender __attribute__((cleanup(smol_auto_files_sender_fn)))

#endif
