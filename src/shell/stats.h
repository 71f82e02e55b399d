/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What VMs use: CPU and memory of their hypervisors, and what their agents say of themselves. Kept
 * from round to round, and cheap enough for a screen that shows it all day: a monitor is asked for
 * its children's pids once, the rest is read from /proc; an agent is asked now and then, all of
 * them at the same time, and a guest that is silent keeps nobody waiting.
 */
#ifndef SMOL_SHELL_STATS_H
#define SMOL_SHELL_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "proto/json.h"
#include "vm/registry.h"

#define SMOL_STATS_CPU_MS	  500 /* the least time over which CPU is measured */
/* An agent that has not answered by then is silent: for who looks once, and for who looks all day
 * and is not to be told of every hiccup. */
#define SMOL_STATS_SILENT_MS	  1000
#define SMOL_STATS_SILENT_LONG_MS 3000

/* X(enumerator, name) */
#define SMOL_HEALTHS(X) X(UNKNOWN, "-") X(OK, "ok") X(SILENT, "silent") X(PAUSED, "paused")
enum smol_health {
#define X(e, n) SMOL_HEALTH_##e,
	SMOL_HEALTHS(X)
#undef X
	    SMOL_HEALTH__COUNT
};
const char *smol_health_name(enum smol_health h);

struct smol_stat {
	char id[SMOL_ID_LEN + 1];
	char *name;
	enum smol_vm_state state;
	enum smol_health health; /* UNKNOWN: does not run, has no agent, or was not asked yet */
	double cpu;		 /* per cent of one CPU; < 0: not known */
	int64_t resident;	 /* bytes of the host; < 0: not known */
	int64_t memory;		 /* bytes that it was given */
	int cpus;
	int64_t uptime_ms; /* < 0: not up */
	int64_t jobs;	   /* that run; < 0: not known */
};

struct smol_stats; /* one for all rounds */

struct smol_stats *smol_stats_new(int64_t silent_ms);
void smol_stats_free(struct smol_stats *s);
/* A round: these are the VMs, reconciled. Those that have gone are forgotten, the processes of the
 * others looked at, and their agents asked where it is time to. */
void smol_stats_round(struct smol_stats *s, struct smol_vm *const *vms, int n);
/*
 * Hear the answers that come until the deadline, or until nothing is awaited where `all` is set.
 * Returns early, with true, when stop_fd is readable or nobody reads stdout any more.
 */
bool smol_stats_hear(struct smol_stats *s, smol_deadline deadline, bool all, int stop_fd);
/* What is known, in the order of the VMs of the last round. */
const struct smol_stat *smol_stats_at(const struct smol_stats *s, int i);

/* The keys are always all there; what is not known is null. */
cJSON *smol_stat_json(const struct smol_stat *st);

#endif
