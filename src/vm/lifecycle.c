/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one does with a VM: see lifecycle.h. The work is the monitor's; here it is started, asked,
 * and waited for. The registry is read again after each step: others act at the same time.
 */
#include "vm/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "base/text.h"
#include "vm/lifecycle_internal.h"
#include "vm/monitor_client.h"

#define END_MS	  15000 /* for a monitor to clean up once the VM is being killed */
#define LINGER_MS 35000 /* for what a guest had sent to be taken by its clients */

struct smol_hold {
	struct smol_monitor *m;
	char *name;
};

/* Read events until the VM is ready. */
static int await_ready(struct smol_monitor *m, const struct smol_vm *vm,
    const struct smol_start_opts *o, struct smol_err *err)
{
	for (;;) {
		smol_auto_json cJSON *j = smol_monitor_next(m, o->deadline, o->interrupt_fd, err);

		if (!j || smol_monitor_refuses(j, err) < 0)
			return -1;
		if (smol_monitor_is_event(j, "phase") && o->phase && smol_json_str(j, "phase"))
			o->phase(o->ctx, smol_json_str(j, "phase"));
		if (smol_monitor_is_event(j, "ready"))
			return 0;
		if (smol_monitor_is_event(j, "end"))
			return smol_monitor_end_error(j, vm->name, err);
	}
}

/* Wait for the VM's end. 0 with the event in *end, or -1. */
static int await_end(struct smol_monitor *m, smol_deadline deadline, int interrupt_fd, cJSON **end,
    struct smol_err *err)
{
	for (;;) {
		smol_auto_json cJSON *j = smol_monitor_next(m, deadline, interrupt_fd, err);

		if (!j || smol_monitor_refuses(j, err) < 0)
			return -1;
		if (smol_monitor_is_event(j, "end")) {
			*end = smol_steal(&j);
			return 0;
		}
	}
}

static cJSON *stop_request(int64_t ask_ms, bool force)
{
	cJSON *j = smol_monitor_request("stop");

	smol_json_add_int(j, "ask_ms", ask_ms);
	smol_json_add_bool(j, "force", force);
	return j;
}

static int spawn_monitor(
    const struct smol_vm *vm, bool hold, const char *snapshot, int *conn, struct smol_err *err)
{
	smol_auto_free char *program = smol_path_helper("smolsh-monitor", err);
	smol_auto_free char *dir = smol_vm_state_dir(vm, err);
	smol_auto_free char *log = dir ? smol_asprintf("%s/monitor.log", dir) : NULL;
	smol_auto_close int ours = -1, theirs = -1, log_fd = -1;
	const char *argv[9] = {program, "--id", vm->id, "--starter-fd", "3"};
	struct smol_spawn s = {.argv = argv, .nfds = 4, .detach = true};
	int pair[2];
	pid_t pid;
	int n = 5;

	if (hold)
		argv[n++] = "--hold";
	if (snapshot) {
		argv[n++] = "--snapshot";
		argv[n] = snapshot;
	}
	if (!program || !dir || smol_mkdir_p(dir, 0700, err) < 0)
		return -1;
	log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0600);
	if (log_fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", log);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	s.fds[0] = s.fds[1] = -1;
	s.fds[2] = log_fd;
	s.fds[3] = theirs;
	if (smol_spawn(&s, &pid, NULL, err) < 0)
		return -1;
	*conn = smol_steal_fd(&ours);
	return 0;
}

/* The start has failed or was given up: end what there is of it. */
static void abandon(struct smol_monitor *m)
{
	smol_auto_json cJSON *end = NULL;

	if (smol_monitor_send(m, stop_request(0, true), NULL) == 0)
		await_end(m, smol_in_ms(END_MS), -1, &end, NULL);
}

/* A start that somebody else began (ours is not set) is theirs to give up. */
static int start_failed(struct smol_monitor *m, const struct smol_vm *vm,
    const struct smol_start_opts *o, bool ours, struct smol_err *err)
{
	char time[16];

	switch (err->code) {
	case SMOL_E_DEADLINE:
		smol_timeout_text(o->timeout_ms, time);
		smol_err_set(err, SMOL_E_DEADLINE,
		    "VM '%s' started, but its agent was not ready %s%s", vm->name,
		    o->timeout_ms ? "within " : "in time", o->timeout_ms ? time : "");
		smol_err_hint(err,
		    "give it longer with --boot-timeout; smolsh logs %s shows the whole console",
		    vm->name);
		err->tail = smol_vm_console_tail(vm, SMOL_VM_TAIL_LINES);
		if (ours)
			abandon(m);
		break;
	case SMOL_E_INTERRUPTED:
		if (ours)
			abandon(m);
		break;
	case SMOL_E_RESET:
		if (!ours && smol_proc_alive(vm->monitor_pid, vm->monitor_start))
			break;
		smol_err_set(err, SMOL_E_VM_DIED, "VM '%s' died: its monitor was killed", vm->name);
		break;
	default:
		break;
	}
	return -1;
}

/* Begin the start, or join the one that somebody else has begun. NULL with code NONE: it runs. */
static struct smol_monitor *begin_start(struct smol_vm *vm, const struct smol_start_opts *o,
    bool hold, bool *ours, struct smol_err *err)
{
	int fd = -1;

	*ours = !smol_vm_state_live(vm->state);
	if (o->snapshot && !*ours) {
		smol_err_set(err, SMOL_E_STATE, "VM '%s' is %s, and cannot go back to a snapshot",
		    vm->name, smol_vm_state_name(vm->state));
		smol_err_hint(err, "smolsh stop --force %s", vm->name);
		return NULL;
	}
	if (vm->state == SMOL_VM_RUNNING)
		return NULL;
	if (vm->state == SMOL_VM_STARTING)
		return smol_monitor_reach(vm, o->deadline, o->interrupt_fd, err);
	if (vm->state == SMOL_VM_PAUSED) {
		smol_err_set(err, SMOL_E_STATE, "VM '%s' is paused", vm->name);
		smol_err_hint(err, "smolsh resume %s", vm->name);
		return NULL;
	}
	if (vm->state == SMOL_VM_STOPPING) {
		smol_err_set(err, SMOL_E_STATE, "VM '%s' is being stopped", vm->name);
		smol_err_hint(err, "smolsh wait %s --for exit", vm->name);
		return NULL;
	}
	return spawn_monitor(vm, hold, o->snapshot, &fd, err) < 0 ? NULL : smol_monitor_adopt(fd);
}

int smol_vm_start(struct smol_registry *r, struct smol_vm *vm, const struct smol_start_opts *o,
    struct smol_hold **hold, struct smol_err *err)
{
	smol_auto_monitor struct smol_monitor *m = NULL;
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	bool ours, again = false;

	do {
		if (again && smol_vm_refresh(r, vm, err) < 0)
			return -1;
		if (smol_vm_reconcile(r, vm, err) < 0)
			return -1;
		smol_monitor_close(smol_steal(&m));
		smol_err_clear(&why);
		m = begin_start(vm, o, hold != NULL, &ours, &why);
		if (!m && why.code == SMOL_E_NONE)
			return 0;
		if (m && await_ready(m, vm, o, &why) < 0)
			start_failed(m, vm, o, ours, &why);
		/* Of two that start it at once one is told that it runs already: it joins. */
		again = !again && !hold && ours && why.code == SMOL_E_STATE;
	} while (again);
	if (why.code == SMOL_E_NOT_FOUND && ours)
		/* It was deleted meanwhile; the directory for the monitor's log was made anew. */
		smol_vm_remove_files(vm, true);
	if (why.code != SMOL_E_NONE)
		return smol_err_move(err, &why);
	if (smol_vm_refresh(r, vm, err) < 0)
		return -1;
	if (hold) {
		*hold = smol_alloc(sizeof(**hold));
		(*hold)->m = smol_steal(&m);
		(*hold)->name = smol_strdup(vm->name);
	}
	return 0;
}

int smol_hold_end(struct smol_hold *hold, struct smol_err *err)
{
	smol_auto_json cJSON *end = NULL;
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	int rc = 0;

	if (!hold)
		return 0;
	if (smol_monitor_send(hold->m, stop_request(0, true), &why) < 0 ||
	    await_end(hold->m, smol_in_ms(END_MS), -1, &end, &why) < 0) {
		/* A monitor that has ended before took the VM with it. */
		if (why.code != SMOL_E_RESET)
			rc = smol_err_move(err, &why);
	}
	smol_monitor_close(hold->m);
	free(hold->name);
	free(hold);
	return rc;
}

void smol_hold_explain(struct smol_hold *hold, struct smol_err *err)
{
	smol_auto_json cJSON *end = NULL;

	if (hold && await_end(hold->m, smol_in_ms(SMOL_EXPLAIN_MS), -1, &end, NULL) == 0)
		smol_monitor_end_error(end, hold->name, err);
}

/* The monitor does not do what it should: its death takes its children with it (PDEATHSIG). */
static int kill_monitor(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_close int pidfd = smol_proc_open(vm->monitor_pid, vm->monitor_start);

	if (pidfd >= 0) {
		smol_proc_kill(pidfd, SIGKILL);
		smol_io_wait(pidfd, POLLIN, smol_in_ms(END_MS));
	}
	return smol_vm_reconcile(r, vm, err);
}

/*
 * A monitor that gives no answer: it has ended in this very moment, or its socket was taken away.
 * SIGTERM is an orderly stop, too.
 */
static int stop_by_signal(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_close int pidfd = smol_proc_open(vm->monitor_pid, vm->monitor_start);

	if (pidfd >= 0) {
		smol_proc_kill(pidfd, SIGTERM);
		if (smol_io_wait(pidfd, POLLIN, smol_in_ms(END_MS)) == 0)
			return kill_monitor(r, vm, err);
	}
	/* The row of one that goes with its client has gone as well. */
	return vm->ephemeral			 ? 0
	       : smol_vm_refresh(r, vm, err) < 0 ? -1
						 : smol_vm_reconcile(r, vm, err);
}

int smol_vm_stop(
    struct smol_registry *r, struct smol_vm *vm, int64_t ask_ms, bool force, struct smol_err *err)
{
	smol_auto_monitor struct smol_monitor *m = NULL;
	smol_auto_json cJSON *end = NULL;
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;

	if (smol_vm_reconcile(r, vm, err) < 0)
		return -1;
	if (!smol_vm_state_live(vm->state))
		return 0;
	m = smol_monitor_reach(vm, smol_in_ms(SMOL_MONITOR_REACH_MS), -1, &why);
	if (m && smol_monitor_send(m, stop_request(ask_ms, force), &why) == 0)
		await_end(m, smol_in_ms((force ? 0 : ask_ms + LINGER_MS) + END_MS), -1, &end, &why);
	if (end)
		return vm->ephemeral ? 0 : smol_vm_refresh(r, vm, err);
	if (why.code == SMOL_E_DEADLINE)
		return kill_monitor(r, vm, err);
	if (why.code == SMOL_E_RESET || why.code == SMOL_E_REFUSED)
		return stop_by_signal(r, vm, err);
	return smol_err_move(err, &why);
}

int smol_vm_delete(struct smol_registry *r, struct smol_vm *vm, bool force, struct smol_err *err)
{
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;

	if (smol_vm_reconcile(r, vm, err) < 0)
		return -1;
	if (smol_vm_state_live(vm->state)) {
		bool goes = vm->ephemeral;

		if (!force) {
			smol_err_set(err, SMOL_E_STATE, "VM '%s' is %s", vm->name,
			    smol_vm_state_name(vm->state));
			return smol_err_hint(
			    err, "smolsh stop %s, or smolsh delete --force %s", vm->name, vm->name);
		}
		if (smol_vm_stop(r, vm, 0, true, err) < 0)
			return -1;
		if (goes)
			return 0;
	}
	if (smol_registry_delete(r, vm->id, 0, &why) == 0) {
		smol_vm_remove_files(vm, true);
		return 0;
	}
	if (why.code != SMOL_E_NO_SPACE)
		return smol_err_move(err, &why);
	/* On a disk that is full its own files are what makes room; nor can it be started by
	 * anybody, whose claim needs some. */
	smol_vm_remove_files(vm, true);
	return smol_registry_delete(r, vm->id, 0, err);
}

/* Wait for the end of the monitor's process: as smol_vm_wait(). */
static int await_process(
    const struct smol_vm *vm, smol_deadline deadline, int interrupt_fd, struct smol_err *err)
{
	smol_auto_close int pidfd = smol_proc_open(vm->monitor_pid, vm->monitor_start);
	struct pollfd p[] = {
	    {.fd = pidfd, .events = POLLIN}, {.fd = interrupt_fd, .events = POLLIN}};
	int n;

	if (pidfd < 0)
		return 1;
	do {
		n = poll(p, 2, smol_poll_ms(deadline));
	} while ((n < 0 && errno == EINTR) || (n == 0 && smol_poll_ms(deadline) != 0));
	if (n > 0 && !p[0].revents)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	return n > 0;
}

int smol_vm_wait(struct smol_registry *r, struct smol_vm *vm, enum smol_wait_for what,
    smol_deadline deadline, int interrupt_fd, struct smol_err *err)
{
	smol_auto_monitor struct smol_monitor *m = NULL;
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	smol_auto_json cJSON *end = NULL;
	struct smol_start_opts o = {.deadline = deadline, .interrupt_fd = interrupt_fd};
	int rc = -1;

	if (smol_vm_reconcile(r, vm, err) < 0)
		return -1;
	if (!smol_vm_state_live(vm->state))
		return what == SMOL_WAIT_EXIT;
	if (what == SMOL_WAIT_READY && vm->state == SMOL_VM_RUNNING)
		return 1;
	m = smol_monitor_reach(vm, deadline, interrupt_fd, &why);
	if (m && what == SMOL_WAIT_READY)
		rc = await_ready(m, vm, &o, &why);
	else if (m)
		rc = await_end(m, deadline, interrupt_fd, &end, &why);
	if (rc == 0)
		return 1;
	if (why.code == SMOL_E_INTERRUPTED)
		return smol_err_move(err, &why);
	if (why.code == SMOL_E_DEADLINE || what == SMOL_WAIT_READY)
		return 0;
	/* It has gone, and the VM with it; or it cannot be reached, and its end is the VM's. */
	return await_process(vm, deadline, interrupt_fd, err);
}

int smol_vm_agent_addr(const struct smol_vm *vm, struct smol_vsock_addr *addr, struct smol_err *err)
{
	smol_auto_free char *path = NULL;

	if (!vm->config.vsock.enabled) {
		smol_err_set(err, SMOL_E_UNSUPPORTED,
		    "VM '%s' has no vsock, so its agent cannot be reached", vm->name);
		return smol_err_hint(err,
		    "create it without --no-vsock; smolsh logs %s shows its console", vm->name);
	}
	if (vm->state != SMOL_VM_RUNNING)
		return smol_vm_not_running(vm, err);
	if (smol_vm_vsock_by_kernel(vm)) {
		*addr = (struct smol_vsock_addr){
		    .kind = SMOL_VSOCK_CID, .cid = vm->cid, .port = vm->config.vsock.guest_port};
		return 0;
	}
	path = smol_vm_uds_path(vm, err);
	if (!path || smol_uds_path_check(path, err) < 0)
		return -1;
	*addr =
	    (struct smol_vsock_addr){.kind = SMOL_VSOCK_UNIX, .port = vm->config.vsock.guest_port};
	snprintf(addr->path, sizeof(addr->path), "%s", path);
	return 0;
}

cJSON *smol_vm_monitor_status(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_monitor struct smol_monitor *m = smol_monitor_open(vm, err);
	smol_auto_json cJSON *j = NULL;
	cJSON *result;

	if (!m || smol_monitor_send(m, smol_monitor_request("status"), err) < 0)
		return NULL;
	j = smol_monitor_next(m, smol_in_ms(5000), -1, err);
	if (!j)
		return NULL;
	result = cJSON_DetachItemFromObjectCaseSensitive(j, "result");
	if (!result)
		smol_err_set(err, SMOL_E_PROTOCOL, "the monitor gave no status");
	return result;
}
