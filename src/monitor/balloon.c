/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory is taken from the guest, and given back. The guest's driver does it in its own time, so
 * asking only sets what it is to keep; what it has is what the hypervisor says.
 */
#include "monitor/monitor.h"

int smol_balloon_ask(struct smol_monitor_state *m, int64_t mib, struct smol_err *err)
{
	int64_t all = m->vm->config.memory_mib;

	if (!m->vm->config.balloon)
		return smol_err_set(err, SMOL_E_UNSUPPORTED, "VM '%s' has no balloon", m->vm->name);
	if (m->ending || !m->ready || m->paused)
		return smol_err_set(err, SMOL_E_STATE, "VM '%s' is %s", m->vm->name,
		    m->ending	? "being stopped"
		    : m->paused ? "paused"
				: "starting");
	if (mib < SMOL_BALLOON_MIN_MIB || mib > all)
		return smol_err_set(err, SMOL_E_INVALID, "%lld MiB: must be %d to %lld",
		    (long long)mib, SMOL_BALLOON_MIN_MIB, (long long)all);
	if (smol_backend_balloon(&m->backend, all - mib, err) < 0)
		return -1;
	m->keep_mib = mib;
	return 0;
}

cJSON *smol_balloon_json(const struct smol_monitor_state *m)
{
	int64_t all = m->vm->config.memory_mib;
	cJSON *j = cJSON_CreateObject();

	smol_json_add_int(j, "memory_mib", all);
	smol_json_add_int(j, "target_mib", m->keep_mib ? m->keep_mib : all);
	if (m->backend.taken_mib >= 0)
		smol_json_add_int(j, "actual_mib", all - m->backend.taken_mib);
	return j;
}

void smol_balloon_is(struct smol_monitor_state *m, const char *why_not)
{
	cJSON *j = smol_balloon_json(m);

	smol_json_add_str(j, "event", "balloon");
	if (why_not) {
		smol_json_add_str(j, "error", why_not);
		smol_journal(m, "balloon", cJSON_Duplicate(j, true));
	}
	smol_control_event(m, j);
}
