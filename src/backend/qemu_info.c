/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What QEMU is and which one is here: the half of the backend that is linked everywhere. */
#include <stdio.h>
#include <string.h>

#include "backend/qemu.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/spawn.h"

#define VERSION_MS  10000
#define VERSION_MAX 4096

int smol_qemu_parse_version(const char *text, int *major, int *minor)
{
	const char *p = strstr(text, "version ");

	return p && sscanf(p, "version %d.%d", major, minor) == 2 ? 0 : -1;
}

static int read_version(const char *program, struct smol_probe *out)
{
	const char *const argv[] = {program, "--version", NULL};
	struct smol_spawn s = {
	    .argv = argv, .fds = {-1, -1, -1}, .nfds = 3, .die_with_parent = true};
	smol_auto_buf struct smol_buf text = {0};
	int status, major, minor;

	if (smol_spawn_read(&s, VERSION_MAX, smol_in_ms(VERSION_MS), &text, &status, NULL) < 0 ||
	    smol_qemu_parse_version(smol_buf_str(&text), &major, &minor) < 0)
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
