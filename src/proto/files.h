/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files in frames (docs/protocol.md, "Files"): what travels, and whether it may. Sending is in
 * files_send.h, receiving in files_receive.h; both ends use the same.
 *
 * An entry names one component, never a path: its depth says in which of the directories that are
 * still open it lies. So there is nothing in a name that could lead anywhere else.
 */
#ifndef SMOL_PROTO_FILES_H
#define SMOL_PROTO_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/frame.h"
#include "proto/json.h"

#define SMOL_FILES_DEPTH_MAX	64	/* directories within each other */
#define SMOL_FILES_NAME_MAX	255	/* bytes of a name */
#define SMOL_FILES_LINK_MAX	4095	/* bytes of what a symbolic link says */
#define SMOL_FILES_ENTRIES_MAX	1000000 /* of one transfer */
#define SMOL_FILES_DIGEST	32	/* SHA-256 */
#define SMOL_FILES_SIZE_MAX	((uint64_t)1 << 60)
#define SMOL_FILES_SIZE_UNKNOWN UINT64_MAX /* known when it has come */

enum smol_file_kind {
	SMOL_FILE_PLAIN = 1,
	SMOL_FILE_DIRECTORY = 2,
	SMOL_FILE_LINK = 3,
	SMOL_FILE__COUNT
};

/* The payload of an ENTRY frame. */
struct smol_file_entry {
	enum smol_file_kind kind;
	unsigned depth;	  /* 0: what was asked for; n: in the directory of depth n-1 */
	uint32_t mode;	  /* permission bits, 07777 */
	int64_t mtime_ns; /* since the epoch */
	uint64_t size;	  /* of a plain file, or SMOL_FILES_SIZE_UNKNOWN */
	uint64_t stored;  /* of these, bytes that are no hole, as far as is known */
	char name[SMOL_FILES_NAME_MAX + 1];   /* "" at depth 0: the receiver has its own */
	char target[SMOL_FILES_LINK_MAX + 1]; /* of a link; else "" */
};

/* What a transfer has moved: the payload of a DONE frame, as JSON. */
struct smol_file_counts {
	int64_t files, directories, links;
	int64_t skipped; /* what is neither of these: devices, sockets, pipes */
	int64_t bytes;	 /* of content, holes included */
};

/* Is it one component of a path: not empty, no ".", no "..", no '/', at most
 * SMOL_FILES_NAME_MAX bytes? */
bool smol_files_name_ok(const char *name, size_t n);

void smol_file_entry_encode(const struct smol_file_entry *e, struct smol_buf *out);
/* -1 with SMOL_E_PROTOCOL: a name that leads elsewhere, a size or mode out of bounds, … */
int smol_file_entry_decode(
    const char *payload, size_t n, struct smol_file_entry *e, struct smol_err *err);

cJSON *smol_file_counts_encode(const struct smol_file_counts *c);
int smol_file_counts_decode(
    const char *payload, size_t n, struct smol_file_counts *c, struct smol_err *err);

/* The order in which frames may come. Zero it before the first. */
struct smol_files_check {
	bool begun;    /* the entry of depth 0 has come */
	bool in_file;  /* between a plain file's ENTRY and its ENTRY_END */
	bool done;     /* DONE has come */
	unsigned open; /* directories that may still be added to; the next depth is at most this */
	uint64_t position;  /* in the file */
	uint64_t size;	    /* of the file, or unknown */
	uint64_t max_bytes; /* of one file; 0: no limit but SMOL_FILES_SIZE_MAX */
	struct smol_file_counts counts;
	int64_t entries;
};

/*
 * A frame in its turn. 0, with *e filled for an ENTRY; -1 with SMOL_E_PROTOCOL where it breaks the
 * rules, SMOL_E_LIMIT or _LIMIT_FILE where it passes one, or what an ERROR frame says.
 */
int smol_files_check(struct smol_files_check *k, const struct smol_frame *f, const char *payload,
    struct smol_file_entry *e, struct smol_err *err);

/* Append a frame. */
void smol_files_frame(
    struct smol_buf *out, unsigned type, uint64_t seq, const void *payload, size_t n);
/* Append an ERROR frame of that error, cut to what one may hold. */
void smol_files_error(struct smol_buf *out, const struct smol_err *err);

#endif
