/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VM's own files over a root image: see upper.h. */
#include "vm/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"
#include "vm/lifecycle.h"

#define MAKE_MS	     60000
#define COMPLAIN_MAX 400

char *smol_vm_upper_path(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *dir = NULL;

	if (!vm->config.rootfs || vm->ephemeral)
		return NULL;
	dir = smol_vm_state_dir(vm, err);
	return dir ? smol_asprintf("%s/upper.ext4", dir) : NULL;
}

/* An ordinary user's PATH may lack the directories where Debian keeps it. */
static char *find_mke2fs(struct smol_err *err)
{
	static const char *const places[] = {"/usr/sbin/mke2fs", "/sbin/mke2fs"};
	char *path = smol_path_which("mke2fs");

	for (size_t i = 0; !path && i < SMOL_ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			path = smol_strdup(places[i]);
	if (path)
		return path;
	smol_err_set(err, SMOL_E_DEPENDENCY,
	    "a root's own disk is made with mke2fs, which is not installed");
	smol_err_hint(err, "%sapt-get install e2fsprogs", geteuid() ? "sudo " : "");
	return NULL;
}

static int mke2fs(const char *program, const char *path, struct smol_err *err)
{
	/* Nothing is written ahead of time: the guest's kernel does that, where it is needed. */
	const char *argv[] = {program, "-q", "-F", "-t", "ext4", "-m", "0", "-E",
	    "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0", path, NULL};
	smol_auto_close int errors = memfd_create("mke2fs", MFD_CLOEXEC);
	struct smol_spawn s = {
	    .argv = argv, .fds = {-1, -1, errors}, .nfds = 3, .die_with_parent = true};
	smol_auto_close int pidfd = -1;
	smol_auto_free char *safe = NULL;
	char text[COMPLAIN_MAX];
	int status = 0;
	ssize_t n;
	pid_t pid;

	if (smol_spawn(&s, &pid, &pidfd, err) < 0)
		return -1;
	if (smol_spawn_wait(pid, pidfd, smol_in_ms(MAKE_MS), &status) < 0) {
		kill(pid, SIGKILL);
		smol_spawn_wait(pid, pidfd, SMOL_NEVER, &status);
		return smol_err_set(err, SMOL_E_DEADLINE, "mke2fs takes too long");
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	n = pread(errors, text, sizeof(text), 0);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	safe = smol_escape(text, n > 0 ? (size_t)n : 0);
	return smol_err_set(err, SMOL_E_IO, "mke2fs gave up: %s", safe);
}

int smol_vm_upper_make(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *path = smol_vm_upper_path(vm, err), *dir = NULL, *program = NULL;
	smol_auto_free char *part = path ? smol_asprintf("%s.part", path) : NULL;
	smol_auto_close int fd = -1;

	if (!vm->config.rootfs || vm->ephemeral)
		return 0;
	dir = path ? smol_vm_state_dir(vm, err) : NULL;
	program = dir ? find_mke2fs(err) : NULL;
	if (!program || smol_mkdir_p(dir, 0700, err) < 0)
		return -1;
	/* It has its name only when it is whole: what a killed create leaves is no disk. */
	fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, vm->config.rootfs_size) < 0)
		return smol_vm_disk_no_room("make the disk", path, vm->config.rootfs_size, err);
	if (mke2fs(program, part, err) < 0)
		return -1;
	return rename(part, path) == 0 ? 0 : smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
}
