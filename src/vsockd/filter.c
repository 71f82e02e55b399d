/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: the list of system calls that the device may make once it serves a guest.
 *
 * A filter cannot read strings, so the calls that take a path are the concern: connect() only
 * (guest connections lead to `<uds path>_<port>`) and, where the process removes its own sockets
 * when it ends, lstat() and unlink(). No call opens, runs, maps code or makes a process; whatever
 * is not here ends the process. What a bare call is for stands beside it; those of the data path
 * are not looked at any closer, since a call without conditions costs next to nothing.
 *
 * tests/unit/test_vsockd_calls.sh holds this list against the code that runs then: a call that the
 * code can make and is not here fails, and so does one that is here and cannot be made.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "vsockd/isolation.h"
#include "vsockd/log.h"

#if SMOL_VSOCKD_FILTERS

struct rule {
	int call;
	unsigned conditions;
	struct scmp_arg_cmp arg[3];
};

/* clang-format off */
#define ANY(name)      {.call = SCMP_SYS(name)}
#define WHERE(name, a) {.call = SCMP_SYS(name), .conditions = 1, .arg = {a}}

static const struct rule rules[] = {
    ANY(read),          /* signals */
    ANY(write),         /* event counters, the journal */
    ANY(writev),        /* to a client */
    ANY(recvfrom),      /* a client's handshake */
    ANY(recvmsg),       /* from a client; from the front end, with descriptors */
    ANY(sendto),        /* a client is told OK */
    ANY(sendmsg),       /* the front end is answered */
    ANY(accept4),
    ANY(connect),
    ANY(shutdown),
    ANY(close),
    ANY(epoll_wait),
    ANY(epoll_ctl),
    ANY(fstat),         /* how long is a memory region's file? */
    ANY(munmap),        /* a memory table is replaced; malloc */
    ANY(brk),           /* malloc: an error's text */
    ANY(clock_gettime), /* where the vDSO has no clock to read */
    ANY(exit_group),
    /* streams on this host: no network, no netlink, no datagrams */
    {SCMP_SYS(socket), 3, {SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
	SCMP_A1(SCMP_CMP_EQ, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	SCMP_A2(SCMP_CMP_EQ, 0, 0)}},
    /* a client's queue is made as large as a guest's window */
    {SCMP_SYS(setsockopt), 2, {SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET, 0),
	SCMP_A2(SCMP_CMP_EQ, SO_SNDBUF, 0)}},
    {SCMP_SYS(fcntl), 2, {SCMP_A1(SCMP_CMP_EQ, F_SETFL, 0), SCMP_A2(SCMP_CMP_EQ, O_NONBLOCK, 0)}},
    WHERE(fcntl, SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0)),
    WHERE(fcntl, SCMP_A1(SCMP_CMP_EQ, F_GET_SEALS, 0)),
    {SCMP_SYS(fcntl), 2, {SCMP_A1(SCMP_CMP_EQ, F_ADD_SEALS, 0),
	SCMP_A2(SCMP_CMP_EQ, F_SEAL_SHRINK, 0)}},
    /* memory is data and stays data: there is no mprotect() at all */
    WHERE(mmap, SCMP_A2(SCMP_CMP_EQ, PROT_READ | PROT_WRITE, 0)),
    WHERE(madvise, SCMP_A2(SCMP_CMP_EQ, MADV_DONTNEED, 0)),
};
/* clang-format on */

static int add(scmp_filter_ctx ctx, const struct rule *r, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add_array(
		    ctx, SCMP_ACT_ALLOW, r[i].call, r[i].conditions, r[i].arg);
	return rc;
}

int smol_vsockd_filter(struct smol_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (!ctx)
		return smol_err_set(err, SMOL_E_INTERNAL, "cannot make a seccomp filter");
	rc = add(ctx, rules, sizeof(rules) / sizeof(rules[0]));
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc < 0)
		return smol_err_errno(
		    err, SMOL_E_UNSUPPORTED, -rc, "cannot load the seccomp filter");
	return 0;
}

#else

#include <sanitizer/lsan_interface.h>

/* It would have to start a process of its own to look at this one. */
int __lsan_is_turned_off(void)
{
	return 1;
}

int smol_vsockd_filter(struct smol_err *err)
{
	(void)err;
	smol_vsockd_log("warning: sandbox: no seccomp in a build with the address sanitizer");
	return 0;
}

#endif
