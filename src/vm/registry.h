/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registry: one SQLite database (WAL) in the state directory that says which VMs there are.
 * src/vm is the only writer. Every write is one short transaction; a second process waits up to
 * SMOL_BUSY_MS for it.
 */
#ifndef SMOL_VM_REGISTRY_H
#define SMOL_VM_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "proto/request.h"
#include "vm/config.h"

#define SMOL_BUSY_MS   10000
#define SMOL_ID_LEN    12 /* hex digits */
#define SMOL_CID_TRIES 16 /* how often a taken CID is derived again */

#define SMOL_VM_STATES(X)                                                                          \
	X(CREATED, "created")	/* registered, never started */                                    \
	X(STARTING, "starting") /* a monitor is on it; the agent has not answered */               \
	X(RUNNING, "running")	/* the agent has said that it is ready */                          \
	X(PAUSED, "paused")	/* was running; its CPUs stand still */                            \
	X(STOPPING, "stopping")                                                                    \
	X(STOPPED, "stopped") /* ended as it was asked to, or the guest powered off */             \
	X(DIED, "died")	      /* ended otherwise: end_cause says why */
enum smol_vm_state {
#define X(e, n) SMOL_VM_##e,
	SMOL_VM_STATES(X)
#undef X
	    SMOL_VM__COUNT
};
const char *smol_vm_state_name(enum smol_vm_state s);
/* Is there, or should there be, a monitor? */
bool smol_vm_state_live(enum smol_vm_state s);

struct smol_vm {
	char id[SMOL_ID_LEN + 1];
	char *name;
	struct smol_vm_config config;
	char token[SMOL_TOKEN_LEN + 1];
	uint32_t cid; /* 0 where vsock is disabled */
	enum smol_vm_state state;
	cJSON *labels, *env; /* objects of strings; owned, never NULL */
	bool ephemeral;	     /* made by `run` without --keep: goes with its client */
	int64_t created_ms, started_ms, ready_ms, ended_ms; /* wall clock; 0: never */
	char *end_cause;				    /* why it ended last, or NULL */
	char *accel_used; /* "tcg (no vmx or svm in /proc/cpuinfo)", or NULL */
	char *vsock_used; /* "user (no /dev/vhost-vsock)", or NULL */
	/* With start time and boot id: which process it is. Of an ephemeral VM that is not claimed
	 * yet the process that made it. */
	pid_t monitor_pid;
	uint64_t monitor_start;
	char boot_id[40];
	int64_t read_ms; /* when all this was read; CLOCK_MONOTONIC */
};

struct smol_registry;

/* Opens, making the database where there is none. SMOL_E_REGISTRY with the mend when it is
 * damaged or of a newer schema. Caller closes. */
struct smol_registry *smol_registry_open(struct smol_err *err);
void smol_registry_close(struct smol_registry *r);
/* Is there a database? For those who must not make one by looking (completion). */
bool smol_registry_exists(void);

/*
 * Register a VM: id and token made, name checked or made from the image and the id (name may be
 * NULL), CID reserved, all in one transaction. SMOL_E_EXISTS: name or CID is taken; SMOL_E_LIMIT:
 * no free CID found in SMOL_CID_TRIES derivations. *out is the caller's.
 */
int smol_registry_create(struct smol_registry *r, const char *name,
    const struct smol_vm_config *config, bool ephemeral, struct smol_vm **out,
    struct smol_err *err);
/* By name, id, or an id's beginning of at least 4 digits, or a name's beginning where only one
 * fits. SMOL_E_NOT_FOUND with the nearest name as hint; SMOL_E_INVALID when several fit. */
struct smol_vm *smol_registry_find(struct smol_registry *r, const char *word, struct smol_err *err);
/* All VMs by name; a row that cannot be read is left out, counted in *bad. NULL-terminated. */
struct smol_vm **smol_registry_list(struct smol_registry *r, int *bad, struct smol_err *err);
/* Only a VM that is not live, or, where monitor is not 0, one that belongs to that monitor: a start
 * that came in between is SMOL_E_STATE. No error when there is no such row. */
int smol_registry_delete(
    struct smol_registry *r, const char *id, pid_t monitor, struct smol_err *err);

/* What a VM carries with it: labels to be chosen by, variables for its commands. */
enum smol_pairs { SMOL_PAIRS_LABELS, SMOL_PAIRS_ENV };
#define SMOL_PAIRS_MAX	    256		/* of each kind */
#define SMOL_LABEL_MAX	    63		/* bytes of a label's key or value */
#define SMOL_PAIR_VALUE_MAX (32 * 1024) /* bytes of a variable */
/* Is "K=V" (or with value false "K") fit for that kind? SMOL_E_INVALID with the rule. */
int smol_pair_check(enum smol_pairs kind, const char *pair, bool value, struct smol_err *err);
/* Set "K=V"s and unset keys (NULL-terminated lists, either may be NULL) in one transaction. */
int smol_registry_change_pairs(struct smol_registry *r, const char *id, enum smol_pairs kind,
    const char *const *set, const char *const *unset, struct smol_err *err);

/* Changes vm->config; 0, or -1 with *err: then nothing is written. */
typedef int (*smol_config_change_fn)(void *ctx, struct smol_vm *vm, struct smol_err *err);
/* Read a VM's configuration, have it changed and write it, in one transaction that no start comes
 * into. SMOL_E_STATE with "smolsh stop x" where the VM is live. */
int smol_registry_change_config(struct smol_registry *r, const char *id,
    smol_config_change_fn change, void *ctx, struct smol_err *err);

/* How long a write waits for another process's: SMOL_BUSY_MS unless told. */
void smol_registry_set_patience(struct smol_registry *r, int ms);

/* State changes; each checks what the state was in the same transaction. */
/* created, stopped, died → starting, for this monitor process; a new token is made (vm->token is
 * set). SMOL_E_STATE when somebody else was first. */
int smol_registry_claim(
    struct smol_registry *r, struct smol_vm *vm, pid_t monitor, struct smol_err *err);
/* The token of vm, which its guest knows already, in place of the one that the claim has made. */
int smol_registry_set_token(
    struct smol_registry *r, const struct smol_vm *vm, struct smol_err *err);
/* starting, paused → running. */
int smol_registry_set_ready(struct smol_registry *r, const char *id, struct smol_err *err);
/* running → paused; also from starting, where the registry was too busy to hear of running. */
int smol_registry_set_paused(struct smol_registry *r, const char *id, struct smol_err *err);
/* running, paused → starting: the guest reboots. */
int smol_registry_set_starting(struct smol_registry *r, const char *id, struct smol_err *err);
int smol_registry_set_stopping(struct smol_registry *r, const char *id, struct smol_err *err);
int smol_registry_set_accel(
    struct smol_registry *r, const char *id, const char *accel, struct smol_err *err);
/* The kind of vsock that it runs with, and why: "kernel (as asked)". The first word is what
 * smol_vm_vsock_by_kernel() goes by. */
int smol_registry_set_vsock(
    struct smol_registry *r, const char *id, const char *used, struct smol_err *err);
/*
 * The VM's CID is taken by a program that is not in the registry: reserve the next one that its id
 * gives, in one transaction. *tried counts the derivations over the calls, from 0; SMOL_E_LIMIT
 * after SMOL_CID_TRIES. vm->cid is the new one.
 */
int smol_registry_next_cid(
    struct smol_registry *r, struct smol_vm *vm, unsigned *tried, struct smol_err *err);
/* → stopped or died, with the cause. Only while the row still belongs to monitor (0: to anybody).
 */
int smol_registry_set_ended(struct smol_registry *r, const char *id, pid_t monitor, bool died,
    const char *cause, struct smol_err *err);

/* Is its guest reached by the host's AF_VSOCK? */
bool smol_vm_vsock_by_kernel(const struct smol_vm *vm);

void smol_vm_free(struct smol_vm *vm);
void smol_vm_list_free(struct smol_vm **list);
static inline void smol_auto_vm_fn(struct smol_vm **vm)
{
	smol_vm_free(*vm);
}
static inline void smol_auto_registry_fn(struct smol_registry **r)
{
	smol_registry_close(*r);
}
static inline void smol_auto_vm_list_fn(struct smol_vm ***l)
{
	smol_vm_list_free(*l);
}
#define smol_auto_vm	   __attribute__((cleanup(smol_auto_vm_fn)))
#define smol_auto_vm_list  __attribute__((cleanup(smol_auto_vm_list_fn)))
#define smol_auto_registry __attribute__((cleanup(smol_auto_registry_fn)))

#endif
