/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why a guest cannot be asked, or did not answer: smol_vm_explain() of lifecycle.h. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "vm/lifecycle.h"
#include "vm/lifecycle_internal.h"
#include "vm/monitor_client.h"

#define DEVICE_MS 15000 /* for a vsock device to be started again */
#define LOOK_MS	  100

int smol_vm_not_running(const struct smol_vm *vm, struct smol_err *err)
{
	if (vm->state == SMOL_VM_DIED) {
		smol_err_set(err, SMOL_E_VM_DIED, "VM '%s' died: %s", vm->name,
		    vm->end_cause ? vm->end_cause : "nobody knows why");
		if (err)
			err->tail = smol_vm_console_tail(vm, SMOL_VM_TAIL_LINES);
	} else {
		smol_err_set(
		    err, SMOL_E_STATE, "VM '%s' is %s", vm->name, smol_vm_state_name(vm->state));
	}
	if (vm->state == SMOL_VM_PAUSED)
		return smol_err_hint(err, "smolsh resume %s", vm->name);
	if (vm->state == SMOL_VM_STARTING)
		return smol_err_hint(err, "smolsh wait %s", vm->name);
	if (vm->state == SMOL_VM_STOPPING)
		return smol_err_hint(err, "smolsh wait %s --for exit", vm->name);
	return smol_err_hint(err, "smolsh start %s", vm->name);
}

/* Why the device that the VM had when vm was read has died since, once there is another; NULL. */
static char *device_death(
    struct smol_registry *r, const struct smol_vm *vm, const struct smol_vm *now)
{
	smol_deadline deadline = smol_in_ms(DEVICE_MS);

	for (;;) {
		smol_auto_vm struct smol_vm *live = smol_registry_find(r, now->id, NULL);
		smol_auto_json cJSON *status = live ? smol_vm_monitor_status(live, NULL) : NULL;
		const cJSON *death = smol_json_get(status, "device_death");
		int64_t ago = 0;

		if (!death || smol_json_int(death, "ms_ago", 0, INT64_MAX / 2, &ago) != 1 ||
		    smol_now_ms() - ago < vm->read_ms)
			return NULL;
		if (!smol_json_bool(death, "restarting", false))
			return smol_strdup(smol_json_str(death, "how") ?: "?");
		if (smol_poll_ms(deadline) == 0 ||
		    smol_vm_wait(r, live, SMOL_WAIT_EXIT, smol_in_ms(LOOK_MS), -1, NULL) != 0)
			return NULL;
	}
}

bool smol_vm_explain_device(struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *now = smol_registry_find(r, vm->id, NULL);
	smol_auto_free char *how = now ? device_death(r, vm, now) : NULL;

	if (!how)
		return false;
	smol_err_set(err, SMOL_E_RESET,
	    "the vsock device of VM '%s' died, which cut the connection, and was started again: %s",
	    vm->name, how);
	return true;
}

/* Has it ended, or does it end in a moment? true: that is the reason. A monitor that was killed
 * within that moment has written nothing down: reconcile does. */
static bool explain_end(struct smol_registry *r, struct smol_vm *now, struct smol_err *err)
{
	smol_auto_err struct smol_err local = SMOL_ERR_INIT;

	if (smol_vm_wait(r, now, SMOL_WAIT_EXIT, smol_in_ms(SMOL_EXPLAIN_MS), -1, &local) != 1 ||
	    smol_vm_refresh(r, now, &local) < 0 || smol_vm_reconcile(r, now, &local) < 0 ||
	    smol_vm_state_live(now->state))
		return false;
	smol_err_set(err, SMOL_E_VM_DIED, "VM '%s' %s: %s", now->name,
	    now->state == SMOL_VM_DIED ? "died" : "was stopped",
	    now->end_cause ? now->end_cause : "?");
	smol_err_hint(err, "smolsh start %s", now->name);
	if (err)
		err->tail = smol_vm_console_tail(now, SMOL_VM_TAIL_LINES);
	return true;
}

/* Has its guest, which was ready when vm was read, begun anew under the same monitor? */
static bool explain_reboot(struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *now = smol_registry_find(r, vm->id, NULL);

	if (!now || vm->state != SMOL_VM_RUNNING || now->started_ms != vm->started_ms ||
	    (now->state != SMOL_VM_STARTING &&
		(now->state != SMOL_VM_RUNNING || now->ready_ms == vm->ready_ms)))
		return false;
	smol_err_set(err, SMOL_E_RESET, "VM '%s' rebooted, which cut the connection", vm->name);
	smol_err_hint(err, "smolsh wait %s", vm->name);
	return true;
}

bool smol_vm_explain(struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *now = smol_registry_find(r, vm->id, NULL);
	bool cut = !err || err->code != SMOL_E_DEADLINE;

	if (cut && smol_vm_explain_device(r, vm, err))
		return true;
	if (now && now->state == SMOL_VM_PAUSED && smol_vm_reconcile(r, now, NULL) == 0 &&
	    now->state == SMOL_VM_PAUSED) {
		smol_vm_not_running(now, err);
		return false;
	}
	if (!now || (cut && explain_reboot(r, vm, err)) || explain_end(r, now, err))
		return false;
	/* The one or the other may be seen only now. */
	return cut && !explain_reboot(r, vm, err) && smol_vm_explain_device(r, vm, err);
}
