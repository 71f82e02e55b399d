/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VM's configuration, changed while it does not run: read and written back in one transaction. */
#include "base/auto.h"
#include "base/buf.h"
#include "vm/registry_internal.h"

static int write_config(struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st =
	    smol_registry_prepare(r, "UPDATE vm SET config = ?2 WHERE id = ?1", err);
	smol_auto_json cJSON *j = smol_vm_config_encode(&vm->config);
	smol_auto_free char *text = smol_json_print(j);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, vm->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, text, -1, SQLITE_STATIC);
	return sqlite3_step(st) == SQLITE_DONE
		   ? 0
		   : smol_registry_fail(r, "cannot write the registry", err);
}

static int change_row(struct smol_registry *r, const char *id, smol_config_change_fn change,
    void *ctx, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = smol_registry_find(r, id, err);

	if (!vm && err && err->code == SMOL_E_NOT_FOUND) {
		smol_err_clear(err);
		return smol_err_set(err, SMOL_E_NOT_FOUND, "the VM has been deleted meanwhile");
	}
	if (!vm)
		return -1;
	if (smol_vm_state_live(vm->state)) {
		smol_err_set(
		    err, SMOL_E_STATE, "VM '%s' is %s", vm->name, smol_vm_state_name(vm->state));
		return smol_err_hint(err, "smolsh stop %s", vm->name);
	}
	return change(ctx, vm, err) < 0 ? -1 : write_config(r, vm, err);
}

int smol_registry_change_config(struct smol_registry *r, const char *id,
    smol_config_change_fn change, void *ctx, struct smol_err *err)
{
	if (smol_registry_exec(r, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (change_row(r, id, change, ctx, err) == 0 && smol_registry_exec(r, "COMMIT", err) == 0)
		return 0;
	sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}
