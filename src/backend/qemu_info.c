/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What QEMU is and which one is here: the half of the backend that is linked everywhere. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/qemu.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"

int smol_qemu_parse_version(const char *text, int *major, int *minor)
{
	const char *p = strstr(text, "version ");

	return p && sscanf(p, "version %d.%d", major, minor) == 2 ? 0 : -1;
}

static int read_version(const char *program, struct smol_probe *out)
{
	const char *const argv[] = {program, "--version", NULL};
	struct smol_spawn s = {.argv = argv, .nfds = 3};
	char text[512];
	size_t have = 0;
	int p[2], status, pidfd = -1, major, minor;
	pid_t pid;
	ssize_t n;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	s.fds[0] = s.fds[2] = -1;
	s.fds[1] = p[1];
	if (smol_spawn(&s, &pid, &pidfd, NULL) < 0) {
		close(p[0]);
		close(p[1]);
		return -1;
	}
	close(p[1]);
	while (have < sizeof(text) - 1 && (n = smol_io_read_some(p[0], text + have,
					       sizeof(text) - 1 - have, smol_in_ms(10000))) > 0)
		have += (size_t)n;
	text[have] = '\0';
	close(p[0]);
	if (smol_spawn_wait(pid, pidfd, smol_in_ms(10000), &status) < 0)
		smol_proc_kill(pidfd, 9);
	close(pidfd);
	if (smol_qemu_parse_version(text, &major, &minor) < 0)
		return -1;
	out->version = smol_asprintf("%d.%d", major, minor);
	return 0;
}

char *smol_qemu_program(struct smol_err *err)
{
	char *program = smol_path_which(SMOL_QEMU_PROGRAM);

	if (!program) {
		smol_err_set(err, SMOL_E_DEPENDENCY, "%s is not installed", SMOL_QEMU_PROGRAM);
		smol_err_hint(err, "apt-get install qemu-system-x86");
	}
	return program;
}

static int qemu_probe(const char *program, struct smol_probe *out, struct smol_err *err)
{
	*out = (struct smol_probe){0};
	out->accel = smol_accel_choose(&out->accel_reason);
	out->program = program ? smol_strdup(program) : smol_qemu_program(err);
	if (!out->program)
		return -1;
	if (read_version(out->program, out) < 0)
		return smol_err_set(
		    err, SMOL_E_DEPENDENCY, "%s --version is not understood", out->program);
	return 0;
}

static const struct smol_backend_lack lacks[] = {
    {SMOL_CAP_VSOCK_VMM, "its vsock is a device beside it", NULL},
    {SMOL_CAP_SNAPSHOT, "its vsock device cannot be migrated", NULL},
    {SMOL_CAP_HOTPLUG, "smolsh plugs nothing in while a guest runs", NULL},
    {0},
};

const struct smol_backend_info smol_backend_qemu_info = {
    .name = "qemu",
    .summary = "QEMU: any Linux host, with KVM or emulated",
    .program = SMOL_QEMU_PROGRAM,
    .capabilities = SMOL_CAP_VSOCK_USER | SMOL_CAP_VSOCK_KERNEL | SMOL_CAP_PAUSE |
		    SMOL_CAP_NET_USER | SMOL_CAP_NET_TAP | SMOL_CAP_REBOOT | SMOL_CAP_POWEROFF |
		    SMOL_CAP_EMULATE | SMOL_CAP_BALLOON | SMOL_CAP_DISK | SMOL_CAP_SHARE,
    .lacks = lacks,
    .probe = qemu_probe,
};
