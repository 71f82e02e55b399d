/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What PID 1 mounts: see mounts.h. */
#include "agent/mounts.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/auto.h"
#include "base/buf.h"

#define LATER (8 << 20) /* bytes that the kernel takes yet: its events' files come while we run */
#define LEAST (1 << 20)
#define PAGE  4096 /* a file takes one at least: so many files there may be */

/* Bytes that files in memory may take, of so many that are free. */
struct share {
	int64_t files, initramfs;
};

static struct share divide(int64_t bytes)
{
	bytes = bytes > LATER + LEAST ? bytes - LATER : LEAST;
	return (struct share){.files = bytes / 2, .initramfs = bytes / 8};
}

static void mount_kernels(smol_say_fn say)
{
	static const struct {
		const char *dir, *type, *options;
		unsigned long flags;
	} mounts[] = {
	    {"/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
	    {"/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
	    {"/dev", "devtmpfs", "mode=0755,size=1m", MS_NOSUID},
	    {"/dev/pts", "devpts", "gid=5,mode=0620,ptmxmode=666", MS_NOSUID | MS_NOEXEC},
	};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].dir, 0755);
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, mounts[i].flags,
			mounts[i].options) < 0 &&
		    errno != EBUSY)
			say("mount %s: %s", mounts[i].dir, strerror(errno));
	}
}

/* The directories of the file system that they share; df names the first for each. */
static void bind_all(smol_say_fn say)
{
	static const struct {
		const char *from, *to;
		mode_t mode;
	} binds[] = {
	    {SMOL_MOUNTS_PLACE "/tmp", "/tmp", 01777},
	    {SMOL_MOUNTS_PLACE "/root", "/root", 0700},
	    {SMOL_MOUNTS_PLACE "/run", "/run", 0755},
	    {SMOL_MOUNTS_PLACE "/shm", "/dev/shm", 01777},
	};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(binds); i++) {
		/* What the image has put there stays to be seen. */
		if (rmdir(binds[i].to) < 0 && errno != ENOENT)
			continue;
		mkdir(binds[i].from, binds[i].mode);
		mkdir(binds[i].to, binds[i].mode);
		if (mount(binds[i].from, binds[i].to, NULL, MS_BIND, NULL) < 0)
			say("mount %s: %s", binds[i].to, strerror(errno));
	}
	mkdir(SMOL_MOUNTS_ROOT, 0700);
}

static char *bounds(int64_t bytes, int64_t files)
{
	return smol_asprintf(
	    "mode=0755,size=%lld,nr_inodes=%lld", (long long)bytes, (long long)files);
}

static void bound_initramfs(int64_t more, smol_say_fn say)
{
	smol_auto_free char *options = NULL;
	struct statfs s;

	if (statfs("/", &s) < 0 || s.f_type != TMPFS_MAGIC)
		return; /* a kernel whose root is a ramfs */
	options = bounds((int64_t)(s.f_blocks - s.f_bfree) * s.f_bsize + more,
	    (int64_t)(s.f_files - s.f_ffree) + more / PAGE);
	if (mount(NULL, "/", NULL, MS_REMOUNT, options) < 0)
		say("mount /: %s", strerror(errno));
}

void smol_mounts_make(smol_say_fn say)
{
	smol_auto_free char *options = NULL;
	struct share share;
	struct sysinfo si = {0};

	mount_kernels(say);
	/* Nothing is cached yet but what the initramfs holds. */
	sysinfo(&si);
	share = divide((int64_t)si.freeram * si.mem_unit);
	options = bounds(share.files, share.files / PAGE);
	mkdir(SMOL_MOUNTS_PLACE, 0700);
	if (mount("tmpfs", SMOL_MOUNTS_PLACE, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		say("mount tmpfs: %s", strerror(errno));
	bind_all(say);
	bound_initramfs(share.initramfs, say);
}

void smol_mounts_done(void)
{
	if (umount2(SMOL_MOUNTS_PLACE, MNT_DETACH) == 0)
		rmdir(SMOL_MOUNTS_PLACE);
}
