/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vsock by the host's kernel: see vhost_vsock.h. QEMU makes itself the owner of the descriptor that
 * it is given (VHOST_SET_OWNER, refused with EBUSY where there is one already) and claims its CID
 * (VHOST_VSOCK_SET_GUEST_CID, which needs no owner, and where the device has that CID already
 * changes nothing). So all that is done here is the second, before.
 */
#include "backend/vhost_vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vhost.h>

#include "base/auto.h"
#include "base/buf.h"

#define DEVICE "/dev/vhost-vsock"

const char *smol_vhost_vsock_path(void)
{
	const char *path = getenv("SMOLSH_VHOST_VSOCK");

	return path && *path ? path : DEVICE;
}

static int cannot_open(const char *path, int errnum, struct smol_err *err)
{
	switch (errnum) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		smol_err_set(
		    err, SMOL_E_DEPENDENCY, errnum == ENOENT ? "no %s" : "%s has no driver", path);
		return smol_err_hint(err, "modprobe vhost_vsock as root, or --vsock user");
	case EACCES:
	case EPERM:
		smol_err_set(err, SMOL_E_PERMISSION, "%s may not be opened", path);
		return smol_err_hint(err,
		    "become a member of the group that owns it (ls -l %s), or --vsock user", path);
	default:
		smol_err_errno(err, SMOL_E_DEPENDENCY, errnum, "%s", path);
		return smol_err_hint(err, "--vsock user");
	}
}

/* Whoever reaches the guest does so through this. */
static int check_sockets(struct smol_err *err)
{
	smol_auto_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		return 0;
	smol_err_errno(err, SMOL_E_UNSUPPORTED, errno, "no AF_VSOCK sockets here");
	return smol_err_hint(err, "--vsock user");
}

int smol_vhost_vsock_open(const char *path, struct smol_err *err)
{
	smol_auto_close int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	uint64_t features;

	if (fd < 0)
		return cannot_open(path, errno, err);
	if (ioctl(fd, VHOST_GET_FEATURES, &features) < 0) {
		smol_err_set(err, SMOL_E_DEPENDENCY, "%s is no vhost device", path);
		return smol_err_hint(err, "--vsock user");
	}
	return check_sockets(err) < 0 ? -1 : smol_steal_fd(&fd);
}

int smol_vhost_vsock_claim(int fd, uint32_t cid, struct smol_err *err)
{
	uint64_t wide = cid;

	if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &wide) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return smol_err_set(
		    err, SMOL_E_EXISTS, "CID %u is taken by another program on this host", cid);
	return smol_err_errno(err, SMOL_E_IO, errno, "the kernel refuses CID %u", cid);
}

int smol_vsock_check(const struct smol_vm_config *c, struct smol_err *err)
{
	smol_auto_close int fd = -1;

	if (!c->vsock.enabled || c->vsock.kind != SMOL_VSOCK_BY_KERNEL)
		return 0;
	fd = smol_vhost_vsock_open(smol_vhost_vsock_path(), err);
	return fd < 0 ? smol_err_wrap(err, "--vsock kernel") : 0;
}

int smol_vsock_choose(const struct smol_vsock_config *c, enum smol_vsock_by *kind, int *fd,
    char **why, struct smol_err *err)
{
	smol_auto_err struct smol_err reason = SMOL_ERR_INIT;

	*fd = -1;
	*kind = SMOL_VSOCK_BY_USER;
	if (c->kind == SMOL_VSOCK_BY_USER || c->uds_path) {
		*why = smol_strdup(
		    c->kind == SMOL_VSOCK_BY_USER ? "as asked" : "--vsock-path asks for a socket");
		return 0;
	}
	*fd = smol_vhost_vsock_open(smol_vhost_vsock_path(), &reason);
	if (*fd < 0 && c->kind == SMOL_VSOCK_BY_KERNEL) {
		smol_err_move(err, &reason);
		return smol_err_wrap(err, "--vsock kernel");
	}
	if (*fd < 0) {
		*why = smol_strdup(reason.msg);
		return 0;
	}
	*kind = SMOL_VSOCK_BY_KERNEL;
	*why = c->kind == SMOL_VSOCK_BY_KERNEL
		   ? smol_strdup("as asked")
		   : smol_asprintf("%s can be used", smol_vhost_vsock_path());
	return 0;
}
