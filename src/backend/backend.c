/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one place that dereferences a backend's vtable: see backend.h. */
#include "backend/backend.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backend/qemu.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"

const struct smol_backend_ops *const smol_backends[] = {&smol_backend_qemu, NULL};

const struct smol_backend_ops *smol_backend_lookup(const char *name, struct smol_err *err)
{
	smol_auto_buf struct smol_buf known = {0};

	for (const struct smol_backend_ops *const *b = smol_backends; *b; b++) {
		if (strcmp((*b)->name, name) == 0)
			return *b;
		smol_buf_printf(&known, "%s%s", b == smol_backends ? "" : ", ", (*b)->name);
	}
	smol_err_set(err, SMOL_E_INVALID, "no such backend: '%s' (there are: %s)", name,
	    smol_buf_str(&known));
	return NULL;
}

void smol_probe_free(struct smol_probe *p)
{
	free(p->program);
	free(p->version);
	free(p->accel_reason);
	*p = (struct smol_probe){0};
}

static int cannot(const struct smol_backend_ops *ops, const char *verb, struct smol_err *err)
{
	return smol_err_set(err, SMOL_E_UNSUPPORTED, "backend %s cannot %s", ops->name, verb);
}

/* "backend x cannot pause; qemu can" */
static int cannot_but(
    const struct smol_backend_ops *ops, const char *verb, enum smol_cap cap, struct smol_err *err)
{
	smol_auto_buf struct smol_buf who = {0};

	for (const struct smol_backend_ops *const *b = smol_backends; *b; b++)
		if ((*b)->capabilities & cap)
			smol_buf_printf(&who, "%s%s", smol_buf_len(&who) ? ", " : "", (*b)->name);
	if (!smol_buf_len(&who))
		return cannot(ops, verb, err);
	return smol_err_set(err, SMOL_E_UNSUPPORTED, "backend %s cannot %s; %s can", ops->name,
	    verb, smol_buf_str(&who));
}

int smol_backend_probe(
    const struct smol_backend_ops *ops, struct smol_probe *out, struct smol_err *err)
{
	return ops->probe ? ops->probe(out, err) : cannot(ops, "probe", err);
}

int smol_backend_prepare(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err)
{
	return b->ops->prepare ? b->ops->prepare(b, l, err) : 0;
}

int smol_backend_start(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err)
{
	return b->ops->start ? b->ops->start(b, l, err) : cannot(b->ops, "start", err);
}

void smol_backend_control(struct smol_backend *b)
{
	if (b->ops->control)
		b->ops->control(b);
}

int smol_backend_pause(struct smol_backend *b, struct smol_err *err)
{
	return b->ops->pause ? b->ops->pause(b, err)
			     : cannot_but(b->ops, "pause", SMOL_CAP_PAUSE, err);
}

int smol_backend_resume(struct smol_backend *b, struct smol_err *err)
{
	return b->ops->resume ? b->ops->resume(b, err)
			      : cannot_but(b->ops, "resume", SMOL_CAP_PAUSE, err);
}

int smol_backend_stop(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err)
{
	return b->ops->stop ? b->ops->stop(b, how, err) : cannot(b->ops, "stop", err);
}

void smol_backend_destroy(struct smol_backend *b)
{
	if (b->ops && b->ops->destroy)
		b->ops->destroy(b);
	free(b->accel_used);
	b->accel_used = NULL;
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
