/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What backends there are and what they can do, and where KVM can be used: see backend.h. */
#include "backend/backend.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backend/firecracker.h"
#include "backend/qemu.h"
#include "base/auto.h"
#include "base/buf.h"

const struct smol_cap_words smol_caps[] = {
#define X(e, bit, n, t, v) {SMOL_CAP_##e, n, t, v},
    SMOL_CAPS(X)
#undef X
	{0},
};

const struct smol_backend_info *const smol_backend_infos[] = {
#define X(n) &smol_backend_##n##_info,
    SMOL_BACKENDS(X)
#undef X
	NULL,
};

_Static_assert(
    SMOL_ARRAY_SIZE(smol_backend_infos) <= SMOL_BACKENDS_MAX + 1, "room for all backends");

const char *const smol_backend_names[] = {
    SMOL_BACKEND_AUTO,
#define X(n) #n,
    SMOL_BACKENDS(X)
#undef X
	NULL,
};

const struct smol_backend_info *smol_backend_lookup(const char *name, struct smol_err *err)
{
	smol_auto_buf struct smol_buf known = {0};

	for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++) {
		if (strcmp((*b)->name, name) == 0)
			return *b;
		smol_buf_printf(&known, "%s%s", b == smol_backend_infos ? "" : ", ", (*b)->name);
	}
	smol_err_set(err, SMOL_E_INVALID, "no such backend: '%s' (there are: %s)", name,
	    smol_buf_str(&known));
	return NULL;
}

void smol_probe_free(struct smol_probe *p)
{
	free(p->program);
	free(p->version);
	free(p->known);
	free(p->accel_reason);
	*p = (struct smol_probe){0};
}

const char *smol_backend_chosen(
    const struct smol_backend_info *info, const struct smol_vm_config *c)
{
	return info->chosen ? info->chosen(c) : NULL;
}

int smol_backend_probe(const struct smol_backend_info *info, const char *program,
    struct smol_probe *out, struct smol_err *err)
{
	return info->probe(program, out, err);
}

const struct smol_backend_lack *smol_backend_lack(
    const struct smol_backend_info *info, enum smol_cap cap)
{
	for (const struct smol_backend_lack *l = info->lacks; l && l->cap; l++)
		if (l->cap == cap)
			return l;
	return NULL;
}

static const char *verb_of(enum smol_cap cap)
{
	for (const struct smol_cap_words *w = smol_caps; w->cap; w++)
		if (w->cap == cap)
			return w->verb;
	return "do that";
}

int smol_backend_cannot(
    const struct smol_backend_info *info, const char *verb, enum smol_cap cap, struct smol_err *err)
{
	const struct smol_backend_lack *l = smol_backend_lack(info, cap);
	smol_auto_buf struct smol_buf mend = {0};

	smol_err_set(err, SMOL_E_UNSUPPORTED, "backend %s cannot %s%s%s", info->name,
	    verb ? verb : verb_of(cap), l ? ": " : "", l ? l->why : "");
	smol_buf_puts(&mend, l && l->instead ? l->instead : "");
	for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++)
		if ((*b)->capabilities & cap)
			smol_buf_printf(&mend, "%s--backend %s", smol_buf_len(&mend) ? ", or " : "",
			    (*b)->name);
	return smol_buf_len(&mend) ? smol_err_hint(err, "%s", smol_buf_str(&mend)) : -1;
}

/* Does a line of /proc/cpuinfo's flags hold this word? */
static bool cpu_has(const char *cpuinfo, const char *flag)
{
	size_t n = strlen(flag);

	for (const char *p = strstr(cpuinfo, flag); p; p = strstr(p + 1, flag))
		if (p[-1] == ' ' && (p[n] == ' ' || p[n] == '\n'))
			return true;
	return false;
}

enum smol_accel smol_accel_choose(char **reason)
{
	smol_auto_buf struct smol_buf info = {0};
	smol_auto_close int fd = -1;

	/* A file that opens is no proof: without the CPU's flag /dev/kvm may be there and guests
	 * hang all the same. The first 64 KiB hold the first CPU. */
	smol_auto_close int cpuinfo = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = cpuinfo < 0 ? 0 : read(cpuinfo, smol_buf_reserve(&info, 65536), 65535);

	smol_buf_commit(&info, n > 0 ? (size_t)n : 0);
	if (!cpu_has(smol_buf_str(&info), "vmx") && !cpu_has(smol_buf_str(&info), "svm")) {
		*reason = smol_strdup("no vmx or svm in /proc/cpuinfo");
		return SMOL_ACCEL_TCG;
	}
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		*reason = smol_asprintf("/dev/kvm: %s", strerror(errno));
		return SMOL_ACCEL_TCG;
	}
	*reason = smol_strdup("/dev/kvm opens and the CPU has its extension");
	return SMOL_ACCEL_KVM;
}

int smol_accel_check(enum smol_accel a, struct smol_err *err)
{
	smol_auto_free char *reason = NULL;

	if (a != SMOL_ACCEL_KVM || smol_accel_choose(&reason) == SMOL_ACCEL_KVM)
		return 0;
	smol_err_set(err, SMOL_E_DEPENDENCY, "KVM cannot be used here: %s", reason);
	return smol_err_hint(err, "--accel auto");
}
