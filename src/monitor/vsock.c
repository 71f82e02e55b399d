/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vsock by the host's kernel. The CID is claimed here, on the descriptor that the hypervisor then
 * gets: from this moment no other program can have it, and one that had it before is noticed while
 * another CID can still be taken. The monitor keeps no copy of the descriptor: the hypervisor's end
 * is the claim's end. The guest reports to a port of CID 2 that the kernel chooses, for the ports
 * of a host are one space for all of its guests; who connects to it is known by his CID.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "backend/vhost_vsock.h"
#include "base/auto.h"
#include "monitor/monitor.h"

static void note_taken(struct smol_monitor_state *m, uint32_t taken)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_int(j, "taken", taken);
	smol_json_add_int(j, "now", m->vm->cid);
	smol_journal(m, "cid", j);
}

/* The VM's CID, or where another program has it and nobody asked for this one, the next that is
 * free. */
static int claim(struct smol_monitor_state *m, int fd, struct smol_err *err)
{
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	unsigned tried = 0;

	while (smol_vhost_vsock_claim(fd, m->vm->cid, &why) < 0) {
		uint32_t taken = m->vm->cid;

		if (why.code != SMOL_E_EXISTS)
			return smol_err_move(err, &why);
		if (m->vm->config.vsock.guest_cid) {
			smol_err_move(err, &why);
			return smol_err_hint(err,
			    "lsof %s names the programs; end that one, or create the VM without"
			    " --cid",
			    smol_vhost_vsock_path());
		}
		if (smol_registry_next_cid(m->registry, m->vm, &tried, err) < 0)
			return -1;
		note_taken(m, taken);
		smol_err_clear(&why);
	}
	return 0;
}

static int listen_ready(struct smol_monitor_state *m, struct smol_err *err)
{
	struct sockaddr_vm sa = {
	    .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = VMADDR_PORT_ANY};
	socklen_t len = sizeof(sa);
	smol_auto_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, SMOL_READY_MAX) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot listen on the host's vsock");
	m->ready_port = sa.svm_port;
	m->ready_sock.fd = smol_steal_fd(&fd);
	return 0;
}

/* Recorded before the guest runs: whoever dials goes by it. */
static int record(
    struct smol_monitor_state *m, const char *kind, const char *why, struct smol_err *err)
{
	smol_auto_free char *used = smol_asprintf("%s (%s)", kind, why);

	if (smol_registry_set_vsock(m->registry, m->vm->id, used, err) < 0)
		return -1;
	free(m->vm->vsock_used); /* the start before's */
	m->vm->vsock_used = smol_steal(&used);
	return 0;
}

int smol_vsock_begin(struct smol_monitor_state *m, struct smol_err *err)
{
	const struct smol_backend_info *backend = m->backend.ops->info;
	smol_auto_free char *why = NULL;
	smol_auto_close int fd = -1;
	enum smol_vsock_by kind;

	if (backend->capabilities & SMOL_CAP_VSOCK_VMM)
		return record(m, "vmm", backend->name, err);
	if (smol_vsock_choose(&m->vm->config.vsock, &kind, &fd, &why, err) < 0)
		return -1;
	if (kind == SMOL_VSOCK_BY_KERNEL && (claim(m, fd, err) < 0 || listen_ready(m, err) < 0))
		return -1;
	m->vhost_vsock_fd = smol_steal_fd(&fd);
	return record(m, smol_vsock_by_name(kind), why, err);
}

void smol_vsock_release(struct smol_monitor_state *m)
{
	if (m->vhost_vsock_fd >= 0)
		close(m->vhost_vsock_fd);
	m->vhost_vsock_fd = -1;
}

bool smol_vsock_is_ours(const struct smol_monitor_state *m, int fd)
{
	struct sockaddr_vm sa = {0};
	socklen_t len = sizeof(sa);

	if (!smol_vm_vsock_by_kernel(m->vm))
		return true;
	return getpeername(fd, (struct sockaddr *)&sa, &len) == 0 && sa.svm_family == AF_VSOCK &&
	       sa.svm_cid == m->vm->cid;
}

void smol_vsock_agent_addr(const struct smol_monitor_state *m, struct smol_vsock_addr *addr)
{
	bool kernel = smol_vm_vsock_by_kernel(m->vm);

	*addr = (struct smol_vsock_addr){.kind = kernel ? SMOL_VSOCK_CID : SMOL_VSOCK_UNIX,
	    .cid = m->vm->cid,
	    .port = m->vm->config.vsock.guest_port};
	if (!kernel)
		snprintf(addr->path, sizeof(addr->path), "%s", m->uds_path);
}
