/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Firecracker is and which one is here: the half of the backend that is linked everywhere. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/firecracker.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/spawn.h"

#define VERSION_MS  10000 /* for --version, which it answers in a few, on a host that is busy */
#define VERSION_MAX 4096

static int read_version(const char *program, struct smol_fc_version *v, struct smol_err *err)
{
	const char *const argv[] = {program, "--version", NULL};
	struct smol_spawn s = {
	    .argv = argv, .fds = {-1, -1, -1}, .nfds = 3, .die_with_parent = true};
	smol_auto_buf struct smol_buf text = {0};
	int status;

	if (smol_spawn_read(&s, VERSION_MAX, smol_in_ms(VERSION_MS), &text, &status, err) < 0)
		return smol_err_hint(err, "--firecracker PATH");
	if (smol_fc_parse_version(smol_buf_str(&text), v) < 0) {
		smol_err_set(err, SMOL_E_DEPENDENCY,
		    "%s --version does not say which Firecracker it is", program);
		return smol_err_hint(err, "--firecracker PATH");
	}
	return 0;
}

static int check_kvm(struct smol_err *err)
{
	smol_auto_free char *reason = NULL;

	if (smol_accel_choose(&reason) == SMOL_ACCEL_KVM)
		return 0;
	smol_err_set(
	    err, SMOL_E_DEPENDENCY, "Firecracker needs KVM, which cannot be used here: %s", reason);
	return smol_err_hint(err, "--backend qemu");
}

char *smol_fc_find(const char *named, struct smol_fc_version *version, struct smol_err *err)
{
	smol_auto_free char *program =
	    named ? smol_strdup(named) : smol_path_which(SMOL_FC_PROGRAM);

	if (!program) {
		smol_err_set(err, SMOL_E_DEPENDENCY, "%s is not installed", SMOL_FC_PROGRAM);
		smol_err_hint(err, "--firecracker PATH, or --backend qemu");
		return NULL;
	}
	if ((!named && check_kvm(err) < 0) || read_version(program, version, err) < 0 ||
	    smol_fc_version_check(version, err) < 0)
		return NULL;
	return smol_steal(&program);
}

static int fc_probe(const char *program, struct smol_probe *out, struct smol_err *err)
{
	struct smol_fc_version v;

	*out = (struct smol_probe){0};
	out->accel = smol_accel_choose(&out->accel_reason);
	out->program = smol_fc_find(program, &v, err);
	if (!out->program)
		return -1;
	out->version = smol_asprintf("%d.%d.%d", v.major, v.minor, v.patch);
	out->known = smol_fc_quirks_line(smol_fc_quirks(&v));
	return 0;
}

static const char *fc_chosen(const struct smol_vm_config *c)
{
	return c->firecracker;
}

static const struct smol_backend_lack lacks[] = {
    {SMOL_CAP_VSOCK_USER, "it has vsock of its own", NULL},
    {SMOL_CAP_VSOCK_KERNEL, "it has vsock of its own", NULL},
    {SMOL_CAP_NET_USER, "it knows tap devices only", NULL},
    {SMOL_CAP_SHARE, "it has no virtiofs", "smolsh cp"},
    {SMOL_CAP_HOTPLUG, "smolsh plugs nothing in while a guest runs", NULL},
    {SMOL_CAP_REBOOT, "its process ends with a reboot", "smolsh start"},
    {SMOL_CAP_POWEROFF, "it goes on; the agent reboots instead", NULL},
    {SMOL_CAP_EMULATE, "it knows nothing but KVM", NULL},
    {0},
};

const struct smol_backend_info smol_backend_firecracker_info = {
    .name = "firecracker",
    .summary = "Firecracker: small and fast, on hosts with KVM",
    .program = SMOL_FC_PROGRAM,
    .capabilities = SMOL_CAP_VSOCK_VMM | SMOL_CAP_PAUSE | SMOL_CAP_SNAPSHOT | SMOL_CAP_NET_TAP |
		    SMOL_CAP_DISK | SMOL_CAP_BALLOON,
    .lacks = lacks,
    .cpus_max = SMOL_FC_CPUS_MAX,
    .probe_first = true,
    .chosen = fc_chosen,
    .probe = fc_probe,
};
