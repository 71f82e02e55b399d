/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing "newc" archives: see newc.h. The format is the kernel's (buffer-format.rst). */
#include "image/newc.h"

#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"

#define TRAILER "TRAILER!!!"

static void pad(struct smol_buf *out, size_t start, size_t to)
{
	static const char zeros[512];
	size_t over = (smol_buf_len(out) - start) % to;

	if (over)
		smol_buf_append(out, zeros, to - over);
}

static void entry(struct smol_buf *out, size_t start, unsigned ino, unsigned mode, unsigned nlink,
    const char *name, const void *data, size_t n)
{
	/* magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor,
	 * rdevminor, namesize (with its NUL), check */
	smol_buf_printf(out, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ino,
	    mode, 0U, 0U, nlink, 0U, (unsigned)n, 0U, 0U, 0U, 0U, (unsigned)strlen(name) + 1, 0U);
	smol_buf_append(out, name, strlen(name) + 1);
	pad(out, start, 4);
	smol_buf_append(out, data, n);
	pad(out, start, 4);
}

void smol_newc_single(struct smol_buf *out, const char *dir, const char *file, const void *data,
    size_t n, unsigned mode)
{
	smol_auto_free char *path = smol_asprintf("%s/%s", dir, file);
	size_t start = smol_buf_len(out);

	/* Grown once, so that no copy of a secret stays behind in freed memory. */
	smol_buf_reserve(out, n + strlen(dir) + strlen(path) + 1024);
	entry(out, start, 1, S_IFDIR | (mode & 077 ? 0755U : 0700U), 2, dir, NULL, 0);
	entry(out, start, 2, S_IFREG | (mode & 07777), 1, path, data, n);
	entry(out, start, 0, 0, 1, TRAILER, NULL, 0);
	pad(out, start, 512);
}
