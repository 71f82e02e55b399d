/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One layer of files: see layer.h. Bytes come from the container's member, go through one archive
 * that only decompresses, and from there into a second one that reads the tar: so both what is
 * stored and what it unpacks to can be counted and hashed.
 */
#include "image/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

#define BLOCK	   (1 << 17)
#define XATTRS_MAX 256 /* of one file */

struct smol_layer {
	struct smol_member *member;
	struct archive *packed, *tar;
	const struct smol_oci_layer *wanted; /* its digests, or NULL */
	struct sha256_ctx stored, plain;
	uint64_t *unpacked, max;
	char *what;
	struct smol_err why; /* what went wrong below libarchive */
	struct smol_xattr xattrs[XATTRS_MAX];
	char block[BLOCK];
};

static la_ssize_t read_stored(struct archive *a, void *ctx, const void **data)
{
	struct smol_layer *l = ctx;
	ssize_t n = smol_member_read(l->member, data, &l->why);

	if (n < 0)
		archive_set_error(a, EIO, "%s", l->why.msg);
	else if (l->wanted && *l->wanted->digest)
		sha256_update(&l->stored, (size_t)n, *data);
	return n;
}

static la_ssize_t read_plain(struct archive *a, void *ctx, const void **data)
{
	struct smol_layer *l = ctx;
	la_ssize_t n = archive_read_data(l->packed, l->block, BLOCK);
	char size[16];

	*data = l->block;
	if (n < 0) {
		if (l->why.code == SMOL_E_NONE)
			smol_archive_err(l->packed, l->what, &l->why);
		archive_set_error(a, EIO, "%s", l->why.msg);
		return -1;
	}
	*l->unpacked += (uint64_t)n;
	if (*l->unpacked > l->max) {
		smol_size_text(l->max, size);
		smol_err_set(&l->why, SMOL_E_LIMIT, "it unpacks to more than %s", size);
		archive_set_error(a, EIO, "%s", l->why.msg);
		return -1;
	}
	if (l->wanted && !*l->wanted->digest && *l->wanted->diff_id)
		sha256_update(&l->plain, (size_t)n, (const uint8_t *)l->block);
	return n;
}

static int failed(struct smol_layer *l, struct archive *a, struct smol_err *err)
{
	if (l->why.code != SMOL_E_NONE)
		return smol_err_move(err, &l->why);
	return smol_archive_err(a, l->what, err);
}

static int compare(struct sha256_ctx *ctx, const char *want, const char *what, struct smol_err *err)
{
	unsigned char digest[SHA256_DIGEST_SIZE];
	char hex[65];

	sha256_digest(ctx, sizeof(digest), digest);
	smol_hex(digest, sizeof(digest), hex);
	if (strcmp(hex, want) == 0)
		return 0;
	return smol_err_set(err, SMOL_E_INVALID,
	    "%s is damaged: its SHA-256 is %.12s…, and not what the container image says", what,
	    hex);
}

/* What cannot be read may be so because it is not what it should be: that says more. */
static int unreadable(struct smol_layer *l, struct smol_err *err)
{
	const void *data;
	bool limit = l->why.code != SMOL_E_NONE && l->why.code != SMOL_E_INVALID;

	failed(l, l->tar, err);
	if (limit || !l->wanted || !*l->wanted->digest)
		return -1;
	while (read_stored(l->packed, l, &data) > 0)
		;
	if (l->why.code == SMOL_E_NONE)
		compare(&l->stored, l->wanted->digest, l->what, err);
	return -1;
}

struct smol_layer *smol_layer_open(struct smol_container *c, const struct smol_oci_layer *wanted,
    uint64_t *unpacked, uint64_t max, struct smol_err *err)
{
	smol_auto_layer struct smol_layer *l = smol_alloc(sizeof(*l));
	struct archive_entry *e;
	int rc;

	l->wanted = wanted;
	l->unpacked = unpacked;
	l->max = max;
	l->what =
	    wanted ? smol_asprintf("layer %.64s", wanted->member) : smol_strdup("the archive");
	sha256_init(&l->stored);
	sha256_init(&l->plain);
	l->member = smol_member_open(c, wanted ? wanted->member : NULL, err);
	if (!l->member)
		return NULL;
	l->packed = smol_archive_reader();
	archive_read_support_format_raw(l->packed);
	archive_read_support_format_empty(l->packed);
	l->tar = archive_read_new();
	archive_read_support_format_tar(l->tar);
	archive_read_support_format_empty(l->tar);
	if (archive_read_open(l->packed, l, NULL, read_stored, NULL) != ARCHIVE_OK ||
	    ((rc = archive_read_next_header(l->packed, &e)) != ARCHIVE_OK && rc != ARCHIVE_EOF)) {
		failed(l, l->packed, err);
		return NULL;
	}
	if (archive_read_open(l->tar, l, NULL, read_plain, NULL) != ARCHIVE_OK) {
		unreadable(l, err);
		return NULL;
	}
	return smol_steal(&l);
}

static int take_xattrs(
    struct smol_layer *l, struct archive_entry *e, size_t *n, struct smol_err *err)
{
	const char *name;
	const void *value;
	size_t size;

	*n = 0;
	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		if (*n == XATTRS_MAX)
			return smol_err_set(err, SMOL_E_LIMIT,
			    "a file has more than %d extended attributes", XATTRS_MAX);
		if (name)
			l->xattrs[(*n)++] = (struct smol_xattr){name, value, size};
	}
	return 0;
}

int smol_layer_next(struct smol_layer *l, struct smol_merge_entry *to, struct smol_err *err)
{
	struct archive_entry *e;
	int rc = archive_read_next_header(l->tar, &e);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return unreadable(l, err);
	*to = (struct smol_merge_entry){.path = archive_entry_pathname(e),
	    .hardlink = archive_entry_hardlink(e),
	    .symlink = archive_entry_symlink(e),
	    .mode = archive_entry_filetype(e) | (archive_entry_perm(e) & 07777),
	    .uid = archive_entry_uid(e),
	    .gid = archive_entry_gid(e),
	    .mtime = archive_entry_mtime(e),
	    .major = (unsigned)archive_entry_rdevmajor(e),
	    .minor = (unsigned)archive_entry_rdevminor(e),
	    .xattrs = l->xattrs};
	if (!to->path || archive_entry_size(e) < 0)
		return smol_err_set(
		    err, SMOL_E_INVALID, "%s has a file without a sound name or size", l->what);
	to->size = (uint64_t)archive_entry_size(e);
	return take_xattrs(l, e, &to->nxattrs, err) < 0 ? -1 : 1;
}

ssize_t smol_layer_data(struct smol_layer *l, void *data, size_t n, struct smol_err *err)
{
	la_ssize_t got = archive_read_data(l->tar, data, n);

	return got < 0 ? failed(l, l->tar, err) : got;
}

int smol_layer_verify(struct smol_layer *l, struct smol_err *err)
{
	const void *data;
	la_ssize_t n;

	/* What follows the tar's end belongs to the digests, too. */
	while ((n = read_plain(l->tar, l, &data)) > 0)
		;
	if (n < 0)
		return failed(l, l->tar, err);
	if (!l->wanted)
		return 0;
	while ((n = read_stored(l->packed, l, &data)) > 0)
		;
	if (n < 0)
		return failed(l, l->packed, err);
	if (*l->wanted->digest)
		return compare(&l->stored, l->wanted->digest, l->what, err);
	return *l->wanted->diff_id ? compare(&l->plain, l->wanted->diff_id, l->what, err) : 0;
}

void smol_layer_close(struct smol_layer *l)
{
	if (!l)
		return;
	if (l->tar)
		archive_read_free(l->tar);
	if (l->packed)
		archive_read_free(l->packed);
	smol_member_close(l->member);
	smol_err_clear(&l->why);
	free(l->what);
	free(l);
}
