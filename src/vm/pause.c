/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VM stands still, for a time or for a snapshot: smol_vm_pause(), smol_vm_snapshot() of
 * lifecycle.h. */
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "vm/lifecycle.h"
#include "vm/lifecycle_internal.h"
#include "vm/monitor_client.h"

#define PAUSE_MS 15000	/* for the agent to hear of it and the hypervisor to do it */
#define SAVE_MS	 320000 /* for a snapshot: longer than the hypervisor is given */

/* What the monitor says beside that the VM is ready again. */
static void take_warning(const cJSON *j, char **warning)
{
	if (!*warning)
		*warning = smol_strdup(smol_json_str(j, "warning"));
}

/* Read events until the VM is paused, or ready again. */
static int await_pause(struct smol_monitor *m, const struct smol_vm *vm, bool pause, char **warning,
    struct smol_err *err)
{
	smol_deadline deadline = smol_in_ms(PAUSE_MS);

	for (;;) {
		smol_auto_json cJSON *j = smol_monitor_next(m, deadline, -1, err);
		const char *phase = j ? smol_json_str(j, "phase") : NULL;

		if (!j || smol_monitor_refuses(j, err) < 0)
			return -1;
		if (pause ? phase && strcmp(phase, "paused") == 0
			  : smol_monitor_is_event(j, "ready")) {
			take_warning(j, warning);
			return 0;
		}
		if (smol_monitor_is_event(j, "end"))
			return smol_monitor_end_error(j, vm->name, err);
		if (smol_monitor_is_event(j, "reboot"))
			return smol_err_set(
			    err, SMOL_E_STATE, "VM '%s' rebooted in that moment", vm->name);
		if (smol_monitor_is_event(j, "refused"))
			return smol_err_set(err, SMOL_E_STATE, "VM '%s': %s does not: %s", vm->name,
			    vm->config.backend, smol_json_str(j, "error") ?: "?");
	}
}

int smol_vm_pause(
    struct smol_registry *r, struct smol_vm *vm, bool pause, char **warning, struct smol_err *err)
{
	smol_auto_monitor struct smol_monitor *m = NULL;

	*warning = NULL;
	if (smol_vm_reconcile(r, vm, err) < 0)
		return -1;
	if (vm->state == (pause ? SMOL_VM_PAUSED : SMOL_VM_RUNNING))
		return 0;
	if (vm->state != (pause ? SMOL_VM_RUNNING : SMOL_VM_PAUSED))
		return smol_vm_not_running(vm, err);
	m = smol_monitor_reach(vm, smol_in_ms(SMOL_MONITOR_REACH_MS), -1, err);
	if (!m || smol_monitor_send(m, smol_monitor_request(pause ? "pause" : "resume"), err) < 0 ||
	    await_pause(m, vm, pause, warning, err) < 0)
		return -1;
	return smol_vm_refresh(r, vm, err);
}

/* Read events until the snapshot is there. */
static int await_snapshot(
    struct smol_monitor *m, const struct smol_vm *vm, int interrupt_fd, struct smol_err *err)
{
	smol_deadline deadline = smol_in_ms(SAVE_MS);

	for (;;) {
		smol_auto_json cJSON *j = smol_monitor_next(m, deadline, interrupt_fd, err);
		const char *error = j ? smol_json_str(j, "error") : NULL;

		if (!j || smol_monitor_refuses(j, err) < 0)
			return -1;
		if (smol_monitor_is_event(j, "end"))
			return smol_monitor_end_error(j, vm->name, err);
		if (smol_monitor_is_event(j, "snapshot"))
			return error ? smol_err_set(err, SMOL_E_IO, "VM '%s': no snapshot: %s",
					   vm->name, error)
				     : 0;
	}
}

int smol_vm_snapshot(struct smol_registry *r, struct smol_vm *vm, const char *name,
    int interrupt_fd, char **warning, struct smol_err *err)
{
	smol_auto_monitor struct smol_monitor *m = NULL;
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	cJSON *request;
	bool runs;

	*warning = NULL;
	if (smol_vm_reconcile(r, vm, err) < 0)
		return -1;
	runs = vm->state == SMOL_VM_RUNNING;
	if (!runs && vm->state != SMOL_VM_PAUSED)
		return smol_vm_not_running(vm, err);
	m = smol_monitor_reach(vm, smol_in_ms(SMOL_MONITOR_REACH_MS), interrupt_fd, err);
	request = smol_monitor_request("snapshot");
	smol_json_add_str(request, "name", name);
	if (!m) {
		cJSON_Delete(request);
		return -1;
	}
	if (smol_monitor_send(m, request, err) < 0)
		return -1;
	if (await_snapshot(m, vm, interrupt_fd, err) < 0)
		return -1;
	/* The snapshot is there, whatever becomes of the VM now. */
	if (runs && await_pause(m, vm, false, warning, &why) < 0)
		*warning = smol_strdup(why.msg);
	return smol_vm_refresh(r, vm, err);
}
