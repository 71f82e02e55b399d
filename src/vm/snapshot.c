/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VM's snapshots as files: see snapshot.h. */
#include "vm/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "vm/lifecycle.h"

#define NEW_DIR	    ".new" /* no name that a snapshot can have */
#define DESCRIPTION "snapshot.json"
#define JSON_MAX    4096

int smol_snapshot_name_check(const char *name, struct smol_err *err)
{
	size_t n = strlen(name);
	smol_auto_free char *safe = NULL;

	if (n && n <= SMOL_NAME_MAX && strchr("._-", *name) == NULL &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n)
		return 0;
	safe = smol_escape(name, n < 60 ? n : 60);
	smol_err_set(err, SMOL_E_INVALID, "'%s' cannot be a snapshot's name", safe);
	return smol_err_hint(err,
	    "1 to %d letters, digits, '.', '_' and '-', with a letter or digit first",
	    SMOL_NAME_MAX);
}

char *smol_snapshot_dir(const struct smol_vm *vm, const char *name, struct smol_err *err)
{
	smol_auto_free char *dir = smol_vm_state_dir(vm, err);

	return dir ? smol_asprintf("%s/snapshots%s%s", dir, name ? "/" : "", name ? name : "")
		   : NULL;
}

char *smol_snapshot_new_dir(const struct smol_vm *vm, struct smol_err *err)
{
	return smol_snapshot_dir(vm, NEW_DIR, err);
}

static bool exists(const struct smol_vm *vm, const char *name)
{
	smol_auto_free char *dir = smol_snapshot_dir(vm, name, NULL);

	return dir && access(dir, F_OK) == 0;
}

char *smol_snapshot_free_name(const struct smol_vm *vm, struct smol_err *err)
{
	char name[8];

	for (int i = 1; i <= SMOL_SNAPSHOTS_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (!exists(vm, name))
			return smol_strdup(name);
	}
	smol_err_set(err, SMOL_E_LIMIT, "VM '%s' has %d snapshots", vm->name, SMOL_SNAPSHOTS_MAX);
	smol_err_hint(err, "smolsh snapshot %s 1 --delete", vm->name);
	return NULL;
}

int smol_snapshot_absent(const struct smol_vm *vm, const char *name, struct smol_err *err)
{
	if (!exists(vm, name))
		return 0;
	smol_err_set(err, SMOL_E_EXISTS, "VM '%s' has a snapshot '%s' already", vm->name, name);
	return smol_err_hint(err, "smolsh snapshot %s %s --delete", vm->name, name);
}

int smol_snapshot_check(const struct smol_vm *vm, struct smol_err *err)
{
	const struct smol_disks *d = &vm->config.disks;
	bool writes = vm->config.rootfs && !vm->ephemeral;

	if (vm->config.jailer) {
		smol_err_set(err, SMOL_E_UNSUPPORTED,
		    "VM '%s' runs in a jail, and its snapshots would lie outside", vm->name);
		return smol_err_hint(err, "create it without --jailer");
	}
	for (int i = 0; i < d->n; i++)
		writes = writes || !d->disk[i].readonly;
	if (!writes)
		return 0;
	smol_err_set(err, SMOL_E_UNSUPPORTED,
	    "VM '%s' writes to a disk, which a snapshot does not hold: the guest would come back "
	    "to another one than it knows",
	    vm->name);
	return smol_err_hint(err, "create it without --rootfs, its disks as --disk FILE:ro");
}

static void not_found(const struct smol_vm *vm, const char *name, struct smol_err *err)
{
	smol_auto_json cJSON *list = smol_snapshot_list(vm, NULL);
	smol_auto_buf struct smol_buf known = {0};
	const cJSON *one;

	cJSON_ArrayForEach (one, list)
		smol_buf_printf(
		    &known, "%s%s", smol_buf_len(&known) ? ", " : "", smol_json_str(one, "name"));
	if (smol_buf_len(&known))
		smol_err_set(err, SMOL_E_NOT_FOUND, "VM '%s' has no snapshot '%s' (there are: %s)",
		    vm->name, name, smol_buf_str(&known));
	else
		smol_err_set(err, SMOL_E_NOT_FOUND, "VM '%s' has no snapshots", vm->name);
	smol_err_hint(err, "smolsh snapshot %s", vm->name);
}

/* What stands in its description, or NULL. */
static cJSON *read_json(const struct smol_vm *vm, const char *name, struct smol_err *err)
{
	smol_auto_free char *dir = smol_snapshot_dir(vm, name, err);
	smol_auto_free char *path = dir ? smol_asprintf("%s/" DESCRIPTION, dir) : NULL;
	smol_auto_buf struct smol_buf b = {0};
	cJSON *j;

	if (!path || smol_file_read(path, JSON_MAX, &b, err) < 0)
		return NULL;
	j = smol_json_parse_object(smol_buf_head(&b), smol_buf_len(&b), err);
	explicit_bzero(smol_buf_head(&b), smol_buf_len(&b));
	return j;
}

int smol_snapshot_read(
    const struct smol_vm *vm, const char *name, struct smol_snapshot *out, struct smol_err *err)
{
	smol_auto_json cJSON *j = NULL;
	const char *token;

	*out = (struct smol_snapshot){0};
	if (smol_snapshot_name_check(name, err) < 0)
		return -1;
	if (!exists(vm, name)) {
		not_found(vm, name, err);
		return -1;
	}
	j = read_json(vm, name, err);
	token = smol_json_str(j, "token");
	if (!token || strlen(token) != SMOL_TOKEN_LEN ||
	    smol_json_int(j, "taken_ms", 0, INT64_MAX / 2, &out->taken_ms) != 1) {
		smol_err_set(
		    err, SMOL_E_INVALID, "snapshot '%s' of VM '%s' is damaged", name, vm->name);
		return smol_err_hint(err, "smolsh snapshot %s %s --delete", vm->name, name);
	}
	snprintf(out->token, sizeof(out->token), "%s", token);
	snprintf(out->agent, sizeof(out->agent), "%s", smol_json_str(j, "agent") ?: "");
	snprintf(out->kernel, sizeof(out->kernel), "%s", smol_json_str(j, "kernel") ?: "");
	return 0;
}

int smol_snapshot_commit(
    const struct smol_vm *vm, const char *name, const struct smol_snapshot *s, struct smol_err *err)
{
	smol_auto_free char *from = smol_snapshot_new_dir(vm, err);
	smol_auto_free char *to = smol_snapshot_dir(vm, name, err);
	smol_auto_free char *path = from ? smol_asprintf("%s/" DESCRIPTION, from) : NULL;
	smol_auto_json cJSON *j = cJSON_CreateObject();
	char *text;
	int rc;

	if (!path || !to)
		return -1;
	smol_json_add_str(j, "token", s->token);
	smol_json_add_int(j, "taken_ms", s->taken_ms);
	smol_json_add_str(j, "agent", s->agent);
	smol_json_add_str(j, "kernel", s->kernel);
	text = smol_json_print(j);
	rc = smol_file_write(path, text, strlen(text), 0600, err);
	explicit_bzero(text, strlen(text));
	free(text);
	if (rc < 0)
		return -1;
	if (rename(from, to) == 0)
		return 0;
	if (errno != EEXIST && errno != ENOTEMPTY)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", to);
	return smol_snapshot_absent(vm, name, err);
}

/* What its files take on the disk. */
static int64_t bytes_of(const char *dir)
{
	static const char *const files[] = {"state", "memory"};
	int64_t sum = 0;

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(files); i++) {
		smol_auto_free char *path = smol_asprintf("%s/%s", dir, files[i]);
		struct stat st;

		if (stat(path, &st) == 0)
			sum += (int64_t)st.st_blocks * 512;
	}
	return sum;
}

static cJSON *entry(const struct smol_vm *vm, const char *name)
{
	smol_auto_free char *dir = smol_snapshot_dir(vm, name, NULL);
	smol_auto_json cJSON *described = read_json(vm, name, NULL);
	cJSON *j = cJSON_CreateObject();
	int64_t taken = 0;

	smol_json_int(described, "taken_ms", 0, INT64_MAX / 2, &taken);
	smol_json_add_str(j, "name", name);
	smol_json_add_int(j, "taken_ms", taken);
	smol_json_add_int(j, "bytes", bytes_of(dir));
	return j;
}

static int64_t taken_ms(const cJSON *j)
{
	int64_t ms = 0;

	smol_json_int(j, "taken_ms", 0, INT64_MAX / 2, &ms);
	return ms;
}

/* Behind those that are as old. */
static void add_sorted(cJSON *list, cJSON *one)
{
	int at = 0;
	const cJSON *other;

	cJSON_ArrayForEach (other, list)
		at += taken_ms(other) <= taken_ms(one);
	if (at == cJSON_GetArraySize(list))
		cJSON_AddItemToArray(list, one);
	else
		cJSON_InsertItemInArray(list, at, one);
}

cJSON *smol_snapshot_list(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *dir = smol_snapshot_dir(vm, NULL, err);
	cJSON *list;
	struct dirent *e;
	DIR *d;

	if (!dir)
		return NULL;
	list = cJSON_CreateArray();
	d = opendir(dir);
	while (d && (e = readdir(d)))
		if (smol_snapshot_name_check(e->d_name, NULL) == 0 &&
		    cJSON_GetArraySize(list) < SMOL_SNAPSHOTS_MAX)
			add_sorted(list, entry(vm, e->d_name));
	if (d)
		closedir(d);
	return list;
}

int smol_snapshot_remove(const struct smol_vm *vm, const char *name, struct smol_err *err)
{
	smol_auto_free char *dir = NULL;

	if (smol_snapshot_name_check(name, err) < 0)
		return -1;
	if (!exists(vm, name)) {
		not_found(vm, name, err);
		return -1;
	}
	dir = smol_snapshot_dir(vm, name, err);
	return dir ? smol_rmdir_r(dir, err) : -1;
}
