/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: a root directory that has nothing but the VM's own sockets in it, and no network.
 *
 * The process moves into a mount namespace whose whole tree is the socket directory, and into a
 * network namespace without so much as a loopback that is up: there the names of abstract sockets
 * are others, too, which no filter of system calls can tell from paths. Both are a matter of
 * CAP_SYS_ADMIN; who does not have it makes a user namespace first, in which it does. Where
 * neither is allowed, chroot() is, if CAP_SYS_CHROOT is there (containers often leave it). What
 * remains is said by the caller.
 *
 * Capabilities go last. As root of the machine CAP_DAC_OVERRIDE stays: a guest's connections may
 * lead to sockets of other users in that directory, as they did when it was not the root.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/auto.h"
#include "vsockd/isolation.h"

/* "." where there is no slash, as dirname(); dir has room for the path. */
static void directory_of(const char *path, char *dir, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(dir, size, ".");
	else if (slash == path)
		snprintf(dir, size, "/");
	else
		snprintf(dir, size, "%.*s", (int)(slash - path), path);
}

/* A mount namespace of its own, with or without a user namespace: 0, or -1 with errno and *at. */
static int enter_mounts(const char **at)
{
	int first;

	if (unshare(CLONE_NEWNS) == 0)
		return 0;
	first = errno;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0)
		return 0;
	*at = errno == ENOSPC ? "sysctl user.max_user_namespaces" : "user namespaces";
	/* A kernel without them says EINVAL; the first answer tells more then. */
	if (errno == EINVAL || errno == ENOSYS) {
		*at = "mount namespaces";
		errno = first;
	}
	return -1;
}

/* The working directory of a fresh mount namespace becomes all of its tree. */
static int pivot(const char *dir)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
	char full[PATH_MAX];

	/* by its name, for "." would go on being the directory under the mount */
	if (!realpath(dir, full))
		return -1;
	/* MS_REC: of a tree that belongs to others no part may be uncovered. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(full, full, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount(NULL, full, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0 || chdir(full) < 0)
		return -1;
	/* The old root comes to lie on the new one, and is taken away from there; on an initial
	 * ramfs, which cannot be moved, it stays below. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH);
	return chroot(".");
}

static int enter_root(const char *dir, const char **at)
{
	smol_auto_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int why;

	if (enter_mounts(at) == 0) {
		*at = "mounts";
		if (pivot(dir) == 0)
			return chdir("/");
	}
	why = errno;
	/* wherever pivot() gave up: the path may be a relative one */
	if (fchdir(here) == 0 && chroot(dir) == 0)
		return chdir("/");
	errno = why;
	return -1;
}

/* The last part of a path in the new root: seen from there, which is the working directory. */
static void rebase(char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		memmove(path, slash + 1, strlen(slash + 1) + 1);
}

/* Asked before there may be a user namespace, in which it has all of them, for what they are worth.
 */
static uint32_t capabilities_kept(void)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{0}, {0}};

	if (syscall(SYS_capget, &hdr, caps) < 0)
		return 0;
	return caps[0].effective & (1u << CAP_DAC_OVERRIDE);
}

static void drop_capabilities(uint32_t keep, struct smol_lacks *lacks)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{.effective = keep, .permitted = keep}, {0}};

	if (syscall(SYS_capset, &hdr, caps) < 0)
		smol_vsockd_lack(lacks, "no capabilities", NULL, errno);
}

void smol_vsockd_confine(char *uds_path, struct smol_lacks *lacks)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint32_t keep = capabilities_kept();
	pid_t parent = getppid();
	const char *at = NULL;
	int with_parent = 0;

	prctl(PR_GET_PDEATHSIG, &with_parent);
	directory_of(uds_path, dir, sizeof(dir));
	if (enter_root(dir, &at) == 0)
		rebase(uds_path);
	else
		smol_vsockd_lack(lacks, "a root directory of its own", at, errno);
	if (unshare(CLONE_NEWNET) < 0)
		smol_vsockd_lack(lacks, "a network of its own", NULL, errno);
	drop_capabilities(keep, lacks);
	/* Some of this takes the wish to die with the parent away, on some kernels. */
	if (with_parent) {
		prctl(PR_SET_PDEATHSIG, with_parent);
		if (getppid() != parent)
			raise(with_parent);
	}
}
