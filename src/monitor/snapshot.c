/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots, taken and come back from. To be written the guest has to stand still, so one that runs
 * is paused for it, and goes on behind it, whatever came of it. Every vsock connection is reset by
 * that (SNAPSHOT_RESETS of backend/fc_version.h): what runs in the guest goes on.
 *
 * A guest that comes back says nothing by itself, for it was ready long ago: it is spoken to until
 * it answers. Its token is the one that it knows.
 */
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "monitor/monitor.h"
#include "vm/snapshot.h"

#define AGAIN_MS   200 /* between two attempts to reach the agent */
#define TELL_MS	   2000
#define BACK_TRIES 60

static void say(struct smol_monitor_state *m, const char *name, const char *error)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "event", "snapshot");
	smol_json_add_str(j, "name", name);
	if (error)
		smol_json_add_str(j, "error", error);
	smol_journal(m, "snapshot", cJSON_Duplicate(j, true));
	smol_control_event(m, j);
}

static void forget(struct smol_monitor_state *m)
{
	smol_auto_free char *dir = smol_snapshot_new_dir(m->vm, NULL);

	if (dir)
		smol_rmdir_r(dir, NULL);
	free(smol_steal(&m->snapshot));
}

/* It is written, or will not be. */
static void over(struct smol_monitor_state *m, const char *error)
{
	smol_auto_free char *name = smol_strdup(m->snapshot);

	forget(m);
	say(m, name, error);
	if (m->snapshot_resumes)
		smol_pause_release(m);
}

static void write_it(struct smol_monitor_state *m)
{
	smol_auto_free char *dir = smol_snapshot_new_dir(m->vm, NULL);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	m->snapshot_written = true;
	if (!dir || smol_backend_snapshot(&m->backend, dir, &err) < 0)
		over(m, err.msg ? err.msg : "it has no place");
}

static int make_place(const struct smol_monitor_state *m, const char *name, struct smol_err *err)
{
	smol_auto_free char *dir = smol_snapshot_new_dir(m->vm, err);

	if (!dir || smol_snapshot_absent(m->vm, name, err) < 0)
		return -1;
	return smol_rmdir_r(dir, err) < 0 ? -1 : smol_mkdir_p(dir, 0700, err);
}

static int may(const struct smol_monitor_state *m, struct smol_err *err)
{
	const struct smol_backend_info *info = m->backend.ops->info;

	if (!(info->capabilities & SMOL_CAP_SNAPSHOT))
		return smol_backend_cannot(info, NULL, SMOL_CAP_SNAPSHOT, err);
	if (m->ending || !m->ready)
		return smol_err_set(err, SMOL_E_STATE, "VM '%s' is %s", m->vm->name,
		    m->ending ? "being stopped" : "starting");
	if (m->snapshot || m->pauses_sent)
		return smol_err_set(err, SMOL_E_STATE, "VM '%s' is being %s", m->vm->name,
		    m->snapshot ? "saved already" : "paused or resumed");
	return smol_snapshot_check(m->vm, err);
}

int smol_snapshot_ask(struct smol_monitor_state *m, const char *name, struct smol_err *err)
{
	bool runs = !m->paused;

	if (smol_snapshot_name_check(name, err) < 0 || may(m, err) < 0 ||
	    make_place(m, name, err) < 0)
		return -1;
	if (runs && smol_pause_ask(m, true, err) < 0)
		return -1;
	m->snapshot = smol_strdup(name);
	m->snapshot_resumes = runs;
	m->snapshot_written = false;
	m->cut_ms = smol_now_ms();
	if (!runs)
		write_it(m);
	return 0;
}

void smol_snapshot_paused(struct smol_monitor_state *m)
{
	if (m->snapshot && !m->snapshot_written)
		write_it(m);
}

void smol_snapshot_refused(struct smol_monitor_state *m, const char *why)
{
	if (m->snapshot && !m->snapshot_written)
		over(m, why);
}

void smol_snapshot_is(struct smol_monitor_state *m, const char *why_not)
{
	struct smol_snapshot s = {.taken_ms = smol_wall_ms()};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (!m->snapshot)
		return;
	memcpy(s.token, m->vm->token, sizeof(s.token));
	memcpy(s.agent, m->agent_version, sizeof(s.agent));
	memcpy(s.kernel, m->guest_kernel, sizeof(s.kernel));
	m->cut_ms = smol_now_ms();
	if (!why_not && smol_snapshot_commit(m->vm, m->snapshot, &s, &err) < 0)
		why_not = err.msg;
	explicit_bzero(s.token, sizeof(s.token));
	over(m, why_not);
}

void smol_snapshot_end(struct smol_monitor_state *m)
{
	if (m->snapshot)
		forget(m);
	if (m->restore)
		uv_timer_stop(&m->restore_timer);
}

/* ---- coming back ---- */

static void on_told(struct smol_monitor_state *m, bool ok, const char *words)
{
	if (m->ending || m->ready)
		return;
	if (ok) {
		smol_machine_ready(m);
		return;
	}
	if (++m->restore_tries == BACK_TRIES) {
		smol_machine_fail(
		    m, "the guest came back, and its agent does not answer: %s", words);
		return;
	}
	uv_timer_again(&m->restore_timer);
}

static void on_timer(uv_timer_t *t)
{
	struct smol_monitor_state *m = t->data;

	uv_timer_stop(t);
	smol_guest_tell(m,
	    &(struct smol_request){.op = SMOL_OP_RESUMED, .realtime_ms = smol_wall_ms()}, TELL_MS,
	    on_told);
}

int smol_snapshot_restore(struct smol_monitor_state *m, struct smol_err *err)
{
	struct smol_snapshot s;
	int rc;

	if (smol_snapshot_read(m->vm, m->restore, &s, err) < 0)
		return -1;
	memcpy(m->vm->token, s.token, sizeof(s.token));
	memcpy(m->agent_version, s.agent, sizeof(s.agent));
	memcpy(m->guest_kernel, s.kernel, sizeof(s.kernel));
	explicit_bzero(s.token, sizeof(s.token));
	rc = smol_registry_set_token(m->registry, m->vm, err);
	uv_timer_init(&m->loop, &m->restore_timer);
	m->restore_timer.data = m;
	uv_timer_set_repeat(&m->restore_timer, AGAIN_MS);
	return rc;
}

void smol_snapshot_back(struct smol_monitor_state *m)
{
	smol_machine_phase(m, "agent");
	uv_timer_start(&m->restore_timer, on_timer, 0, AGAIN_MS);
}
