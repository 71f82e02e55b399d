/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The VM's disks, in the order in which the guest is to see them. The monitor holds a lock on each
 * file as long as the VM lives: two VMs that write one file would destroy what is in it. The lock
 * (flock) goes with the process, however it goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"
#include "image/root.h"
#include "monitor/monitor.h"
#include "vm/lifecycle.h"
#include "vm/upper.h"

static int lock(const struct smol_vm *vm, struct smol_drive *d, struct smol_err *err)
{
	int saved;

	d->fd =
	    open(d->path, (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (d->fd < 0) {
		saved = errno;
		smol_err_errno(err, SMOL_E_IO, saved, "disk %s", d->path);
		return saved == ENOENT ? smol_vm_disk_gone(vm, err) : -1;
	}
	if (flock(d->fd, (d->readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return smol_err_errno(err, SMOL_E_IO, errno, "disk %s cannot be locked", d->path);
	smol_err_set(err, SMOL_E_STATE, "disk %s is in use by another VM", d->path);
	return smol_err_hint(err, "stop that one, or give it to both with --disk %s:ro", d->path);
}

int smol_drives_add(
    struct smol_monitor_state *m, const char *path, bool readonly, struct smol_err *err)
{
	struct smol_drive *d = &m->drives[m->ndrives];

	if (m->ndrives == SMOL_DRIVES_MAX)
		return smol_err_set(err, SMOL_E_LIMIT, "more than %d disks", SMOL_DRIVES_MAX);
	*d = (struct smol_drive){.path = smol_strdup(path), .readonly = readonly, .fd = -1};
	m->ndrives++;
	return lock(m->vm, d, err);
}

/* The root image, which all VMs that have it share, and the VM's own disk over it. */
static int add_root(struct smol_monitor_state *m, struct smol_err *err)
{
	smol_auto_root struct smol_root *r = NULL;
	smol_auto_free char *lower = NULL, *upper = NULL;

	if (!m->vm->config.rootfs)
		return 0;
	r = smol_root_decode(m->vm->config.rootfs, err);
	if (!r || smol_root_check(r, err) < 0)
		return -1;
	lower = smol_root_path(r->digest);
	if (smol_drives_add(m, lower, true, err) < 0)
		return -1;
	if (m->vm->ephemeral)
		return 0;
	upper = smol_vm_upper_path(m->vm, err);
	return upper ? smol_drives_add(m, upper, false, err) : -1;
}

/* It may have changed since the VM was made: then start was asked for in the right words. */
static int check_again(
    const struct smol_vm *vm, const char *path, bool readonly, struct smol_err *err)
{
	if (smol_disk_check(path, readonly, err) == 0)
		return 0;
	if (err)
		err->code = SMOL_E_IO;
	return access(path, F_OK) < 0 && errno == ENOENT ? smol_vm_disk_gone(vm, err) : -1;
}

int smol_drives_open(struct smol_monitor_state *m, struct smol_err *err)
{
	if (add_root(m, err) < 0)
		return -1;
	for (int i = 0; i < m->vm->config.disks.n; i++) {
		const struct smol_disk *disk = &m->vm->config.disks.disk[i];
		smol_auto_free char *path = smol_vm_disk_path(m->vm, i, err);

		if (!path || check_again(m->vm, path, disk->readonly, err) < 0 ||
		    smol_drives_add(m, path, disk->readonly, err) < 0)
			return -1;
	}
	return 0;
}

void smol_drives_close(struct smol_monitor_state *m)
{
	for (int i = 0; i < m->ndrives; i++) {
		if (m->drives[i].fd >= 0)
			close(m->drives[i].fd);
		free(m->drives[i].path);
	}
	m->ndrives = 0;
}
