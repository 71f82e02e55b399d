/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of commands: every line that ran, when, how long, and how it ended. No terminal. */
#ifndef SMOL_UI_LOG_H
#define SMOL_UI_LOG_H

#include <stdbool.h>
#include <stdint.h>

#define SMOL_LOG_MAX 1000 /* lines; the oldest goes */

enum smol_log_state {
	SMOL_LOG_RUNS,
	SMOL_LOG_ENDED,
	SMOL_LOG_LEFT, /* its pane was closed before it had ended */
};

struct smol_log_entry {
	char *line;	  /* owned */
	int64_t began_ms; /* wall clock */
	int64_t ended_ms; /* unless it runs */
	int status;	  /* exit code, or 128+n, of one that has ended */
	bool person;	  /* somebody typed into it */
	const void *by;	  /* who runs it: only a name */
	enum smol_log_state state;
};

struct smol_log {
	struct smol_log_entry *entries; /* oldest first; owned */
	int n;
};

void smol_log_free(struct smol_log *log);
/* A line (copied) begins; by is the pane, or NULL: it has ended already, with that status. */
void smol_log_add(struct smol_log *log, const void *by, const char *line, bool person,
    int64_t now_ms, int status);
/* What runs by it has ended, or is left. Nothing where nothing runs. */
void smol_log_end(struct smol_log *log, const void *by, int64_t now_ms, int status);
void smol_log_leave(struct smol_log *log, const void *by, int64_t now_ms);
/*
 * As a script for `smolsh -f`; malloc'd, caller frees. What did not succeed, was left early, runs
 * still or needs a person is in it as a comment: so that it does not end there, or wait for ever.
 */
char *smol_log_script(const struct smol_log *log);

#endif
