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
 * TO and AT are `vsock:PORT` in a guest (the host's port, its own port), and on the host
 * `SOCKET:PORT` to send to and `SOCKET_PORT` to receive at (Firecracker's form). Whoever sends asks
 * for the connection until it has it. Neither end shuts half of it down, which some devices take
 * for a full close.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "shared.h"

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

/* The port behind `vsock:`, or -1. */
static long vsock_port(const char *address)
{
	return strncmp(address, "vsock:", 6) == 0 ? strtol(address + 6, NULL, 10) : -1;
}

static int vsock_socket(struct sockaddr_vm *sa, unsigned cid, long port)
{
	*sa = (struct sockaddr_vm){
	    .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = (unsigned)port};
	return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* CONNECT, and its answer byte by byte: what follows belongs to the stream. */
static int dial_host(const char *address)
{
	const char *colon = strrchr(address, ':');
	char path[128], line[64];
	size_t n = 0;
	int fd;

	if (!colon || (size_t)(colon - address) >= sizeof(path)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(path, address, (size_t)(colon - address));
	path[colon - address] = '\0';
	fd = uds_connect(path);
	if (fd < 0)
		return -1;
	snprintf(line, sizeof(line), "CONNECT %s\n", colon + 1);
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
		while (n < sizeof(line) - 1 && recv(fd, line + n, 1, 0) == 1)
			if (line[n++] == '\n')
				break;
	if (n > 3 && strncmp(line, "OK ", 3) == 0)
		return fd;
	close(fd);
	errno = ECONNREFUSED;
	return -1;
}

static int dial(const char *address)
{
	long port = vsock_port(address);
	struct sockaddr_vm sa;
	int fd;

	if (port < 0)
		return dial_host(address);
	fd = vsock_socket(&sa, VMADDR_CID_HOST, port);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int listen_at(const char *address)
{
	long port = vsock_port(address);
	struct sockaddr_vm sa;
	int fd;

	if (port < 0)
		return uds_listen(address);
	fd = vsock_socket(&sa, VMADDR_CID_ANY, port);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 4) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void limit(int fd)
{
	const struct timeval tv = {.tv_sec = LIMIT_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int send_bytes(const char *to, long long bytes)
{
	const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};
	int fd = -1;
	long long begun;

	for (int i = 0; fd < 0 && i < RETRIES; i++) {
		if (i)
			nanosleep(&pause, NULL);
		fd = dial(to);
	}
	if (fd < 0)
		return fail(to);
	limit(fd);
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
	int listener = listen_at(at), fd;
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
	if (vsock_port(at) < 0)
		unlink(at);
	if (fd < 0)
		return fail(at);
	limit(fd);
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
