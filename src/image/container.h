/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a root image is made of, as something that holds members: a file (a tar, or whatever else it
 * turns out to be) or a directory. Members are read one at a time, as often as one likes; nothing
 * is unpacked on the host.
 */
#ifndef SMOL_IMAGE_CONTAINER_H
#define SMOL_IMAGE_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define SMOL_CONTAINER_MEMBERS_MAX 4096 /* more are no container image, but a root's own files */
#define SMOL_CONTAINER_JSON_MAX	   (4 << 20) /* bytes of a manifest or configuration */

enum smol_container_kind {
	SMOL_CONTAINER_TAR,    /* a tar of a root's files */
	SMOL_CONTAINER_DIR,    /* a directory of a root's files */
	SMOL_CONTAINER_DOCKER, /* what `docker save` makes */
	SMOL_CONTAINER_OCI,    /* an OCI image layout */
};

struct smol_container;
struct smol_member;
struct archive;

/*
 * Open and recognise. spool: the directory for a copy without name of a container image that is
 * compressed as a whole; max: bytes of that copy. SMOL_E_NOT_FOUND, SMOL_E_INVALID: "x is neither a
 * directory nor a tar", "x is truncated"; SMOL_E_LIMIT.
 */
struct smol_container *smol_container_open(
    const char *path, const char *spool, uint64_t max, struct smol_err *err);
/* The same of an open file, which is taken over; name: for messages. */
struct smol_container *smol_container_open_fd(
    int fd, const char *name, const char *spool, uint64_t max, struct smol_err *err);
void smol_container_free(struct smol_container *c);
enum smol_container_kind smol_container_kind(const struct smol_container *c);
/* The file or directory itself; stays the container's. */
int smol_container_fd(const struct smol_container *c);

/* A member by name; NULL: the whole file. SMOL_E_INVALID: "… is not in it". Caller closes. */
struct smol_member *smol_member_open(
    struct smol_container *c, const char *name, struct smol_err *err);
/* Some bytes: *data is valid until the next call. >0, 0 at the end, -1. */
ssize_t smol_member_read(struct smol_member *m, const void **data, struct smol_err *err);
void smol_member_close(struct smol_member *m);
/* A small member in one piece: appended to out. SMOL_E_LIMIT over SMOL_CONTAINER_JSON_MAX. */
int smol_container_text(
    struct smol_container *c, const char *name, struct smol_buf *out, struct smol_err *err);

/* A reader that knows the compressions that are taken, but no program of the host. */
struct archive *smol_archive_reader(void);
/* What libarchive says is wrong; "… is truncated" where it is. Always -1. */
int smol_archive_err(struct archive *a, const char *what, struct smol_err *err);

static inline void smol_auto_container_fn(struct smol_container **c)
{
	smol_container_free(*c);
}
static inline void smol_auto_member_fn(struct smol_member **m)
{
	smol_member_close(*m);
}
#define smol_auto_container __attribute__((cleanup(smol_auto_container_fn)))
#define smol_auto_member    __attribute__((cleanup(smol_auto_member_fn)))

#endif
