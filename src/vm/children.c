/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A VM's processes: see children.h. The file "children" in the VM's runtime directory has a line
 * for each process, its pid and its start time; the first is the monitor.
 */
#include "vm/children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/proc.h"
#include "vm/lifecycle.h"

#define FILE_MAX 2048
#define END_MS	 10000 /* for a process that has been killed to be gone */

static char *file_of(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *dir = smol_vm_runtime_dir(vm, err);

	return dir ? smol_asprintf("%s/children", dir) : NULL;
}

static void add(struct smol_buf *b, pid_t pid)
{
	if (pid > 0)
		smol_buf_printf(b, "%d %" PRIu64 "\n", (int)pid, smol_proc_start_time(pid));
}

int smol_children_note(const struct smol_vm *vm, const pid_t *pids, int n, struct smol_err *err)
{
	smol_auto_free char *path = file_of(vm, err);
	smol_auto_buf struct smol_buf b = {0};
	smol_auto_close int fd = -1;

	if (!path)
		return -1;
	add(&b, getpid());
	for (int i = 0; i < n && i < SMOL_CHILDREN_MAX; i++)
		add(&b, pids[i]);
	/* It need not outlive the host, so nobody waits for the disk. Cut off behind the write: a
	 * monitor that is killed in between leaves a line that names no process, at worst. */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || smol_io_write_all(fd, smol_buf_head(&b), smol_buf_len(&b), SMOL_NEVER) < 0 ||
	    ftruncate(fd, (off_t)smol_buf_len(&b)) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	return 0;
}

static int end_one(const struct smol_vm *vm, pid_t pid, uint64_t start, struct smol_err *err)
{
	smol_auto_close int pidfd = smol_proc_open(pid, start);

	if (pidfd < 0)
		return 0;
	smol_proc_kill(pidfd, SIGKILL);
	if (smol_io_wait(pidfd, POLLIN, smol_in_ms(END_MS)) > 0)
		return 0;
	smol_err_set(err, SMOL_E_STATE,
	    "VM '%s' lost its monitor, but its process %d has not ended although it was killed",
	    vm->name, (int)pid);
	return smol_err_hint(err, "look why: cat /proc/%d/stack; then the same again", (int)pid);
}

int smol_children_end(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *path = file_of(vm, NULL);
	smol_auto_buf struct smol_buf b = {0};
	char *line;

	/* No file: it was killed before it had started anything. */
	if (!path || smol_file_read(path, FILE_MAX, &b, NULL) < 0)
		return 0;
	for (int n = 0; n <= SMOL_CHILDREN_MAX && (line = smol_buf_line(&b, NULL)); n++) {
		uint64_t start;
		int pid;

		if (sscanf(line, "%d %" SCNu64, &pid, &start) != 2)
			return 0;
		if (n == 0 && (pid != vm->monitor_pid || start != vm->monitor_start))
			return 0;
		if (n > 0 && end_one(vm, pid, start, err) < 0)
			return -1;
	}
	return 0;
}

/* The monitor that a VM's runtime directory names, where it lives; else 0. */
static pid_t monitor_of(const char *dir)
{
	smol_auto_free char *path = smol_asprintf("%s/children", dir);
	smol_auto_buf struct smol_buf b = {0};
	uint64_t start;
	int pid;

	if (smol_file_read(path, FILE_MAX, &b, NULL) < 0 ||
	    sscanf(smol_buf_str(&b), "%d %" SCNu64, &pid, &start) != 2)
		return 0;
	return smol_proc_alive(pid, start) ? pid : 0;
}

static bool is_known(struct smol_vm *const *known, const char *id)
{
	while (*known && strcmp((*known)->id, id) != 0)
		known++;
	return *known;
}

int smol_children_unknown(struct smol_vm *const *known, struct smol_buf *pids, struct smol_buf *ids)
{
	smol_auto_free char *runtime = smol_path_runtime(NULL);
	smol_auto_closedir DIR *d = runtime ? opendir(runtime) : NULL;
	const struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		smol_auto_free char *dir = smol_asprintf("%s/%s", runtime, e->d_name);
		pid_t pid;

		if (strlen(e->d_name) != SMOL_ID_LEN || is_known(known, e->d_name) ||
		    !(pid = monitor_of(dir)))
			continue;
		smol_buf_printf(pids, " %d", (int)pid);
		smol_buf_printf(ids, " %s", e->d_name);
		n++;
	}
	return n;
}
