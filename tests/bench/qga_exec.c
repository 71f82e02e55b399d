/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs /bin/true in a guest through qemu-guest-agent, as a management program would: guest-exec,
 * then guest-exec-status each millisecond until the process has exited.
 *
 *   qga_exec SOCKET      the Unix socket of QEMU's chardev
 *
 * No more is said than has to be: not even guest-sync, and no output is captured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "uds.h"

#define LIMIT_S 10

static int ask(int fd, const char *line, char *reply, size_t size)
{
	size_t have = 0;

	if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
		return -1;
	while (have < size - 1) {
		ssize_t n = recv(fd, reply + have, size - 1 - have, 0);

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

static int run(int fd)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	char reply[4096], line[128];
	const char *value;

	if (ask(fd, "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/true\"}}\n", reply,
		sizeof(reply)) < 0 ||
	    !(value = member(reply, "pid")))
		return -1;
	snprintf(line, sizeof(line),
	    "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":%ld}}\n",
	    strtol(value, NULL, 10));
	for (;;) {
		if (ask(fd, line, reply, sizeof(reply)) < 0 || !(value = member(reply, "exited")))
			return -1;
		if (strncmp(value, "true", 4) == 0)
			break;
		nanosleep(&pause, NULL);
	}
	value = member(reply, "exitcode");
	return value && *value == '0' ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct timeval limit = {.tv_sec = LIMIT_S};
	int fd = argc == 2 ? uds_connect(argv[1]) : -1;

	if (fd < 0) {
		fprintf(
		    stderr, argc == 2 ? "qga_exec: cannot connect\n" : "Usage: qga_exec SOCKET\n");
		return 2;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (run(fd) == 0)
		return 0;
	fprintf(stderr, "qga_exec: the agent did not answer as it should\n");
	return 1;
}
