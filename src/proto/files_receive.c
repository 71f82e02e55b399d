/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files on their way in: see files_receive.h. A file is made without a name (O_TMPFILE) where the
 * file system can do that, so that even a receiver that is killed leaves nothing.
 */
#include "proto/files_receive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"

#define TEMP_MAX   40
#define ZEROS	   65536
#define SPACE_STEP (1024 * 1024) /* a smaller file does not ask for the free space */

struct level {
	int fd;
	char *name;
	bool made; /* by us: it gets the mode and time of its entry */
	uint32_t mode;
	int64_t mtime_ns;
};

struct smol_files_receiver {
	struct smol_files_check check;
	struct smol_files_target t;
	int dirfd;  /* holds the entry of depth 0 */
	char *leaf; /* its name in there; NULL: dirfd itself is merged with */
	struct level levels[SMOL_FILES_DEPTH_MAX + 1];
	unsigned depth;
	struct smol_file_entry entry; /* of the file under way */
	struct sha256_ctx sha;
	int fd;		     /* the file under way, or -1 */
	char temp[TEMP_MAX]; /* its name in dir_of(), or "" */
	bool no_tmpfile;     /* the file system cannot */
};

/* ---- where it goes ---- */

/* path exists and is no directory, or does not exist: the directory it lies in, and its name. */
static int split(struct smol_files_receiver *r, const char *path, struct smol_err *err)
{
	smol_auto_free char *parent = smol_strdup(path);
	smol_auto_free char *safe = smol_escape(path, strnlen(path, 300));
	char *slash = strrchr(parent, '/');
	const char *base = slash ? slash + 1 : path;

	if (!smol_files_name_ok(base, strlen(base)))
		return smol_err_set(err, SMOL_E_NOT_FOUND, "%s: no such directory", safe);
	r->leaf = smol_strdup(base);
	if (slash)
		slash[slash == parent] = '\0';
	r->dirfd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dirfd < 0)
		return smol_err_errno(err, errno == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno,
		    "the directory of %s", safe);
	return 0;
}

static int find_target(struct smol_files_receiver *r, struct smol_err *err)
{
	const char *path = r->t.path, *name = r->t.name;
	smol_auto_free char *real = NULL;
	struct stat st;

	r->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dirfd >= 0) {
		if (name && smol_files_name_ok(name, strlen(name)))
			r->leaf = smol_strdup(name);
		return 0;
	}
	if (stat(path, &st) < 0)
		return split(r, path, err);
	if (!S_ISREG(st.st_mode)) {
		smol_auto_free char *safe = smol_escape(path, strnlen(path, 300));

		/* A directory that cannot be read, or a device: not to be replaced by a file. */
		if (S_ISDIR(st.st_mode))
			return smol_err_errno(err, SMOL_E_IO, EACCES, "%s", safe);
		return smol_err_set(
		    err, SMOL_E_INVALID, "%s is neither a file nor a directory", safe);
	}
	/* Through a link, the file it leads to is replaced, and the link stays. */
	real = realpath(path, NULL);
	return split(r, real ? real : path, err);
}

struct smol_files_receiver *smol_files_receiver_open(
    const struct smol_files_target *t, struct smol_err *err)
{
	struct smol_files_receiver *r = smol_alloc(sizeof(*r));

	r->t = *t;
	r->dirfd = r->fd = -1;
	r->check.max_bytes = t->max_bytes;
	if (!t->write && find_target(r, err) < 0) {
		smol_files_receiver_free(r);
		return NULL;
	}
	r->t.path = r->t.name = NULL; /* the caller's */
	return r;
}

const struct smol_file_counts *smol_files_receiver_counts(const struct smol_files_receiver *r)
{
	return &r->check.counts;
}

static int dir_of(const struct smol_files_receiver *r)
{
	return r->depth ? r->levels[r->depth - 1].fd : r->dirfd;
}

static const char *name_of(const struct smol_files_receiver *r, const struct smol_file_entry *e)
{
	return e->depth ? e->name : r->leaf ? r->leaf : ".";
}

/* The entry's place, on one line, then what the errno says. */
static int failed(const struct smol_files_receiver *r, const struct smol_file_entry *e, int errnum,
    struct smol_err *err)
{
	smol_auto_buf struct smol_buf b = {0};
	smol_auto_free char *safe = NULL;

	for (unsigned i = 0; i < r->depth; i++)
		smol_buf_printf(&b, "%s/", r->levels[i].name);
	smol_buf_puts(&b, name_of(r, e));
	safe = smol_escape(smol_buf_head(&b), smol_buf_len(&b));
	if (errnum == ELOOP || errnum == ENOTDIR)
		return smol_err_set(err, SMOL_E_EXISTS,
		    "cannot write %s: there is a link or a file where a directory is to be", safe);
	return smol_err_errno(
	    err, errnum == EISDIR ? SMOL_E_EXISTS : SMOL_E_IO, errnum, "cannot write %s", safe);
}

static struct timespec time_of(int64_t ns)
{
	struct timespec ts = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	if (ts.tv_nsec < 0) {
		ts.tv_nsec += 1000000000;
		ts.tv_sec--;
	}
	return ts;
}

static void set_times(int fd, int64_t mtime_ns)
{
	struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT}, time_of(mtime_ns)};

	/* A file system that cannot hold the time holds the file all the same. */
	(void)futimens(fd, ts);
}

static void new_temp(struct smol_files_receiver *r)
{
	uint64_t n = 0;

	while (getrandom(&n, sizeof(n), 0) < 0 && errno == EINTR)
		;
	snprintf(r->temp, sizeof(r->temp), ".smolsh-%016llx.part", (unsigned long long)n);
}

static void forget_temp(struct smol_files_receiver *r)
{
	if (*r->temp)
		unlinkat(dir_of(r), r->temp, 0);
	*r->temp = '\0';
}

/* ---- directories ---- */

static void leave(struct smol_files_receiver *r)
{
	struct level *l = &r->levels[--r->depth];

	if (l->made) {
		(void)fchmod(l->fd, l->mode);
		set_times(l->fd, l->mtime_ns);
	}
	close(l->fd);
	free(l->name);
}

void smol_files_receiver_free(struct smol_files_receiver *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	forget_temp(r);
	while (r->depth)
		leave(r);
	if (r->dirfd >= 0)
		close(r->dirfd);
	free(r->leaf);
	free(r);
}

static int enter(
    struct smol_files_receiver *r, const struct smol_file_entry *e, struct smol_err *err)
{
	struct level l = {.fd = -1, .mode = e->mode & r->t.modes, .mtime_ns = e->mtime_ns};
	const char *name = name_of(r, e);
	bool self = !e->depth && !r->leaf;

	if (!self && mkdirat(dir_of(r), name, 0700) == 0)
		l.made = true;
	else if (!self && errno != EEXIST)
		return failed(r, e, errno, err);
	l.fd = openat(dir_of(r), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l.fd < 0)
		return failed(r, e, errno, err);
	l.name = smol_strdup(name);
	r->levels[r->depth++] = l;
	return 0;
}

/* ---- links ---- */

static int make_link(
    struct smol_files_receiver *r, const struct smol_file_entry *e, struct smol_err *err)
{
	struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT}, time_of(e->mtime_ns)};
	const char *name = name_of(r, e);
	int dir = dir_of(r), rc = symlinkat(e->target, dir, name);

	if (rc < 0 && errno == EEXIST) {
		new_temp(r);
		rc = symlinkat(e->target, dir, r->temp);
		if (rc == 0 && renameat(dir, r->temp, dir, name) < 0)
			rc = -1;
		else if (rc == 0)
			*r->temp = '\0';
	}
	if (rc < 0)
		return failed(r, e, errno, err);
	(void)utimensat(dir, name, ts, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* ---- files ---- */

static int check_space(const struct smol_files_receiver *r, struct smol_err *err)
{
	struct statvfs sv;
	char need[16], have[16];
	uint64_t room;

	if (r->entry.stored < SPACE_STEP || fstatvfs(r->fd, &sv) < 0 || !sv.f_blocks)
		return 0;
	room = (uint64_t)sv.f_bavail * sv.f_frsize;
	if (r->entry.stored <= room)
		return 0;
	smol_size_text(r->entry.stored, need);
	smol_size_text(room, have);
	return smol_err_set(
	    err, SMOL_E_NO_SPACE, "no space: %s are needed, %s are free", need, have);
}

static int begin_file(struct smol_files_receiver *r, struct smol_err *err)
{
	sha256_init(&r->sha);
	if (r->t.write)
		return 0;
	if (!r->no_tmpfile)
		r->fd = openat(dir_of(r), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (r->fd < 0) {
		r->no_tmpfile = true;
		new_temp(r);
		r->fd = openat(
		    dir_of(r), r->temp, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (r->fd < 0) {
			*r->temp = '\0';
			return failed(r, &r->entry, errno, err);
		}
	}
	return check_space(r, err);
}

static int put(struct smol_files_receiver *r, const char *data, size_t n, uint64_t at)
{
	if (r->t.write)
		return r->t.write(r->t.ctx, data, n);
	while (n) {
		ssize_t w = pwrite(r->fd, data, n, (off_t)at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		data += w;
		n -= (size_t)w;
		at += (uint64_t)w;
	}
	return 0;
}

static int take_data(struct smol_files_receiver *r, const struct smol_frame *f, const char *data,
    struct smol_err *err)
{
	sha256_update(&r->sha, f->length, (const uint8_t *)data);
	if (put(r, data, f->length, f->seq) == 0)
		return 0;
	if (r->t.write)
		return smol_err_errno(err, SMOL_E_IO, errno, "writing what came");
	return failed(r, &r->entry, errno, err);
}

/* A hole is what is not written; only a stream has to spell it out. */
static int take_hole(struct smol_files_receiver *r, const char *payload, struct smol_err *err)
{
	static const char zeros[ZEROS];
	uint64_t n = smol_get_le64((const unsigned char *)payload);

	sha256_update(&r->sha, 8, (const uint8_t *)payload);
	if (!r->t.write)
		return 0;
	for (uint64_t k; n; n -= k) {
		k = n < ZEROS ? n : ZEROS;
		if (put(r, zeros, (size_t)k, 0) < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "writing what came");
	}
	return 0;
}

/* May the name be given to a file? A device or a socket is not to be replaced. */
static int replaceable(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode) ||
	    S_ISLNK(st.st_mode))
		return 0;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EEXIST;
	return -1;
}

static int give_name(struct smol_files_receiver *r)
{
	const char *name = name_of(r, &r->entry);
	int dir = dir_of(r);
	char self[40];

	if (!*r->temp) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", r->fd);
		if (linkat(AT_FDCWD, self, dir, name, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST || replaceable(dir, name) < 0)
			return -1;
		new_temp(r);
		if (linkat(AT_FDCWD, self, dir, r->temp, AT_SYMLINK_FOLLOW) < 0) {
			*r->temp = '\0';
			return -1;
		}
	} else if (replaceable(dir, name) < 0) {
		return -1;
	}
	if (renameat(dir, r->temp, dir, name) < 0)
		return -1;
	*r->temp = '\0';
	return 0;
}

static int end_file(struct smol_files_receiver *r, const char *digest, struct smol_err *err)
{
	unsigned char ours[SMOL_FILES_DIGEST];
	uint64_t size = r->check.position;

	sha256_digest(&r->sha, sizeof(ours), ours);
	if (memcmp(ours, digest, sizeof(ours)) != 0)
		return smol_err_set(err, SMOL_E_PROTOCOL,
		    "the file arrived damaged: its SHA-256 is not what was sent");
	if (r->t.write)
		return 0;
	/* A hole at the end, or all of the file. */
	if (ftruncate(r->fd, (off_t)size) < 0 || fchmod(r->fd, r->entry.mode & r->t.modes) < 0)
		return failed(r, &r->entry, errno, err);
	set_times(r->fd, r->entry.mtime_ns);
	if (give_name(r) < 0)
		return failed(r, &r->entry, errno, err);
	if (close(smol_steal_fd(&r->fd)) < 0)
		return failed(r, &r->entry, errno, err);
	return 0;
}

static int take_entry(
    struct smol_files_receiver *r, const struct smol_file_entry *e, struct smol_err *err)
{
	while (r->depth > e->depth)
		leave(r);
	if (!e->depth && (e->kind == SMOL_FILE_LINK || (r->t.write && e->kind != SMOL_FILE_PLAIN)))
		return smol_err_set(err, SMOL_E_INVALID, "only a file can be written there");
	if (!e->depth && e->kind == SMOL_FILE_PLAIN && !r->t.write && !r->leaf)
		return smol_err_set(err, SMOL_E_INVALID, "the file needs a name there");
	switch (e->kind) {
	case SMOL_FILE_PLAIN:
		r->entry = *e;
		return begin_file(r, err);
	case SMOL_FILE_DIRECTORY:
		return enter(r, e, err);
	default:
		return make_link(r, e, err);
	}
}

int smol_files_receiver_frame(struct smol_files_receiver *r, const struct smol_frame *f,
    const char *payload, struct smol_err *err)
{
	struct smol_file_entry e;

	if (smol_files_check(&r->check, f, payload, &e, err) < 0)
		return -1;
	switch (f->type) {
	case SMOL_FRAME_ENTRY:
		return take_entry(r, &e, err);
	case SMOL_FRAME_DATA:
		return take_data(r, f, payload, err);
	case SMOL_FRAME_HOLE:
		return take_hole(r, payload, err);
	case SMOL_FRAME_ENTRY_END:
		return end_file(r, payload, err);
	default:
		while (r->depth)
			leave(r);
		return 1;
	}
}
