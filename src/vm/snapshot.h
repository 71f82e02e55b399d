/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots: what a guest was at a moment, in files of the VM's state directory, from which it can
 * be started again. snapshots/NAME/ holds what the hypervisor has written (state and memory) and
 * snapshot.json of ours; it is complete when it has that name. The memory holds all that the guest
 * knew, its token among it.
 */
#ifndef SMOL_VM_SNAPSHOT_H
#define SMOL_VM_SNAPSHOT_H

#include "proto/json.h"
#include "vm/registry.h"

#define SMOL_SNAPSHOTS_MAX 999 /* of a VM */

struct smol_snapshot {
	char token[SMOL_TOKEN_LEN + 1]; /* what the guest knows */
	int64_t taken_ms;		/* wall clock */
	char agent[64], kernel[128];	/* "" where it was not known */
};

/* 1 to SMOL_NAME_MAX letters, digits, '.', '_' and '-', a letter or digit first. */
int smol_snapshot_name_check(const char *name, struct smol_err *err);
/* Its directory, or with NULL the one that holds all; malloc'd. Neither need be there. */
char *smol_snapshot_dir(const struct smol_vm *vm, const char *name, struct smol_err *err);
/* Where one is written before it has its name; malloc'd. */
char *smol_snapshot_new_dir(const struct smol_vm *vm, struct smol_err *err);
/* The lowest number that is no snapshot's name yet; malloc'd. SMOL_E_LIMIT. */
char *smol_snapshot_free_name(const struct smol_vm *vm, struct smol_err *err);
/* That there is none of this name: else SMOL_E_EXISTS. */
int smol_snapshot_absent(const struct smol_vm *vm, const char *name, struct smol_err *err);
/* Has it disks that it writes? They would go on without the snapshot. SMOL_E_UNSUPPORTED. */
int smol_snapshot_check(const struct smol_vm *vm, struct smol_err *err);

/* SMOL_E_NOT_FOUND names those that there are. */
int smol_snapshot_read(
    const struct smol_vm *vm, const char *name, struct smol_snapshot *out, struct smol_err *err);
/* Complete what lies in smol_snapshot_new_dir(): it gets its name. SMOL_E_EXISTS. */
int smol_snapshot_commit(const struct smol_vm *vm, const char *name, const struct smol_snapshot *s,
    struct smol_err *err);
/* [{"name","taken_ms","bytes"}], the oldest first; caller deletes. Empty where there are none. */
cJSON *smol_snapshot_list(const struct smol_vm *vm, struct smol_err *err);
int smol_snapshot_remove(const struct smol_vm *vm, const char *name, struct smol_err *err);

#endif
