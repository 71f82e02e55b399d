/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What PID 1 and the agent both know of the jobs: memory that they share, so that after the agent's
 * death PID 1 can end what the agent had started, and the next agent can say which jobs were lost.
 * Only the agent writes while it lives, only PID 1 while there is none. Untouched pages cost
 * nothing.
 */
#ifndef SMOL_AGENT_ROSTER_H
#define SMOL_AGENT_ROSTER_H

#include <stdint.h>
#include <sys/types.h>

#define SMOL_ROSTER_MAX	 2176 /* running, queued and lost jobs: their limits, and some */
#define SMOL_JOB_COMMAND 200  /* bytes of a command that are kept, NUL included */

enum smol_roster_use { SMOL_ROSTER_FREE, SMOL_ROSTER_LIVE, SMOL_ROSTER_LOST };

struct smol_roster_entry {
	int64_t id;
	int64_t started_ms; /* CLOCK_MONOTONIC; 0: it waited for its turn */
	pid_t group;	    /* 0: it waited for its turn */
	enum smol_roster_use use;
	char command[SMOL_JOB_COMMAND];
};

struct smol_roster {
	int64_t last_id;
	struct smol_roster_entry entries[SMOL_ROSTER_MAX];
};

/* NULL when there is no memory. Shared with every process that is forked afterwards. */
struct smol_roster *smol_roster_make(void);
/* An entry to be filled in: a free one, else that of the job that was lost longest ago; or NULL. */
struct smol_roster_entry *smol_roster_take(struct smol_roster *r);
/* The agent is dead: SIGKILL to the groups of its jobs, which are lost now. Gives how many. */
int smol_roster_bury(struct smol_roster *r);

#endif
