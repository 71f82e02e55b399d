/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making a root image: see import.h. The source is read twice: once for the names, of which a tree
 * is made in memory, and once for the bytes of those files that are in the tree then, which go
 * straight into the new file. Nothing is unpacked on the host.
 *
 * Invariants: whoever makes one holds the lock on ".lock"; so ".new" is the holder's own, or what a
 * killed one has left, and goes. The record is written when the files are in their place.
 */
#include "image/import.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "image/capture.h"
#include "image/folder.h"
#include "image/hash.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/roots.h"
#include "image/squash.h"

#define NAMES_MAX 99 /* of sources that are called the same */
#define BLOCK	  (1 << 17)

/* One import under way. */
struct work {
	const struct smol_import *im;
	char *dir, *fresh; /* …/roots and …/roots/.new */
	int lock;
	char *source; /* absolute */
	int fd;	      /* of the source, until a container has it */
	char inputs[65];
	struct smol_merge *merge;
	struct smol_root *root;
};

static void work_free(struct work *w)
{
	if (w->fresh && w->lock >= 0)
		unlink(w->fresh);
	if (w->lock >= 0)
		close(w->lock);
	if (w->fd >= 0)
		close(w->fd);
	free(w->dir);
	free(w->fresh);
	free(w->source);
	smol_merge_free(w->merge);
	smol_root_free(w->root);
}

static int open_source(struct work *w, struct smol_err *err)
{
	smol_auto_free char *shown = smol_escape(w->im->source, strlen(w->im->source));
	char path[PATH_MAX];

	if (!realpath(w->im->source, path))
		return smol_err_errno(
		    err, errno == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno, "%s", shown);
	if (!smol_utf8_valid(path, strlen(path)))
		return smol_err_set(err, SMOL_E_INVALID, "%s: the path is not UTF-8", shown);
	w->source = smol_strdup(path);
	/* O_NONBLOCK: a FIFO is refused later, not waited for. */
	w->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (w->fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", shown);
	return 0;
}

/* What would be different if it were not the same any more; of a directory the tree is read. */
static int hash_inputs(struct work *w, struct smol_err *err)
{
	smol_auto_buf struct smol_buf seen = {0};
	struct stat st;

	if (fstat(w->fd, &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", w->source);
	smol_buf_printf(&seen, "%s %s\n", SMOL_SQUASH_FORMAT, w->source);
	if (S_ISDIR(st.st_mode)) {
		w->merge = smol_merge_new(&smol_root_limits_default);
		if (smol_folder_scan(w->fd, w->merge, &seen, err) < 0)
			return smol_err_wrap(err, "%s", w->source);
	} else {
		smol_buf_printf(&seen, "%llu %lld %lld.%09ld %lld.%09ld\n",
		    (unsigned long long)st.st_ino, (long long)st.st_size,
		    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
		    st.st_ctim.tv_nsec);
	}
	smol_sha256(smol_buf_str(&seen), smol_buf_len(&seen), w->inputs);
	return 0;
}

/* "/x/Alpine-3.20.tar.gz" → "alpine-3.20"; never empty, and a name. */
static char *name_of(const char *source)
{
	static const char *const ends[] = {".gz", ".xz", ".bz2", ".zst", ".lz4", ".lzma", ".tgz",
	    ".txz", ".tar", ".oci", ".docker"};
	smol_auto_free char *copy = smol_strdup(source);
	char *base = basename(copy), *p;
	bool cut = true;

	while (cut) {
		cut = false;
		for (size_t i = 0; i < SMOL_ARRAY_SIZE(ends); i++) {
			size_t n = strlen(base), k = strlen(ends[i]);

			if (n > k && strcasecmp(base + n - k, ends[i]) == 0) {
				base[n - k] = '\0';
				cut = true;
			}
		}
	}
	for (p = base; *p; p++) {
		*p = (char)tolower((unsigned char)*p);
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", *p))
			*p = '-';
	}
	base += strspn(base, "._-");
	/* Room for "-99". */
	return smol_strndup(*base ? base : "root", SMOL_IMAGE_NAME_MAX - 3);
}

/* The name it gets: the one that was asked for, the one that this source has, or a free one. */
static char *choose_name(struct work *w, struct smol_root *const *all, struct smol_err *err)
{
	smol_auto_free char *base = NULL;

	if (w->im->name)
		return smol_strdup(w->im->name);
	base = name_of(w->source);
	for (struct smol_root *const *r = all; *r; r++)
		if (strcmp((*r)->source, w->source) == 0)
			return smol_strdup((*r)->name);
	for (int i = 1; i <= NAMES_MAX; i++) {
		smol_auto_free char *name =
		    i == 1 ? smol_strdup(base) : smol_asprintf("%s-%d", base, i);
		bool taken = false;

		for (struct smol_root *const *r = all; *r && !taken; r++)
			taken = strcmp((*r)->name, name) == 0;
		if (!taken)
			return smol_steal(&name);
	}
	smol_err_set(err, SMOL_E_EXISTS, "there are too many root images called '%s'", base);
	smol_err_hint(err, "smolsh image import %s NAME", w->source);
	return NULL;
}

static int write_record(struct work *w, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("%s/%s.json", w->dir, w->root->name);
	smol_auto_json cJSON *j = smol_root_encode(w->root);
	smol_auto_free char *text = smol_json_print(j);

	return smol_file_write(path, text, strlen(text), 0644, err);
}

/* The same source, unchanged: all that may be missing is the name. 1 done, 0 there is none. */
static int reuse(struct work *w, struct smol_root **all, const char *name, struct smol_err *err)
{
	for (struct smol_root **r = all; *r; r++) {
		smol_auto_free char *files = smol_root_path((*r)->digest);
		size_t n = strlen(w->dir);

		/* Those of another directory are not ours to rely on: they may go. */
		if (strcmp((*r)->inputs, w->inputs) != 0 || strncmp(files, w->dir, n) != 0 ||
		    files[n] != '/' || smol_root_check(*r, NULL) < 0)
			continue;
		w->root = *r;
		for (struct smol_root **p = r; (*p = p[1]); p++)
			;
		if (strcmp(w->root->name, name) == 0)
			return 1;
		free(w->root->name);
		w->root->name = smol_strdup(name);
		return write_record(w, err) < 0 ? -1 : 1;
	}
	return 0;
}

static int scan_layer(struct smol_container *c, const struct smol_oci_layer *wanted,
    const struct smol_root_limits *limits, uint64_t *unpacked, struct smol_merge *m,
    struct smol_err *err)
{
	smol_auto_layer struct smol_layer *l =
	    smol_layer_open(c, wanted, unpacked, limits->bytes, err);
	struct smol_merge_entry e;
	int rc;

	if (!l || smol_merge_layer(m, wanted != NULL, err) < 0)
		return -1;
	while ((rc = smol_layer_next(l, &e, err)) > 0)
		if (smol_merge_add(m, &e, err) < 0)
			return -1;
	return rc < 0 ? -1 : smol_layer_verify(l, err);
}

int smol_import_scan(struct smol_container *c, const struct smol_oci *o,
    const struct smol_root_limits *limits, struct smol_merge *m, struct smol_err *err)
{
	uint64_t unpacked = 0;

	if (smol_container_kind(c) == SMOL_CONTAINER_DIR) {
		smol_auto_buf struct smol_buf seen = {0};

		return smol_folder_scan(smol_container_fd(c), m, &seen, err);
	}
	if (smol_container_kind(c) == SMOL_CONTAINER_TAR)
		return scan_layer(c, NULL, limits, &unpacked, m, err);
	for (size_t i = 0; i < o->nlayers; i++)
		if (scan_layer(c, &o->layers[i], limits, &unpacked, m, err) < 0)
			return -1;
	return 0;
}

static int changed(const struct smol_merge_file *f, struct smol_err *err)
{
	smol_auto_free char *shown = smol_escape(f->names[0], strnlen(f->names[0], 200));

	return smol_err_set(err, SMOL_E_IO, "'%s' was changed while it was read", shown);
}

/* The bytes of one file, as many as were announced. */
static int copy_folder_file(struct smol_squash *s, int dir, const struct smol_merge_file *f,
    void *block, struct smol_err *err)
{
	smol_auto_close int fd = smol_folder_open(dir, f, err);
	uint64_t left = f->size;

	if (fd < 0 || smol_squash_add(s, f, err) < 0)
		return -1;
	while (left) {
		ssize_t n = read(fd, block, left < BLOCK ? (size_t)left : BLOCK);

		if (n < 0 && errno == EINTR && !smol_capture_interrupted)
			continue;
		if (n < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", f->names[0]);
		if (n == 0)
			return changed(f, err);
		if (smol_squash_data(s, block, (size_t)n, err) < 0)
			return -1;
		left -= (uint64_t)n;
	}
	return smol_squash_links(s, f, err);
}

static int copy_layer_file(struct smol_squash *s, struct smol_layer *l,
    const struct smol_merge_file *f, void *block, struct smol_err *err)
{
	uint64_t left = f->size;
	ssize_t n;

	if (smol_squash_add(s, f, err) < 0)
		return -1;
	while (left && (n = smol_layer_data(l, block, BLOCK, err)) != 0) {
		if (n < 0)
			return -1;
		if ((uint64_t)n > left)
			return changed(f, err);
		if (smol_squash_data(s, block, (size_t)n, err) < 0)
			return -1;
		left -= (uint64_t)n;
	}
	return left ? changed(f, err) : smol_squash_links(s, f, err);
}

/* All files of one layer that are wanted: list[*at…]. */
static int copy_layer(struct smol_squash *s, struct smol_container *c,
    const struct smol_oci_layer *wanted, int layer, struct smol_merge_file **list, size_t n,
    size_t *at, struct smol_err *err)
{
	smol_auto_free void *block = smol_alloc(BLOCK);
	smol_auto_layer struct smol_layer *l = NULL;
	struct smol_merge_entry e;
	uint64_t unpacked = 0;
	int rc;

	if (*at == n || list[*at]->layer != layer)
		return 0;
	l = smol_layer_open(c, wanted, &unpacked, SMOL_ROOT_BYTES_MAX, err);
	if (!l)
		return -1;
	for (uint64_t entry = 0; *at < n && list[*at]->layer == layer; entry++) {
		rc = smol_layer_next(l, &e, err);
		if (rc <= 0)
			return rc < 0 ? -1 : changed(list[*at], err);
		if (list[*at]->entry != entry)
			continue;
		if (e.size != list[*at]->size || !S_ISREG(e.mode))
			return changed(list[*at], err);
		if (copy_layer_file(s, l, list[(*at)++], block, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_all(struct smol_container *c, const struct smol_oci *o, struct smol_squash *s,
    struct smol_merge_file **list, size_t n, struct smol_err *err)
{
	smol_auto_free void *block = smol_alloc(BLOCK);
	size_t at = 0;

	for (; at < n && !S_ISREG(list[at]->mode); at++)
		if (smol_squash_add(s, list[at], err) < 0)
			return -1;
	if (smol_container_kind(c) == SMOL_CONTAINER_DIR) {
		for (; at < n; at++)
			if (copy_folder_file(s, smol_container_fd(c), list[at], block, err) < 0)
				return -1;
		return 0;
	}
	if (smol_container_kind(c) == SMOL_CONTAINER_TAR)
		return copy_layer(s, c, NULL, 0, list, n, &at, err);
	for (size_t i = 0; i < o->nlayers; i++)
		if (copy_layer(s, c, &o->layers[i], (int)i, list, n, &at, err) < 0)
			return -1;
	return 0;
}

static uint64_t total(struct smol_merge_file *const *list, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += list[i]->size;
	return sum;
}

/* Write the files to .new. */
static int write_files(
    struct work *w, struct smol_container *c, const struct smol_oci *o, struct smol_err *err)
{
	smol_auto_squash struct smol_squash *s = NULL;
	struct smol_merge_file **list;
	size_t n;

	list = smol_merge_finish(w->merge, &n);
	if (!n)
		return smol_err_set(err, SMOL_E_INVALID, "there are no files in it");
	w->root->unpacked = total(list, n);
	w->im->step("writing its files");
	unlink(w->fresh);
	s = smol_squash_open(w->fresh, smol_merge_root(w->merge), err);
	if (!s || copy_all(c, o, s, list, n, err) < 0)
		return -1;
	return smol_squash_finish(s, err);
}

/* .new is complete: to where its digest says. */
static int put_in_place(struct work *w, struct smol_err *err)
{
	smol_auto_close int fd = open(w->fresh, O_RDONLY | O_CLOEXEC);
	smol_auto_free char *path = NULL;
	struct stat st;
	char hex[65];

	if (fd < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", w->fresh);
	if (smol_sha256_file(w->fresh, hex, err) < 0)
		return -1;
	w->root->digest = smol_strdup(hex);
	w->root->size = (uint64_t)st.st_size;
	path = smol_root_path(hex);
	/* Read only: many VMs have it at once. */
	if (fchmod(fd, 0444) < 0 || rename(w->fresh, path) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	return 0;
}

static int make(struct work *w, struct smol_err *err)
{
	smol_auto_container struct smol_container *c = smol_container_open_fd(
	    smol_steal_fd(&w->fd), w->source, w->dir, SMOL_ROOT_BYTES_MAX, err);
	smol_auto_oci struct smol_oci o = {0};
	enum smol_container_kind kind = c ? smol_container_kind(c) : SMOL_CONTAINER_DIR;
	int rc = 0;

	if (!c)
		return -1;
	if (kind == SMOL_CONTAINER_OCI || kind == SMOL_CONTAINER_DOCKER)
		rc = smol_oci_read(c, &o, err);
	w->root->env = smol_steal(&o.env);
	w->root->entrypoint = smol_steal(&o.entrypoint);
	w->root->cmd = smol_steal(&o.cmd);
	w->root->cwd = smol_steal(&o.cwd);
	w->root->user = smol_steal(&o.user);
	/* A directory of files has been read for its inputs already. */
	if (rc == 0 && kind != SMOL_CONTAINER_DIR) {
		smol_merge_free(w->merge);
		w->merge = smol_merge_new(&smol_root_limits_default);
		w->im->step("reading its layers");
		rc = smol_import_scan(c, &o, &smol_root_limits_default, w->merge, err);
	}
	if (rc == 0)
		rc = write_files(w, c, &o, err);
	if (rc < 0 && err && err->code != SMOL_E_DEPENDENCY && err->code != SMOL_E_INTERRUPTED)
		smol_err_wrap(err, "%s", w->source);
	return rc;
}

static int import(struct work *w, bool *built, struct smol_err *err)
{
	smol_auto_root_list struct smol_root **all = NULL;
	smol_auto_free char *name = NULL;
	int rc;

	if (w->im->name && !smol_root_name_ok(w->im->name))
		return smol_err_set(err, SMOL_E_INVALID, "that cannot be a root image's name");
	if (open_source(w, err) < 0 || (w->lock = smol_roots_lock(w->dir, w->im->step, err)) < 0 ||
	    hash_inputs(w, err) < 0)
		return -1;
	all = smol_root_list(NULL);
	name = choose_name(w, all, err);
	if (!name)
		return -1;
	rc = w->im->force ? 0 : reuse(w, all, name, err);
	*built = rc == 0;
	if (rc)
		return rc < 0 ? -1 : 0;
	w->root = smol_alloc(sizeof(*w->root));
	w->root->name = smol_steal(&name);
	w->root->source = smol_strdup(w->source);
	w->root->inputs = smol_strdup(w->inputs);
	w->root->created_ms = smol_wall_ms();
	if (make(w, err) < 0 || put_in_place(w, err) < 0 || write_record(w, err) < 0)
		return -1;
	/* What the name stood for before. */
	smol_roots_sweep(w->dir);
	return 0;
}

struct smol_root *smol_import(const struct smol_import *im, bool *built, struct smol_err *err)
{
	__attribute__((cleanup(work_free))) struct work w = {.im = im, .fd = -1, .lock = -1};

	/* sqfstar may end before it has read all: that is an error here, no end of ours. */
	signal(SIGPIPE, SIG_IGN);
	w.dir = smol_root_dir();
	w.fresh = smol_asprintf("%s/.new", w.dir);
	return import(&w, built, err) < 0 ? NULL : smol_steal(&w.root);
}
