/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A child process of the monitor: its end, in words, and what is left of it. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "monitor/monitor.h"

char *smol_child_end_words(const struct smol_child *c, int status)
{
	const char *colon = c->last_line[0] ? ": " : "", *name;

	if (!WIFSIGNALED(status))
		return smol_asprintf("%s exited with code %d%s%s", c->what, WEXITSTATUS(status),
		    colon, c->last_line);
	name = sigabbrev_np(WTERMSIG(status));
	return smol_asprintf("%s was killed by signal %d (SIG%s)%s%s", c->what, WTERMSIG(status),
	    name ? name : "?", colon, c->last_line);
}

bool smol_child_reap(struct smol_child *c, int *status)
{
	if (c->pid <= 0 || waitpid(c->pid, status, WNOHANG) != c->pid)
		return false;
	smol_watch_stop(&c->exit_watch);
	c->pid = 0;
	return true;
}

void smol_child_close(struct smol_child *c)
{
	int *const fds[] = {&c->pidfd, &c->stderr_fd};

	smol_watch_stop(&c->stderr_watch);
	smol_buf_clear(&c->stderr_buf);
	c->last_line[0] = '\0';
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
