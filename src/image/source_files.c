/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels from files of this machine: see source.h. */
#include "image/source.h"

#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"

#define LIST_FILE_MAX (8 * 1024 * 1024) /* bytes of modules.dep */

/* nftw() hands no context on; the builder has one thread. */
static struct {
	struct smol_kmods *mods;
	size_t root; /* length of the directory's name */
	struct smol_err *err;
	bool failed;
} walk;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type != FTW_F || !smol_kmod_is_file(path))
		return 0;
	walk.failed = smol_kmods_add(walk.mods, path + walk.root + 1, path, NULL, walk.err) < 0;
	return walk.failed;
}

static int read_list(const char *dir, const char *name, struct smol_buf *b)
{
	smol_auto_free char *path = smol_asprintf("%s/%s", dir, name);

	return smol_file_read(path, LIST_FILE_MAX, b, NULL);
}

static int read_modules(struct smol_kmods *mods, const char *dir, struct smol_err *err)
{
	smol_auto_buf struct smol_buf dep = {0};
	smol_auto_buf struct smol_buf builtin = {0};
	struct stat st;

	if (stat(dir, &st) < 0)
		return smol_err_errno(
		    err, errno == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno, "%s", dir);
	if (!S_ISDIR(st.st_mode))
		return smol_err_set(err, SMOL_E_INVALID, "%s is not a directory", dir);
	walk.mods = mods;
	walk.root = strlen(dir);
	walk.err = err;
	walk.failed = false;
	if (nftw(dir, visit, 16, FTW_PHYS) != 0)
		return walk.failed ? -1 : smol_err_errno(err, SMOL_E_IO, errno, "%s", dir);
	smol_kmods_sort(mods);
	if (read_list(dir, "modules.builtin", &builtin) == 0)
		smol_kmods_parse_builtin(mods, smol_buf_str(&builtin), smol_buf_len(&builtin));
	if (read_list(dir, "modules.dep", &dep) == 0)
		smol_kmods_parse_dep(mods, smol_buf_str(&dep), smol_buf_len(&dep));
	if (mods->n == 0 && !mods->builtin) {
		smol_err_set(err, SMOL_E_INVALID, "%s holds no kernel modules", dir);
		return smol_err_hint(err, "give the directory lib/modules/VERSION of this kernel");
	}
	return 0;
}

int smol_source_files(
    struct smol_source *s, const char *kernel, const char *modules, struct smol_err *err)
{
	smol_auto_buf struct smol_buf data = {0};
	smol_auto_free char *shown = smol_escape(kernel, strlen(kernel));
	smol_auto_free char *dir = NULL;
	struct stat st;

	if (stat(kernel, &st) == 0 && !S_ISREG(st.st_mode))
		return smol_err_set(err, SMOL_E_INVALID,
		    "%s is not a Linux kernel (neither bzImage nor ELF)", shown);
	if (smol_file_read(kernel, SMOL_KERNEL_MAX, &data, err) < 0 ||
	    smol_kernel_load(&s->kernel, shown, &data, err) < 0)
		return -1;
	s->label = smol_strdup(kernel);
	if (!modules)
		return 0;
	dir = realpath(modules, NULL);
	return read_modules(&s->mods, dir ? dir : modules, err);
}

int smol_source_host(struct smol_source *s, struct smol_err *err)
{
	smol_auto_free char *kernel = NULL, *modules = NULL;
	struct utsname u;

	uname(&u);
	kernel = smol_asprintf("/boot/vmlinuz-%s", u.release);
	modules = smol_asprintf("/lib/modules/%s", u.release);
	if (access(kernel, R_OK) < 0 || access(modules, R_OK | X_OK) < 0) {
		smol_err_errno(err, errno == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno,
		    "the running kernel's files (%s, %s) cannot be used", kernel, modules);
		return smol_err_hint(err, "leave --host-kernel away, or give --kernel and "
					  "--modules");
	}
	return smol_source_files(s, kernel, modules, err);
}

void smol_source_free(struct smol_source *s)
{
	free(s->label);
	smol_kernel_free(&s->kernel);
	smol_kmods_free(&s->mods);
	*s = (struct smol_source){0};
}
