/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What PID 1 and the agent both know of the jobs: see roster.h. */
#include "agent/roster.h"

#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>

struct smol_roster *smol_roster_make(void)
{
	struct smol_roster *r =
	    mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return r == MAP_FAILED ? NULL : r;
}

struct smol_roster_entry *smol_roster_take(struct smol_roster *r)
{
	struct smol_roster_entry *lost = NULL;

	for (int i = 0; r && i < SMOL_ROSTER_MAX; i++) {
		struct smol_roster_entry *e = &r->entries[i];

		if (e->use == SMOL_ROSTER_FREE)
			return e;
		if (e->use == SMOL_ROSTER_LOST && (!lost || e->id < lost->id))
			lost = e;
	}
	return lost;
}

int smol_roster_bury(struct smol_roster *r)
{
	int n = 0;

	for (int i = 0; r && i < SMOL_ROSTER_MAX; i++) {
		struct smol_roster_entry *e = &r->entries[i];

		if (e->use != SMOL_ROSTER_LIVE)
			continue;
		/* Whoever is 1 or less is not a group of ours, whatever the agent wrote. */
		if (e->group > 1)
			kill(-e->group, SIGKILL);
		e->use = SMOL_ROSTER_LOST;
		n++;
	}
	return n;
}
