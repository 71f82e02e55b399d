/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses of both ends of a vsock device: see address.h. */
#include "address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define BACKLOG 1024

bool address_is_vsock(const char *address)
{
	return strncmp(address, "vsock:", 6) == 0;
}

void address_limit(int fd, int limit_s)
{
	const struct timeval tv = {.tv_sec = limit_s};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int failed(int fd)
{
	int why = errno;

	if (fd >= 0)
		close(fd);
	errno = why;
	return -1;
}

static int vsock_socket(struct sockaddr_vm *sa, unsigned cid, const char *address)
{
	*sa = (struct sockaddr_vm){.svm_family = AF_VSOCK,
	    .svm_cid = cid,
	    .svm_port = (unsigned)strtoul(address + 6, NULL, 10)};
	return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int unix_socket(struct sockaddr_un *sa, const char *path, size_t len)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len >= sizeof(sa->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sa->sun_path, path, len);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* CONNECT, and its answer byte by byte: what follows belongs to the stream. (And nothing is sent
 * before it is there: some devices lose that.) */
static int dial_socket(const char *address, int limit_s)
{
	const char *colon = strrchr(address, ':');
	struct sockaddr_un sa;
	char line[64];
	size_t n = 0;
	int fd;

	if (!colon) {
		errno = EINVAL;
		return -1;
	}
	fd = unix_socket(&sa, address, (size_t)(colon - address));
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return failed(fd);
	address_limit(fd, limit_s);
	snprintf(line, sizeof(line), "CONNECT %s\n", colon + 1);
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
		while (n < sizeof(line) - 1 && recv(fd, line + n, 1, 0) == 1)
			if (line[n++] == '\n')
				break;
	if (n > 3 && strncmp(line, "OK ", 3) == 0)
		return fd;
	errno = ECONNREFUSED;
	return failed(fd);
}

int address_dial(const char *address, int limit_s)
{
	struct sockaddr_vm sa;
	int fd;

	if (!address_is_vsock(address))
		return dial_socket(address, limit_s);
	fd = vsock_socket(&sa, VMADDR_CID_HOST, address);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return failed(fd);
	address_limit(fd, limit_s);
	return fd;
}

int address_listen(const char *address)
{
	struct sockaddr_vm vm;
	struct sockaddr_un un;
	int fd, rc;

	if (address_is_vsock(address)) {
		fd = vsock_socket(&vm, VMADDR_CID_ANY, address);
		rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&vm, sizeof(vm));
	} else {
		unlink(address);
		fd = unix_socket(&un, address, strlen(address));
		rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&un, sizeof(un));
	}
	return rc < 0 || listen(fd, BACKLOG) < 0 ? failed(fd) : fd;
}
