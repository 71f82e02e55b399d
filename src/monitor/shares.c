/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shared directories: a virtiofsd for each, a child of ours, which speaks vhost-user with the
 * hypervisor over a connection that is made here. It sees nothing but its directory (its sandbox is
 * a mount namespace of its own). Where we are not root it gets a user namespace in which it is:
 * all that the guest makes is then ours. A directory that is only to be read is made so before
 * virtiofsd begins, so that it is not the guest's word that counts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/bound.h"
#include "base/path.h"
#include "base/spawn.h"
#include "monitor/monitor.h"

/* Ours is at $1; what is to be run with it read-only follows. */
#define READONLY                                                                                   \
	"mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\""

enum { WORDS = 32, FD_LISTEN = 3 };

/* Debian 12 has QEMU's own; later ones a program of its own, with other options. */
static char *find_program(bool *qemus, struct smol_err *err)
{
	static const struct {
		const char *path;
		bool qemus;
	} known[] = {{"/usr/libexec/virtiofsd", false}, {"/usr/lib/virtiofsd", false},
	    {"/usr/lib/qemu/virtiofsd", true}};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(known); i++)
		if (access(known[i].path, X_OK) == 0) {
			*qemus = known[i].qemus;
			return smol_strdup(known[i].path);
		}
	*qemus = false;
	char *path = smol_path_which("virtiofsd");
	if (!path) {
		smol_err_set(err, SMOL_E_DEPENDENCY,
		    "a directory cannot be shared: virtiofsd is not installed");
		smol_err_hint(err, "apt-get install qemu-system-common (Debian 12), or virtiofsd");
	}
	return path;
}

/* "source=PATH" for QEMU's, which takes a backslash away. */
static char *source_of(const char *path)
{
	smol_auto_buf struct smol_buf b = {0};

	smol_buf_puts(&b, "source=");
	for (; *path; path++)
		smol_buf_printf(&b, "%s%c", *path == '\\' ? "\\" : "", *path);
	return smol_buf_take(&b);
}

static int spawn(struct smol_monitor_state *m, const struct smol_share *share, struct smol_child *c,
    int listener, struct smol_err *err)
{
	bool qemus, root = geteuid() == 0;
	smol_auto_free char *program = find_program(&qemus, err);
	smol_auto_free char *source = source_of(share->host);
	smol_auto_close int complaints = program ? smol_launch_complaints(c, err) : -1;
	const char *argv[WORDS];
	struct smol_spawn s = {
	    .argv = argv, .nfds = FD_LISTEN + 1, .die_with_parent = true, .new_session = true};
	int n = 0;

	if (complaints < 0)
		return -1;
	if (!root || share->readonly) {
		argv[n++] = "unshare";
		if (!root)
			argv[n++] = "--map-root-user";
		argv[n++] = "--mount";
		argv[n++] = "--";
	}
	if (share->readonly) {
		const char *const words[] = {"sh", "-c", READONLY, "sh", share->host};

		memcpy(argv + n, words, sizeof(words));
		n += (int)SMOL_ARRAY_SIZE(words);
	}
	const char *const own[] = {program, "--fd=3", "-o", source, "-o", "sandbox=namespace", "-o",
	    "log_level=warn", NULL};
	const char *const other[] = {program, "--fd=3", "--shared-dir", share->host,
	    "--sandbox=namespace", "--log-level=warn", NULL};
	memcpy(argv + n, qemus ? own : other, qemus ? sizeof(own) : sizeof(other));
	s.fds[0] = -1;
	s.fds[1] = s.fds[2] = complaints;
	s.fds[FD_LISTEN] = listener;
	if (smol_spawn(&s, &c->pid, &c->pidfd, err) < 0)
		return -1;
	smol_machine_child(m, c);
	return 0;
}

/* Its socket has a name only until both ends have it. */
static int start(struct smol_monitor_state *m, int i, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("%s/share%d.sock", m->runtime_dir, i);
	struct smol_bound b = {.fd = -1};
	struct smol_child *c = &m->share_children[i];
	int rc;

	c->what = "virtiofsd";
	c->m = m;
	if (smol_bound_listen(&b, path, err) < 0)
		return -1;
	/* First: it does not wait for a connection where the socket is a non-blocking one. */
	m->share_fds[i] = smol_bound_connect(&b, err);
	rc = m->share_fds[i] < 0 ? -1 : spawn(m, &m->vm->config.shares.share[i], c, b.fd, err);
	smol_bound_close(&b);
	return rc;
}

int smol_shares_start(struct smol_monitor_state *m, struct smol_err *err)
{
	for (int i = 0; i < m->vm->config.shares.n; i++)
		if (start(m, i, err) < 0) {
			return smol_err_wrap(err, "--share %s", m->vm->config.shares.share[i].host);
		}
	return 0;
}

void smol_shares_release(struct smol_monitor_state *m)
{
	for (int i = 0; i < SMOL_SHARES_MAX; i++) {
		if (m->share_fds[i] >= 0)
			close(m->share_fds[i]);
		m->share_fds[i] = -1;
	}
}
