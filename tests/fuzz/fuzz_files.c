/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A receiver of files on whatever frames the other end sends. The first byte chooses a target: a
 * directory of the fuzzer's own, made anew each time, or a stream. Beside it lies a directory that
 * nothing may ever be written to.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "proto/files_receive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char home[64], inside[80], outside[80];

static void remove_home(void)
{
	smol_rmdir_r(home, NULL);
}

static void make_home(void)
{
	snprintf(home, sizeof(home), "/tmp/smolsh-fuzz-XXXXXX");
	if (!mkdtemp(home))
		abort();
	snprintf(inside, sizeof(inside), "%s/in", home);
	snprintf(outside, sizeof(outside), "%s/outside", home);
	if (mkdir(outside, 0755) < 0)
		abort();
	atexit(remove_home);
}

static int drop(void *ctx, const char *data, size_t n)
{
	uint64_t *left = ctx;

	(void)data;
	/* Holes are spelled out: not for ever. */
	if (n > *left)
		return -1;
	*left -= n;
	return 0;
}

static int entries(const char *path)
{
	smol_auto_closedir DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	return d ? n - 2 : -1;
}

static int let_in(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_D || type == FTW_DNR)
		chmod(path, 0700);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	uint64_t left = 1 << 24;
	struct smol_files_target t = {
	    .path = inside, .name = "root", .modes = 0777, .max_bytes = 1 << 24, .ctx = &left};
	struct smol_files_receiver *r;
	size_t at = 1;
	int rc = 0;

	if (!*home)
		make_home();
	if (!size)
		return 0;
	if (mkdir(inside, 0755) < 0)
		abort();
	if (data[0] & 1)
		t.write = drop;
	if (data[0] & 2)
		t.name = NULL;
	r = smol_files_receiver_open(&t, &err);
	if (!r)
		abort();
	while (rc == 0 && size - at >= SMOL_FRAME_HEADER) {
		struct smol_frame f;

		if (smol_frame_decode(data + at, &f, &err) < 0 ||
		    size - at - SMOL_FRAME_HEADER < f.length)
			break;
		at += SMOL_FRAME_HEADER;
		rc = smol_files_receiver_frame(r, &f, (const char *)data + at, &err);
		at += f.length;
	}
	smol_files_receiver_free(r);
	if (entries(outside) != 0 || entries(home) != 2)
		abort();
	/* Directories that were made without the right to write are opened first, level by level.
	 */
	for (int i = 0; smol_rmdir_r(inside, &err) < 0 && i < 64; i++)
		nftw(inside, let_in, 8, FTW_PHYS);
	if (access(inside, F_OK) == 0)
		abort();
	return 0;
}
