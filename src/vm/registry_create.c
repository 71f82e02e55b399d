/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a VM gets into the registry: its id, its token, a name and a CID that no other has. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/text.h"
#include "vm/cid.h"
#include "vm/registry_internal.h"

/* Bytes from the kernel's generator, as hex. */
static int random_hex(char *out, size_t bytes, struct smol_err *err)
{
	unsigned char raw[32];

	if (bytes > sizeof(raw) || getrandom(raw, bytes, 0) != (ssize_t)bytes)
		return smol_err_set(err, SMOL_E_INTERNAL, "getrandom failed");
	smol_hex(raw, bytes, out);
	explicit_bzero(raw, sizeof(raw));
	return 0;
}

int smol_registry_new_token(char token[SMOL_TOKEN_LEN + 1], struct smol_err *err)
{
	return random_hex(token, SMOL_TOKEN_LEN / 2, err);
}

static int insert_row(struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err)
{
	static const char sql[] = "INSERT INTO vm (id, name, config, token, cid, state, ephemeral,"
				  " created_ms, monitor_pid, monitor_start, boot_id)"
				  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, sql, err);
	smol_auto_json cJSON *j = smol_vm_config_encode(&vm->config);
	smol_auto_free char *config = smol_json_print(j);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, vm->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, vm->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, config, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, vm->token, -1, SQLITE_STATIC);
	if (vm->cid)
		sqlite3_bind_int64(st, 5, vm->cid);
	sqlite3_bind_text(st, 6, smol_vm_state_name(vm->state), -1, SQLITE_STATIC);
	sqlite3_bind_int(st, 7, vm->ephemeral);
	sqlite3_bind_int64(st, 8, vm->created_ms);
	sqlite3_bind_int64(st, 9, vm->monitor_pid);
	sqlite3_bind_int64(st, 10, (sqlite3_int64)vm->monitor_start);
	sqlite3_bind_text(st, 11, vm->boot_id, -1, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_DONE)
		return smol_registry_fail(r, "cannot register the VM", err);
	return 0;
}

/* Does a row hold this value? 1, 0 or -1. */
static int taken(struct smol_registry *r, const char *sql, const char *word, int64_t number,
    struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, sql, err);
	int rc;

	if (!st)
		return -1;
	if (word)
		sqlite3_bind_text(st, 1, word, -1, SQLITE_STATIC);
	else
		sqlite3_bind_int64(st, 1, number);
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return smol_registry_fail(r, "cannot register the VM", err);
	return rc == SQLITE_ROW;
}

static int no_free_cid(struct smol_err *err)
{
	smol_err_set(err, SMOL_E_LIMIT, "no free CID found: all %d that were derived are taken",
	    SMOL_CID_TRIES);
	return smol_err_hint(err, "choose one with --cid");
}

#define CID_TAKEN "SELECT 1 FROM vm WHERE cid = ?1"

int smol_registry_reserve_cid(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err)
{
	uint32_t wanted = vm->config.vsock.guest_cid;
	int t;

	if (!vm->config.vsock.enabled)
		return 0;
	if (wanted) {
		t = taken(r, CID_TAKEN, NULL, wanted, err);
		if (t > 0) {
			smol_err_set(err, SMOL_E_EXISTS, "CID %u is taken by another VM", wanted);
			smol_err_hint(err, "leave --cid out, or smolsh list");
		}
		vm->cid = wanted;
		return t ? -1 : 0;
	}
	for (unsigned n = 0; n < SMOL_CID_TRIES; n++) {
		vm->cid = smol_cid_derive(vm->id, n);
		t = taken(r, CID_TAKEN, NULL, vm->cid, err);
		if (t <= 0)
			return t;
	}
	return no_free_cid(err);
}

static int update_cid(struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st =
	    smol_registry_prepare(r, "UPDATE vm SET cid = ?2 WHERE id = ?1", err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, vm->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, vm->cid);
	return sqlite3_step(st) == SQLITE_DONE ? 0
					       : smol_registry_fail(r, "cannot reserve a CID", err);
}

static int next_in_transaction(
    struct smol_registry *r, struct smol_vm *vm, unsigned *tried, struct smol_err *err)
{
	uint32_t refused = vm->cid;

	while (*tried < SMOL_CID_TRIES) {
		int t;

		vm->cid = smol_cid_derive(vm->id, (*tried)++);
		t = vm->cid == refused ? 1 : taken(r, CID_TAKEN, NULL, vm->cid, err);
		if (t <= 0)
			return t < 0 ? -1 : update_cid(r, vm, err);
	}
	vm->cid = refused;
	return no_free_cid(err);
}

int smol_registry_next_cid(
    struct smol_registry *r, struct smol_vm *vm, unsigned *tried, struct smol_err *err)
{
	uint32_t before = vm->cid;

	if (smol_registry_exec(r, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (next_in_transaction(r, vm, tried, err) == 0 &&
	    smol_registry_exec(r, "COMMIT", err) == 0)
		return 0;
	sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	vm->cid = before;
	return -1;
}

static int create_in_transaction(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err)
{
	int t = taken(r, "SELECT 1 FROM vm WHERE name = ?1", vm->name, 0, err);

	if (t > 0) {
		smol_err_set(err, SMOL_E_EXISTS, "a VM '%s' exists already", vm->name);
		smol_err_hint(err, "smolsh start %s, or choose another name", vm->name);
	}
	if (t || smol_registry_reserve_cid(r, vm, err) < 0)
		return -1;
	return insert_row(r, vm, err);
}

int smol_registry_create(struct smol_registry *r, const char *name,
    const struct smol_vm_config *config, bool ephemeral, struct smol_vm **out, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = smol_alloc(sizeof(*vm));
	smol_auto_json cJSON *copy = smol_vm_config_encode(config);

	if (smol_vm_config_decode(copy, &vm->config, err) < 0 ||
	    smol_vm_config_check(config, err) < 0 || (name && smol_vm_name_check(name, err) < 0) ||
	    random_hex(vm->id, SMOL_ID_LEN / 2, err) < 0 ||
	    smol_registry_new_token(vm->token, err) < 0)
		return -1;
	vm->name = name ? smol_strdup(name) : smol_asprintf("%s-%.4s", config->image, vm->id);
	vm->ephemeral = ephemeral;
	vm->labels = cJSON_CreateObject();
	vm->env = cJSON_CreateObject();
	vm->state = SMOL_VM_CREATED;
	vm->created_ms = smol_wall_ms();
	if (ephemeral) {
		/* Until a monitor claims it, it goes with whoever made it. */
		vm->monitor_pid = getpid();
		vm->monitor_start = smol_proc_start_time(vm->monitor_pid);
		snprintf(vm->boot_id, sizeof(vm->boot_id), "%s", smol_proc_boot_id());
	}
	if (smol_registry_exec(r, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (create_in_transaction(r, vm, err) < 0 || smol_registry_exec(r, "COMMIT", err) < 0) {
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	*out = smol_steal(&vm);
	return 0;
}
