/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files on their way in: frames become files below one directory, whatever the other end sends.
 *
 * Nothing is written outside the target: each entry is one component, made in a directory that is
 * held open and was opened without following a link. A file appears under its name only when all of
 * it is there and its SHA-256 is right; until then it has no name, or a temporary one beside it
 * (".smolsh-….part"), which goes with the receiver.
 */
#ifndef SMOL_PROTO_FILES_RECEIVE_H
#define SMOL_PROTO_FILES_RECEIVE_H

#include "proto/files.h"

struct smol_files_receiver;

struct smol_files_target {
	/* Where it goes, links followed: into it where it is a directory, under `name`, or merged
	 * with it where name is NULL or no name; else it becomes that. */
	const char *path;
	const char *name;
	/* Instead of path: one file's content goes here, -1 with errno gives up. */
	int (*write)(void *ctx, const char *data, size_t n);
	void *ctx;
	uint64_t max_bytes; /* of one file; 0: no limit */
	uint32_t modes;	    /* permission bits that are taken over, of 07777 */
};

/* SMOL_E_NOT_FOUND: the directory that is to hold it does not exist. NULL on failure; caller
 * frees, which removes what is not complete. */
struct smol_files_receiver *smol_files_receiver_open(
    const struct smol_files_target *t, struct smol_err *err);
void smol_files_receiver_free(struct smol_files_receiver *r); /* NULL is fine */

/* A frame. 1: it was DONE, everything is in place; 0: go on; -1: give up. */
int smol_files_receiver_frame(struct smol_files_receiver *r, const struct smol_frame *f,
    const char *payload, struct smol_err *err);
/* What has come so far. */
const struct smol_file_counts *smol_files_receiver_counts(const struct smol_files_receiver *r);

static inline void smol_auto_files_receiver_fn(struct smol_files_receiver **r)
{
	smol_files_receiver_free(*r);
}
#define smol_auto_files_receiver __attribute__((cleanup(smol_auto_files_receiver_fn)))

#endif
