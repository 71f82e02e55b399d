/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files on their way out: see files_send.h. A tree is walked depth first with a descriptor for each
 * directory that is open; every name is opened in its own directory, without following links.
 */
#include "proto/files_send.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"

struct level {
	DIR *dir;
	char *name; /* for messages; "" for the first */
};

struct smol_files_sender {
	struct level levels[SMOL_FILES_DEPTH_MAX];
	unsigned depth; /* of them that are open */
	struct smol_file_counts counts;
	struct sha256_ctx sha;
	int64_t entries;
	char *root;   /* the path, for messages */
	char *name;   /* of the file that is open */
	int fd;	      /* the file that is open, or -1 */
	bool foreign; /* fd is the caller's */
	bool first;   /* nothing has been sent */
	bool sparse;  /* the file may have holes */
	bool done;
	uint64_t position, size; /* size: or unknown */
	uint64_t data_end;	 /* up to here there is no hole */
	uint64_t max_bytes;	 /* of a file; 0: no limit */
};

static struct smol_files_sender *sender_new(int fd, const char *root)
{
	struct smol_files_sender *s = smol_alloc(sizeof(*s));

	s->fd = fd;
	s->first = true;
	s->root = smol_strdup(root);
	return s;
}

void smol_files_sender_free(struct smol_files_sender *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->depth; i++) {
		closedir(s->levels[i].dir);
		free(s->levels[i].name);
	}
	if (s->fd >= 0 && !s->foreign)
		close(s->fd);
	free(s->name);
	free(s->root);
	free(s);
}

/* Where it stands, on one line. malloc'd. */
static char *where(const struct smol_files_sender *s, const char *name)
{
	smol_auto_buf struct smol_buf b = {0};

	smol_buf_puts(&b, s->root);
	for (unsigned i = 1; i < s->depth; i++)
		smol_buf_printf(&b, "/%s", s->levels[i].name);
	if (name && *name)
		smol_buf_printf(&b, "/%s", name);
	return smol_escape(smol_buf_head(&b), smol_buf_len(&b));
}

static int failed(
    const struct smol_files_sender *s, const char *name, int errnum, struct smol_err *err)
{
	smol_auto_free char *path = where(s, name);

	return smol_err_errno(
	    err, errnum == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errnum, "%s", path);
}

static int too_large(
    const struct smol_files_sender *s, const char *name, uint64_t size, struct smol_err *err)
{
	smol_auto_free char *path = where(s, name);

	return smol_err_set(err, SMOL_E_LIMIT_FILE, "%s has %llu bytes (limit file_bytes, %llu)",
	    path, (unsigned long long)size, (unsigned long long)s->max_bytes);
}

struct smol_files_sender *smol_files_sender_open(
    const char *path, bool recursive, uint64_t max_bytes, struct smol_err *err)
{
	struct smol_files_sender *s;
	/* Not to wait for a pipe's other end. */
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	smol_auto_free char *safe = smol_escape(path, strnlen(path, 300));
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		smol_err_errno(err,
		    errno == ENOENT || errno == ENOTDIR ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno, "%s",
		    safe);
		return NULL;
	}
	if (S_ISDIR(st.st_mode) && !recursive) {
		smol_err_set(err, SMOL_E_INVALID, "%s is a directory: it takes -r", safe);
		return NULL;
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		smol_err_set(err, SMOL_E_INVALID, "%s is neither a file nor a directory", safe);
		return NULL;
	}
	s = sender_new(smol_steal_fd(&fd), path);
	s->max_bytes = max_bytes;
	return s;
}

struct smol_files_sender *smol_files_sender_of_fd(int fd)
{
	struct smol_files_sender *s = sender_new(fd, "stdin");

	s->foreign = true;
	return s;
}

const struct smol_file_counts *smol_files_sender_counts(const struct smol_files_sender *s)
{
	return &s->counts;
}

static int64_t mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int send_entry(struct smol_files_sender *s, struct smol_file_entry *e, const char *name,
    struct smol_buf *out, struct smol_err *err)
{
	if (++s->entries > SMOL_FILES_ENTRIES_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "more than %d entries at once", SMOL_FILES_ENTRIES_MAX);
	e->depth = s->first ? 0 : s->depth;
	if (!s->first)
		memcpy(e->name, name, strlen(name) + 1);
	s->first = false;
	smol_file_entry_encode(e, out);
	return 1;
}

/* Takes fd over. */
static int begin_file(struct smol_files_sender *s, int fd, const struct stat *st, const char *name,
    struct smol_buf *out, struct smol_err *err)
{
	uint64_t size = (uint64_t)st->st_size, stored = (uint64_t)st->st_blocks * 512;
	struct smol_file_entry e = {
	    .kind = SMOL_FILE_PLAIN, .mode = st->st_mode & 07777, .mtime_ns = mtime_of(st)};

	s->fd = fd;
	if (s->max_bytes && size > s->max_bytes)
		return too_large(s, name, size, err);
	free(s->name);
	s->name = smol_strdup(name);
	s->position = s->data_end = 0;
	/* Files of /proc and the like say 0 and have content all the same. */
	s->size = e.size = size ? size : SMOL_FILES_SIZE_UNKNOWN;
	s->sparse = size && stored < size;
	e.stored = stored < size ? stored : size;
	sha256_init(&s->sha);
	return send_entry(s, &e, name, out, err);
}

/* Takes fd over. */
static int begin_directory(struct smol_files_sender *s, int fd, const struct stat *st,
    const char *name, struct smol_buf *out, struct smol_err *err)
{
	struct smol_file_entry e = {
	    .kind = SMOL_FILE_DIRECTORY, .mode = st->st_mode & 07777, .mtime_ns = mtime_of(st)};
	DIR *d;

	if (s->depth == SMOL_FILES_DEPTH_MAX) {
		close(fd);
		return smol_err_set(err, SMOL_E_LIMIT,
		    "directories deeper than %d within each other", SMOL_FILES_DEPTH_MAX);
	}
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return failed(s, name, errno, err);
	}
	if (send_entry(s, &e, name, out, err) < 0) {
		closedir(d);
		return -1;
	}
	s->levels[s->depth++] = (struct level){d, smol_strdup(name)};
	s->counts.directories++;
	return 1;
}

static int send_link(struct smol_files_sender *s, int dir, const char *name, struct smol_buf *out,
    struct smol_err *err)
{
	struct smol_file_entry e = {.kind = SMOL_FILE_LINK, .mode = 0777};
	struct stat st;
	ssize_t n = readlinkat(dir, name, e.target, sizeof(e.target));

	if (n < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == EINVAL ? 1 : failed(s, name, errno, err);
	if (n == 0 || n > SMOL_FILES_LINK_MAX)
		return failed(s, name, ENAMETOOLONG, err);
	e.target[n] = '\0';
	e.mtime_ns = mtime_of(&st);
	s->counts.links++;
	return send_entry(s, &e, name, out, err);
}

/* A name in the innermost directory. What has vanished since it was listed is passed over. */
static int send_name(struct smol_files_sender *s, const struct dirent *de, struct smol_buf *out,
    struct smol_err *err)
{
	int dir = dirfd(s->levels[s->depth - 1].dir), fd;
	unsigned char type = de->d_type;
	struct stat st;

	if (type == DT_UNKNOWN) {
		if (fstatat(dir, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 1 : failed(s, de->d_name, errno, err);
		type = IFTODT(st.st_mode);
	}
	if (type == DT_LNK)
		return send_link(s, dir, de->d_name, out, err);
	if (type != DT_REG && type != DT_DIR) {
		s->counts.skipped++;
		return 1;
	}
	fd = openat(dir, de->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? 1 : failed(s, de->d_name, errno, err);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return begin_file(s, fd, &st, de->d_name, out, err);
	if (S_ISDIR(st.st_mode))
		return begin_directory(s, fd, &st, de->d_name, out, err);
	close(fd);
	s->counts.skipped++;
	return 1;
}

static int send_first(struct smol_files_sender *s, struct smol_buf *out, struct smol_err *err)
{
	int fd = s->fd;
	struct stat st = {.st_mode = 0644};

	if (s->foreign) {
		clock_gettime(CLOCK_REALTIME, &st.st_mtim);
	} else {
		s->fd = -1;
		if (fstat(fd, &st) < 0) {
			close(fd);
			return failed(s, "", errno, err);
		}
	}
	return S_ISDIR(st.st_mode) ? begin_directory(s, fd, &st, "", out, err)
				   : begin_file(s, fd, &st, "", out, err);
}

static int end_file(struct smol_files_sender *s, struct smol_buf *out)
{
	unsigned char digest[SMOL_FILES_DIGEST];

	sha256_digest(&s->sha, sizeof(digest), digest);
	smol_files_frame(out, SMOL_FRAME_ENTRY_END, 0, digest, sizeof(digest));
	if (!s->foreign)
		close(s->fd);
	s->fd = -1;
	s->counts.files++;
	return 1;
}

/* A hole at the position, up to where data goes on. 1 sent, 0 there is none. */
static int send_hole(struct smol_files_sender *s, struct smol_buf *out)
{
	off_t data = lseek(s->fd, (off_t)s->position, SEEK_DATA), hole;
	uint64_t next = data < 0 && errno == ENXIO ? s->size : (uint64_t)data;
	unsigned char payload[8];

	if (data < 0 && errno != ENXIO) {
		s->sparse = false; /* this file system does not tell */
		return 0;
	}
	next = next < s->size ? next : s->size;
	hole = data < 0 ? -1 : lseek(s->fd, data, SEEK_HOLE);
	s->data_end = hole < 0 ? s->size : (uint64_t)hole;
	if (next <= s->position)
		return 0;
	smol_put_le64(payload, next - s->position);
	sha256_update(&s->sha, sizeof(payload), payload);
	smol_files_frame(out, SMOL_FRAME_HOLE, s->position, payload, sizeof(payload));
	s->counts.bytes += (int64_t)(next - s->position);
	s->position = next;
	return 1;
}

static ssize_t read_some(struct smol_files_sender *s, char *to, size_t want)
{
	ssize_t n;

	do {
		n = s->foreign ? read(s->fd, to, want) : pread(s->fd, to, want, (off_t)s->position);
	} while (n < 0 && errno == EINTR && !s->foreign);
	return n;
}

static int send_content(struct smol_files_sender *s, struct smol_buf *out, struct smol_err *err)
{
	bool known = s->size != SMOL_FILES_SIZE_UNKNOWN;
	size_t want = SMOL_FILES_CHUNK;
	struct smol_frame f = {.type = SMOL_FRAME_DATA};
	ssize_t n;
	char *to;

	if (known && s->position == s->size)
		return end_file(s, out);
	if (s->sparse && s->position >= s->data_end && send_hole(s, out) > 0)
		return 1;
	if (s->sparse && s->data_end - s->position < want)
		want = (size_t)(s->data_end - s->position);
	if (known && s->size - s->position < want)
		want = (size_t)(s->size - s->position);
	to = smol_buf_reserve(out, SMOL_FRAME_HEADER + want);
	n = read_some(s, to + SMOL_FRAME_HEADER, want);
	if (n < 0 && s->foreign && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n < 0)
		return failed(s, s->name, errno, err);
	if (n == 0 && known) {
		smol_auto_free char *path = where(s, s->name);

		return smol_err_set(err, SMOL_E_IO, "%s became shorter while it was read", path);
	}
	if (n == 0)
		return end_file(s, out);
	sha256_update(&s->sha, (size_t)n, (const uint8_t *)to + SMOL_FRAME_HEADER);
	f.length = (uint32_t)n;
	f.seq = s->position;
	smol_frame_encode(&f, (unsigned char *)to);
	smol_buf_commit(out, SMOL_FRAME_HEADER + (size_t)n);
	s->position += (uint64_t)n;
	s->counts.bytes += n;
	if (s->max_bytes && s->position > s->max_bytes)
		return too_large(s, s->name, s->position, err);
	return 1;
}

static int send_done(struct smol_files_sender *s, struct smol_buf *out)
{
	smol_auto_json cJSON *j = smol_file_counts_encode(&s->counts);
	smol_auto_free char *text = smol_json_print(j);

	smol_files_frame(out, SMOL_FRAME_DONE, 0, text, strlen(text));
	s->done = true;
	return 0;
}

int smol_files_sender_next(struct smol_files_sender *s, struct smol_buf *out, struct smol_err *err)
{
	if (s->done)
		return 0;
	if (s->first)
		return send_first(s, out, err);
	if (s->fd >= 0)
		return send_content(s, out, err);
	while (s->depth) {
		struct level *l = &s->levels[s->depth - 1];
		struct dirent *de;

		errno = 0;
		de = readdir(l->dir);
		if (de && (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0))
			continue;
		if (de)
			return send_name(s, de, out, err);
		if (errno)
			return failed(s, "", errno, err);
		closedir(l->dir);
		free(l->name);
		s->depth--;
	}
	return send_done(s, out);
}
