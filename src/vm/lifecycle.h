/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one does with a VM: the verbs behind the commands. They speak to the VM's monitor over its
 * socket (vm/monitor_client.h) and read the registry; every wait has a deadline.
 */
#ifndef SMOL_VM_LIFECYCLE_H
#define SMOL_VM_LIFECYCLE_H

#include "base/clock.h"
#include "base/err.h"
#include "vm/registry.h"
#include "vsock/addr.h"

#define SMOL_BOOT_TIMEOUT_MS 120000
#define SMOL_STOP_ASK_MS     10000 /* for the guest to shut down when asked, then by force */

/* Told about the steps of a start: "starting", "kernel", "agent", "ready". */
typedef void (*smol_phase_fn)(void *ctx, const char *phase);

struct smol_start_opts {
	smol_deadline deadline; /* for the agent to be ready */
	int64_t timeout_ms;	/* the time that was given for it, for messages; 0: not known */
	smol_phase_fn phase;	/* or NULL */
	void *ctx;
	int interrupt_fd;     /* readable: give up (SMOL_E_INTERRUPTED); -1 for none */
	const char *snapshot; /* what it comes back from (vm/snapshot.h); NULL: it boots */
};

struct smol_hold; /* a connection that keeps an ephemeral VM alive */

/*
 * Start a VM and wait until its agent is ready (with vsock disabled: until the hypervisor runs).
 * On failure the VM is stopped again, and *err carries the cause and the console's last lines.
 * hold: NULL, or for an ephemeral VM where the connection goes whose end is the VM's end.
 */
int smol_vm_start(struct smol_registry *r, struct smol_vm *vm, const struct smol_start_opts *o,
    struct smol_hold **hold, struct smol_err *err);
/* End an ephemeral VM: it is killed and removed when this returns 0. NULL is fine. */
int smol_hold_end(struct smol_hold *hold, struct smol_err *err);
/* As smol_vm_explain(), for a VM that one holds: its row and logs go with it, so only this
 * connection can say why it died. NULL is fine. */
void smol_hold_explain(struct smol_hold *hold, struct smol_err *err);

/*
 * Stop: the guest is asked; after ask_ms the hypervisor is told, then killed. force: killed at
 * once. Stopping what is not running is no error. Returns when all of it is gone.
 */
int smol_vm_stop(
    struct smol_registry *r, struct smol_vm *vm, int64_t ask_ms, bool force, struct smol_err *err);
/*
 * Pause: its CPUs stand still, and its clocks with them. Or resume: it goes on. What is so already
 * is no error; SMOL_E_STATE where it neither runs nor is paused; SMOL_E_UNSUPPORTED where its
 * backend cannot. Returns when it is so. *warning: NULL, or what is not as it should be all the
 * same; the caller frees it.
 */
int smol_vm_pause(
    struct smol_registry *r, struct smol_vm *vm, bool pause, char **warning, struct smol_err *err);
/*
 * Write a snapshot of this name. A VM that runs stands still meanwhile, one that is paused stays
 * so; every connection to its guest ends. SMOL_E_STATE as above; SMOL_E_EXISTS, SMOL_E_UNSUPPORTED.
 */
int smol_vm_snapshot(struct smol_registry *r, struct smol_vm *vm, const char *name,
    int interrupt_fd, char **warning, struct smol_err *err);
/* MiB: all that it was made with, what it is to keep, and what it has (-1: its hypervisor does not
 * say). */
struct smol_balloon {
	int64_t memory, target, actual;
};
/*
 * Have the guest keep so much of its memory (0: only say how it is), and wait until it does;
 * where the hypervisor does not say, until that has accepted it.
 * SMOL_E_UNSUPPORTED: it has no balloon; SMOL_E_INVALID: the bounds; SMOL_E_DEADLINE: it has not
 * done so, *out says how far it is.
 */
int smol_vm_balloon(struct smol_registry *r, struct smol_vm *vm, int64_t mib,
    smol_deadline deadline, int interrupt_fd, struct smol_balloon *out, struct smol_err *err);
/* Remove it with its logs. SMOL_E_STATE when it runs and force is not set. Its files go first where
 * that makes the room that the registry needs. */
int smol_vm_delete(struct smol_registry *r, struct smol_vm *vm, bool force, struct smol_err *err);

/*
 * Make the registry true: a VM whose monitor is gone is recorded as died ("its monitor was
 * killed", "host restarted") and what it left is cleaned up. Called by every command that reads
 * states. Updates vm in place. SMOL_E_NOT_FOUND where it has been removed: by somebody else, or as
 * one that was to go with a client that died before its monitor had begun.
 */
int smol_vm_reconcile(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err);

enum smol_wait_for { SMOL_WAIT_READY, SMOL_WAIT_EXIT };
/* 1 it is so, 0 it will not become so or the deadline passed, -1 error. */
int smol_vm_wait(struct smol_registry *r, struct smol_vm *vm, enum smol_wait_for what,
    smol_deadline deadline, int interrupt_fd, struct smol_err *err);

/*
 * Where its agent is reached. SMOL_E_UNSUPPORTED where vsock is disabled, SMOL_E_STATE or
 * SMOL_E_VM_DIED (with cause, console lines and "smolsh start x") where it does not run;
 * SMOL_E_STATE with "smolsh resume x" where it is paused.
 */
int smol_vm_agent_addr(
    const struct smol_vm *vm, struct smol_vsock_addr *addr, struct smol_err *err);
/*
 * A request failed with err: if the VM has died meanwhile (waits up to a second to learn it) the
 * error becomes SMOL_E_VM_DIED with the cause and the console's last lines. If it is paused that is
 * why, and so if its guest has rebooted since vm was read. If its vsock device has died since vm
 * was read, the error says so (waits until there is another), and the answer is true: the guest
 * goes on.
 */
bool smol_vm_explain(struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err);
/* Only the last of these. */
bool smol_vm_explain_device(
    struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err);

/* What the monitor knows: pids, hypervisor, accelerator, device, memory of each. Caller deletes. */
cJSON *smol_vm_monitor_status(const struct smol_vm *vm, struct smol_err *err);

/* Files of a VM; malloc'd, caller frees. */
char *smol_vm_state_dir(const struct smol_vm *vm, struct smol_err *err);    /* logs, journal */
char *smol_vm_runtime_dir(const struct smol_vm *vm, struct smol_err *err);  /* sockets */
char *smol_vm_console_path(const struct smol_vm *vm, struct smol_err *err); /* console.log */
char *smol_vm_journal_path(const struct smol_vm *vm, struct smol_err *err); /* journal.jsonl */
char *smol_vm_uds_path(const struct smol_vm *vm, struct smol_err *err);
/* Of its disk i (config.disks): the file that it is or is to be. */
char *smol_vm_disk_path(const struct smol_vm *vm, int i, struct smol_err *err);
/* Make the disks that are its own, once, when it has been registered: sparse files. */
int smol_vm_disks_make(const struct smol_vm *vm, struct smol_err *err);
/* A file there could not be given that size (errno): what ("make the disk") and the mend; -1. */
int smol_vm_disk_no_room(const char *what, const char *path, int64_t size, struct smol_err *err);
/*
 * Make its own disk i larger, to size bytes: the file, then the configuration. Where only the file
 * was reached the VM starts with it, and the same again ends the work. SMOL_E_INVALID: smaller than
 * it is, out of bounds, or somebody else's file; SMOL_E_STATE: it is in use.
 */
int smol_vm_disk_grow(
    struct smol_registry *r, struct smol_vm *vm, int i, int64_t size, struct smol_err *err);
/* The guest has its disk i as /dev/vd and this letter. */
char smol_vm_disk_letter(const struct smol_vm *vm, int i);
/* The mend for a disk whose file is not there; -1. */
int smol_vm_disk_gone(const struct smol_vm *vm, struct smol_err *err);
/* Between two boots console.log has a line that begins so. */
#define SMOL_CONSOLE_MARK "--- smolsh: booted again "
/* With this the kernel says that it panicks, on a line with the reason. */
#define SMOL_PANIC_MARK	  "Kernel panic - not syncing"
/* The last lines (at most n, of at most 64 KiB of each file) that the console showed in the VM's
 * last boot, up to the panic where there was one, escaped, newline separated; NULL: none. */
char *smol_vm_console_tail(const struct smol_vm *vm, int n);

#endif
