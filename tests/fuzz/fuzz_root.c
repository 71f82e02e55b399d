/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a root image is made of, under any bytes. The first byte says as what the rest is read: as
 * an archive, of whichever kind it turns out to be, or as lines that go to the merging of layers
 * directly, past the digests that no mutation would match. Beyond memory errors it checks that
 * what comes out is a tree: each name once, none that leads out, all of them below directories.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "image/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct smol_root_limits limits = {
    .bytes = 1 << 22, .entries = 2000, .names = 1 << 20, .layers = 8};

static void need(bool it)
{
	if (!it)
		abort();
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_name(const char *name, char *const *dirs, size_t ndirs)
{
	smol_auto_free char *copy = smol_strdup(name);
	char *parent = copy, *slash = strrchr(copy, '/');

	need(*name && *name != '/');
	for (const char *p = name; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		need(n && n <= 255 && !(n == 1 && *p == '.') && !(n == 2 && !memcmp(p, "..", 2)));
		p += n;
	}
	if (!slash)
		return;
	*slash = '\0';
	need(bsearch(&parent, dirs, ndirs, sizeof(*dirs), by_text) != NULL);
}

static void check_tree(struct smol_merge *m)
{
	size_t n, names = 0, ndirs = 0, total = 0;
	struct smol_merge_file **list = smol_merge_finish(m, &n);
	smol_auto_free char **all = NULL, **dirs = NULL;

	for (size_t i = 0; i < n; i++)
		total += list[i]->nnames;
	all = smol_alloc((total + 1) * sizeof(*all));
	dirs = smol_alloc((total + 1) * sizeof(*dirs));
	for (size_t i = 0; i < n; i++) {
		need(list[i]->nnames == 1 || !S_ISDIR(list[i]->mode));
		need(i == 0 || S_ISREG(list[i]->mode) || !S_ISREG(list[i - 1]->mode));
		for (char **p = list[i]->names; *p; p++) {
			all[names++] = *p;
			if (S_ISDIR(list[i]->mode))
				dirs[ndirs++] = *p;
		}
	}
	need(names == total);
	qsort(all, names, sizeof(*all), by_text);
	qsort(dirs, ndirs, sizeof(*dirs), by_text);
	for (size_t i = 0; i < names; i++) {
		need(i == 0 || strcmp(all[i - 1], all[i]) != 0);
		check_name(all[i], dirs, ndirs);
	}
}

static void as_archive(const uint8_t *data, size_t size, struct smol_err *err)
{
	smol_auto_container struct smol_container *c = NULL;
	smol_auto_merge struct smol_merge *m = smol_merge_new(&limits);
	smol_auto_oci struct smol_oci o = {0};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	need(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	c = smol_container_open_fd(fd, "x", "/tmp", limits.bytes, err);
	if (!c)
		return;
	if (smol_container_kind(c) != SMOL_CONTAINER_TAR && smol_oci_read(c, &o, err) < 0)
		return;
	if (smol_import_scan(c, &o, &limits, m, err) == 0)
		check_tree(m);
}

/* "d NAME", "f NAME", "l NAME TARGET", "h NAME OTHER"; "-" alone begins another layer. */
static void as_lines(const uint8_t *data, size_t size, struct smol_err *err)
{
	smol_auto_merge struct smol_merge *m = smol_merge_new(&limits);
	smol_auto_free char *text = smol_strndup((const char *)data, size);
	int rc = smol_merge_layer(m, true, err);

	for (char *save, *line = strtok_r(text, "\n", &save); line && rc == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		struct smol_merge_entry e = {.size = 1};
		char *name = *line ? line + 1 : line, *space = strchr(name, ' ');

		if (*line == '-') {
			rc = smol_merge_layer(m, true, err);
			continue;
		}
		if (space)
			*space = '\0';
		e.path = name;
		e.mode = *line == 'd' ? S_IFDIR | 0755 : *line == 'l' ? S_IFLNK : S_IFREG | 0644;
		e.symlink = *line == 'l' ? (space ? space + 1 : "") : NULL;
		e.hardlink = *line == 'h' && space ? space + 1 : NULL;
		rc = smol_merge_add(m, &e, err);
	}
	check_tree(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (!size)
		return 0;
	if (*data & 1)
		as_lines(data + 1, size - 1, &err);
	else
		as_archive(data + 1, size - 1, &err);
	return 0;
}
