/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starting programs: see spawn.h. The child reports a failed exec through a CLOEXEC pipe: EOF
 * means that the exec took place. Between fork and exec only async-signal-safe calls are made.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"

#define CHUNK	16384
#define TERM_MS 2000 /* from SIGTERM to SIGKILL */

extern char **environ;

/* What the child says back: its pid when it is detached, then an errno if exec failed. */
struct report {
	int32_t kind; /* 0 pid, 1 errno */
	int32_t value;
};

static void say(int fd, int kind, int value)
{
	struct report r = {kind, value};
	ssize_t n = write(fd, &r, sizeof(r));

	(void)n;
}

/* Put the wanted descriptors in their places. They are first moved above all places, so that no
 * place is overwritten before it has been read. Returns the report's new descriptor. */
static int place_fds(const struct smol_spawn *s, int report)
{
	int high[SMOL_SPAWN_MAX_FDS];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	report = fcntl(report, F_DUPFD_CLOEXEC, 64);
	if (null < 0 || report < 0)
		return -1;
	for (int i = 0; i < s->nfds; i++) {
		high[i] = fcntl(s->fds[i] < 0 ? null : s->fds[i], F_DUPFD_CLOEXEC, 64);
		if (high[i] < 0)
			return -1;
	}
	for (int i = 0; i < s->nfds; i++)
		if (dup2(high[i], i) < 0)
			return -1;
	if (report > s->nfds)
		close_range((unsigned)s->nfds, (unsigned)report - 1, 0);
	close_range((unsigned)report + 1, ~0U, 0);
	return report;
}

void smol_signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, before);
}

void smol_signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

void smol_signals_default(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child(const struct smol_spawn *s, int report, pid_t parent)
{
	int placed;

	if (s->new_session || s->detach)
		setsid();
	if (s->detach) {
		pid_t pid = fork();

		if (pid) {
			if (pid < 0)
				say(report, 1, errno);
			_exit(0);
		}
		say(report, 0, getpid());
	}
	placed = place_fds(s, report);
	if (placed < 0) {
		say(report, 1, errno);
		_exit(127);
	}
	report = placed;
	smol_signals_default();
	if (s->die_with_parent) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
	}
	execvpe(s->argv[0], (char *const *)s->argv,
	    (char *const *)(s->env ? s->env : (const char *const *)environ));
	say(report, 1, errno);
	_exit(127);
}

int smol_spawn(const struct smol_spawn *s, pid_t *pid, int *pidfd, struct smol_err *err)
{
	pid_t parent = getpid(), started;
	int p[2], failed = 0;
	struct report r;
	sigset_t before;
	ssize_t n;

	if (pipe2(p, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	smol_signals_hold(&before);
	started = fork();
	if (started == 0)
		child(s, p[1], parent);
	failed = started < 0 ? errno : 0;
	smol_signals_release(&before);
	close(p[1]);
	*pid = started;
	while (!failed && (n = read(p[0], &r, sizeof(r))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(r))
			failed = n < 0 ? errno : EIO;
		else if (r.kind == 0)
			*pid = r.value;
		else
			failed = r.value;
	}
	close(p[0]);
	if (started > 0 && (failed || s->detach))
		while (waitpid(started, NULL, 0) < 0 && errno == EINTR)
			;
	if (failed) {
		smol_err_errno(err,
		    failed == ENOENT || failed == EACCES ? SMOL_E_DEPENDENCY : SMOL_E_IO, failed,
		    "cannot run %s", s->argv[0]);
		/* Descriptors from 64 on are used on the way: EINVAL is F_DUPFD's word for none. */
		return failed == EINVAL || failed == EMFILE ? smol_err_hint(err, "ulimit -n 1024")
							    : -1;
	}
	if (pidfd)
		*pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	return 0;
}

int smol_spawn_wait(pid_t pid, int pidfd, smol_deadline deadline, int *status)
{
	pid_t r;

	if (deadline != SMOL_NEVER && pidfd >= 0 && smol_io_wait(pidfd, POLLIN, deadline) == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	do {
		r = waitpid(pid, status, 0);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -1 : 0;
}

int smol_spawn_run(const char *const *argv, struct smol_err *err)
{
	struct smol_spawn s = {.argv = argv, .fds = {-1, 1, 2}, .nfds = 3};
	int status;
	pid_t pid;

	if (smol_spawn(&s, &pid, NULL, err) < 0)
		return -1;
	if (smol_spawn_wait(pid, -1, SMOL_NEVER, &status) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "waiting for %s", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int read_all(int fd, const char *name, size_t max, smol_deadline deadline,
    struct smol_buf *out, struct smol_err *err)
{
	ssize_t n;

	while ((n = smol_io_read_some(fd, smol_buf_reserve(out, CHUNK), CHUNK, deadline)) > 0) {
		smol_buf_commit(out, (size_t)n);
		if (smol_buf_len(out) > max)
			return smol_err_set(err, SMOL_E_LIMIT, "%s prints too much", name);
	}
	if (n < 0 && errno == ETIMEDOUT)
		return smol_err_set(err, SMOL_E_DEADLINE, "%s does not answer", name);
	return n < 0 ? smol_err_errno(err, SMOL_E_IO, errno, "reading from %s", name) : 0;
}

int smol_spawn_read(struct smol_spawn *s, size_t max, smol_deadline deadline, struct smol_buf *out,
    int *status, struct smol_err *err)
{
	smol_auto_close int ours = -1, theirs = -1, pidfd = -1;
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	ours = p[0];
	s->fds[1] = theirs = p[1];
	if (smol_spawn(s, &pid, &pidfd, err) < 0)
		return -1;
	close(smol_steal_fd(&theirs));
	if (read_all(ours, s->argv[0], max, deadline, out, err) == 0) {
		if (smol_spawn_wait(pid, pidfd, deadline, status) == 0)
			return 0;
		smol_err_set(err, SMOL_E_DEADLINE, "%s does not end", s->argv[0]);
	}
	kill(pid, SIGTERM);
	if (smol_spawn_wait(pid, pidfd, smol_in_ms(TERM_MS), status) < 0) {
		kill(pid, SIGKILL);
		smol_spawn_wait(pid, -1, SMOL_NEVER, status);
	}
	return -1;
}
