/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registry made true: a VM whose monitor is gone is recorded as died, and what it left is
 * removed. Both happen in one transaction that a claim cannot pass: who starts the VM next finds
 * either the old state or a clean place, and never loses its new sockets to somebody who was late.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"
#include "vm/children.h"
#include "vm/jail.h"
#include "vm/lifecycle.h"
#include "vm/lifecycle_internal.h"
#include "vm/registry_internal.h"

int smol_vm_refresh(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err)
{
	struct smol_vm *now = smol_registry_find(r, vm->id, err), old;

	/* Without a row of that id the word might be the beginning of another's name. */
	if (now && strcmp(now->id, vm->id) != 0) {
		smol_vm_free(now);
		now = NULL;
		smol_err_set(err, SMOL_E_NOT_FOUND, "?");
	}
	if (!now) {
		if (err && err->code == SMOL_E_NOT_FOUND)
			smol_err_set(
			    err, SMOL_E_NOT_FOUND, "VM '%s' has been deleted meanwhile", vm->name);
		return -1;
	}
	old = *vm;
	*vm = *now;
	*now = old;
	smol_vm_free(now);
	return 0;
}

/* A socket of ours that nobody listens on; whatever else lies there stays. */
static void remove_socket(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	smol_auto_close int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid() ||
	    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= (int)sizeof(sa.sun_path))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno == ECONNREFUSED)
		unlink(path);
}

/* Those that its user chose a place for; the others lie in the runtime directory. */
static void remove_sockets(const struct smol_vm *vm)
{
	const char *path = vm->config.vsock.uds_path;
	smol_auto_free char *ready = path ? smol_asprintf("%s_%d", path, SMOL_PORT_READY) : NULL;

	if (!path || !vm->config.vsock.enabled)
		return;
	remove_socket(path);
	remove_socket(ready);
}

void smol_vm_remove_files(const struct smol_vm *vm, bool state_too)
{
	smol_auto_free char *run = smol_vm_runtime_dir(vm, NULL);
	smol_auto_free char *jail = smol_vm_jail_dir(vm);
	smol_auto_free char *state = state_too ? smol_vm_state_dir(vm, NULL) : NULL;

	remove_sockets(vm);
	if (jail)
		smol_rmdir_r(jail, NULL);
	if (run)
		smol_rmdir_r(run, NULL);
	if (state)
		smol_rmdir_r(state, NULL);
}

/* Is there, or should there be, a process that answers for it? */
static bool has_keeper(const struct smol_vm *vm)
{
	return smol_vm_state_live(vm->state) || (vm->ephemeral && vm->state == SMOL_VM_CREATED);
}

/* Its monitor is gone: record it and clean up, unless others have done so meanwhile. */
static int bury(struct smol_registry *r, struct smol_vm *vm, bool restarted, struct smol_err *err)
{
	pid_t gone = vm->monitor_pid;
	uint64_t gone_start = vm->monitor_start;

	if (smol_vm_refresh(r, vm, err) < 0)
		return -1;
	if (!has_keeper(vm) || vm->monitor_pid != gone || vm->monitor_start != gone_start)
		return 0;
	smol_vm_remove_files(vm, vm->ephemeral);
	/* It stays in the caller's memory as live and without a monitor: it went with its client.
	 */
	if (vm->ephemeral)
		return smol_registry_delete(r, vm->id, gone, err);
	if (smol_registry_set_ended(r, vm->id, gone, true,
		restarted ? "host restarted" : "its monitor was killed", err) < 0)
		return -1;
	return smol_vm_refresh(r, vm, err);
}

int smol_vm_reconcile(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err)
{
	bool restarted = strcmp(vm->boot_id, smol_proc_boot_id()) != 0;

	if (!has_keeper(vm))
		return 0;
	if (!restarted && smol_proc_alive(vm->monitor_pid, vm->monitor_start))
		return 0;
	/* It has not ended while one of its processes has not; and nobody is to wait for that with
	 * the registry locked. */
	if (!restarted && smol_children_end(vm, err) < 0)
		return -1;
	if (smol_registry_exec(r, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (bury(r, vm, restarted, err) < 0 || smol_registry_exec(r, "COMMIT", err) < 0) {
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	if (vm->state == SMOL_VM_CREATED)
		return smol_err_set(
		    err, SMOL_E_NOT_FOUND, "VM '%s' went with its client", vm->name);
	return 0;
}
