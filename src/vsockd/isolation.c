/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: the sandbox around a process that reads hostile guest memory.
 *
 * Stage 1, while still trusted: options are read, sockets are made or taken over, the reservation
 * for buffers is mapped, the descriptor limit is set.
 * Stage 2, smol_vsockd_isolate(), before the first message of the front end: no new privileges,
 * not dumpable (no core with guest data, no ptrace by others), limits on files written, processes
 * and cores, then the seccomp list below. A call that is not on it ends the process.
 *
 * The list is what the code after stage 2 calls, and no more; strings in arguments cannot be
 * checked by a filter, so no call that takes a path is on it but connect() (guest connections lead
 * to `<uds path>_<port>`) and, where the process owns its sockets, unlink().
 */
#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vsockd/isolation.h"
#include "vsockd/log.h"

/* epoll, listener, reserve, vhost-user, memory regions in flight, three per ring, std streams … */
#define OWN_FILES 48u

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

static const int plain_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(munmap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

int smol_vsockd_limit_files(uint32_t *max, struct smol_err *err)
{
	struct rlimit rl;
	rlim_t want = (rlim_t)*max + OWN_FILES;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot read the descriptor limit");
	if (rl.rlim_max != RLIM_INFINITY && rl.rlim_max < want) {
		if (rl.rlim_max <= OWN_FILES)
			return smol_err_set(err, SMOL_E_LIMIT,
			    "the limit of %llu open files leaves none for connections",
			    (unsigned long long)rl.rlim_max);
		want = rl.rlim_max;
		*max = (uint32_t)(want - OWN_FILES);
		smol_vsockd_log("the limit of %llu open files allows %u connections",
		    (unsigned long long)want, *max);
	}
	rl.rlim_cur = rl.rlim_max = want;
	if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot set the descriptor limit");
	return 0;
}

static void limit(int what, const char *name)
{
	struct rlimit none = {0, 0};

	if (setrlimit(what, &none) < 0)
		smol_vsockd_log("sandbox: the limit on %s could not be set", name);
}

#ifndef UNDER_SANITIZER
static int add_rules(scmp_filter_ctx ctx, bool may_unlink)
{
	int rc = 0;

	for (unsigned i = 0; i < sizeof(plain_calls) / sizeof(plain_calls[0]); i++)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, plain_calls[i], 0);
	/* sockets of the host, never of a network */
	rc |= seccomp_rule_add(
	    ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	/* guest memory is data and stays data */
	rc |= seccomp_rule_add(
	    ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rc |= seccomp_rule_add(
	    ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (may_unlink)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(unlink), 0);
	return rc;
}
#endif

static int filter(bool may_unlink, struct smol_err *err)
{
#ifdef UNDER_SANITIZER
	(void)may_unlink, (void)err, (void)plain_calls;
	smol_vsockd_log("sandbox: no seccomp in a build with the address sanitizer");
	return 0;
#else
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (!ctx)
		return smol_err_set(err, SMOL_E_INTERNAL, "cannot make a seccomp filter");
	rc = add_rules(ctx, may_unlink);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc < 0)
		return smol_err_errno(err, SMOL_E_UNSUPPORTED, rc < 0 ? -rc : EINVAL,
		    "cannot load the seccomp filter");
	return 0;
#endif
}

int smol_vsockd_isolate(bool may_unlink, struct smol_err *err)
{
	struct stat st;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot give up new privileges");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		smol_vsockd_log("sandbox: the process stays dumpable");
	limit(RLIMIT_NPROC, "processes");
	/* A journal that is a file must be able to grow. */
	if (fstat(STDERR_FILENO, &st) < 0 || !S_ISREG(st.st_mode))
		limit(RLIMIT_FSIZE, "file size");
	limit(RLIMIT_CORE, "core size");
	return filter(may_unlink, err);
}
