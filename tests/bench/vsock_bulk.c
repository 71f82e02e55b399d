/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes from one end of a vsock device to the other, and how long they took. The same program runs
 * in the guest and on the host, whoever's device is between them; nothing else is on the way. Each
 * wait has a deadline.
 *
 *   vsock_bulk send TO BYTES       connect, send so many bytes, wait for one byte of answer; print
 *                                  the microseconds from the first byte to the answer
 *   vsock_bulk receive AT BYTES    listen, print "listening"; take one connection, read so many
 *                                  bytes from it, answer with one; print the microseconds from the
 *                                  connection to the last byte
 *
 * TO and AT are addresses as in tests/soak/address.h. Whoever sends asks for the connection until
 * it has it. Neither end shuts half of it down, which some devices take for a full close.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared.h"
#include "tests/soak/address.h"

#define LIMIT_S	  120
#define RETRY_MS  20
#define RETRIES	  500
#define BYTES_MAX (1LL << 40)

static char buf[256 * 1024];

static int fail(const char *what)
{
	fprintf(stderr, "vsock_bulk: %s: %s\n", what, strerror(errno));
	return 1;
}

static int send_bytes(const char *to, long long bytes)
{
	const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};
	int fd = -1;
	long long begun;

	for (int i = 0; fd < 0 && i < RETRIES; i++) {
		if (i)
			nanosleep(&pause, NULL);
		fd = address_dial(to, LIMIT_S);
	}
	if (fd < 0)
		return fail(to);
	begun = now_us();
	while (bytes > 0) {
		size_t n = bytes < (long long)sizeof(buf) ? (size_t)bytes : sizeof(buf);
		ssize_t w = send(fd, buf, n, MSG_NOSIGNAL);

		if (w < 0)
			return fail(to);
		bytes -= w;
	}
	if (recv(fd, buf, 1, 0) != 1)
		return fail("no answer");
	printf("%lld\n", now_us() - begun);
	return 0;
}

static int receive_bytes(const char *at, long long bytes)
{
	int listener = address_listen(at), fd;
	struct pollfd p = {.fd = listener, .events = POLLIN};
	long long begun, us;
	ssize_t n;

	if (listener < 0)
		return fail(at);
	puts("listening");
	fflush(stdout);
	errno = ETIMEDOUT;
	fd = poll(&p, 1, LIMIT_S * 1000) > 0 ? accept(listener, NULL, NULL) : -1;
	begun = now_us();
	if (!address_is_vsock(at))
		unlink(at);
	if (fd < 0)
		return fail(at);
	address_limit(fd, LIMIT_S);
	for (; bytes > 0; bytes -= n) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n <= 0)
			return fail("too little came");
	}
	us = now_us() - begun;
	if (send(fd, buf, 1, MSG_NOSIGNAL) != 1)
		return fail(at);
	printf("%lld\n", us);
	return 0;
}

int main(int argc, char **argv)
{
	long long bytes = argc == 4 ? atoll(argv[3]) : 0;

	if (bytes < 1 || bytes > BYTES_MAX) {
		fprintf(stderr, "Usage: vsock_bulk send TO BYTES | receive AT BYTES\n");
		return 2;
	}
	if (strcmp(argv[1], "send") == 0)
		return send_bytes(argv[2], bytes);
	return receive_bytes(argv[2], bytes);
}
