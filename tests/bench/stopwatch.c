/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long does a program take? Prints the microseconds on descriptor 3, which the program does not
 * inherit, so that its own output can go wherever the caller wants it.
 *
 *   stopwatch PROGRAM [WORD…]          from its start to its end; it must exit with 0
 *   stopwatch -s SOCKET PROGRAM …      from its start to the first byte that somebody writes to the
 *                                      Unix socket SOCKET, on which this listens; then it is killed
 *
 * The program never outlives this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared.h"

#define LIMIT_MS (300 * 1000)

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "stopwatch: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* vfork, as a shell's fork would be the longer part of a short measure. */
static pid_t start(char **argv)
{
	pid_t pid = vfork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0)
		die("fork");
	return pid;
}

static int wait_for(int fd, int pidfd)
{
	struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};

	if (poll(p, 2, LIMIT_MS) <= 0) {
		fprintf(stderr, "stopwatch: nothing after %d s\n", LIMIT_MS / 1000);
		return -1;
	}
	if (p[0].revents)
		return 0;
	fprintf(stderr, "stopwatch: it ended before the first byte came\n");
	return -1;
}

/* From start to the first byte on the socket. */
static long long to_first_byte(const char *path, char **argv)
{
	int listener = uds_listen(path), pidfd, fd = -1;
	long long begun, us = -1;
	pid_t pid;
	char byte;

	if (listener < 0)
		die(path);
	begun = now_us();
	pid = start(argv);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd >= 0 && wait_for(listener, pidfd) == 0) {
		fd = accept(listener, NULL, NULL);
		if (fd >= 0 && wait_for(fd, pidfd) == 0 && read(fd, &byte, 1) == 1)
			us = now_us() - begun;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	return us;
}

static long long to_end(char **argv)
{
	long long begun = now_us(), us;
	pid_t pid = start(argv);
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	us = now_us() - begun;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return us;
	fprintf(stderr, "stopwatch: %s failed (wait status %#x)\n", argv[0], (unsigned)status);
	return -1;
}

int main(int argc, char **argv)
{
	bool first_byte = argc > 3 && strcmp(argv[1], "-s") == 0;
	long long us;

	if (argc < 2 || (argv[1][0] == '-' && !first_byte)) {
		fprintf(stderr, "Usage: stopwatch [-s SOCKET] PROGRAM [WORD...] 3>RESULT\n");
		return 2;
	}
	if (fcntl(3, F_SETFD, FD_CLOEXEC) < 0)
		die("descriptor 3");
	us = first_byte ? to_first_byte(argv[2], argv + 3) : to_end(argv + 1);
	if (us < 0)
		return 1;
	dprintf(3, "%lld\n", us);
	return 0;
}
