/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A root from the VM's disks: see root.h. The initramfs cannot be unmounted, so the new root is
 * moved over it (as switch_root does).
 */
#include "agent/root.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/mounts.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

#define PLACE	   "/.root"
#define DEVICE_MS  10000 /* for a disk to be there once its driver is */
#define RESOLV_MAX 4096

static int initramfs = -1; /* the way back, for the end; no job has it */

static int take_name(const cJSON *j, const char *key, char to[32], struct smol_err *err)
{
	const char *s = smol_json_str(j, key);

	if (!s || !*s || strlen(s) >= 32 ||
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789")] != '\0')
		return smol_err_set(err, SMOL_E_PROTOCOL, "the configuration has no %s", key);
	strcpy(to, s);
	return 0;
}

int smol_root_disks_decode(const cJSON *j, struct smol_root_disks *d, struct smol_err *err)
{
	*d = (struct smol_root_disks){0};
	if (!j)
		return 0;
	if (take_name(j, "lower", d->lower, err) < 0 ||
	    take_name(j, "fstype", d->fstype, err) < 0 ||
	    (smol_json_get(j, "upper") && take_name(j, "upper", d->upper, err) < 0))
		return -1;
	return 1;
}

static void need_fs(struct smol_modules *m, const char *fs)
{
	smol_auto_free char *alias = smol_asprintf("fs-%s", fs);

	smol_modules_serve(m, alias);
}

/* Its node, once the kernel has made it; the file system says whether it is a disk. */
static char *await_disk(const char *name, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("/dev/%s", name);
	smol_auto_close int made = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	smol_deadline deadline = smol_in_ms(DEVICE_MS);
	char events[4096];

	if (made < 0 || inotify_add_watch(made, "/dev", IN_CREATE) < 0) {
		smol_err_errno(err, SMOL_E_IO, errno, "/dev");
		return NULL;
	}
	while (access(path, F_OK) < 0) {
		if (smol_io_wait(made, POLLIN, deadline) <= 0) {
			smol_err_set(err, SMOL_E_DEADLINE, "there is no disk %s", path);
			return NULL;
		}
		while (read(made, events, sizeof(events)) > 0)
			;
	}
	return smol_steal(&path);
}

static int mount_disk(const char *name, const char *fstype, const char *at, unsigned long flags,
    struct smol_modules *m, struct smol_err *err)
{
	smol_auto_free char *disk = await_disk(name, err);

	if (!disk)
		return -1;
	need_fs(m, fstype);
	if (mount(disk, at, fstype, flags, NULL) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s (%s)", disk, fstype);
	return 0;
}

/* The directory that what is written goes to looks like the root that it lies over. */
static int make_upper(struct smol_err *err)
{
	struct stat st;

	if (stat(PLACE "/lower", &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "the root");
	if (mkdir(PLACE "/rw/work", 0700) < 0 && errno != EEXIST)
		return smol_err_errno(err, SMOL_E_IO, errno, "the disk for what is written");
	if (mkdir(PLACE "/rw/upper", 0755) < 0 && errno == EEXIST)
		return 0;
	/* The root directory is root's: sqfstar 4.5 gives it to whoever runs it. */
	if (chown(PLACE "/rw/upper", 0, 0) < 0 || chmod(PLACE "/rw/upper", st.st_mode & 07777) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "the disk for what is written");
	return 0;
}

static int mount_root(const struct smol_root_disks *d, struct smol_modules *m, struct smol_err *err)
{
	static const char *const dirs[] = {PLACE, PLACE "/lower", PLACE "/rw", PLACE "/new"};
	static const char options[] =
	    "lowerdir=" PLACE "/lower,upperdir=" PLACE "/rw/upper,workdir=" PLACE "/rw/work";

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(dirs); i++)
		if (mkdir(dirs[i], 0700) < 0 && errno != EEXIST)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", dirs[i]);
	if (mount_disk(d->lower, d->fstype, PLACE "/lower", MS_RDONLY, m, err) < 0)
		return -1;
	if (*d->upper) {
		if (mount_disk(d->upper, "ext4", PLACE "/rw", MS_NOATIME, m, err) < 0)
			return -1;
	} else if (mount(SMOL_MOUNTS_ROOT, PLACE "/rw", NULL, MS_BIND, NULL) < 0) {
		return smol_err_errno(err, SMOL_E_IO, errno, "memory for what is written");
	}
	if (make_upper(err) < 0)
		return -1;
	need_fs(m, "overlay");
	if (mount("overlay", PLACE "/new", "overlay", 0, options) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "overlay");
	return 0;
}

/* /tmp is the root's own: it may be larger than memory. */
static int move_mounts(struct smol_err *err)
{
	static const char *const moved[] = {"/proc", "/sys", "/dev", "/run"};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(moved); i++) {
		smol_auto_free char *to = smol_asprintf(PLACE "/new%s", moved[i]);
		struct stat st;

		if (mkdir(to, 0755) < 0 && errno != EEXIST)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", moved[i]);
		if (lstat(to, &st) < 0 || !S_ISDIR(st.st_mode))
			return smol_err_set(
			    err, SMOL_E_INVALID, "the root's %s is no directory", moved[i]);
		if (mount(moved[i], to, NULL, MS_MOVE, NULL) < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", moved[i]);
	}
	umount2("/tmp", MNT_DETACH);
	return 0;
}

static int go_in(struct smol_err *err)
{
	if (chdir(PLACE "/new") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
	    chroot(".") < 0 || chdir("/") < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "going into it");
	return 0;
}

/* The kernel's modules are the initramfs's, wherever the root comes from. */
static void bring_modules(int fd, const char *dir)
{
	smol_auto_free char *from = smol_asprintf("/proc/self/fd/%d", fd);

	if (fd >= 0 && smol_mkdir_p(dir, 0755, NULL) == 0)
		mount(from, dir, NULL, MS_BIND, NULL);
}

static bool has_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

/* What a machine writes for itself, where the root has none. */
static void fill_in(const struct smol_buf *resolv)
{
	static const char hosts[] = "127.0.0.1 localhost\n::1 localhost\n";

	if (mkdir("/tmp", 01777) == 0)
		chmod("/tmp", 01777); /* whatever the umask */
	if (!has_bytes("/etc/hosts"))
		smol_file_write("/etc/hosts", hosts, strlen(hosts), 0644, NULL);
	/* One that leads nowhere, as where somebody would write it later, gives way. */
	if (smol_buf_len(resolv) && !has_bytes("/etc/resolv.conf"))
		smol_file_write(
		    "/etc/resolv.conf", smol_buf_head(resolv), smol_buf_len(resolv), 0644, NULL);
}

int smol_root_enter(const struct smol_root_disks *d, const char *cwd, struct smol_modules *modules,
    struct smol_err *err)
{
	smol_auto_close int kernel = open(modules->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	smol_auto_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	smol_auto_buf struct smol_buf resolv = {0};

	if (has_bytes("/etc/resolv.conf"))
		smol_file_read("/etc/resolv.conf", RESOLV_MAX, &resolv, NULL);
	if (mount_root(d, modules, err) < 0 || move_mounts(err) < 0 || go_in(err) < 0)
		return smol_err_wrap(err, "the root cannot be mounted");
	initramfs = smol_steal_fd(&old);
	bring_modules(kernel, modules->dir);
	fill_in(&resolv);
	if (cwd && *cwd == '/')
		smol_mkdir_p(cwd, 0755, NULL);
	return 0;
}

/*
 * Each mount that is detached goes once nothing is in it any more, and with the last one of a disk
 * its file system; the overlay goes when we are out of it, then nobody but we holds what is below.
 */
int smol_root_leave(struct smol_err *err)
{
	smol_auto_close int root = -1;

	if (initramfs < 0)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || fchdir(initramfs) < 0 || chroot(".") < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "leaving the root");
	if (fchdir(root) < 0 || umount2(".", MNT_DETACH) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "unmounting the root");
	close(smol_steal_fd(&root)); /* the last that holds it, but for where we stand */
	if (chdir("/") < 0 || umount2(PLACE "/rw", 0) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "unmounting the root's disk");
	close(smol_steal_fd(&initramfs));
	return 0;
}
