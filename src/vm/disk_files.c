/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a VM's disks: made, grown, found. See lifecycle.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "vm/lifecycle.h"

char *smol_vm_disk_path(const struct smol_vm *vm, int i, struct smol_err *err)
{
	const char *path = vm->config.disks.disk[i].path;
	smol_auto_free char *dir = NULL;

	if (path)
		return smol_strdup(path);
	dir = smol_vm_state_dir(vm, err);
	return dir ? smol_asprintf("%s/disk%d.raw", dir, i) : NULL;
}

char smol_vm_disk_letter(const struct smol_vm *vm, int i)
{
	/* A root comes first, with the disk for what is written over it. */
	int first = !vm->config.rootfs ? 0 : vm->ephemeral ? 1 : 2;

	return (char)('a' + first + i);
}

int smol_vm_disk_gone(const struct smol_vm *vm, struct smol_err *err)
{
	return smol_err_hint(err, "put the file back, or smolsh delete %s", vm->name);
}

int smol_vm_disk_no_room(const char *what, const char *path, int64_t size, struct smol_err *err)
{
	int saved = errno;
	char text[16];

	if (saved == EFBIG) {
		smol_size_text((uint64_t)size, text);
		smol_err_set(err, SMOL_E_IO,
		    "cannot %s %s: its file system, or ulimit -f, takes no file of %s", what, path,
		    text);
		return smol_err_hint(err, "a smaller size (ext4 takes less than 16T)");
	}
	smol_err_errno(err, SMOL_E_IO, saved, "cannot %s %s", what, path);
	if (saved == ENOSPC || saved == EDQUOT) {
		const char *slash = strrchr(path, '/');

		return smol_err_hint(err, "df -h %.*s", slash ? (int)(slash - path) : 0, path);
	}
	return -1;
}

/* It has its name only when it has its size: what a killed create leaves is no disk. */
static int make_disk(const char *path, int64_t size, struct smol_err *err)
{
	smol_auto_free char *part = smol_asprintf("%s.part", path);
	smol_auto_close int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0 && ftruncate(fd, size) == 0 && rename(part, path) == 0)
		return 0;
	return smol_vm_disk_no_room("make the disk", path, size, err);
}

int smol_vm_disks_make(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *dir = NULL;

	for (int i = 0; i < vm->config.disks.n; i++) {
		const struct smol_disk *d = &vm->config.disks.disk[i];
		smol_auto_free char *path = d->path ? NULL : smol_vm_disk_path(vm, i, err);

		if (d->path)
			continue;
		if (!dir)
			dir = smol_vm_state_dir(vm, err);
		if (!path || !dir || smol_mkdir_p(dir, 0700, err) < 0 ||
		    make_disk(path, d->size, err) < 0)
			return -1;
	}
	return 0;
}

struct growth {
	int i;
	int64_t size;
};

static int refuse_foreign(
    const struct smol_vm *vm, const char *path, int64_t size, struct smol_err *err)
{
	struct stat st;

	smol_err_set(err, SMOL_E_INVALID, "disk %s is not the VM's own: it is not changed", path);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return smol_err_hint(
	    err, "truncate -s %lld %s, while VM '%s' is stopped", (long long)size, path, vm->name);
}

/* Grown already, or now: both are what the configuration is to say. */
static int grow_file(int fd, const char *path, int64_t from, int64_t size, struct smol_err *err)
{
	char text[16];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "disk %s", path);
	if (from < st.st_size)
		from = st.st_size;
	smol_size_text((uint64_t)from, text);
	if (size < from)
		return smol_err_set(err, SMOL_E_INVALID,
		    "disk %s has %s (%lld bytes): a disk can grow, not shrink", path, text,
		    (long long)from);
	return ftruncate(fd, size) < 0 ? smol_vm_disk_no_room("grow the disk", path, size, err) : 0;
}

/* In the registry's transaction: no monitor claims the VM meanwhile. */
static int grow(void *ctx, struct smol_vm *vm, struct smol_err *err)
{
	const struct growth *g = ctx;
	struct smol_disk *disk = &vm->config.disks.disk[g->i];
	smol_auto_free char *path = smol_vm_disk_path(vm, g->i, err);
	smol_auto_close int fd = -1;

	if (!path)
		return -1;
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		int saved = errno;

		smol_err_errno(err, SMOL_E_IO, saved, "disk %s", path);
		return saved == ENOENT ? smol_vm_disk_gone(vm, err) : -1;
	}
	/* What a monitor holds, see monitor/drives.c. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		smol_err_set(err, SMOL_E_STATE, "disk %s is in use", path);
		return smol_err_hint(err, "smolsh stop %s", vm->name);
	}
	if (grow_file(fd, path, disk->size, g->size, err) < 0)
		return -1;
	disk->size = g->size;
	return 0;
}

int smol_vm_disk_grow(
    struct smol_registry *r, struct smol_vm *vm, int i, int64_t size, struct smol_err *err)
{
	struct growth g = {.i = i, .size = size};

	if (vm->config.disks.disk[i].path)
		return refuse_foreign(vm, vm->config.disks.disk[i].path, size, err);
	if (smol_disk_size_check(size, err) < 0 ||
	    smol_registry_change_config(r, vm->id, grow, &g, err) < 0)
		return -1;
	vm->config.disks.disk[i].size = size;
	return 0;
}
