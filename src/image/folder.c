/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A directory of the host: see folder.h. */
#include "image/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"
#include "image/capture.h"

#define XATTRS_MAX 64	/* of one file */
#define LIST_MAX   4096 /* bytes of their names */

/* A file with several names, and the first of them. */
struct several {
	dev_t dev; /* an overlay's files have those of the layers that they lie in */
	ino_t ino;
	char *path;
};

struct walk {
	struct smol_merge *m;
	struct smol_buf *seen;
	dev_t dev;
	uid_t self; /* whose files become root's; 0: nobody's */
	struct several *several;
	size_t nseveral, room; /* a hash table by inode */
	struct smol_xattr xattrs[XATTRS_MAX];
	char *values[XATTRS_MAX];
};

static int at_path(struct smol_err *err, const char *path)
{
	smol_auto_free char *shown = smol_escape(path, strnlen(path, 200));

	return smol_err_wrap(err, "%s", shown);
}

static void several_grow(struct walk *w)
{
	struct several *old = w->several;
	size_t n = w->room;

	w->room = n ? n * 2 : 256;
	w->several = smol_alloc(w->room * sizeof(*w->several));
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)old[i].ino & (w->room - 1);

		while (old[i].path && w->several[at].path)
			at = (at + 1) & (w->room - 1);
		if (old[i].path)
			w->several[at] = old[i];
	}
	free(old);
}

/* The first name of that inode, or NULL: this is it. */
static const char *first_name(struct walk *w, const struct stat *st, const char *path)
{
	size_t at;

	if (w->nseveral * 2 >= w->room)
		several_grow(w);
	at = (size_t)st->st_ino & (w->room - 1);
	for (; w->several[at].path; at = (at + 1) & (w->room - 1))
		if (w->several[at].ino == st->st_ino && w->several[at].dev == st->st_dev)
			return w->several[at].path;
	w->several[at] = (struct several){st->st_dev, st->st_ino, smol_strdup(path)};
	w->nseveral++;
	return NULL;
}

/* Capabilities and the user's own; the others are the host's business. */
static size_t read_xattrs(struct walk *w, int dir, const char *name)
{
	/* There is no …at() for these; /proc's links are the way that follows nothing else. */
	smol_auto_free char *path = smol_asprintf("/proc/self/fd/%d/%s", dir, name);
	char list[LIST_MAX];
	ssize_t len = llistxattr(path, list, sizeof(list));
	size_t n = 0;

	for (char *p = list; len > 0 && p < list + len && n < XATTRS_MAX; p += strlen(p) + 1) {
		ssize_t size;

		if (strcmp(p, "security.capability") != 0 && strncmp(p, "user.", 5) != 0)
			continue;
		size = lgetxattr(path, p, NULL, 0);
		if (size < 0 || size > SMOL_ROOT_XATTRS_MAX)
			continue;
		w->values[n] = smol_alloc((size_t)size + 1);
		size = lgetxattr(path, p, w->values[n], (size_t)size);
		w->xattrs[n] =
		    (struct smol_xattr){smol_strdup(p), w->values[n], size > 0 ? (size_t)size : 0};
		n++;
	}
	return n;
}

static void free_xattrs(struct walk *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)w->xattrs[i].name);
		free(w->values[i]);
	}
}

static int64_t ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static int add(struct walk *w, int dir, const char *name, const char *path, const struct stat *st,
    struct smol_err *err)
{
	char target[4096] = "";
	struct smol_merge_entry e = {.path = path,
	    .mode = st->st_mode,
	    .uid = st->st_uid && st->st_uid == w->self ? 0 : st->st_uid,
	    .gid = st->st_uid && st->st_uid == w->self ? 0 : st->st_gid,
	    .mtime = st->st_mtim.tv_sec,
	    .size = (uint64_t)st->st_size,
	    .major = major(st->st_rdev),
	    .minor = minor(st->st_rdev),
	    .xattrs = w->xattrs};
	ssize_t n;
	int rc;

	smol_buf_printf(w->seen, "%s %o %lld %lld %lld\n", path, st->st_mode,
	    (long long)st->st_size, (long long)ns(&st->st_mtim), (long long)ns(&st->st_ctim));
	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		if (n < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "a symbolic link");
		target[n] = '\0';
		e.symlink = target;
	}
	if (S_ISREG(st->st_mode) && st->st_nlink > 1)
		e.hardlink = first_name(w, st, path);
	if (!S_ISLNK(st->st_mode) && !e.hardlink)
		e.nxattrs = read_xattrs(w, dir, name);
	rc = smol_merge_add(w->m, &e, err);
	free_xattrs(w, e.nxattrs);
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char ***names)
{
	for (char **p = *names; p && *p; p++)
		free(*p);
	free(*names);
}

/* The names in a directory, in their order, so that the same directory gives the same image. */
static char **names_of(int fd, struct smol_err *err)
{
	/* A description of its own: its place is moved by reading. */
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	smol_auto_closedir DIR *d = own < 0 ? NULL : fdopendir(own);
	char **names = smol_alloc(sizeof(*names));
	struct dirent *e;
	size_t n = 0;

	if (!d) {
		smol_err_errno(err, SMOL_E_IO, errno, "cannot be read");
		if (own >= 0)
			close(own);
		free(names);
		return NULL;
	}
	while ((e = readdir(d)) && n < SMOL_ROOT_ENTRIES_MAX) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if ((n & (n - 1)) == 0)
			names = smol_realloc(names, (n * 2 + 2) * sizeof(*names));
		names[n++] = smol_strdup(e->d_name);
		names[n] = NULL;
	}
	qsort(names, n, sizeof(*names), by_text);
	return names;
}

static int walk_dir(struct walk *w, int fd, const char *path, int depth, struct smol_err *err);

static int walk_one(
    struct walk *w, int fd, const char *path, const char *name, int depth, struct smol_err *err)
{
	smol_auto_free char *full = smol_asprintf("%s%s%s", path, *path ? "/" : "", name);
	smol_auto_close int sub = -1;
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			   ? 0
			   : (smol_err_errno(err, SMOL_E_IO, errno, "stat"), at_path(err, full));
	if (add(w, fd, name, full, &st, err) < 0)
		return -1;
	/* A file system that is mounted there is not part of it. */
	if (!S_ISDIR(st.st_mode) || st.st_dev != w->dev)
		return 0;
	sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0) {
		smol_err_errno(err, SMOL_E_IO, errno, "cannot be read");
		return at_path(err, full);
	}
	return walk_dir(w, sub, full, depth + 1, err);
}

static int walk_dir(struct walk *w, int fd, const char *path, int depth, struct smol_err *err)
{
	__attribute__((cleanup(free_names))) char **names = NULL;

	if (smol_capture_interrupted)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	if (depth > SMOL_ROOT_DEPTH_MAX) {
		smol_err_set(err, SMOL_E_LIMIT, "lies too deep");
		return at_path(err, path);
	}
	names = names_of(fd, err);
	if (!names)
		return at_path(err, path);
	for (char **p = names; *p; p++)
		if (walk_one(w, fd, path, *p, depth, err) < 0)
			return -1;
	return 0;
}

int smol_folder_scan(int fd, struct smol_merge *m, struct smol_buf *seen, struct smol_err *err)
{
	struct walk w = {.m = m, .seen = seen, .self = geteuid()};
	struct stat st;
	int rc = -1;

	if (fstat(fd, &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "stat");
	w.dev = st.st_dev;
	if (smol_merge_layer(m, false, err) == 0 && add(&w, fd, ".", ".", &st, err) == 0)
		rc = walk_dir(&w, fd, "", 0, err);
	for (size_t i = 0; i < w.room; i++)
		free(w.several[i].path);
	free(w.several);
	return rc;
}

int smol_folder_open(int dir, const struct smol_merge_file *f, struct smol_err *err)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, dir, f->names[0], &how, sizeof(how));

	if (fd >= 0)
		return fd;
	smol_err_errno(err, SMOL_E_IO, errno, "cannot be read");
	return at_path(err, f->names[0]);
}
