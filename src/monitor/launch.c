/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is made before the hypervisor starts, in this order: the sockets, the initramfs with the
 * VM's own archive behind it, the vsock device (it connects first: QEMU then need not wait), the
 * hypervisor. Whatever was made before a failure is undone by the end of the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fc_jail.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/spawn.h"
#include "image/newc.h"
#include "image/root.h"
#include "monitor/monitor.h"
#include "vm/jail.h"
#include "vm/lifecycle.h"
#include "vm/nettap.h"
#include "vm/snapshot.h"

static bool can(const struct smol_monitor_state *m, enum smol_cap cap)
{
	return m->backend.ops->info->capabilities & cap;
}

/* How many of the last directories of a path are not there yet. */
static int missing_dirs(const char *path)
{
	smol_auto_free char *p = smol_strdup(path);
	int n = 0;

	for (char *slash; access(p, F_OK) < 0 && errno == ENOENT && (slash = strrchr(p, '/')); n++)
		*slash = '\0';
	return n;
}

/* A chosen place goes as it came: what was made for the socket, unless somebody uses it, too. */
void smol_launch_remove_dirs(struct smol_monitor_state *m)
{
	smol_auto_free char *p = smol_strdup(m->dirs_made ? m->uds_path : "");
	char *slash;

	for (; m->dirs_made > 0 && (slash = strrchr(p, '/')); m->dirs_made--) {
		*slash = '\0';
		if (rmdir(p) < 0)
			break;
	}
	m->dirs_made = 0;
}

int smol_launch_own(const struct smol_monitor_state *m, const char *path, struct smol_err *err)
{
	return m->jail.root ? smol_fc_jail_own(&m->jail, path, err) : 0;
}

/* Made anew: what an earlier one left in its place is somebody else's by now. */
static int make_jail(struct smol_monitor_state *m, struct smol_err *err)
{
	smol_auto_free char *dir = smol_vm_jail_dir(m->vm);

	if (!dir)
		return 0;
	smol_rmdir_r(dir, NULL);
	if (smol_jail_user(m->vm->config.jailer, &m->jail.uid, &m->jail.gid, err) < 0)
		return -1;
	m->jail.base = smol_jail_base();
	m->jail.root = smol_asprintf("%s/root", dir);
	return smol_mkdir_p(m->jail.root, 0700, err);
}

static int make_vsock_sockets(struct smol_monitor_state *m, bool vmm, struct smol_err *err)
{
	smol_auto_free char *dir = smol_strdup(m->uds_path);
	smol_auto_free char *ready = smol_asprintf("%s_%d", m->uds_path, SMOL_PORT_READY);
	smol_auto_free char *vhost = smol_asprintf("%s/vhost.sock", m->runtime_dir);
	char *slash = strrchr(dir, '/');

	if (smol_uds_path_check(m->uds_path, err) < 0)
		return -1;
	if (slash && slash != dir) {
		*slash = '\0';
		m->dirs_made = missing_dirs(dir);
		if (smol_mkdir_p(dir, 0700, err) < 0)
			return -1;
	}
	/* One with vsock of its own listens there itself; where it does is ours to look after. */
	if (vmm) {
		m->uds_theirs = smol_bound_clear_stale(m->uds_path, err) == 0;
		return m->uds_theirs && smol_bound_listen(&m->ready_sock, ready, err) == 0
			   ? smol_launch_own(m, ready, err)
			   : -1;
	}
	if (smol_bound_listen(&m->uds, m->uds_path, err) < 0 ||
	    smol_bound_listen(&m->ready_sock, ready, err) < 0 ||
	    smol_bound_listen(&m->vhost, vhost, err) < 0)
		return -1;
	/* QEMU accepts on it with wait=on, which wants a blocking socket. */
	smol_io_set_nonblock(m->vhost.fd, false);
	return 0;
}

/* Where its root is, and what the root image wants its commands to be run with. The order of the
 * disks is that of smol_drives_open(): the root image first, then the VM's own disk. */
static void add_root(const struct smol_monitor_state *m, cJSON *j)
{
	smol_auto_root struct smol_root *r = NULL;
	cJSON *root;

	if (!m->vm->config.rootfs || !(r = smol_root_decode(m->vm->config.rootfs, NULL)))
		return;
	root = cJSON_AddObjectToObject(j, "root");
	smol_json_add_str(root, "lower", "vda");
	/* Without one its writes stay in the guest's memory. */
	if (!m->vm->ephemeral)
		smol_json_add_str(root, "upper", "vdb");
	smol_json_add_str(root, "fstype", "squashfs");
	cJSON_AddItemToObject(j, "defaults", smol_root_defaults(r));
}

/* Where it finds what the host shares with it. */
static void add_shares(const struct smol_monitor_state *m, cJSON *j)
{
	const struct smol_shares *s = &m->vm->config.shares;
	cJSON *list = s->n ? cJSON_AddArrayToObject(j, "shares") : NULL;

	for (int i = 0; i < s->n; i++) {
		cJSON *o = cJSON_CreateObject();
		char tag[16];

		snprintf(tag, sizeof(tag), "share%d", i);
		smol_json_add_str(o, "tag", tag);
		smol_json_add_str(o, "path", s->share[i].guest);
		smol_json_add_bool(o, "ro", s->share[i].readonly);
		cJSON_AddItemToArray(list, o);
	}
}

/* What the guest is told, for its eyes only: the archive is in memory and nowhere else. */
static void guest_config(const struct smol_monitor_state *m, struct smol_buf *archive)
{
	smol_auto_json cJSON *j = cJSON_CreateObject();
	char *text;

	smol_json_add_int(j, "v", SMOL_PROTO_VERSION);
	smol_json_add_str(j, "token", m->vm->token);
	smol_json_add_str(j, "name", m->vm->name);
	smol_json_add_int(j, "guest_port", m->vm->config.vsock.guest_port);
	smol_json_add_int(j, "ready_port", m->ready_port);
	smol_json_add_str(j, "net", smol_net_name(m->vm->config.net));
	smol_json_add_str(j, "end", can(m, SMOL_CAP_POWEROFF) ? "poweroff" : "reboot");
	add_shares(m, j);
	add_root(m, j);
	if (m->vm->config.limits)
		cJSON_AddItemToObject(j, "limits", cJSON_Duplicate(m->vm->config.limits, true));
	text = smol_json_print(j);
	smol_newc_single(archive, "smolsh", "vm.json", text, strlen(text), 0400);
	explicit_bzero(text, strlen(text));
	free(text);
}

static int copy_file(int to, const char *path, struct smol_err *err)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return smol_err_errno(err, SMOL_E_IMAGE, errno, "%s", path);
	while ((n = sendfile(to, fd, NULL, 1 << 30)) > 0)
		;
	return n < 0 ? smol_err_errno(err, SMOL_E_IO, errno, "%s", path) : 0;
}

static int make_initrd(const struct smol_monitor_state *m, struct smol_err *err)
{
	smol_auto_buf struct smol_buf archive = {0};
	smol_auto_close int fd = memfd_create("smolsh-initramfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *base = smol_image_part_path(m->image, "initramfs");
	static const char zeros[4];
	off_t size;
	int rc;

	if (fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "memfd_create");
	if (!base)
		return smol_err_set(
		    err, SMOL_E_IMAGE, "image '%s' has no initramfs", m->image->name);
	if (copy_file(fd, base, err) < 0)
		return -1;
	/* The kernel skips an archive that does not begin at a multiple of four. */
	size = lseek(fd, 0, SEEK_END);
	guest_config(m, &archive);
	rc = smol_io_write_all(fd, zeros, (size_t)(-size & 3), SMOL_NEVER);
	if (rc == 0)
		rc = smol_io_write_all(
		    fd, smol_buf_head(&archive), smol_buf_len(&archive), SMOL_NEVER);
	explicit_bzero(smol_buf_head(&archive), smol_buf_len(&archive));
	if (rc < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "initramfs");
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	return smol_steal_fd(&fd);
}

int smol_launch_pipe(int *ours, struct smol_err *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	*ours = p[0];
	return p[1];
}

int smol_launch_complaints(struct smol_child *c, struct smol_err *err)
{
	return smol_launch_pipe(&c->stderr_fd, err);
}

static int start_hypervisor(struct smol_monitor_state *m, int initrd, struct smol_err *err)
{
	int console[2];
	smol_auto_free char *snapshot =
	    m->restore ? smol_snapshot_dir(m->vm, m->restore, err) : NULL;
	smol_auto_close int theirs = -1;
	smol_auto_close int complaints = smol_launch_complaints(&m->hypervisor, err);
	const char *own = m->vm->config.kernel;
	const char *kernel = own ? own : smol_image_part_path(m->image, "kernel");
	struct smol_launch l = {.name = m->vm->name,
	    .id = m->vm->id,
	    .jail = m->jail.root ? &m->jail : NULL,
	    .runtime_dir = m->runtime_dir,
	    .uds_path = m->uds_path,
	    .config = &m->vm->config,
	    .kernel_args = m->image->kernel_args ? m->image->kernel_args : "",
	    .initrd_fd = initrd,
	    .stderr_fd = complaints,
	    .vhost_listen_fd = m->vhost.fd,
	    .vhost_vsock_fd = m->vhost_vsock_fd,
	    .cid = m->vm->cid,
	    .drives = m->drives,
	    .ndrives = m->ndrives,
	    .tap_fd = m->tap_fd,
	    .share_fds = m->share_fds,
	    .snapshot_dir = snapshot};

	l.kernel = kernel ? kernel : smol_image_part_path(m->image, "kernel-packed");
	if (complaints < 0)
		return -1;
	if (!l.kernel)
		return smol_err_set(err, SMOL_E_IMAGE, "image '%s' has no kernel", m->image->name);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, console) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "socketpair");
	m->console_fd = console[0];
	l.console_fd = theirs = console[1];
	if (smol_backend_prepare(&m->backend, &l, err) < 0 ||
	    smol_backend_start(&m->backend, &l, err) < 0)
		return -1;
	m->hypervisor.pid = m->backend.pid;
	m->hypervisor.pidfd = m->backend.pidfd;
	smol_machine_child(m, &m->hypervisor);
	smol_watch_start(&m->loop, &m->console_watch, m->console_fd, smol_output_console, m);
	return 0;
}

int smol_launch(struct smol_monitor_state *m, struct smol_err *err)
{
	bool vsock = m->vm->config.vsock.enabled, vmm = can(m, SMOL_CAP_VSOCK_VMM);
	smol_auto_close int initrd = -1;
	bool kernel; /* is the vsock device */
	int rc;

	m->image = smol_image_open(m->vm->config.image, err);
	if (!m->image || smol_image_verify(m->image, false, err) < 0)
		return -1;
	if (smol_drives_open(m, err) < 0)
		return -1;
	if (vsock && smol_vsock_begin(m, err) < 0)
		return -1;
	kernel = m->vhost_vsock_fd >= 0;
	if (make_jail(m, err) < 0)
		return -1;
	if (vsock && !kernel && make_vsock_sockets(m, vmm, err) < 0)
		return -1;
	/* One that comes back has it in its memory. */
	if (!m->restore && (initrd = make_initrd(m, err)) < 0)
		return -1;
	if (vsock && !vmm && !kernel && smol_device_start(m, err) < 0)
		return -1;
	if (smol_shares_start(m, err) < 0)
		return -1;
	/* Firecracker knows it by its name. */
	if (m->vm->config.net == SMOL_NET_TAP && !vmm &&
	    (m->tap_fd = smol_nettap_open(m->vm->config.net_tap, err)) < 0)
		return -1;
	rc = start_hypervisor(m, initrd, err);
	/* From here on it is the hypervisor's alone. */
	smol_vsock_release(m);
	smol_shares_release(m);
	if (m->tap_fd >= 0)
		close(m->tap_fd);
	m->tap_fd = -1;
	return rc;
}
