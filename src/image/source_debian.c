/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Debian's cloud kernel: see source.h. apt knows where it is and checks what it downloads; here
 * only what apt says of a package is compared with what lies in the cache.
 */
#include "image/source.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "image/capture.h"
#include "image/hash.h"

#define META_PACKAGE "linux-image-cloud-amd64"
#define ASK_MS	     60000
#define DOWNLOAD_MS  (15 * 60000)
#define SHOW_MAX     (1024 * 1024)
#define PACKAGE_MAX  128			  /* bytes of a package's name */
#define UNPACKED_MAX ((size_t)1024 * 1024 * 1024) /* bytes of all modules together */

struct package {
	char *name;
	char *sha256;
	char *size;
};

static void package_free(struct package *p)
{
	free(p->name);
	free(p->sha256);
	free(p->size);
}

/* The value of "Field: value" in the first paragraph that has it; malloc'd or NULL. */
static char *field(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (strncmp(p, name, n) == 0 && p[n] == ':') {
			p += n + 1;
			p += strspn(p, " ");
			return smol_strndup(p, strcspn(p, "\n"));
		}
	return NULL;
}

/* What apt says of a package, or NULL. */
static char *apt_show(const char *name, struct smol_err *err)
{
	const char *const argv[] = {
	    "env", "LC_ALL=C", "apt-cache", "--no-all-versions", "show", name, NULL};
	smol_auto_buf struct smol_buf out = {0};

	if (smol_capture(argv, SHOW_MAX, &out, smol_in_ms(ASK_MS), err) < 0)
		return NULL;
	return smol_buf_take(&out);
}

static bool package_name_ok(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.");

	return n > 1 && n < PACKAGE_MAX && !s[n] && strncmp(s, "linux-image-", 12) == 0;
}

/* Which package is it today? */
static int ask_apt(struct package *p, struct smol_err *err)
{
	smol_auto_free char *meta = apt_show(META_PACKAGE, err);
	smol_auto_free char *depends = meta ? field(meta, "Depends") : NULL;
	smol_auto_free char *about = NULL;

	if (depends) {
		depends[strcspn(depends, " ,(")] = '\0';
		if (package_name_ok(depends))
			about = apt_show(depends, err);
	}
	if (!about) {
		if (err->code == SMOL_E_INTERRUPTED)
			return -1;
		if (err->code == SMOL_E_DEPENDENCY) {
			smol_err_set(err, SMOL_E_DEPENDENCY,
			    "there is no apt here to take Debian's kernel with");
			return smol_err_hint(err, "smolsh image build --kernel FILE --modules DIR");
		}
		smol_err_set(err, SMOL_E_NOT_FOUND, "apt's package lists have no " META_PACKAGE);
		return smol_err_hint(err, "%sapt-get update", geteuid() ? "sudo " : "");
	}
	p->name = smol_steal(&depends);
	p->sha256 = field(about, "SHA256");
	p->size = field(about, "Size");
	return 0;
}

static bool is_cached_kernel(const char *file)
{
	size_t n = strlen(file);

	return strncmp(file, "linux-image-", 12) == 0 && n > 4 && strcmp(file + n - 4, ".deb") == 0;
}

/* The cached package that apt describes; with p NULL the one whose name is the highest version. */
static char *find_cached(const char *cache, const struct package *p)
{
	smol_auto_closedir DIR *d = opendir(cache);
	smol_auto_free char *best = NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		smol_auto_free char *path = smol_asprintf("%s/%s", cache, e->d_name);
		char hex[65];

		if (!is_cached_kernel(e->d_name))
			continue;
		if (p) {
			size_t n = strlen(p->name);

			if (strncmp(e->d_name, p->name, n) == 0 && e->d_name[n] == '_' &&
			    p->sha256 && smol_sha256_file(path, hex, NULL) == 0 &&
			    strcmp(hex, p->sha256) == 0)
				return smol_steal(&path);
		} else if (!best || strverscmp(path, best) > 0) {
			free(best);
			best = smol_steal(&path);
		}
	}
	return smol_steal(&best);
}

/* Older kernels are not wanted again. */
static void drop_others(const char *cache, const char *keep)
{
	smol_auto_closedir DIR *d = opendir(cache);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_cached_kernel(e->d_name) && strcmp(e->d_name, keep) != 0)
			unlinkat(dirfd(d), e->d_name, 0);
}

/* Move the one package in dir into the cache. */
static char *take_download(const char *cache, const char *dir, struct smol_err *err)
{
	smol_auto_closedir DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		smol_auto_free char *from = NULL, *to = NULL;

		if (!is_cached_kernel(e->d_name))
			continue;
		from = smol_asprintf("%s/%s", dir, e->d_name);
		to = smol_asprintf("%s/%s", cache, e->d_name);
		if (rename(from, to) < 0) {
			smol_err_errno(err, SMOL_E_IO, errno, "%s", to);
			return NULL;
		}
		drop_others(cache, e->d_name);
		return smol_steal(&to);
	}
	smol_err_set(err, SMOL_E_IO, "apt-get download left no package");
	return NULL;
}

static char *download(
    const char *cache, const struct package *p, smol_step_fn step, struct smol_err *err)
{
	smol_auto_free char *dir = smol_asprintf("%s/.download-XXXXXX", cache);
	smol_auto_free char *line = NULL, *path = NULL;
	char size[16] = "?";

	if (p->size)
		smol_size_text(strtoull(p->size, NULL, 10), size);
	line = smol_asprintf("downloading %s (%s)", p->name, size);
	step(line);
	if (!mkdtemp(dir)) {
		smol_err_errno(err, SMOL_E_IO, errno, "%s", cache);
		return NULL;
	}
	{
		/* Without Sandbox::User root would be warned that _apt cannot write there. */
		const char *const argv[] = {"env", "-C", dir, "LC_ALL=C", "apt-get", "-q", "-o",
		    "APT::Sandbox::User=root", "download", p->name, NULL};

		if (smol_capture(argv, SHOW_MAX, NULL, smol_in_ms(DOWNLOAD_MS), err) == 0)
			path = take_download(cache, dir, err);
		else
			smol_err_wrap(err, "cannot download %s", p->name);
	}
	smol_rmdir_r(dir, NULL);
	return smol_steal(&path);
}

static char *get_package(smol_step_fn step, struct smol_err *err)
{
	smol_auto_free char *cache = smol_path_cache();
	smol_auto(package_free) struct package p = {0};
	smol_auto_free char *path = NULL;

	if (ask_apt(&p, err) < 0) {
		if (err->code == SMOL_E_INTERRUPTED)
			return NULL;
		path = find_cached(cache, NULL);
		if (path) {
			smol_err_clear(err);
			step("apt knows of no kernel: using the one downloaded before");
		}
		return smol_steal(&path);
	}
	path = find_cached(cache, &p);
	if (path)
		return smol_steal(&path);
	if (smol_mkdir_p(cache, 0755, err) < 0)
		return NULL;
	return download(cache, &p, step, err);
}

static int read_entry(struct archive *a, struct smol_buf *out, size_t max, struct smol_err *err)
{
	ssize_t got;

	while ((got = archive_read_data(a, smol_buf_reserve(out, 1 << 16), 1 << 16)) > 0) {
		smol_buf_commit(out, (size_t)got);
		if (smol_buf_len(out) > max)
			return smol_err_set(
			    err, SMOL_E_LIMIT, "a file of more than %zu bytes", max);
	}
	if (got < 0)
		return smol_err_set(err, SMOL_E_INVALID, "%s", archive_error_string(a));
	return 0;
}

struct unpacking {
	struct smol_buf kernel, builtin;
	size_t total;
};

/* "…/lib/modules/VERSION/" is cut off; NULL when path is not below it. */
static const char *below_modules(const char *path)
{
	const char *p = strstr(path, "lib/modules/");

	p = p ? strchr(p + strlen("lib/modules/"), '/') : NULL;
	return p ? p + 1 : NULL;
}

static int take_entry(struct smol_source *s, struct unpacking *u, struct archive *a,
    struct archive_entry *e, struct smol_err *err)
{
	const char *path = archive_entry_pathname(e), *rel;
	smol_auto_buf struct smol_buf data = {0};

	if (!path || archive_entry_filetype(e) != AE_IFREG)
		return 0;
	if (strstr(path, "boot/vmlinuz-"))
		return read_entry(a, &u->kernel, SMOL_KERNEL_MAX, err);
	rel = below_modules(path);
	if (!rel)
		return 0;
	if (strcmp(rel, "modules.builtin") == 0)
		return read_entry(a, &u->builtin, SHOW_MAX, err);
	if (!smol_kmod_is_file(rel))
		return 0;
	if (read_entry(a, &data, SMOL_KMOD_SIZE_MAX, err) < 0)
		return -1;
	u->total += smol_buf_len(&data);
	if (u->total > UNPACKED_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "more than %zu bytes of modules", UNPACKED_MAX);
	return smol_kmods_add(&s->mods, rel, NULL, &data, err);
}

static int unpack_fd(struct smol_source *s, struct unpacking *u, int fd, struct smol_err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int rc;

	archive_read_support_filter_none(a);
	archive_read_support_format_tar(a);
	rc = archive_read_open_fd(a, fd, 65536);
	while (rc == ARCHIVE_OK && (rc = archive_read_next_header(a, &e)) == ARCHIVE_OK)
		if (take_entry(s, u, a, e, err) < 0)
			break;
	if (rc < ARCHIVE_OK)
		smol_err_set(err, SMOL_E_INVALID, "%s", archive_error_string(a));
	archive_read_free(a);
	return rc == ARCHIVE_EOF ? 0 : -1;
}

/* kept: how the package is to be called in messages. */
static int unpack(struct smol_source *s, const char *deb, struct smol_err *err)
{
	const char *const argv[] = {"dpkg-deb", "--fsys-tarfile", deb, NULL};
	struct unpacking u = {0};
	pid_t pid;
	int fd, rc;

	if (smol_capture_start(argv, &fd, &pid, err) < 0)
		return -1;
	rc = unpack_fd(s, &u, fd, err);
	close(fd);
	if (smol_capture_end("dpkg-deb", pid, rc < 0 ? NULL : err) < 0)
		rc = -1;
	if (rc == 0 && !smol_buf_len(&u.kernel))
		rc = smol_err_set(err, SMOL_E_INVALID, "there is no kernel in it");
	if (rc == 0)
		rc = smol_kernel_load(&s->kernel, "its boot/vmlinuz", &u.kernel, err);
	smol_kmods_sort(&s->mods);
	smol_kmods_parse_builtin(&s->mods, smol_buf_str(&u.builtin), smol_buf_len(&u.builtin));
	smol_buf_free(&u.kernel);
	smol_buf_free(&u.builtin);
	return rc;
}

int smol_source_debian(struct smol_source *s, smol_step_fn step, struct smol_err *err)
{
	smol_auto_free char *deb = get_package(step, err);
	smol_auto_free char *line = NULL;

	if (!deb)
		return -1;
	s->label = smol_strdup(strrchr(deb, '/') + 1);
	line = smol_asprintf("unpacking %s", s->label);
	step(line);
	if (unpack(s, deb, err) == 0)
		return 0;
	smol_err_wrap(err, "%s", deb);
	if (err->code == SMOL_E_INVALID) {
		/* Cut short or damaged since apt checked it: it must not be found again. */
		unlink(deb);
		err->code = SMOL_E_IO; /* nothing that was asked for was invalid */
		smol_err_hint(err, "smolsh image build (it is downloaded anew)");
	}
	return -1;
}
