/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How late is a line? Starts a program that answers each line on its stdin by one on its stdout,
 * and prints the microseconds between the two, the median of N. Before each there is a pause, so
 * that what gathers output to send it together has nothing to gather. A first line that nobody
 * measures tells that the program is there.
 *
 *   echo_line N PROGRAM [WORD…]
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared.h"

#define LIMIT_MS 10000
#define PAUSE_MS 50

static int to, from; /* the program */

static void start(char **argv)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe(in) < 0 || pipe(out) < 0 || (pid = fork()) < 0) {
		perror("echo_line");
		exit(1);
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		for (int i = 0; i < 2; i++) {
			close(in[i]);
			close(out[i]);
		}
		execvp(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	to = in[1];
	from = out[0];
}

/* There is nothing to come: is there nothing? */
static bool quiet(int ms)
{
	struct pollfd p = {.fd = from, .events = POLLIN};

	return poll(&p, 1, ms) == 0;
}

/* One line there and back: its time, or -1. */
static long long line(void)
{
	long long begun = now_us();
	char answer[16];
	size_t n = 0;

	if (write(to, "line\n", 5) != 5)
		return -1;
	while (n < 5) {
		ssize_t got = quiet(LIMIT_MS) ? 0 : read(from, answer + n, sizeof(answer) - n);

		if (got <= 0)
			return -1;
		n += (size_t)got;
	}
	return n == 5 && memcmp(answer, "line\n", 5) == 0 ? now_us() - begun : -1;
}

static int ascending(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Lets the program end: its input does. */
static int finish(void)
{
	int status = 0;

	close(to);
	if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? count_of(argv[1]) : 0;
	long long *took = n ? calloc((size_t)n, sizeof(*took)) : NULL;

	if (!took) {
		fprintf(stderr, "Usage: echo_line N PROGRAM [WORD...]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	start(argv + 2);
	for (int i = -1; i < n; i++) {
		long long us = line();

		if (us < 0 || !quiet(PAUSE_MS)) {
			fprintf(stderr, "echo_line: %s did not answer as it should\n", argv[2]);
			free(took);
			return 1;
		}
		if (i >= 0)
			took[i] = us;
	}
	qsort(took, (size_t)n, sizeof(*took), ascending);
	printf("%lld\n", took[n / 2]);
	free(took);
	return finish() == 0 ? 0 : 1;
}
