/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guest stands still, and goes on. The hypervisor is told, and what it says of itself is what
 * is recorded: a VM that it has stopped of its own accord is paused, too. Only one that is ready is
 * paused: nobody could tell what became of the others.
 */
#include "base/auto.h"
#include "base/clock.h"
#include "monitor/monitor.h"

static int tell(struct smol_monitor_state *m, bool pause, struct smol_err *err)
{
	if ((pause ? smol_backend_pause : smol_backend_resume)(&m->backend, err) < 0)
		return -1;
	m->pause_asked = pause;
	m->pauses_sent++;
	return 0;
}

int smol_pause_ask(struct smol_monitor_state *m, bool pause, struct smol_err *err)
{
	if (m->ending || !m->ready)
		return smol_err_set(err, SMOL_E_STATE, "VM '%s' is %s", m->vm->name,
		    m->ending ? "being stopped" : "starting");
	/* It is so, or is about to be. */
	if (pause == (m->pauses_sent ? m->pause_asked : m->paused))
		return 0;
	return tell(m, pause, err);
}

void smol_pause_release(struct smol_monitor_state *m)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if ((m->paused || m->pauses_sent) && tell(m, false, &err) < 0)
		smol_journal(m, "resume", smol_json_from_err(&err));
}

int64_t smol_pause_ms(const struct smol_monitor_state *m)
{
	return m->paused_ms + (m->paused ? smol_now_ms() - m->paused_at : 0);
}

static void ready_again(struct smol_monitor_state *m)
{
	cJSON *j = cJSON_CreateObject();

	smol_record_state(m, SMOL_VM_RUNNING);
	smol_machine_phase(m, "ready");
	smol_json_add_str(j, "event", "ready");
	smol_control_event(m, j);
}

void smol_pause_is(struct smol_monitor_state *m, bool paused)
{
	if (m->pauses_sent)
		m->pauses_sent--;
	if (paused == m->paused)
		return;
	if (paused)
		m->paused_at = smol_now_ms();
	else
		m->paused_ms = smol_pause_ms(m);
	m->paused = paused;
	if (m->ending)
		return;
	if (!m->ready) {
		/* It began to reboot in that very moment. */
		if (paused)
			smol_pause_release(m);
	} else if (paused) {
		smol_record_state(m, SMOL_VM_PAUSED);
		smol_machine_phase(m, "paused");
	} else {
		ready_again(m);
	}
}

void smol_pause_refused(struct smol_monitor_state *m, const char *why)
{
	cJSON *j = cJSON_CreateObject();

	if (m->pauses_sent)
		m->pauses_sent--;
	smol_json_add_str(j, "event", "refused");
	smol_json_add_str(j, "error", why);
	smol_journal(m, "refused", cJSON_Duplicate(j, true));
	smol_control_event(m, j);
}
