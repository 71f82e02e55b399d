/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection to a VM's monitor: JSON lines on the Unix socket "monitor.sock" in the VM's runtime
 * directory (docs/architecture.md, "The monitor's protocol"). Requests carry the version "v".
 *
 *   {"v":1,"op":"watch"}                       events follow on this connection
 *   {"v":1,"op":"status"}                      {"ok":true,"result":{…}}
 *   {"v":1,"op":"stop","ask_ms":N,"force":B}   {"ok":true}; the end comes as an event to watchers
 *   {"v":1,"op":"pause"}, {"v":1,"op":"resume"}  {"ok":true}; that it is so comes as an event
 *   {"v":1,"op":"snapshot","name":N}         {"ok":true}; that it is there comes as an event
 *   {"v":1,"op":"balloon","memory_mib":N} {"ok":true,"result":{memory_mib,target_mib,actual_mib}};
 *                                              without memory_mib nothing is asked of the guest
 *   {"v":1,"op":"forward","host":H,"guest":G,"reverse":B}
 * {"ok":true,"result":{id,host,guest,reverse}}
 *   {"v":1,"op":"forwards"}, {"v":1,"op":"unforward","id":N}
 *
 * Events: {"event":"phase","phase":…}, {"event":"ready"}, {"event":"reboot"},
 * {"event":"refused","error":…} (the hypervisor does not pause or resume),
 * {"event":"snapshot","name":N} or with "error" (there is none),
 * {"event":"balloon","target_mib":N,"actual_mib":N} or with "error",
 * {"event":"end","died":B,"cause":…,"error":{code,message,hint,console}}.
 */
#ifndef SMOL_VM_MONITOR_CLIENT_H
#define SMOL_VM_MONITOR_CLIENT_H

#include "base/clock.h"
#include "base/err.h"
#include "proto/json.h"
#include "vm/registry.h"

#define SMOL_MONITOR_VERSION  1
#define SMOL_MONITOR_REACH_MS 2000	  /* for a monitor that lives to have its socket ready */
#define SMOL_MONITOR_LINE_MAX (64 * 1024) /* bytes of a line either way */

struct smol_monitor;

/* Connect to a running VM's monitor. SMOL_E_REFUSED when there is none. */
struct smol_monitor *smol_monitor_open(const struct smol_vm *vm, struct smol_err *err);
/* The same over a descriptor that is connected already; it is taken over. */
struct smol_monitor *smol_monitor_adopt(int fd);
void smol_monitor_close(struct smol_monitor *m); /* NULL is fine */

/* Send a request object; it is deleted. */
int smol_monitor_send(struct smol_monitor *m, cJSON *request, struct smol_err *err);
/*
 * The next line. NULL: SMOL_E_DEADLINE, SMOL_E_INTERRUPTED (interrupt_fd, or -1, is readable),
 * SMOL_E_RESET when the monitor has gone. Caller deletes.
 */
cJSON *smol_monitor_next(
    struct smol_monitor *m, smol_deadline deadline, int interrupt_fd, struct smol_err *err);
/* {"v":…,"op":op} */
cJSON *smol_monitor_request(const char *op);

/*
 * Connect to the monitor of a live VM and ask to hear its events. Between the claim and the socket
 * there is a moment in which nobody answers: as long as the process lives it is tried again, until
 * the deadline or for SMOL_MONITOR_REACH_MS.
 */
struct smol_monitor *smol_monitor_reach(
    const struct smol_vm *vm, smol_deadline deadline, int interrupt_fd, struct smol_err *err);

/* What a line says: that it is this event; */
bool smol_monitor_is_event(const cJSON *j, const char *name);
/* a reply that says no, as an error (-1), else 0; */
int smol_monitor_refuses(const cJSON *j, struct smol_err *err);
/* of an "end" event its error, or the cause as one: always -1. */
int smol_monitor_end_error(const cJSON *j, const char *name, struct smol_err *err);

static inline void smol_auto_monitor_fn(struct smol_monitor **m)
{
	smol_monitor_close(*m);
}
#define smol_auto_monitor __attribute__((cleanup(smol_auto_monitor_fn)))

#endif
