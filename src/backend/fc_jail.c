/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jail: see fc_jail.h. The jailer closes every descriptor but the first three, so what is one
 * elsewhere is a file here: the initramfs with the VM's token is readable by the jail's user only,
 * and goes as soon as the guest has started.
 */
#include "backend/fc_jail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"

char *smol_fc_jailer(const char *firecracker, struct smol_err *err)
{
	const char *slash = strrchr(firecracker, '/');
	smol_auto_free char *beside = smol_asprintf("%.*s/" SMOL_FC_JAILER,
	    slash ? (int)(slash - firecracker) : 1, slash ? firecracker : ".");
	char *found;

	if (access(beside, X_OK) == 0)
		return smol_steal(&beside);
	found = smol_path_which(SMOL_FC_JAILER);
	if (!found) {
		smol_err_set(err, SMOL_E_DEPENDENCY, "%s is neither beside %s nor in PATH",
		    SMOL_FC_JAILER, firecracker);
		smol_err_hint(err, "install Firecracker's jailer, or leave --jailer out");
	}
	return found;
}

int smol_fc_jail_own(const struct smol_jail *j, const char *path, struct smol_err *err)
{
	return lchown(path, j->uid, j->gid) < 0
		   ? smol_err_errno(err, SMOL_E_IO, errno, "cannot give %s to its jail", path)
		   : 0;
}

/* All of a file or memfd, from its beginning. */
static int put(const struct smol_jail *j, int from, const char *name, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("%s%s", j->root, name);
	smol_auto_close int to =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	off_t at = 0;
	ssize_t n = -1;

	if (to >= 0)
		while ((n = sendfile(to, from, &at, 1 << 30)) > 0)
			;
	if (n < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	return smol_fc_jail_own(j, path, err);
}

int smol_fc_jail_fill(const struct smol_launch *l, struct smol_err *err)
{
	smol_auto_close int kernel = open(l->kernel, O_RDONLY | O_CLOEXEC);

	if (kernel < 0)
		return smol_err_errno(err, SMOL_E_IMAGE, errno, "%s", l->kernel);
	return put(l->jail, kernel, SMOL_FC_JAIL_KERNEL, err) < 0
		   ? -1
		   : put(l->jail, l->initrd_fd, SMOL_FC_JAIL_INITRD, err);
}

void smol_fc_jail_empty(const char *root)
{
	smol_auto_free char *kernel = smol_asprintf("%s" SMOL_FC_JAIL_KERNEL, root);
	smol_auto_free char *initrd = smol_asprintf("%s" SMOL_FC_JAIL_INITRD, root);

	unlink(kernel);
	unlink(initrd);
}

char **smol_fc_jail_argv(const char *jailer, const char *firecracker, const struct smol_launch *l)
{
	/* Without a cgroup that is asked for, version 2 makes none. */
	bool v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
	smol_auto_free char *uid = smol_asprintf("%u", (unsigned)l->jail->uid);
	smol_auto_free char *gid = smol_asprintf("%u", (unsigned)l->jail->gid);
	const char *const words[] = {jailer, "--id", l->id, "--exec-file", firecracker, "--uid",
	    uid, "--gid", gid, "--chroot-base-dir", l->jail->base, v2 ? "--cgroup-version=2" : NULL,
	    "--", "--api-sock", SMOL_FC_JAIL_SOCKET, "--level", "Warning"};
	char **argv = smol_alloc((SMOL_ARRAY_SIZE(words) + 1) * sizeof(*argv));
	size_t n = 0;

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(words); i++)
		if (words[i])
			argv[n++] = smol_strdup(words[i]);
	return argv;
}
