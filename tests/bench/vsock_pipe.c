/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host's end of a vsock device that serves a Unix socket (Firecracker's form), for peers that
 * bring no client. Each wait has a deadline.
 *
 *   vsock_pipe ask TO           send stdin, print one line of answer
 *   vsock_pipe send TO FILE     send FILE, then close; print the time in microseconds at which the
 *                               guest took the connection, for which it is asked until it does
 *   vsock_pipe now              print the time in microseconds, on the same clock
 *   vsock_pipe receive AT       listen there, print "listening"; then read one connection to its
 *                               end and print "<bytes> <microseconds>", counted from the moment it
 *                               was accepted
 *
 * TO and AT are addresses as in tests/soak/address.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared.h"
#include "tests/soak/address.h"

#define LIMIT_S	 120
#define RETRY_MS 20
#define RETRIES	 500
#define LINE_MAX (1024 * 1024)

static char buf[256 * 1024];

static int fail(const char *what)
{
	fprintf(stderr, "vsock_pipe: %s: %s\n", what, strerror(errno));
	return 1;
}

static int send_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t w = send(fd, data, n, MSG_NOSIGNAL);

		if (w < 0 && errno != EINTR)
			return -1;
		data += w > 0 ? w : 0;
		n -= w > 0 ? (size_t)w : 0;
	}
	return 0;
}

static int copy(int from, int to)
{
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (send_all(to, buf, (size_t)n) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

static int ask(const char *to)
{
	int fd = address_dial(to, LIMIT_S);
	size_t total = 0;
	ssize_t n;

	if (fd < 0 || copy(STDIN_FILENO, fd) < 0)
		return fail(to);
	while (total < LINE_MAX && (n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		total += (size_t)n;
		if (fwrite(buf, 1, (size_t)n, stdout) != (size_t)n)
			return fail("stdout");
		if (buf[n - 1] == '\n')
			return 0;
	}
	return fail("no answer");
}

static int send_file(const char *to, const char *name)
{
	const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};
	int file = open(name, O_RDONLY | O_CLOEXEC), fd = -1;
	long long begun;

	if (file < 0)
		return fail(name);
	for (int i = 0; fd < 0 && i < RETRIES; i++) {
		if (i)
			nanosleep(&pause, NULL);
		fd = address_dial(to, LIMIT_S);
	}
	begun = now_us();
	if (fd < 0 || copy(file, fd) < 0)
		return fail(to);
	close(fd);
	printf("%lld\n", begun);
	return 0;
}

static int receive(const char *at)
{
	int listener = address_listen(at), fd;
	struct pollfd p = {.fd = listener, .events = POLLIN};
	long long total = 0, begun;
	ssize_t n;

	if (listener < 0)
		return fail(at);
	puts("listening");
	fflush(stdout);
	errno = ETIMEDOUT;
	fd = poll(&p, 1, LIMIT_S * 1000) > 0 ? accept(listener, NULL, NULL) : -1;
	begun = now_us();
	unlink(at);
	if (fd < 0)
		return fail(at);
	address_limit(fd, LIMIT_S);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		total += n;
	if (n < 0)
		return fail(at);
	printf("%lld %lld\n", total, now_us() - begun);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "ask") == 0)
		return ask(argv[2]);
	if (argc == 4 && strcmp(argv[1], "send") == 0)
		return send_file(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "receive") == 0)
		return receive(argv[2]);
	if (argc == 2 && strcmp(argv[1], "now") == 0)
		return printf("%lld\n", now_us()) < 0;
	fprintf(stderr, "Usage: vsock_pipe ask TO | send TO FILE | receive AT | now\n");
	return 2;
}
