/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting: see dial.h. */
#include "vsock/dial.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/auto.h"
#include "base/io.h"

#define RETRY_MS 5 /* a Unix socket whose backlog is full cannot be polled */

static int refused(const struct smol_vsock_addr *a, int errnum, struct smol_err *err)
{
	enum smol_code code = SMOL_E_IO;

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

/* Connect; a connection that takes its time is waited for. Gives 0 or an errno. */
static int finish(int fd, const struct sockaddr *sa, socklen_t len, smol_deadline deadline)
{
	socklen_t size = sizeof(int);
	int failed = 0;

	while (connect(fd, sa, len) < 0) {
		if (errno == EAGAIN) {
			if (smol_poll_ms(deadline) == 0)
				return ETIMEDOUT;
			poll(NULL, 0, RETRY_MS);
			continue;
		}
		if (errno == EISCONN)
			return 0;
		if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR)
			return errno;
		switch (smol_io_wait(fd, POLLOUT, deadline)) {
		case 0:
			return ETIMEDOUT;
		case -1:
			return errno;
		}
		return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0 ? errno : failed;
	}
	return 0;
}

int smol_vsock_dial(
    const struct smol_vsock_addr *addr, smol_deadline deadline, struct smol_err *err)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_vm vm = {
	    .svm_family = AF_VSOCK, .svm_cid = addr->cid, .svm_port = addr->port};
	bool is_unix = addr->kind == SMOL_VSOCK_UNIX;
	smol_auto_close int fd =
	    socket(is_unix ? AF_UNIX : AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failed;

	if (fd < 0)
		return smol_err_errno(err, errno == EAFNOSUPPORT ? SMOL_E_UNSUPPORTED : SMOL_E_IO,
		    errno, "cannot make a %s socket", is_unix ? "Unix" : "vsock");
	memcpy(un.sun_path, addr->path, sizeof(addr->path));
	if (is_unix)
		failed = finish(fd, (struct sockaddr *)&un, sizeof(un), deadline);
	else
		failed = finish(fd, (struct sockaddr *)&vm, sizeof(vm), deadline);
	if (failed)
		return refused(addr, failed, err);
	return smol_steal_fd(&fd);
}
