/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A root from the VM's disks in place of the initramfs: a read-only file system, and over it what
 * the VM writes, on a disk of its own or in memory. PID 1 goes into it, and with it the agent and
 * all that it runs; of the initramfs there are the kernel's modules from then on, and no more.
 */
#ifndef SMOL_AGENT_ROOT_H
#define SMOL_AGENT_ROOT_H

#include "agent/modules.h"
#include "base/err.h"
#include "proto/json.h"

struct smol_root_disks {
	char lower[32], upper[32]; /* "vda"; upper "": in memory */
	char fstype[32];	   /* of lower: "squashfs" */
};

/* 1 with *d; 0 where vm.json's "root" is absent, and the initramfs stays; -1 when it makes no
 * sense. */
int smol_root_disks_decode(const cJSON *j, struct smol_root_disks *d, struct smol_err *err);
/*
 * Mount it and go into it, with /proc, /sys, /dev and /run as they are mounted. cwd: a directory
 * that is made where it is missing, or NULL. When it fails the machine is of no use any more.
 */
int smol_root_enter(const struct smol_root_disks *d, const char *cwd, struct smol_modules *modules,
    struct smol_err *err);
/* Back into the initramfs, all of it unmounted, when no process but PID 1 is left: so the disk is
 * clean. What was written must be synced before: where this fails, it is a journal's work. */
int smol_root_leave(struct smol_err *err);

#endif
