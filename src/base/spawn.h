/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting programs: exact descriptors, exec's error reported back, dying with the parent. */
#ifndef SMOL_BASE_SPAWN_H
#define SMOL_BASE_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define SMOL_SPAWN_MAX_FDS 16

struct smol_spawn {
	const char *const *argv; /* argv[0] is looked up in PATH unless it has a slash */
	const char *const *env;	 /* NULL: inherit */
	/* fds[i] becomes descriptor i of the child; -1: /dev/null. All others are closed. */
	int fds[SMOL_SPAWN_MAX_FDS];
	int nfds;	      /* at least 3 */
	bool die_with_parent; /* PR_SET_PDEATHSIG SIGKILL */
	bool new_session;     /* setsid() */
	bool detach;	      /* double fork: the program is nobody's child; *pid is still set */
};

/*
 * Start a program with default signal handlers and an empty signal mask. Returns 0 with *pid, and,
 * where pidfd is not NULL, a CLOEXEC pidfd in *pidfd (caller closes). A program that cannot be
 * executed is an error here, not an exit code 127 later: SMOL_E_DEPENDENCY when it is missing.
 */
int smol_spawn(const struct smol_spawn *s, pid_t *pid, int *pidfd, struct smol_err *err);

/*
 * For a fork of one's own. A handler that still runs in the child would tell the parent's event
 * loop of a signal that was the child's. So: hold before the fork, release in the parent behind it,
 * and in the child, which is about to exec, default: nothing is handled or held any more, and what
 * had come acts then.
 */
void smol_signals_hold(sigset_t *before);
void smol_signals_release(const sigset_t *before);
void smol_signals_default(void);

/* Wait for a child until the deadline: 0 with its wait status, or -1 (ETIMEDOUT, ECHILD). */
int smol_spawn_wait(pid_t pid, int pidfd, smol_deadline deadline, int *status);

/* Run a helper to its end with stdin from /dev/null and the caller's stdout and stderr; gives its
 * exit code, 128+n when signal n ended it, or -1 when it could not be started. */
int smol_spawn_run(const char *const *argv, struct smol_err *err);

/*
 * Run a program to its end for what it prints on stdout (s->fds[1] is set here), at most max bytes
 * of it: 0 with its wait status, whatever that says, or -1: as smol_spawn(), SMOL_E_DEADLINE,
 * SMOL_E_LIMIT. It has ended then, by SIGTERM, or SIGKILL where that is not enough.
 */
int smol_spawn_read(struct smol_spawn *s, size_t max, smol_deadline deadline, struct smol_buf *out,
    int *status, struct smol_err *err);

#endif
