/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content of an initramfs and how it is written: see tree.h. */
#include "image/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"

#define PATH_LEN_MAX 1024
#define FILE_MAX     (256 * 1024 * 1024) /* bytes of one file */

struct node {
	char *path;	      /* no slash at either end; the key of the index */
	mode_t mode;	      /* type and permissions */
	struct smol_buf data; /* of a file; target of a link */
	dev_t rdev;
};

struct smol_tree {
	struct node **list;
	size_t n;
	void *index; /* tsearch() tree of the same entries */
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

struct smol_tree *smol_tree_new(void)
{
	return smol_alloc(sizeof(struct smol_tree));
}

static void keep(void *entry)
{
	(void)entry;
}

void smol_tree_free(struct smol_tree *t)
{
	if (!t)
		return;
	tdestroy(t->index, keep);
	for (size_t i = 0; i < t->n; i++) {
		free(t->list[i]->path);
		smol_buf_free(&t->list[i]->data);
		free(t->list[i]);
	}
	free(t->list);
	free(t);
}

static struct node *find(const struct smol_tree *t, const char *path)
{
	struct node key = {.path = (char *)path};
	struct node **found = tfind(&key, &t->index, by_path);

	return found ? *found : NULL;
}

/* Without slashes at its ends and without empty components; NULL when it has "." or "..". */
static char *clean_path(const char *path)
{
	smol_auto_free char *copy = smol_strdup(path);
	smol_auto_buf struct smol_buf out = {0};
	char *save = NULL;

	if (strlen(path) > PATH_LEN_MAX)
		return NULL;
	for (char *w = strtok_r(copy, "/", &save); w; w = strtok_r(NULL, "/", &save)) {
		if (strcmp(w, ".") == 0 || strcmp(w, "..") == 0)
			return NULL;
		smol_buf_printf(&out, "%s%s", smol_buf_len(&out) ? "/" : "", w);
	}
	return smol_buf_len(&out) ? smol_buf_take(&out) : NULL;
}

static struct node *insert(struct smol_tree *t, char *path, mode_t mode)
{
	struct node *e = smol_alloc(sizeof(*e));

	e->path = path;
	e->mode = mode;
	if ((t->n & (t->n + 1)) == 0) /* full at 2^i - 1 */
		t->list = smol_realloc(t->list, 2 * (t->n + 1) * sizeof(struct node *));
	t->list[t->n++] = e;
	if (!tsearch(e, &t->index, by_path))
		abort();
	return e;
}

static int make_parents(struct smol_tree *t, const char *path, struct smol_err *err)
{
	for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
		smol_auto_free char *parent = smol_strndup(path, (size_t)(s - path));
		struct node *e = find(t, parent);

		if (e && !S_ISDIR(e->mode))
			return smol_err_set(
			    err, SMOL_E_INVALID, "/%s: /%s is no directory", path, parent);
		if (!e)
			insert(t, smol_steal(&parent), S_IFDIR | 0755);
	}
	return 0;
}

/* The entry for a path: a new one, or the one there is, emptied. */
static struct node *place(struct smol_tree *t, const char *raw, mode_t mode, struct smol_err *err)
{
	smol_auto_free char *path = clean_path(raw);
	smol_auto_free char *shown = smol_escape(raw, strlen(raw));
	struct node *e;

	if (!path) {
		smol_err_set(err, SMOL_E_INVALID, "'%s' is no path in a guest", shown);
		return NULL;
	}
	if (make_parents(t, path, err) < 0)
		return NULL;
	e = find(t, path);
	if (!e)
		return insert(t, smol_steal(&path), mode);
	if (S_ISDIR(e->mode) != S_ISDIR(mode)) {
		smol_err_set(err, SMOL_E_INVALID, "/%s is there already as %s", path,
		    S_ISDIR(e->mode) ? "a directory" : "a file");
		return NULL;
	}
	e->mode = mode;
	smol_buf_clear(&e->data);
	return e;
}

int smol_tree_dir(struct smol_tree *t, const char *path, mode_t mode, struct smol_err *err)
{
	return place(t, path, S_IFDIR | mode, err) ? 0 : -1;
}

int smol_tree_file(struct smol_tree *t, const char *path, mode_t mode, const void *data, size_t n,
    struct smol_err *err)
{
	struct node *e = place(t, path, S_IFREG | mode, err);

	if (!e)
		return -1;
	smol_buf_append(&e->data, data, n);
	return 0;
}

int smol_tree_link(struct smol_tree *t, const char *path, const char *target, struct smol_err *err)
{
	struct node *e = place(t, path, S_IFLNK | 0777, err);

	if (!e)
		return -1;
	smol_buf_puts(&e->data, target);
	return 0;
}

int smol_tree_node(struct smol_tree *t, const char *path, mode_t mode, unsigned major,
    unsigned minor, struct smol_err *err)
{
	struct node *e = place(t, path, S_IFCHR | mode, err);

	if (!e)
		return -1;
	e->rdev = makedev(major, minor);
	return 0;
}

int smol_tree_host_file(
    struct smol_tree *t, const char *path, const char *file, struct smol_err *err)
{
	smol_auto_buf struct smol_buf data = {0};
	struct stat st;

	if (stat(file, &st) < 0)
		return smol_err_errno(
		    err, errno == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno, "%s", file);
	if (!S_ISREG(st.st_mode))
		return smol_err_set(err, SMOL_E_INVALID, "%s is not a file", file);
	if (smol_file_read(file, FILE_MAX, &data, err) < 0)
		return -1;
	return smol_tree_file(t, path, st.st_mode & 0111 ? 0755 : 0644, smol_buf_str(&data),
	    smol_buf_len(&data), err);
}

bool smol_tree_has(const struct smol_tree *t, const char *path)
{
	smol_auto_free char *clean = clean_path(path);

	return clean && find(t, clean);
}

static ssize_t write_out(struct archive *a, void *ctx, const void *data, size_t n)
{
	(void)a;
	smol_buf_append(ctx, data, n);
	return (ssize_t)n;
}

static int write_entry(struct archive *a, const struct node *e, size_t ino, time_t mtime)
{
	struct archive_entry *ae = archive_entry_new();
	size_t n = smol_buf_len(&e->data);
	int rc = 0;

	archive_entry_set_pathname(ae, e->path);
	archive_entry_set_mode(ae, e->mode);
	archive_entry_set_nlink(ae, S_ISDIR(e->mode) ? 2 : 1);
	archive_entry_set_ino(ae, (la_int64_t)ino);
	archive_entry_set_mtime(ae, mtime, 0);
	archive_entry_set_uid(ae, 0);
	archive_entry_set_gid(ae, 0);
	archive_entry_set_size(ae, S_ISREG(e->mode) ? (la_int64_t)n : 0);
	if (S_ISLNK(e->mode))
		archive_entry_set_symlink(ae, smol_buf_str((struct smol_buf *)&e->data));
	if (S_ISCHR(e->mode))
		archive_entry_set_rdev(ae, e->rdev);
	if (archive_write_header(a, ae) != ARCHIVE_OK ||
	    (S_ISREG(e->mode) && n &&
		archive_write_data(a, smol_buf_head(&e->data), n) != (la_ssize_t)n))
		rc = -1;
	archive_entry_free(ae);
	return rc;
}

int smol_tree_write(
    const struct smol_tree *t, time_t mtime, struct smol_buf *out, struct smol_err *err)
{
	struct node root = {.path = (char *)".", .mode = S_IFDIR | 0755};
	struct archive *a = archive_write_new();
	size_t base = smol_buf_len(out);
	int rc;

	archive_write_set_format_cpio_newc(a);
	archive_write_add_filter_none(a);
	archive_write_set_bytes_per_block(a, 0);
	rc = archive_write_open(a, out, NULL, write_out, NULL) == ARCHIVE_OK ? 0 : -1;
	/* The root itself: the kernel makes it open to everybody. */
	if (rc == 0)
		rc = write_entry(a, &root, 1, mtime);
	for (size_t i = 0; i < t->n && rc == 0; i++)
		rc = write_entry(a, t->list[i], i + 2, mtime);
	if (rc == 0 && archive_write_close(a) != ARCHIVE_OK)
		rc = -1;
	if (rc < 0)
		smol_err_set(err, SMOL_E_INTERNAL, "cannot write the initramfs: %s",
		    archive_error_string(a) ? archive_error_string(a) : "unknown");
	archive_write_free(a);
	if (rc == 0) {
		/* Another archive is appended for each VM; unaligned, the kernel would pass it by
		 * without a word. */
		size_t over = (smol_buf_len(out) - base) % 512;

		memset(smol_buf_reserve(out, 512), 0, 512);
		smol_buf_commit(out, over ? 512 - over : 0);
	}
	return rc;
}
