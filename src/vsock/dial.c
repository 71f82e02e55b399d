/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting: see dial.h. */
#include "vsock/dial.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/auto.h"

#define CONNECT_MAX_S 60
#define RETRY_MS      5 /* a Unix socket whose backlog is full cannot be polled */

static int refused(const struct smol_vsock_addr *a, int errnum, struct smol_err *err)
{
	enum smol_code code = SMOL_E_IO;

	if (errnum == EINTR)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	if (errnum == ETIMEDOUT)
		code = SMOL_E_DEADLINE;
	else if (errnum == ECONNREFUSED || errnum == ENOENT || errnum == ECONNRESET ||
		 errnum == ENODEV || errnum == EHOSTUNREACH || errnum == ENETUNREACH)
		code = SMOL_E_REFUSED;
	if (a->kind == SMOL_VSOCK_UNIX)
		return smol_err_errno(err, code, errnum, "vsock socket %s", a->path);
	/* The kernel's word for it is a reset, which would mislead. */
	if (code == SMOL_E_REFUSED)
		return smol_err_set(
		    err, code, "nothing listens on port %u of CID %u", a->port, a->cid);
	return smol_err_errno(err, code, errnum, "vsock CID %u port %u", a->cid, a->port);
}

/* Until fd can be written to (-1: for ms only): 0, ETIMEDOUT, EINTR by the other one, or an errno.
 */
static int wait_or(int fd, int interrupt_fd, int ms)
{
	struct pollfd p[] = {{.fd = fd, .events = POLLOUT}, {.fd = interrupt_fd, .events = POLLIN}};
	int n = poll(p, 2, ms);

	if (n < 0)
		return errno == EINTR ? ETIMEDOUT : errno;
	return p[1].revents ? EINTR : n ? 0 : ETIMEDOUT;
}

/* Connect; a connection that takes its time is waited for. Gives 0 or an errno. */
static int finish(
    int fd, const struct sockaddr *sa, socklen_t len, smol_deadline deadline, int interrupt_fd)
{
	socklen_t size = sizeof(int);
	int failed = 0;

	while (connect(fd, sa, len) < 0) {
		if (errno == EAGAIN) {
			if (smol_poll_ms(deadline) == 0)
				return ETIMEDOUT;
			if (wait_or(-1, interrupt_fd, RETRY_MS) == EINTR)
				return EINTR;
			continue;
		}
		if (errno == EISCONN)
			return 0;
		if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR)
			return errno;
		while ((failed = wait_or(fd, interrupt_fd, smol_poll_ms(deadline))))
			if (failed != ETIMEDOUT || smol_poll_ms(deadline) == 0)
				return failed;
		return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0 ? errno : failed;
	}
	return 0;
}

union place {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_vm vm;
};

static socklen_t place_of(const struct smol_vsock_addr *a, union place *p)
{
	*p = (union place){0};
	if (a->kind == SMOL_VSOCK_UNIX) {
		p->un.sun_family = AF_UNIX;
		memcpy(p->un.sun_path, a->path, sizeof(a->path));
		return sizeof(p->un);
	}
	p->vm.svm_family = AF_VSOCK;
	p->vm.svm_cid = a->cid;
	p->vm.svm_port = a->port;
	return sizeof(p->vm);
}

/*
 * The kernel gives up a vsock connection by itself after two seconds, even one that is not waited
 * for. An emulated guest on a busy host takes longer at times; how long to wait is the caller's.
 */
static void be_patient(int fd, smol_deadline deadline)
{
	int ms = smol_poll_ms(deadline);
	struct timeval tv = {.tv_sec = ms < 0 ? CONNECT_MAX_S : ms / 1000 + 1};

	if (tv.tv_sec > CONNECT_MAX_S)
		tv.tv_sec = CONNECT_MAX_S;
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv));
}

static int make_socket(
    const struct smol_vsock_addr *a, smol_deadline deadline, struct smol_err *err)
{
	bool is_unix = a->kind == SMOL_VSOCK_UNIX;
	int fd =
	    socket(is_unix ? AF_UNIX : AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return smol_err_errno(err, errno == EAFNOSUPPORT ? SMOL_E_UNSUPPORTED : SMOL_E_IO,
		    errno, "cannot make a %s socket", is_unix ? "Unix" : "vsock");
	if (!is_unix)
		be_patient(fd, deadline);
	return fd;
}

int smol_vsock_dial(
    const struct smol_vsock_addr *addr, smol_deadline deadline, struct smol_err *err)
{
	return smol_vsock_dial_or(addr, deadline, -1, err);
}

int smol_vsock_dial_or(const struct smol_vsock_addr *addr, smol_deadline deadline, int interrupt_fd,
    struct smol_err *err)
{
	smol_auto_close int fd = make_socket(addr, deadline, err);
	union place p;
	socklen_t len = place_of(addr, &p);
	int failed;

	if (fd < 0)
		return -1;
	failed = finish(fd, &p.any, len, deadline, interrupt_fd);
	if (failed)
		return refused(addr, failed, err);
	return smol_steal_fd(&fd);
}

int smol_vsock_dial_begin(const struct smol_vsock_addr *addr, struct smol_err *err)
{
	smol_auto_close int fd = make_socket(addr, SMOL_NEVER, err);
	union place p;
	socklen_t len = place_of(addr, &p);

	if (fd < 0)
		return -1;
	if (connect(fd, &p.any, len) < 0 && errno != EINPROGRESS)
		return refused(addr, errno, err);
	return smol_steal_fd(&fd);
}
