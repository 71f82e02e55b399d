/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The VM's life as its monitor sees it. It begins with the claim in the registry, passes its
 * phases, and ends in one of two ways: somebody asked (stopped) or not (died). Whatever the way,
 * finish() runs once, when all children are reaped.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/text.h"
#include "monitor/monitor.h"
#include "vm/children.h"
#include "vm/jail.h"
#include "vm/lifecycle.h"

#define QUIT_MS	   3000	 /* for the hypervisor to end when told, then it is killed */
#define LINGER_MS  33000 /* for the device, which gives up a little earlier */
#define TAIL_LINES 10
#define RESET_MS   500	 /* resets so close together are one reboot */
#define SILENT_MS  10000 /* and so are those that no line of the console lies between */
#define RESETS_MAX 5	 /* without having been ready: it never will be */

static char poweroff[] = "poweroff";

static void maybe_finish(struct smol_monitor_state *m);
static void on_stop_timer(uv_timer_t *t);

static cJSON *one(const char *key, const char *value)
{
	cJSON *j = cJSON_CreateObject();

	if (value)
		smol_json_add_str(j, key, value);
	return j;
}

/* The first cause of the end counts. */
static void begin_end(struct smol_monitor_state *m, bool died, const char *cause)
{
	if (m->ending)
		return;
	m->ending = true;
	m->died = died;
	m->cause = smol_strdup(cause);
	smol_journal(m, "ending", one("cause", cause));
}

/*
 * The guest has ended, and its clients get what it had sent: the device ends when they have, or
 * when they do not take it (vsockd/serve.c). Nobody can come any more.
 */
static void linger(struct smol_monitor_state *m)
{
	m->stopping = SMOL_LINGERING;
	smol_bound_close(&m->uds);
	smol_bound_close(&m->vhost);
	uv_timer_start(&m->stop_timer, on_stop_timer, LINGER_MS, 0);
}

static void kill_all(struct smol_monitor_state *m)
{
	bool never_ran = m->hypervisor.pidfd < 0;

	m->stopping = SMOL_KILLING;
	uv_timer_stop(&m->stop_timer);
	if (m->hypervisor.pid > 0)
		smol_backend_stop(&m->backend, SMOL_STOP_KILL, NULL);
	for (int i = 0; i < SMOL_SHARES_MAX; i++)
		if (m->share_children[i].pid > 0)
			smol_proc_kill(m->share_children[i].pidfd, SIGKILL);
	if (m->device.pid > 0 && (m->at_once || never_ran))
		smol_proc_kill(m->device.pidfd, SIGKILL);
	else if (m->device.pid > 0 && m->hypervisor.pid <= 0)
		linger(m);
	maybe_finish(m);
}

void smol_machine_fail(struct smol_monitor_state *m, const char *fmt, ...)
{
	smol_auto_free char *cause = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&cause, fmt, ap) < 0)
		cause = NULL;
	va_end(ap);
	begin_end(m, true, cause ? cause : "out of memory");
	kill_all(m);
}

/* Why it ended. One that goes when its guest resets says so with code 0, whether the guest ended as
 * it wanted or panicked: the console tells which. */
static void hypervisor_ended(struct smol_monitor_state *m, int status, const char *words)
{
	bool by_guest = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
			!(m->backend.ops->info->capabilities & SMOL_CAP_REBOOT);

	if (m->failure.code && !m->ending) {
		smol_auto_free char *both = smol_asprintf("%s; %s", m->failure.msg, words);

		free(m->failure.msg);
		m->failure.msg = smol_steal(&both);
		begin_end(m, true, m->failure.msg);
	} else if (by_guest && m->panic[0]) {
		smol_auto_free char *cause =
		    smol_asprintf("the guest's kernel panicked: %s", m->panic);

		begin_end(m, true, cause);
	} else if (by_guest) {
		begin_end(m, false, "the guest shut down");
	} else if (m->care.step == SMOL_DEVICE_WAITS) {
		smol_auto_free char *both = smol_asprintf("%s; %s", m->care.how, words);

		smol_err_set(&m->failure, SMOL_E_VM_DIED, "VM '%s' died: %s", m->vm->name, both);
		if (!m->vm->ephemeral)
			smol_err_hint(&m->failure, "smolsh start %s", m->vm->name);
		begin_end(m, true, both);
	} else {
		begin_end(m, true, words);
	}
}

static void on_hypervisor_exit(void *ctx)
{
	struct smol_monitor_state *m = ctx;
	smol_auto_free char *words = NULL;
	int status;

	if (!smol_child_reap(&m->hypervisor, &status))
		return;
	/* Its last events may not have been read yet, and they say why. */
	while (
	    m->qmp_watch.active && smol_io_wait(m->backend.control_fd, POLLIN, smol_in_ms(0)) > 0)
		smol_backend_control(&m->backend);
	smol_watch_stop(&m->qmp_watch);
	smol_output_end(m);
	words = smol_child_end_words(&m->hypervisor, status);
	smol_journal(m, "hypervisor-exit", one("how", words));
	hypervisor_ended(m, status, words);
	kill_all(m);
}

/* Without it the directory is not there any more; the guest goes on. One that ends before the guest
 * was ready has not done what the VM was made with. */
static void on_share_exit(void *ctx)
{
	struct smol_child *c = ctx;
	struct smol_monitor_state *m = c->m;
	smol_auto_free char *words = NULL;
	int status;

	if (!smol_child_reap(c, &status))
		return;
	smol_output_end(m);
	words = smol_child_end_words(c, status);
	smol_journal(m, "share-exit", one("how", words));
	if (!m->ending && !m->ready &&
	    smol_io_wait(m->hypervisor.pidfd, POLLIN, smol_in_ms(0)) <= 0)
		smol_machine_fail(m, "%s", words);
	else
		maybe_finish(m);
}

void smol_machine_phase(struct smol_monitor_state *m, const char *phase)
{
	if (m->ending || strcmp(m->phase, phase) == 0)
		return;
	m->phase = phase;
	cJSON *j = one("event", "phase");
	smol_json_add_str(j, "phase", phase);
	smol_control_event(m, j);
	cJSON *record = one("phase", phase);
	smol_json_add_int(record, "after_ms", smol_now_ms() - m->begun_ms);
	smol_journal(m, "phase", record);
}

void smol_machine_ready(struct smol_monitor_state *m)
{
	if (m->ending)
		return;
	if (m->ready) {
		/* The agent was restarted, or a guest plays with the port: nothing changes. */
		smol_journal(m, "agent-again", NULL);
		return;
	}
	smol_record_state(m, SMOL_VM_RUNNING);
	m->ready = true;
	m->resets = 0;
	smol_machine_phase(m, "ready");
	smol_control_event(m, one("event", "ready"));
}

/* QEMU reports up to five resets for one reboot, within 120 ms where the host is idle, and far
 * apart where it is not. But a kernel that reboots says so on its console first. */
static bool same_reboot(const struct smol_monitor_state *m)
{
	int64_t since = smol_now_ms() - m->reset_ms;

	return m->reset_ms && since < (m->said_line ? RESET_MS : SILENT_MS);
}

/* The guest reboots: it is starting again. After a panic it does not (panic=-1 restarts at once,
 * so that a panic is seen here on every kernel). */
static void on_reset(struct smol_monitor_state *m)
{
	smol_output_drain(m);
	if (m->panic[0]) {
		smol_machine_fail(m, "the guest's kernel panicked: %s", m->panic);
		return;
	}
	if (m->ending) {
		/* Asked to power off it boots again: it has shut down as far as it will. */
		if (m->stopping == SMOL_ASKING)
			on_stop_timer(&m->stop_timer);
		return;
	}
	if (same_reboot(m))
		return;
	m->reset_ms = smol_now_ms();
	m->said_line = false;
	if (++m->resets > RESETS_MAX) {
		smol_machine_fail(
		    m, "the guest rebooted %d times without becoming ready", RESETS_MAX);
		return;
	}
	smol_journal(m, "reboot", NULL);
	m->ready = false;
	m->phase = "starting";
	smol_pause_release(m);
	smol_record_state(m, SMOL_VM_STARTING);
	smol_control_event(m, one("event", "reboot"));
	smol_machine_phase(m, "kernel");
	if (!m->vm->config.vsock.enabled)
		smol_machine_ready(m);
}

void smol_machine_guest_gone(struct smol_monitor_state *m, const char *cause)
{
	begin_end(m, false, cause);
	kill_all(m);
}

/* The guest was never started: why is told to whoever waits for it. */
static void on_failed(struct smol_monitor_state *m)
{
	smol_watch_stop(&m->qmp_watch);
	if (m->ending)
		return;
	smol_err_move(&m->failure, &m->backend.failure);
	smol_journal(m, "refused", smol_json_from_err(&m->failure));
	/* Where it does not answer because it ends, its last words belong to the reason. */
	if (m->failure.code == SMOL_E_IO && m->hypervisor.pid > 0 &&
	    smol_io_wait(m->hypervisor.pidfd, POLLIN, smol_in_ms(500)) > 0)
		on_hypervisor_exit(m);
	if (m->ending)
		return;
	begin_end(m, true, m->failure.msg);
	kill_all(m);
}

static void on_backend(void *ctx, enum smol_backend_event_type type, const char *detail)
{
	struct smol_monitor_state *m = ctx;

	switch (type) {
	case SMOL_BACKEND_UP:
		smol_device_up(m);
		if (m->uds_theirs)
			smol_bound_adopt(&m->uds, m->uds_path);
		if (m->restore && m->vm->config.vsock.enabled)
			smol_snapshot_back(m);
		else if (!m->ready)
			smol_machine_phase(m, "kernel");
		if (!m->vm->config.vsock.enabled)
			smol_machine_ready(m);
		break;
	case SMOL_BACKEND_RESET:
		on_reset(m);
		break;
	case SMOL_BACKEND_SHUTDOWN:
		begin_end(m, false, "the guest powered off");
		m->stopping = SMOL_QUITTING;
		uv_timer_start(&m->stop_timer, on_stop_timer, QUIT_MS, 0);
		break;
	case SMOL_BACKEND_PANIC:
		smol_output_drain(m);
		smol_machine_fail(
		    m, "the guest's kernel panicked%s%s", m->panic[0] ? ": " : "", m->panic);
		break;
	case SMOL_BACKEND_PAUSED:
	case SMOL_BACKEND_RESUMED:
		smol_pause_is(m, type == SMOL_BACKEND_PAUSED);
		break;
	case SMOL_BACKEND_HELD:
		smol_device_held(m);
		break;
	case SMOL_BACKEND_LET_GO:
		smol_device_let_go(m);
		break;
	case SMOL_BACKEND_REFUSED:
		smol_pause_refused(m, detail);
		break;
	case SMOL_BACKEND_BALLOON:
		smol_balloon_is(m, detail);
		break;
	case SMOL_BACKEND_SNAPSHOT:
		smol_snapshot_is(m, detail);
		break;
	case SMOL_BACKEND_FAILED:
		on_failed(m);
		break;
	case SMOL_BACKEND_SAYS:
		smol_output_complaint(&m->hypervisor, detail, strlen(detail));
		break;
	case SMOL_BACKEND_NOTE:
		smol_journal(m, "note", one("text", detail));
		break;
	case SMOL_BACKEND_METRICS:
		smol_record_metrics(m, detail);
		break;
	case SMOL_BACKEND_LOST:
		smol_watch_stop(&m->qmp_watch);
		if (m->hypervisor.pid <= 0)
			break;
		smol_journal(m, "control-lost", one("why", detail ? detail : "closed"));
		/* Where the process has ended its exit says more, and is about to be seen. */
		if (smol_io_wait(m->hypervisor.pidfd, POLLIN, smol_in_ms(1000)) > 0)
			on_hypervisor_exit(m);
		else
			smol_machine_fail(m, "the hypervisor's control connection broke%s%s",
			    detail ? ": " : "", detail ? detail : "");
		break;
	}
}

static void on_qmp(void *ctx)
{
	struct smol_monitor_state *m = ctx;

	smol_backend_control(&m->backend);
}

static void on_stop_timer(uv_timer_t *t)
{
	struct smol_monitor_state *m = t->data;

	if (m->stopping == SMOL_ASKING) {
		m->stopping = SMOL_QUITTING;
		smol_journal(m, "stop", one("step", "quit"));
		uv_timer_start(&m->stop_timer, on_stop_timer, QUIT_MS, 0);
		if (smol_backend_stop(&m->backend, SMOL_STOP_QUIT, NULL) == 0)
			return;
	}
	smol_journal(m, "stop", one("step", "kill"));
	/* A device that goes on for so long does not do what it should. */
	m->at_once |= m->stopping == SMOL_LINGERING;
	kill_all(m);
}

/* It has been asked to power off, and does, or it will not. */
static void on_asked(struct smol_monitor_state *m, bool ok, const char *words)
{
	if (ok || !m->ending || m->stopping != SMOL_ASKING)
		return;
	smol_journal(m, "stop", one("agent", words));
	if (smol_device_is_gone(m))
		m->ask_again = true;
	else
		on_stop_timer(&m->stop_timer);
}

/* It may have heard it the first time, and be on its way. */
static void on_asked_again(struct smol_monitor_state *m, bool ok, const char *words)
{
	if (!ok)
		smol_journal(m, "stop", one("agent", words));
}

void smol_machine_ask_again(struct smol_monitor_state *m)
{
	int64_t left_ms = (int64_t)uv_timer_get_due_in(&m->stop_timer);

	if (!m->ask_again || m->stopping != SMOL_ASKING)
		return;
	m->ask_again = false;
	smol_guest_tell(m, &(struct smol_request){.op = SMOL_OP_SHUTDOWN, .how = poweroff},
	    left_ms + 1000, on_asked_again);
}

void smol_machine_stop(struct smol_monitor_state *m, int64_t ask_ms, bool force)
{
	bool first = !m->ending;

	if (!first && !force) {
		/* Whoever has less patience than the one before is heard. */
		if (m->stopping == SMOL_ASKING &&
		    uv_timer_get_due_in(&m->stop_timer) > (uint64_t)ask_ms)
			uv_timer_start(&m->stop_timer, on_stop_timer, (uint64_t)ask_ms, 0);
		return;
	}
	begin_end(m, false, force ? "killed as asked" : "stopped as asked");
	smol_record_state(m, SMOL_VM_STOPPING);
	if (force) {
		m->at_once = true;
		kill_all(m);
		return;
	}
	m->stopping = SMOL_ASKING;
	smol_journal(m, "stop", one("step", "ask"));
	smol_pause_release(m);
	uv_timer_start(&m->stop_timer, on_stop_timer, (uint64_t)ask_ms, 0);
	smol_guest_tell(m, &(struct smol_request){.op = SMOL_OP_SHUTDOWN, .how = poweroff},
	    ask_ms + 1000, on_asked);
}

static cJSON *end_event(const struct smol_monitor_state *m)
{
	smol_auto_free char *tail = NULL;
	cJSON *j = one("event", "end");

	smol_json_add_bool(j, "died", m->died);
	smol_json_add_str(j, "cause", m->cause);
	if (m->failure.code)
		cJSON_AddItemToObject(j, "error", smol_json_from_err(&m->failure));
	/* One that powers off before it was ever ready has failed to start for whoever waits. */
	tail = (m->died || !m->ready) && m->console.path && !m->homeless
		   ? smol_vm_console_tail(m->vm, TAIL_LINES)
		   : NULL;
	if (tail)
		smol_json_add_str(j, "console", tail);
	return j;
}

static void finish(struct smol_monitor_state *m)
{
	smol_auto_free char *jail = NULL;
	cJSON *event;

	smol_guest_tell_end(m);
	smol_snapshot_end(m);
	smol_device_end(m);
	smol_guest_end(m);
	smol_forward_end(m);
	smol_output_end(m);
	smol_watch_stop(&m->console_watch);
	event = end_event(m);
	smol_journal(m, "end", one("cause", m->cause));
	smol_bound_close(&m->uds);
	if (m->uds_theirs)
		smol_bound_clear_stale(m->uds_path, NULL);
	jail = smol_vm_jail_dir(m->vm);
	if (m->jail.root && jail)
		smol_rmdir_r(jail, NULL);
	smol_bound_close(&m->ready_sock);
	smol_launch_remove_dirs(m);
	smol_bound_close(&m->vhost);
	smol_drives_close(m);
	/* New questions find no socket from here on: they read the registry. */
	smol_bound_close(&m->control);
	/* Without the claim the VM is somebody else's, and so are its directories. */
	if (m->claimed)
		smol_rmdir_r(m->runtime_dir, NULL);
	smol_record_end(m);
	if (m->claimed && m->vm->ephemeral)
		smol_rmdir_r(m->state_dir, NULL);
	smol_control_event(m, event);
	smol_control_end(m);
	uv_stop(&m->loop);
}

static void maybe_finish(struct smol_monitor_state *m)
{
	if (!m->ending || m->hypervisor.pid > 0 || m->device.pid > 0 || m->finished)
		return;
	for (int i = 0; i < SMOL_SHARES_MAX; i++)
		if (m->share_children[i].pid > 0)
			return;
	m->finished = true;
	finish(m);
}

void smol_machine_child_gone(struct smol_monitor_state *m)
{
	maybe_finish(m);
}

static int begin(struct smol_monitor_state *m, const char *id, struct smol_err *err)
{
	m->registry = smol_registry_open(err);
	m->vm = m->registry ? smol_registry_find(m->registry, id, err) : NULL;
	if (!m->vm)
		return -1;
	m->runtime_dir = smol_vm_runtime_dir(m->vm, err);
	m->state_dir = smol_vm_state_dir(m->vm, err);
	m->uds_path = smol_vm_uds_path(m->vm, err);
	m->backend.ops = smol_backend_ops_lookup(m->vm->config.backend, err);
	if (!m->runtime_dir || !m->state_dir || !m->uds_path || !m->backend.ops)
		return -1;
	m->hypervisor.what = m->backend.ops->info->name;
	/* The claim comes before anything is touched: of two monitors only one gets further. */
	if (smol_registry_claim(m->registry, m->vm, getpid(), err) < 0)
		return -1;
	m->claimed = true;
	if (m->restore && smol_snapshot_restore(m, err) < 0)
		return -1;
	if (smol_output_begin(m, err) < 0)
		return -1;
	smol_record_begin(m);
	if (smol_control_begin(m, err) < 0)
		return -1;
	smol_journal(m, "start", one("name", m->vm->name));
	return 0;
}

/* Should this process be killed, who comes next has to wait for the end of these. */
static void note_children(struct smol_monitor_state *m)
{
	pid_t pids[2 + SMOL_SHARES_MAX] = {m->device.pid, m->hypervisor.pid};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	for (int i = 0; i < SMOL_SHARES_MAX; i++)
		pids[2 + i] = m->share_children[i].pid;

	if (smol_children_note(m->vm, pids, SMOL_ARRAY_SIZE(pids), &err) < 0)
		smol_journal(m, "children", smol_json_from_err(&err));
}

void smol_machine_child(struct smol_monitor_state *m, struct smol_child *c)
{
	smol_output_child(c);
	if (c == &m->device)
		smol_watch_start(&m->loop, &c->exit_watch, c->pidfd, smol_device_exit, m);
	else if (c == &m->hypervisor)
		smol_watch_start(&m->loop, &c->exit_watch, c->pidfd, on_hypervisor_exit, m);
	else
		smol_watch_start(&m->loop, &c->exit_watch, c->pidfd, on_share_exit, c);
	note_children(m);
}

void smol_machine_begin(struct smol_monitor_state *m, const char *id, int starter_fd)
{
	m->begun_ms = smol_now_ms();
	m->phase = "starting";
	m->backend.event = on_backend;
	m->backend.ctx = m;
	uv_timer_init(&m->loop, &m->stop_timer);
	m->stop_timer.data = m;
	smol_guest_tell_begin(m);
	for (int i = 0; i < SMOL_SHARES_MAX; i++)
		m->share_fds[i] = -1;
	if (starter_fd >= 0)
		smol_control_adopt(m, starter_fd);
	if (begin(m, id, &m->failure) < 0 || smol_launch(m, &m->failure) < 0) {
		begin_end(m, true, m->failure.msg ? m->failure.msg : "it could not be started");
		kill_all(m);
		return;
	}
	if (m->backend.control_fd >= 0)
		smol_watch_start(&m->loop, &m->qmp_watch, m->backend.control_fd, on_qmp, m);
	smol_guest_begin(m);
	smol_registry_set_accel(m->registry, m->vm->id, m->backend.accel_used, NULL);
}
