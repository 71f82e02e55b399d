/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The disks of a VM: raw files. One that is given by its size is the VM's own, a sparse file in its
 * state directory that is made and removed with it; one that is given by its name is somebody
 * else's, used and never removed. The guest sees them in order as virtio block devices.
 */
#ifndef SMOL_VM_DISK_H
#define SMOL_VM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/json.h"

#define SMOL_DISKS_MAX	    8
#define SMOL_DISK_SECTOR    512
#define SMOL_DISK_MIN_BYTES (1 << 20)
#define SMOL_DISK_MAX_BYTES (64LL << 40)

struct smol_disk {
	char *path;   /* absolute; NULL: the VM's own */
	int64_t size; /* bytes, of an own one; 0 else */
	bool readonly;
};

struct smol_disks {
	struct smol_disk disk[SMOL_DISKS_MAX];
	int n;
};

void smol_disks_free(struct smol_disks *d);
/*
 * Add one from words: "2G" (a size has a unit) makes an own one, "FILE" or "FILE:ro" names an
 * existing file or block device, checked as smol_disk_check() does; it must be raw, and its path
 * UTF-8. SMOL_E_INVALID says what is wrong with it.
 */
int smol_disks_add(struct smol_disks *d, const char *text, struct smol_err *err);
/* Whether this file can be a disk: there, a file or a block device, whole sectors. What is in it is
 * not looked at: a guest may write what it likes. */
int smol_disk_check(const char *path, bool readonly, struct smol_err *err);
/* "2G", "512MiB" in bytes; -1: no digits with a unit. */
int64_t smol_disk_size_parse(const char *text);
/* A size in bytes: SMOL_DISK_MIN_BYTES to _MAX_BYTES, whole sectors. */
int smol_disk_size_check(int64_t bytes, struct smol_err *err);

cJSON *smol_disks_encode(const struct smol_disks *d);
/* NULL: none. Adds to *d, which is the caller's to free in any case. */
int smol_disks_decode(const cJSON *j, struct smol_disks *d, struct smol_err *err);

#endif
