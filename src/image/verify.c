/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is an image what its manifest says? Hashing all of it takes a fraction of a second, which every
 * start would pay; so a verification leaves a stamp: for each part what stat() said and the
 * SHA-256 that was confirmed. As long as both still hold the parts are not read again.
 *
 * The stamp is taken from a stat before the hashing, and only when no part was changed so lately
 * that a later change could bear the same time stamp. It protects against damage, not against
 * somebody who may write into the directory anyway.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "image/hash.h"
#include "image/image.h"

#define STAMP_MAX    16384
#define STAMP_AGE_MS 20 /* more than the clock tick that file times are made of */

static int damaged(const struct smol_image *img, struct smol_err *err)
{
	smol_err_wrap(err, "image '%s' is damaged", img->name);
	return smol_err_hint(err, "smolsh image build %s", img->name);
}

static const char *file_name(const struct smol_image_part *p)
{
	const char *slash = strrchr(p->path, '/');

	return slash ? slash + 1 : p->path;
}

static int check_stat(const struct smol_image_part *p, struct stat *st, struct smol_err *err)
{
	if (stat(p->path, st) < 0 && errno == ENOENT)
		return smol_err_set(err, SMOL_E_IMAGE, "%s is missing", file_name(p));
	if (stat(p->path, st) < 0)
		return smol_err_errno(err, SMOL_E_IMAGE, errno, "%s", file_name(p));
	if (!S_ISREG(st->st_mode))
		return smol_err_set(err, SMOL_E_IMAGE, "%s is not a file", file_name(p));
	if ((uint64_t)st->st_size != p->size)
		return smol_err_set(err, SMOL_E_IMAGE, "%s has %lld bytes, not %llu", file_name(p),
		    (long long)st->st_size, (unsigned long long)p->size);
	return 0;
}

static int64_t ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* What the stamp would say now. *young: a part was changed only just before. */
static int current_stamp(
    const struct smol_image *img, struct smol_buf *out, bool *young, struct smol_err *err)
{
	int64_t now = smol_wall_ms();

	*young = false;
	for (int i = 0; i < img->nparts; i++) {
		const struct smol_image_part *p = &img->parts[i];
		struct stat st;

		if (check_stat(p, &st, err) < 0)
			return -1;
		if (ns(&st.st_ctim) / 1000000 > now - STAMP_AGE_MS)
			*young = true;
		smol_buf_printf(out, "%llu %llu %lld %lld %s %s\n", (unsigned long long)st.st_ino,
		    (unsigned long long)st.st_size, (long long)ns(&st.st_mtim),
		    (long long)ns(&st.st_ctim), p->sha256, file_name(p));
	}
	return 0;
}

static int hash_parts(const struct smol_image *img, struct smol_err *err)
{
	char hex[65];

	for (int i = 0; i < img->nparts; i++) {
		const struct smol_image_part *p = &img->parts[i];

		if (smol_sha256_file(p->path, hex, err) < 0)
			return -1;
		if (strcmp(hex, p->sha256) != 0)
			return smol_err_set(err, SMOL_E_IMAGE,
			    "%s is not what was built (its SHA-256 differs)", file_name(p));
	}
	return 0;
}

int smol_image_verify(const struct smol_image *img, bool always, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("%s/verified", img->dir);
	smol_auto_buf struct smol_buf now = {0};
	smol_auto_buf struct smol_buf then = {0};
	bool young;

	if (current_stamp(img, &now, &young, err) < 0)
		return damaged(img, err);
	if (smol_file_read(path, STAMP_MAX, &then, NULL) < 0)
		smol_buf_clear(&then);
	if (!always && smol_buf_len(&then) == smol_buf_len(&now) &&
	    memcmp(smol_buf_head(&then), smol_buf_head(&now), smol_buf_len(&now)) == 0)
		return 0;
	if (hash_parts(img, err) < 0)
		return damaged(img, err);
	/* Somebody else's image may be on a read-only file system: then it is hashed each time. */
	if (!young)
		smol_file_write(path, smol_buf_head(&now), smol_buf_len(&now), 0644, NULL);
	return 0;
}
