/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which backend a VM gets: see choose.h. */
#include "backend/choose.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"

static bool net_user(const struct smol_vm_config *c)
{
	return c->net == SMOL_NET_USER;
}

static bool net_tap(const struct smol_vm_config *c)
{
	return c->net == SMOL_NET_TAP;
}

static bool disk(const struct smol_vm_config *c)
{
	return c->disks.n > 0;
}

static bool rootfs(const struct smol_vm_config *c)
{
	return c->rootfs != NULL;
}

static bool share(const struct smol_vm_config *c)
{
	return c->shares.n > 0;
}

static bool balloon(const struct smol_vm_config *c)
{
	return c->balloon;
}

static bool tcg(const struct smol_vm_config *c)
{
	return c->accel == SMOL_ACCEL_TCG;
}

static bool vsock_kernel(const struct smol_vm_config *c)
{
	return c->vsock.enabled && c->vsock.kind == SMOL_VSOCK_BY_KERNEL;
}

static bool vsock_user(const struct smol_vm_config *c)
{
	return c->vsock.enabled && c->vsock.kind == SMOL_VSOCK_BY_USER;
}

#define ANY_VSOCK (SMOL_CAP_VSOCK_USER | SMOL_CAP_VSOCK_KERNEL | SMOL_CAP_VSOCK_VMM)

/* What an option asks of a backend. */
static const struct {
	enum smol_cap cap;
	const char *option;
	bool (*asked)(const struct smol_vm_config *c);
} needs[] = {
    {SMOL_CAP_NET_USER, "--net user", net_user},
    {SMOL_CAP_NET_TAP, "--net tap", net_tap},
    {SMOL_CAP_DISK, "--disk", disk},
    {SMOL_CAP_DISK, "--rootfs", rootfs},
    {SMOL_CAP_SHARE, "--share", share},
    {SMOL_CAP_BALLOON, "--balloon", balloon},
    {SMOL_CAP_EMULATE, "--accel tcg", tcg},
    {SMOL_CAP_VSOCK_KERNEL, "--vsock kernel", vsock_kernel},
    {SMOL_CAP_VSOCK_USER, "--vsock user", vsock_user},
};

int smol_backend_check(
    const struct smol_backend_info *info, const struct smol_vm_config *c, struct smol_err *err)
{
	if (c->vsock.enabled && !(info->capabilities & ANY_VSOCK)) {
		smol_err_set(err, SMOL_E_UNSUPPORTED,
		    "backend %s has no vsock: its guests could not be reached", info->name);
		return smol_err_hint(err, "--no-vsock, or another --backend: smolsh caps");
	}
	if (info->cpus_max && c->cpus > info->cpus_max) {
		smol_err_set(err, SMOL_E_UNSUPPORTED,
		    "--cpus %d: backend %s gives a guest %d at most", c->cpus, info->name,
		    info->cpus_max);
		return smol_err_hint(err, "--cpus %d, or another --backend", info->cpus_max);
	}
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(needs); i++) {
		if ((info->capabilities & needs[i].cap) || !needs[i].asked(c))
			continue;
		smol_backend_cannot(info, NULL, needs[i].cap, err);
		return smol_err_wrap(err, "%s", needs[i].option);
	}
	return 0;
}

/* Is it here, as far as can be told without running it? */
static int check_installed(const struct smol_backend_info *info, struct smol_err *err)
{
	smol_auto_free char *program = smol_path_which(info->program);

	return program ? 0
		       : smol_err_set(err, SMOL_E_DEPENDENCY, "%s is not installed", info->program);
}

static int check_usable(
    const struct smol_backend_info *info, const struct smol_vm_config *c, struct smol_err *err)
{
	const char *chosen = smol_backend_chosen(info, c);
	struct smol_probe probe = {0};
	smol_auto_free char *program =
	    chosen ? smol_strdup(chosen) : smol_path_which(info->program);
	int rc = 0;

	/* Where it is missing the probe says what to install. */
	if (!program || info->probe_first)
		rc = smol_backend_probe(info, chosen, &probe, err);
	smol_probe_free(&probe);
	return rc;
}

static void take(struct smol_vm_config *c, const struct smol_backend_info *info, char *reason)
{
	free(c->backend);
	free(c->backend_reason);
	c->backend = smol_strdup(info->name);
	c->backend_reason = reason;
}

/* Why the others were not taken: "; firecracker is not installed". */
static void tell_others(
    const struct smol_backend_info *taken, const struct smol_vm_config *c, struct smol_buf *reason)
{
	for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		if (*b == taken)
			continue;
		if (smol_backend_check(*b, c, &err) < 0 || check_installed(*b, &err) < 0)
			smol_buf_printf(reason, "; %s", err.msg);
		else
			smol_buf_printf(
			    reason, "; %s fits as well, %s does more", (*b)->name, taken->name);
	}
}

static int resolve_auto(struct smol_vm_config *c, struct smol_err *err)
{
	smol_auto_err struct smol_err first = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf reason = {0};

	smol_buf_puts(&reason, SMOL_BACKEND_AUTO);
	for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++) {
		smol_auto_err struct smol_err why = SMOL_ERR_INIT;

		if (smol_backend_check(*b, c, &why) == 0 && check_usable(*b, c, &why) == 0) {
			tell_others(*b, c, &reason);
			take(c, *b, smol_buf_take(&reason));
			return 0;
		}
		/* One that could, but is not here, is nearer to what was meant. */
		if (first.code == SMOL_E_NONE ||
		    (first.code == SMOL_E_UNSUPPORTED && why.code != SMOL_E_UNSUPPORTED))
			smol_err_move(&first, &why);
	}
	return smol_err_move(err, &first);
}

int smol_backend_resolve(struct smol_vm_config *c, struct smol_err *err)
{
	const struct smol_backend_info *info;

	if (strcmp(c->backend, SMOL_BACKEND_AUTO) == 0)
		return resolve_auto(c, err);
	info = smol_backend_lookup(c->backend, err);
	if (!info || smol_backend_check(info, c, err) < 0 || check_usable(info, c, err) < 0)
		return -1;
	take(c, info, smol_strdup("as asked"));
	return 0;
}
