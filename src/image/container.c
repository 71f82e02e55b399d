/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a root image is made of: see container.h. */
#include "image/container.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "image/capture.h"
#include "proto/json.h"

#define BLOCK	 (1 << 17)
#define HOPS_MAX 4 /* links from member to member: `docker save` links layers that are the same */

struct member_entry {
	char *name, *link; /* link: the member that it stands for, or NULL */
	uint64_t index;	   /* in the tar */
};

struct smol_container {
	char *name; /* for messages, escaped */
	int fd;
	enum smol_container_kind kind;
	struct member_entry *members;
	size_t n;
};

struct smol_member {
	struct archive *tar; /* or NULL: fd is read */
	int fd;		     /* ours, or the container's with its own place at */
	bool own;
	off_t at;
	char *what;
	char block[BLOCK];
};

struct archive *smol_archive_reader(void)
{
	struct archive *a = archive_read_new();

	/* Not "all": some of those run programs. */
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_compress(a);
	return a;
}

int smol_archive_err(struct archive *a, const char *what, struct smol_err *err)
{
	const char *why = archive_error_string(a);
	smol_auto_free char *safe = smol_escape(why ? why : "?", strlen(why ? why : "?"));

	if (smol_capture_interrupted)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	if (strcasestr(safe, "truncated"))
		return smol_err_set(err, SMOL_E_INVALID, "%s is truncated", what);
	return smol_err_set(err, SMOL_E_INVALID, "%s cannot be read: %s", what, safe);
}

/* A file from wherever we are in it, so that several can read it. */
struct place {
	int fd;
	off_t at;
	char block[BLOCK];
};

static la_ssize_t place_read(struct archive *a, void *ctx, const void **data)
{
	struct place *p = ctx;
	ssize_t n = smol_capture_interrupted ? -1 : pread(p->fd, p->block, BLOCK, p->at);

	if (n < 0)
		archive_set_error(a, errno, "%s", strerror(errno));
	p->at += n > 0 ? n : 0;
	*data = p->block;
	return n;
}

static la_int64_t place_skip(struct archive *a, void *ctx, la_int64_t n)
{
	struct place *p = ctx;
	struct stat st;

	/* Not past the end: a file that is cut short has to be seen as such. */
	if (fstat(p->fd, &st) < 0 || p->at >= st.st_size)
		return 0;
	if (n > st.st_size - p->at)
		n = st.st_size - p->at;
	(void)a;
	p->at += n;
	return n;
}

static int place_close(struct archive *a, void *ctx)
{
	(void)a;
	free(ctx);
	return ARCHIVE_OK;
}

/* Reads fd from its beginning. raw: what a compressed file unpacks to, as one entry. */
static struct archive *open_archive(int fd, bool raw)
{
	struct archive *a = smol_archive_reader();
	struct place *p = smol_alloc(sizeof(*p));

	p->fd = fd;
	if (raw)
		archive_read_support_format_raw(a);
	else
		archive_read_support_format_tar(a);
	archive_read_support_format_empty(a);
	archive_read_set_skip_callback(a, place_skip);
	archive_read_open2(a, p, NULL, place_read, place_skip, place_close);
	return a;
}

/* "./a//b" → "a/b", or NULL where it leads out; malloc'd. base: what it is relative to, or "". */
static char *tidy(const char *base, const char *name)
{
	smol_auto_free char *all = smol_asprintf("%s/%s", base, name);
	struct smol_buf b = {0};

	for (char *save, *part = strtok_r(all, "/", &save); part;
	     part = strtok_r(NULL, "/", &save)) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") != 0) {
			smol_buf_printf(&b, "%s%s", smol_buf_len(&b) ? "/" : "", part);
			continue;
		}
		char *text = smol_buf_str(&b), *slash = strrchr(text, '/');

		if (!*text) {
			smol_buf_free(&b);
			return NULL;
		}
		b.end = b.start + (slash ? (size_t)(slash - text) : 0);
	}
	return smol_buf_take(&b);
}

static void add_member(struct smol_container *c, struct archive_entry *e, uint64_t index)
{
	const char *path = archive_entry_pathname(e), *link = archive_entry_symlink(e);
	smol_auto_free char *name = path ? tidy("", path) : NULL;
	smol_auto_free char *dir = NULL;
	struct member_entry *m;
	char *slash;

	if (!name || !*name || archive_entry_filetype(e) == AE_IFDIR)
		return;
	c->members = smol_realloc(c->members, (c->n + 1) * sizeof(*c->members));
	m = &c->members[c->n++];
	*m = (struct member_entry){.index = index};
	dir = smol_strdup(name);
	slash = strrchr(dir, '/');
	*(slash ? slash : dir) = '\0';
	if (link)
		m->link = tidy(dir, link);
	else if (archive_entry_hardlink(e))
		m->link = tidy("", archive_entry_hardlink(e));
	m->name = smol_steal(&name);
}

static void forget_members(struct smol_container *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->members[i].name);
		free(c->members[i].link);
	}
	free(c->members);
	c->members = NULL;
	c->n = 0;
}

/* The names in the tar, unless there are too many for a container image. *packed: compressed? */
static int scan(struct smol_container *c, bool *packed, struct smol_err *err)
{
	struct archive *a = open_archive(c->fd, false);
	struct archive_entry *e;
	uint64_t index = 0;
	int rc;

	while ((rc = archive_read_next_header(a, &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
		if (index == SMOL_CONTAINER_MEMBERS_MAX) {
			forget_members(c);
			rc = ARCHIVE_EOF;
			break;
		}
		add_member(c, e, index++);
	}
	*packed = archive_filter_count(a) > 1;
	if (rc != ARCHIVE_EOF && !index && !smol_capture_interrupted)
		smol_err_set(err, SMOL_E_INVALID, "%s is no tar archive", c->name);
	else if (rc != ARCHIVE_EOF)
		smol_archive_err(a, c->name, err);
	else if (!index)
		smol_err_set(err, SMOL_E_INVALID, "%s is empty", c->name);
	archive_read_free(a);
	return rc == ARCHIVE_EOF && index ? 0 : -1;
}

static const struct member_entry *find(const struct smol_container *c, const char *name)
{
	smol_auto_free char *plain = tidy("", name);
	const char *want = plain;

	for (int hops = 0; want && hops <= HOPS_MAX; hops++) {
		const struct member_entry *m = NULL;

		/* Of two with one name the later one counts, as in any tar. */
		for (size_t i = c->n; i-- > 0 && !m;)
			m = strcmp(c->members[i].name, want) == 0 ? &c->members[i] : NULL;
		if (!m || !m->link)
			return m;
		want = m->link;
	}
	return NULL;
}

static int open_beneath(int dir, const char *name)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

static bool is_dir(const struct smol_container *c)
{
	struct stat st;

	return fstat(c->fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has(const struct smol_container *c, const char *name)
{
	smol_auto_close int fd = is_dir(c) ? open_beneath(c->fd, name) : -1;

	return is_dir(c) ? fd >= 0 : find(c, name) != NULL;
}

static int not_there(const char *name, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(name, strnlen(name, 200));

	return smol_err_set(err, SMOL_E_INVALID, "'%s' is not in it", safe);
}

static int open_in_dir(
    struct smol_container *c, const char *name, struct smol_member *m, struct smol_err *err)
{
	struct stat st;

	m->fd = open_beneath(c->fd, name);
	m->own = true;
	if (m->fd < 0 && errno != ENOENT)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", m->what);
	if (m->fd < 0 || fstat(m->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return not_there(name, err);
	return 0;
}

static int open_in_tar(
    struct smol_container *c, const char *name, struct smol_member *m, struct smol_err *err)
{
	const struct member_entry *at = find(c, name);
	struct archive_entry *e;
	uint64_t index = 0;
	int rc;

	if (!at)
		return not_there(name, err);
	m->tar = open_archive(c->fd, false);
	do
		rc = archive_read_next_header(m->tar, &e);
	while ((rc == ARCHIVE_OK || rc == ARCHIVE_WARN) && index++ < at->index);
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return smol_archive_err(m->tar, m->what, err);
	return 0;
}

struct smol_member *smol_member_open(
    struct smol_container *c, const char *name, struct smol_err *err)
{
	smol_auto_member struct smol_member *m = smol_alloc(sizeof(*m));

	m->fd = -1;
	m->what = name ? smol_escape(name, strnlen(name, 200)) : smol_strdup(c->name);
	if (!name)
		m->fd = c->fd;
	else if (is_dir(c) ? open_in_dir(c, name, m, err) < 0 : open_in_tar(c, name, m, err) < 0)
		return NULL;
	return smol_steal(&m);
}

ssize_t smol_member_read(struct smol_member *m, const void **data, struct smol_err *err)
{
	ssize_t n;

	if (smol_capture_interrupted)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	*data = m->block;
	if (m->tar) {
		n = archive_read_data(m->tar, m->block, BLOCK);
		return n < 0 ? smol_archive_err(m->tar, m->what, err) : n;
	}
	n = pread(m->fd, m->block, BLOCK, m->at);
	if (n < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", m->what);
	m->at += n;
	return n;
}

void smol_member_close(struct smol_member *m)
{
	if (!m)
		return;
	if (m->tar)
		archive_read_free(m->tar);
	if (m->own && m->fd >= 0)
		close(m->fd);
	free(m->what);
	free(m);
}

int smol_container_text(
    struct smol_container *c, const char *name, struct smol_buf *out, struct smol_err *err)
{
	smol_auto_member struct smol_member *m = smol_member_open(c, name, err);
	const void *data;
	ssize_t n;

	if (!m)
		return -1;
	while ((n = smol_member_read(m, &data, err)) > 0) {
		if (smol_buf_len(out) + (size_t)n > SMOL_CONTAINER_JSON_MAX)
			return smol_err_set(err, SMOL_E_LIMIT, "'%s' is larger than %d bytes",
			    m->what, SMOL_CONTAINER_JSON_MAX);
		smol_buf_append(out, data, (size_t)n);
	}
	return n < 0 ? -1 : 0;
}

/* A copy without name of what it unpacks to: members of a compressed file cannot be jumped to. */
static int spool_out(struct smol_container *c, const char *dir, uint64_t max, struct smol_err *err)
{
	smol_auto_close int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct archive *a = fd < 0 ? NULL : open_archive(c->fd, true);
	smol_auto_free char *block = smol_alloc(BLOCK);
	struct archive_entry *e;
	char size[16];
	uint64_t sum = 0;
	la_ssize_t n;
	int rc = -1;

	if (fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "a temporary file in %s", dir);
	n = archive_read_next_header(a, &e) == ARCHIVE_OK ? 1 : -1;
	while (n > 0 && (n = archive_read_data(a, block, BLOCK)) > 0) {
		sum += (uint64_t)n;
		if (sum > max || smol_io_write_all(fd, block, (size_t)n, SMOL_NEVER) < 0)
			break;
	}
	smol_size_text(max, size);
	if (n < 0)
		smol_archive_err(a, c->name, err);
	else if (sum > max)
		smol_err_set(err, SMOL_E_LIMIT, "%s unpacks to more than %s", c->name, size);
	else if (n > 0)
		smol_err_errno(err, SMOL_E_IO, errno, "a temporary file in %s", dir);
	else
		rc = 0;
	archive_read_free(a);
	if (rc < 0)
		return -1;
	close(c->fd);
	c->fd = smol_steal_fd(&fd);
	return 0;
}

/* A root may have a file of that name, too: is it docker's? */
static bool is_docker(struct smol_container *c)
{
	smol_auto_buf struct smol_buf text = {0};
	smol_auto_json cJSON *j = NULL;
	const cJSON *first;

	if (!has(c, "manifest.json") || smol_container_text(c, "manifest.json", &text, NULL) < 0)
		return false;
	j = smol_json_parse(smol_buf_str(&text), smol_buf_len(&text), NULL);
	first = cJSON_IsArray(j) ? cJSON_GetArrayItem(j, 0) : NULL;
	return smol_json_get(first, "Layers") && smol_json_get(first, "Config");
}

static int recognise(
    struct smol_container *c, const char *spool, uint64_t max, struct smol_err *err)
{
	bool packed = false, dir = is_dir(c);

	if (!dir && scan(c, &packed, err) < 0)
		return -1;
	if (has(c, "oci-layout") && has(c, "index.json"))
		c->kind = SMOL_CONTAINER_OCI;
	else if (is_docker(c))
		c->kind = SMOL_CONTAINER_DOCKER;
	else
		c->kind = dir ? SMOL_CONTAINER_DIR : SMOL_CONTAINER_TAR;
	if (!packed || c->kind == SMOL_CONTAINER_TAR)
		return 0;
	return spool_out(c, spool, max, err);
}

struct smol_container *smol_container_open_fd(
    int fd, const char *name, const char *spool, uint64_t max, struct smol_err *err)
{
	smol_auto_container struct smol_container *c = smol_alloc(sizeof(*c));
	struct stat st;

	c->fd = fd;
	c->name = smol_escape(name, strlen(name));
	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		smol_err_set(err, SMOL_E_INVALID, "%s is neither a directory nor a file", c->name);
		return NULL;
	}
	if (recognise(c, spool, max, err) < 0)
		return NULL;
	return smol_steal(&c);
}

struct smol_container *smol_container_open(
    const char *path, const char *spool, uint64_t max, struct smol_err *err)
{
	smol_auto_free char *shown = smol_escape(path, strlen(path));
	/* O_NONBLOCK: a FIFO is refused, not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		smol_err_errno(
		    err, errno == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno, "%s", shown);
		return NULL;
	}
	return smol_container_open_fd(fd, path, spool, max, err);
}

void smol_container_free(struct smol_container *c)
{
	if (!c)
		return;
	forget_members(c);
	close(c->fd);
	free(c->name);
	free(c);
}

enum smol_container_kind smol_container_kind(const struct smol_container *c)
{
	return c->kind;
}

int smol_container_fd(const struct smol_container *c)
{
	return c->fd;
}
