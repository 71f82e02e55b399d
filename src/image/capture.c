/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running tools for what they print: see capture.h. */
#include "image/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/spawn.h"
#include "base/text.h"

#define STDERR_MAX 65536

/* Read both pipes until both have ended. -1 with errno; what is over max is dropped. */
static int drain(int out_fd, int err_fd, size_t max, struct smol_buf *out, struct smol_buf *errs,
    smol_deadline deadline)
{
	struct pollfd p[2] = {{.fd = out_fd, .events = POLLIN}, {.fd = err_fd, .events = POLLIN}};
	struct smol_buf *const bufs[2] = {out, errs};
	const size_t limits[2] = {max, STDERR_MAX};
	char block[16384];

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		int n = poll(p, 2, smol_poll_ms(deadline));

		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		for (int i = 0; i < 2 && n > 0; i++) {
			ssize_t got;

			if (p[i].fd < 0 || !p[i].revents)
				continue;
			got = read(p[i].fd, block, sizeof(block));
			if (got == 0 || (got < 0 && errno != EINTR))
				p[i].fd = -1;
			else if (got > 0 && bufs[i] &&
				 smol_buf_len(bufs[i]) + (size_t)got <= limits[i])
				smol_buf_append(bufs[i], block, (size_t)got);
		}
	}
	return 0;
}

/* The last line that says something, without "E: ". */
static char *last_line(struct smol_buf *errs)
{
	char *text = smol_buf_str(errs), *nl;

	while ((nl = strrchr(text, '\n')) && !nl[strspn(nl, " \n")])
		*nl = '\0';
	nl = strrchr(text, '\n');
	text = nl ? nl + 1 : text;
	if (strncmp(text, "E: ", 3) == 0)
		text += 3;
	return smol_escape(text, strlen(text));
}

static int judge(const char *what, int status, struct smol_buf *errs, struct smol_err *err)
{
	smol_auto_free char *why = last_line(errs);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM))
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	if (strstr(why, strerror(ENOSPC)))
		return smol_err_set(err, SMOL_E_NO_SPACE, "%s: %s", what, strerror(ENOSPC));
	if (*why)
		return smol_err_set(err, SMOL_E_IO, "%s: %s", what, why);
	if (WIFSIGNALED(status))
		return smol_err_set(
		    err, SMOL_E_IO, "%s was ended by signal %d", what, WTERMSIG(status));
	return smol_err_set(err, SMOL_E_IO, "%s gave up (exit code %d)", what, WEXITSTATUS(status));
}

int smol_capture(const char *const *argv, size_t max, struct smol_buf *out, smol_deadline deadline,
    struct smol_err *err)
{
	smol_auto_close int out_r = -1, out_w = -1, err_r = -1, err_w = -1;
	struct smol_spawn s = {.argv = argv, .nfds = 3, .die_with_parent = true};
	smol_auto_buf struct smol_buf errs = {0};
	smol_auto_close int pidfd = -1;
	int pipes[4], status, failed;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	out_r = pipes[0];
	out_w = pipes[1];
	if (pipe2(pipes + 2, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	err_r = pipes[2];
	err_w = pipes[3];
	s.fds[0] = -1;
	s.fds[1] = out_w;
	s.fds[2] = err_w;
	if (smol_spawn(&s, &pid, &pidfd, err) < 0)
		return -1;
	close(smol_steal_fd(&out_w));
	close(smol_steal_fd(&err_w));
	failed = drain(out_r, err_r, max, out, &errs, deadline) < 0 ? errno : 0;
	if (failed)
		kill(pid, SIGKILL);
	if (smol_spawn_wait(pid, pidfd, SMOL_NEVER, &status) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "waiting for %s", argv[0]);
	if (failed == ETIMEDOUT)
		return smol_err_set(err, SMOL_E_DEADLINE, "%s takes too long", argv[0]);
	if (failed)
		return smol_err_errno(err, SMOL_E_IO, failed, "reading from %s", argv[0]);
	return judge(argv[0], status, &errs, err);
}

int smol_capture_start(const char *const *argv, int *fd, pid_t *pid, struct smol_err *err)
{
	struct smol_spawn s = {.argv = argv, .nfds = 3, .die_with_parent = true};
	smol_auto_close int w = -1;
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	w = pipes[1];
	s.fds[0] = -1;
	s.fds[1] = w;
	s.fds[2] = -1; /* its consequences are reported */
	if (smol_spawn(&s, pid, NULL, err) < 0) {
		close(pipes[0]);
		return -1;
	}
	*fd = pipes[0];
	return 0;
}

int smol_capture_end(const char *what, pid_t pid, struct smol_err *err)
{
	smol_auto_buf struct smol_buf none = {0};
	int status;

	if (smol_spawn_wait(pid, -1, SMOL_NEVER, &status) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "waiting for %s", what);
	return judge(what, status, &none, err);
}
