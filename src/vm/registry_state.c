/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry's state changes: each is one UPDATE that names the state it starts from, so that
 * of two processes only one succeeds. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/proc.h"
#include "vm/registry_internal.h"

/* Run an UPDATE; the number of rows that it changed, or -1. */
static int update(struct smol_registry *r, sqlite3_stmt *st, const char *what, struct smol_err *err)
{
	if (sqlite3_step(st) != SQLITE_DONE)
		return smol_registry_fail(r, what, err);
	return sqlite3_changes(r->db);
}

int smol_registry_delete(
    struct smol_registry *r, const char *id, pid_t monitor, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r,
	    "DELETE FROM vm WHERE id = ?1 AND (state IN ('created', 'stopped', 'died')"
	    " OR (?2 <> 0 AND monitor_pid = ?2))",
	    err);
	smol_auto_vm struct smol_vm *still = NULL;
	int n;

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, monitor);
	n = update(r, st, "cannot delete the VM", err);
	if (n != 0)
		return n < 0 ? -1 : 0;
	still = smol_registry_find(r, id, NULL);
	if (!still)
		return 0;
	smol_err_set(
	    err, SMOL_E_STATE, "VM '%s' is %s", still->name, smol_vm_state_name(still->state));
	return smol_err_hint(err, "smolsh delete --force %s", still->name);
}

int smol_registry_claim(
    struct smol_registry *r, struct smol_vm *vm, pid_t monitor, struct smol_err *err)
{
	static const char sql[] =
	    "UPDATE vm SET state = 'starting', token = ?2, monitor_pid = ?3, monitor_start = ?4,"
	    " boot_id = ?5, started_ms = ?6, ready_ms = 0, ended_ms = 0, end_cause = NULL,"
	    " accel_used = NULL, vsock_used = NULL WHERE id = ?1 AND state IN ('created', "
	    "'stopped', 'died')";
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, sql, err);
	uint64_t start = smol_proc_start_time(monitor);
	int n;

	if (!st || smol_registry_new_token(vm->token, err) < 0)
		return -1;
	vm->started_ms = smol_wall_ms();
	sqlite3_bind_text(st, 1, vm->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, vm->token, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, monitor);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)start);
	sqlite3_bind_text(st, 5, smol_proc_boot_id(), -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, vm->started_ms);
	n = update(r, st, "cannot start the VM", err);
	if (n == 0) {
		smol_err_set(
		    err, SMOL_E_STATE, "VM '%s' is being started or runs already", vm->name);
		smol_err_hint(err, "smolsh info %s", vm->name);
	}
	if (n <= 0)
		return -1;
	vm->state = SMOL_VM_STARTING;
	vm->monitor_pid = monitor;
	vm->monitor_start = start;
	snprintf(vm->boot_id, sizeof(vm->boot_id), "%s", smol_proc_boot_id());
	return 0;
}

int smol_registry_set_token(struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st =
	    smol_registry_prepare(r, "UPDATE vm SET token = ?2 WHERE id = ?1", err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, vm->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, vm->token, -1, SQLITE_STATIC);
	return update(r, st, "cannot start the VM", err) < 0 ? -1 : 0;
}

void smol_registry_set_patience(struct smol_registry *r, int ms)
{
	sqlite3_busy_timeout(r->db, ms);
}

/* To a state in which the agent has been ready; a pause does not make it ready anew. */
static int set_up(struct smol_registry *r, const char *id, const char *sql, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, sql, err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, smol_wall_ms());
	return update(r, st, "cannot record the VM's state", err) < 0 ? -1 : 0;
}

#define READY_MS "ready_ms = CASE state WHEN 'starting' THEN ?2 ELSE ready_ms END"

int smol_registry_set_ready(struct smol_registry *r, const char *id, struct smol_err *err)
{
	return set_up(r, id,
	    "UPDATE vm SET state = 'running', " READY_MS
	    " WHERE id = ?1 AND state IN ('starting', 'paused')",
	    err);
}

int smol_registry_set_paused(struct smol_registry *r, const char *id, struct smol_err *err)
{
	return set_up(r, id,
	    "UPDATE vm SET state = 'paused', " READY_MS
	    " WHERE id = ?1 AND state IN ('starting', 'running')",
	    err);
}

int smol_registry_set_starting(struct smol_registry *r, const char *id, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r,
	    "UPDATE vm SET state = 'starting' WHERE id = ?1 AND state IN ('running', 'paused')",
	    err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	return update(r, st, "cannot record the VM's state", err) < 0 ? -1 : 0;
}

int smol_registry_set_stopping(struct smol_registry *r, const char *id, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r,
	    "UPDATE vm SET state = 'stopping' WHERE id = ?1 AND"
	    " state IN ('starting', 'running', 'paused')",
	    err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	return update(r, st, "cannot record the VM's state", err) < 0 ? -1 : 0;
}

/* A text that the row holds. */
static int set_text(struct smol_registry *r, const char *sql, const char *id, const char *text,
    const char *what, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, sql, err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, text, -1, SQLITE_STATIC);
	return update(r, st, what, err) < 0 ? -1 : 0;
}

int smol_registry_set_accel(
    struct smol_registry *r, const char *id, const char *accel, struct smol_err *err)
{
	return set_text(r, "UPDATE vm SET accel_used = ?2 WHERE id = ?1", id, accel,
	    "cannot record the accelerator", err);
}

int smol_registry_set_vsock(
    struct smol_registry *r, const char *id, const char *used, struct smol_err *err)
{
	return set_text(r, "UPDATE vm SET vsock_used = ?2 WHERE id = ?1", id, used,
	    "cannot record the vsock device", err);
}

int smol_registry_set_ended(struct smol_registry *r, const char *id, pid_t monitor, bool died,
    const char *cause, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r,
	    "UPDATE vm SET state = ?3, end_cause = ?4, ended_ms = ?5, monitor_pid = 0,"
	    " monitor_start = 0 WHERE id = ?1 AND (?2 = 0 OR monitor_pid = ?2)"
	    " AND state IN ('starting', 'running', 'paused', 'stopping')",
	    err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, monitor);
	sqlite3_bind_text(st, 3, died ? "died" : "stopped", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, cause, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, smol_wall_ms());
	return update(r, st, "cannot record the VM's end", err) < 0 ? -1 : 0;
}
