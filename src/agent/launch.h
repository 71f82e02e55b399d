/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starting a job's process: vfork, and exec in as few system calls as will do.
 *
 * The child shares the agent's memory until it has executed, so it only makes system calls and
 * writes into struct smol_launch. It relies on the agent having no signal handlers, every
 * descriptor close-on-exec, and 0, 1 and 2 open.
 */
#ifndef SMOL_AGENT_LAUNCH_H
#define SMOL_AGENT_LAUNCH_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "agent/user.h"
#include "base/err.h"
#include "proto/request.h"

#define SMOL_OOM_EXEMPT "-1000"

struct smol_launch {
	const char *path; /* what is executed; "/bin/sh" for a command */
	const char *const *argv;
	const char *const *env;
	const char *home;	      /* where it starts; / where that does not exist */
	const char *cwd;	      /* must exist; or NULL */
	const struct smol_user *user; /* or NULL: the agent's own */
	int fds[3];		      /* become 0, 1, 2; all above 2 */
	const struct rlimit *files;   /* RLIMIT_NOFILE; or NULL: the agent's own */
	bool tty;		      /* fds[0] is a terminal and is to control the session */
	int oom_fd; /* the agent's own oom_score_adj: it is exempt, its jobs are not; or -1 */
};

/* The job is the leader of a session and a process group of its own. Returns its pid, or -1 with
 * SMOL_E_NO_COMMAND, SMOL_E_NO_EXEC, or SMOL_E_LIMIT (no more processes). */
pid_t smol_launch_run(const struct smol_launch *l, struct smol_err *err);

/* Environment of a job: the defaults, then what the user brings, then the request's. malloc'd
 * array of malloc'd strings; free with smol_launch_env_free(). */
char **smol_launch_env(const struct smol_exec_request *e, const struct smol_user *u);
void smol_launch_env_free(char **env);

/* Find name in the PATH of env (absolute entries only). malloc'd, caller frees; or NULL with
 * SMOL_E_NO_COMMAND or SMOL_E_NO_EXEC. A name with a slash is given back as it is. */
char *smol_launch_find(const char *name, char *const *env, struct smol_err *err);

#endif
