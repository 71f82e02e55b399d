/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory taken from a guest while it runs: smol_vm_balloon() of lifecycle.h. */
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "vm/lifecycle.h"
#include "vm/lifecycle_internal.h"
#include "vm/monitor_client.h"

#define ANSWER_MS 5000

static int check(const struct smol_vm *vm, int64_t mib, struct smol_err *err)
{
	if (!vm->config.balloon) {
		smol_err_set(err, SMOL_E_UNSUPPORTED,
		    "VM '%s' has no balloon: its memory stays as it was made", vm->name);
		return smol_err_hint(err, "smolsh create --balloon");
	}
	if (!mib || (mib >= SMOL_BALLOON_MIN_MIB && mib <= vm->config.memory_mib))
		return 0;
	return smol_err_set(err, SMOL_E_INVALID, "VM '%s' can keep %d to %lld MiB, not %lld",
	    vm->name, SMOL_BALLOON_MIN_MIB, (long long)vm->config.memory_mib, (long long)mib);
}

/* Where a line says how it is, take that. */
static void take(const cJSON *j, struct smol_balloon *out)
{
	out->actual = -1;
	smol_json_int(j, "memory_mib", 1, SMOL_MEMORY_MAX_MIB, &out->memory);
	smol_json_int(j, "target_mib", 1, SMOL_MEMORY_MAX_MIB, &out->target);
	smol_json_int(j, "actual_mib", 0, SMOL_MEMORY_MAX_MIB, &out->actual);
}

/* One line of the monitor's: 1 that is how it is, 0 something else, or -1. */
static int take_line(
    const cJSON *j, const struct smol_vm *vm, struct smol_balloon *out, struct smol_err *err)
{
	const char *event = smol_json_str(j, "event"), *error = smol_json_str(j, "error");

	if (smol_monitor_refuses(j, err) < 0)
		return -1;
	if (smol_monitor_is_event(j, "end"))
		return smol_monitor_end_error(j, vm->name, err);
	if (event && !smol_monitor_is_event(j, "balloon"))
		return 0;
	if (event && error)
		return smol_err_set(err, SMOL_E_STATE, "VM '%s': %s does not: %s", vm->name,
		    vm->config.backend, error);
	take(event ? j : smol_json_get(j, "result"), out);
	return 1;
}

static int late(const struct smol_vm *vm, const struct smol_balloon *out, struct smol_err *err)
{
	smol_err_set(err, SMOL_E_DEADLINE, "VM '%s' has %lld MiB, and not %lld in time", vm->name,
	    (long long)out->actual, (long long)out->target);
	return smol_err_hint(
	    err, "its guest may need the memory (smolsh sysinfo %s), or has no driver", vm->name);
}

int smol_vm_balloon(struct smol_registry *r, struct smol_vm *vm, int64_t mib,
    smol_deadline deadline, int interrupt_fd, struct smol_balloon *out, struct smol_err *err)
{
	smol_auto_monitor struct smol_monitor *m = NULL;
	/* That is for the guest: the monitor answers at once, and what it says is to be told. */
	smol_deadline answer = smol_in_ms(ANSWER_MS);
	cJSON *request;

	*out = (struct smol_balloon){0};
	if (check(vm, mib, err) < 0 || smol_vm_reconcile(r, vm, err) < 0)
		return -1;
	if (vm->state != SMOL_VM_RUNNING)
		return smol_vm_not_running(vm, err);
	m = smol_monitor_reach(vm, answer, interrupt_fd, err);
	if (!m)
		return -1;
	request = smol_monitor_request("balloon");
	if (mib)
		smol_json_add_int(request, "memory_mib", mib);
	if (smol_monitor_send(m, request, err) < 0)
		return -1;
	for (int known = 0;;) {
		smol_auto_json cJSON *j =
		    smol_monitor_next(m, known ? deadline : answer, interrupt_fd, err);
		int rc = j ? take_line(j, vm, out, err) : -1;

		if (!j && known && err->code == SMOL_E_DEADLINE)
			return late(vm, out, err);
		if (rc < 0)
			return -1;
		/* An event that was on its way tells of the target before this one. */
		known |= rc > 0 && !smol_json_str(j, "event");
		if (known && (!mib || out->actual == mib ||
				 (rc > 0 && smol_json_str(j, "event") && out->actual < 0)))
			return 0;
	}
}
