/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long to wait for a guest that was paused: see patience.h. */
#include "shell/patience.h"

#include "base/auto.h"
#include "vm/lifecycle.h"

#define LOOK_MS 1000 /* how often one that stands still is looked at */

/* How long it has stood still since it was started; -1 where its monitor does not say. */
static int64_t paused_ms(const struct smol_vm *vm)
{
	smol_auto_json cJSON *status = smol_vm_monitor_status(vm, NULL);
	int64_t ms = -1;

	smol_json_int(status, "paused_ms", 0, INT64_MAX / 2, &ms);
	return ms;
}

void smol_patience_begin(
    struct smol_patience *p, struct smol_registry *registry, const struct smol_vm *vm)
{
	*p = (struct smol_patience){.registry = registry, .vm = vm, .seen_ms = paused_ms(vm)};
}

int64_t smol_patience_more(void *ctx)
{
	struct smol_patience *p = ctx;
	smol_auto_vm struct smol_vm *now = smol_registry_find(p->registry, p->vm->id, NULL);
	int64_t total, more;

	if (!now || smol_vm_reconcile(p->registry, now, NULL) < 0)
		return 0;
	if (now->state == SMOL_VM_PAUSED) {
		p->seen_ms = p->seen_ms < 0 ? paused_ms(now) : p->seen_ms + LOOK_MS;
		return LOOK_MS;
	}
	total = now->state == SMOL_VM_RUNNING ? paused_ms(now) : -1;
	more = p->seen_ms < 0 ? 0 : total - p->seen_ms;
	p->seen_ms = total;
	return more > 0 ? more : 0;
}
