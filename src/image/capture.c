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

volatile sig_atomic_t smol_capture_interrupted;

/* poll() during which, and only then, the signals that end a build come through: none that came
 * before is missed. */
static int wait_for(struct pollfd *p, nfds_t n, smol_deadline deadline)
{
	int ms = smol_poll_ms(deadline), got, saved;
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};
	sigset_t ours, before;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (smol_capture_interrupted) {
		got = -1;
		saved = EINTR;
	} else {
		got = ppoll(p, n, ms < 0 ? NULL : &ts, &before);
		saved = errno;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return got;
}

static void take(struct pollfd *p, struct smol_buf *b, size_t max)
{
	char block[16384];
	ssize_t got = read(p->fd, block, sizeof(block));

	if (got == 0 || (got < 0 && errno != EINTR))
		p->fd = -1;
	else if (got > 0 && b && smol_buf_len(b) + (size_t)got <= max)
		smol_buf_append(b, block, (size_t)got);
}

/* Read both pipes until both have ended. -1 with errno; what is over max is dropped. */
static int drain(int out_fd, int err_fd, size_t max, struct smol_buf *out, struct smol_buf *errs,
    smol_deadline deadline)
{
	struct pollfd p[2] = {{.fd = out_fd, .events = POLLIN}, {.fd = err_fd, .events = POLLIN}};

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		int n = wait_for(p, 2, deadline);

		if (n < 0 && (errno != EINTR || smol_capture_interrupted))
			return -1;
		if (n == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (n > 0 && p[0].fd >= 0 && p[0].revents)
			take(&p[0], out, max);
		if (n > 0 && p[1].fd >= 0 && p[1].revents)
			take(&p[1], errs, STDERR_MAX);
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

int smol_capture_judge(const char *what, int status, struct smol_buf *errs, struct smol_err *err)
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
	if (failed == EINTR)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	if (failed == ETIMEDOUT)
		return smol_err_set(err, SMOL_E_DEADLINE, "%s takes too long", argv[0]);
	if (failed)
		return smol_err_errno(err, SMOL_E_IO, failed, "reading from %s", argv[0]);
	return smol_capture_judge(argv[0], status, &errs, err);
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
	return smol_capture_judge(what, status, &none, err);
}
