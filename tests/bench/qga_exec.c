/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs /bin/true in a guest through qemu-guest-agent, as a management program would: guest-exec,
 * then guest-exec-status each millisecond until the process has exited.
 *
 *   qga_exec SOCKET|PIPE       once, for stopwatch
 *   qga_exec SOCKET|PIPE N     N times, one after another; prints the microseconds that one took
 *
 * SOCKET is QEMU's chardev "socket": a connection for each qga_exec. PIPE is its chardev "pipe"
 * (PIPE.in and PIPE.out), which it keeps open itself.
 *
 * No more is said than has to be: not even guest-sync, and no output is captured. The two differ:
 * between two connections the agent finds itself alone and sleeps for 100 ms at a time, which it
 * never does where somebody (libvirt, say) keeps the one open.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shared.h"

#define LIMIT_MS 5000

static int to, from;

static int ask(const char *line, char *reply, size_t size)
{
	struct pollfd p = {.fd = from, .events = POLLIN};
	size_t have = 0;

	if (write(to, line, strlen(line)) != (ssize_t)strlen(line))
		return -1;
	while (have < size - 1) {
		ssize_t n =
		    poll(&p, 1, LIMIT_MS) > 0 ? read(from, reply + have, size - 1 - have) : -1;

		if (n <= 0)
			return -1;
		have += (size_t)n;
		reply[have] = '\0';
		if (reply[have - 1] == '\n')
			return 0;
	}
	return -1;
}

/* What follows "key": in a reply, or NULL. */
static const char *member(const char *reply, const char *key)
{
	const char *p = strstr(reply, key);

	return p ? p + strlen(key) + strspn(p + strlen(key), "\": ") : NULL;
}

static int run(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	char reply[4096], line[128];
	const char *value;

	if (ask("{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/true\"}}\n", reply,
		sizeof(reply)) < 0 ||
	    !(value = member(reply, "pid")))
		return -1;
	snprintf(line, sizeof(line),
	    "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":%ld}}\n",
	    strtol(value, NULL, 10));
	for (;;) {
		if (ask(line, reply, sizeof(reply)) < 0 || !(value = member(reply, "exited")))
			return -1;
		if (strncmp(value, "true", 4) == 0)
			break;
		nanosleep(&pause, NULL);
	}
	value = member(reply, "exitcode");
	return value && *value == '0' ? 0 : -1;
}

static int open_end(const char *pipe, const char *end, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s.%s", pipe, end);
	return open(path, flags | O_CLOEXEC);
}

static void open_both(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		to = from = uds_connect(path);
		return;
	}
	to = open_end(path, "in", O_WRONLY);
	from = open_end(path, "out", O_RDONLY);
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? count_of(argv[2]) : 1;
	long long begun;

	if (argc < 2 || argc > 3 || !n) {
		fprintf(stderr, "Usage: qga_exec SOCKET|PIPE [N]\n");
		return 2;
	}
	open_both(argv[1]);
	if (to < 0 || from < 0) {
		perror(argv[1]);
		return 2;
	}
	begun = now_us();
	for (int i = 0; i < n; i++) {
		if (run() < 0) {
			fprintf(stderr, "qga_exec: the agent did not answer as it should\n");
			return 1;
		}
	}
	if (argc == 3)
		printf("%.1f\n", (double)(now_us() - begun) / n);
	return 0;
}
