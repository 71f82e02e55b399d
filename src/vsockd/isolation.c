/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: the sandbox around a process that reads hostile guest memory.
 *
 * Stage 1, while still trusted: options are read, sockets are made or taken over, the reservation
 * for buffers is mapped, the descriptor limit is set.
 * Stage 2, smol_vsockd_isolate(), before the first message of the front end: the VM's socket
 * directory becomes the root, the network goes, capabilities go (root.c); no new privileges, not
 * dumpable (no core with guest data, no ptrace by others), limits on files written, processes,
 * cores and locked memory; then the list of system calls (filter.c). A call that is not on it ends
 * the process.
 *
 * The list is what the device cannot be without. Of the rest each is tried, and one line says what
 * this system did not allow: what remains still holds.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vsockd/isolation.h"
#include "vsockd/log.h"

/* epoll, listener, reserve, vhost-user, memory regions in flight, three per ring, std streams … */
#define OWN_FILES 48u

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
		smol_vsockd_log("warning: the limit of %llu open files allows %u connections",
		    (unsigned long long)want, *max);
	}
	rl.rlim_cur = rl.rlim_max = want;
	if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot set the descriptor limit");
	return 0;
}

void smol_vsockd_lack(struct smol_lacks *lacks, const char *what, const char *at, int error)
{
	size_t room = sizeof(lacks->text) - lacks->len;
	int n = snprintf(lacks->text + lacks->len, room, "%s%s (%s%s%s)", lacks->len ? ", " : "",
	    what, at ? at : "", at ? ": " : "", strerror(error));

	if (n > 0)
		lacks->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void limit(int what, const char *name, struct smol_lacks *lacks)
{
	struct rlimit none = {0, 0};

	if (setrlimit(what, &none) < 0)
		smol_vsockd_lack(lacks, name, NULL, errno);
}

static void limits(struct smol_lacks *lacks)
{
	struct stat st;

	limit(RLIMIT_NPROC, "a limit on processes", lacks);
	/* A journal that is a file must be able to grow. */
	if (fstat(STDERR_FILENO, &st) < 0 || !S_ISREG(st.st_mode))
		limit(RLIMIT_FSIZE, "a limit on file size", lacks);
	limit(RLIMIT_CORE, "a limit on core size", lacks);
	limit(RLIMIT_MEMLOCK, "a limit on locked memory", lacks);
}

int smol_vsockd_isolate(char *uds_path, struct smol_err *err)
{
	struct smol_lacks lacks = {0};

	smol_vsockd_confine(uds_path, &lacks);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot give up new privileges");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		smol_vsockd_lack(&lacks, "memory that cannot be dumped", NULL, errno);
	limits(&lacks);
	if (lacks.len)
		smol_vsockd_log("warning: sandbox: this system does not allow %s", lacks.text);
	return smol_vsockd_filter(err);
}
