/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guest stands still, and goes on. The hypervisor is told, and what it says of itself is what
 * is recorded: a VM that it has stopped of its own accord is paused, too. Only one that is ready is
 * paused: nobody could tell what became of the others.
 *
 * The agent is told before, so that no time passes in it, and after, so that its clocks are put
 * right before anybody hears that the VM goes on. One that does not answer is not waited for.
 */
#include "base/auto.h"
#include "base/clock.h"
#include "monitor/monitor.h"

#define PAUSING_MS 1000
#define RESUMED_MS 3000

static void tell_hypervisor(struct smol_monitor_state *m, bool pause)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if ((pause ? smol_backend_pause : smol_backend_resume)(&m->backend, &err) < 0) {
		smol_auto_free char *why = smol_asprintf(
		    "%s%s%s", err.msg, err.hint ? "; try: " : "", err.hint ? err.hint : "");

		smol_pause_refused(m, why);
	}
}

static void carry_out(struct smol_monitor_state *m)
{
	if (smol_device_is_held(m))
		m->pauses_held++;
	else
		tell_hypervisor(m, m->pause_asked);
}

static void journal_words(struct smol_monitor_state *m, const char *event, const char *words)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "agent", words);
	smol_journal(m, event, j);
}

static void on_told_pausing(struct smol_monitor_state *m, bool ok, const char *words)
{
	if (!ok && m->vm->config.vsock.enabled)
		journal_words(m, "pausing", words);
	m->pausing = false;
	carry_out(m);
}

int smol_pause_ask(struct smol_monitor_state *m, bool pause, struct smol_err *err)
{
	if (m->ending || !m->ready)
		return smol_err_set(err, SMOL_E_STATE, "VM '%s' is %s", m->vm->name,
		    m->ending ? "being stopped" : "starting");
	if (!(m->backend.ops->info->capabilities & SMOL_CAP_PAUSE))
		return smol_backend_cannot(m->backend.ops->info, NULL, SMOL_CAP_PAUSE, err);
	/* It is so, or is about to be. */
	if (pause == (m->pauses_sent ? m->pause_asked : m->paused))
		return 0;
	/* The commands to the hypervisor go in the order in which they came. */
	if (m->pausing)
		smol_guest_tell_give_up(m);
	m->pause_asked = pause;
	m->pauses_sent++;
	if (pause) {
		m->pausing = true;
		smol_guest_tell(
		    m, &(struct smol_request){.op = SMOL_OP_PAUSING}, PAUSING_MS, on_told_pausing);
	} else {
		carry_out(m);
	}
	return 0;
}

void smol_pause_release(struct smol_monitor_state *m)
{
	if (m->pausing)
		smol_guest_tell_give_up(m);
	if (!m->paused && !m->pauses_sent)
		return;
	m->pause_asked = false;
	m->pauses_sent++;
	carry_out(m);
}

static void on_told_resumed(struct smol_monitor_state *m, bool ok, const char *words);

static void tell_resumed(struct smol_monitor_state *m)
{
	smol_guest_tell(m,
	    &(struct smol_request){.op = SMOL_OP_RESUMED, .realtime_ms = smol_wall_ms()},
	    RESUMED_MS, on_told_resumed);
}

void smol_pause_held(struct smol_monitor_state *m)
{
	/* Who asks for what is so or is about to be so is not heard: they alternate. */
	for (; m->pauses_held > 0; m->pauses_held--)
		tell_hypervisor(m, m->pauses_held % 2 ? m->pause_asked : !m->pause_asked);
	if (m->tell_resumed && m->ready && !m->paused && !m->pauses_sent)
		tell_resumed(m);
	m->tell_resumed = false;
}

int64_t smol_pause_ms(const struct smol_monitor_state *m)
{
	return m->paused_ms + (m->paused ? smol_now_ms() - m->paused_at : 0);
}

static void on_told_resumed(struct smol_monitor_state *m, bool ok, const char *words)
{
	cJSON *j;

	if (m->ending || !m->ready || m->paused)
		return;
	if (!ok && smol_device_is_gone(m)) {
		m->tell_resumed = true;
		return;
	}
	j = cJSON_CreateObject();
	smol_json_add_str(j, "event", "ready");
	if (!ok && m->vm->config.vsock.enabled) {
		smol_auto_free char *warning = smol_asprintf(
		    "the guest's agent did not hear that it goes on (%s): its clock may be behind",
		    words);

		journal_words(m, "resumed", words);
		smol_json_add_str(j, "warning", warning);
	}
	smol_record_state(m, SMOL_VM_RUNNING);
	smol_machine_phase(m, "ready");
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
		smol_snapshot_paused(m);
	} else {
		tell_resumed(m);
	}
}

/* It was told of a pause that does not come: its time goes on. */
static void on_told_after_all(struct smol_monitor_state *m, bool ok, const char *words)
{
	if (!ok && m->vm->config.vsock.enabled)
		journal_words(m, "resumed", words);
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
	smol_snapshot_refused(m, why);
	if (m->ready && !m->ending && !m->paused && !m->pauses_sent)
		smol_guest_tell(m,
		    &(struct smol_request){.op = SMOL_OP_RESUMED, .realtime_ms = smol_wall_ms()},
		    RESUMED_MS, on_told_after_all);
}
