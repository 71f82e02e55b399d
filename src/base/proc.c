/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Process identity: see proc.h. */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"

static ssize_t slurp(const char *path, char *buf, size_t n)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t r = fd < 0 ? -1 : read(fd, buf, n - 1);

	buf[r > 0 ? r : 0] = '\0';
	return r;
}

/* Fields after the command name, which may itself hold spaces and parentheses: proc(5). */
static char *stat_fields(pid_t pid, char *buf, size_t n)
{
	char path[32], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (slurp(path, buf, n) <= 0)
		return NULL;
	p = strrchr(buf, ')');
	return p && p[1] == ' ' ? p + 2 : NULL;
}

/* The number that is this field, counted as proc(5) does, where p is the third; 0: none. */
static uint64_t number(const char *p, int field)
{
	for (int at = 3; p && at < field; at++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p ? strtoull(p, NULL, 10) : 0;
}

uint64_t smol_proc_start_time(pid_t pid)
{
	char buf[1024];

	return number(stat_fields(pid, buf, sizeof(buf)), 22);
}

int smol_proc_usage(pid_t pid, struct smol_proc_usage *out)
{
	char buf[1024], *p = pid > 0 ? stat_fields(pid, buf, sizeof(buf)) : NULL;
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);

	if (!p || *p == 'Z' || *p == 'X')
		return -1;
	out->cpu_ms = (number(p, 14) + number(p, 15)) * 1000 / hz;
	out->start = number(p, 22);
	out->resident = number(p, 24) * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

bool smol_proc_alive(pid_t pid, uint64_t start_time)
{
	char buf[1024], *p;

	if (pid <= 0 || smol_proc_start_time(pid) != start_time || !start_time)
		return false;
	p = stat_fields(pid, buf, sizeof(buf));
	return p && *p != 'Z' && *p != 'X';
}

int smol_proc_open(pid_t pid, uint64_t start_time)
{
	int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd < 0) {
		if (pid <= 0)
			errno = ESRCH;
		return -1;
	}
	/* Checked after the open: the pidfd holds the number, so the answer cannot change. */
	if (!smol_proc_alive(pid, start_time)) {
		close(fd);
		errno = ESRCH;
		return -1;
	}
	return fd;
}

int smol_proc_kill(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

const char *smol_proc_boot_id(void)
{
	static char id[64];

	if (!id[0] && slurp("/proc/sys/kernel/random/boot_id", id, sizeof(id)) > 0)
		id[strcspn(id, "\n")] = '\0';
	return id;
}

uint64_t smol_proc_rss(pid_t pid)
{
	char path[32], buf[4096], *p;
	uint64_t kb = 0;
	static const char *const keys[] = {"RssAnon:", "RssFile:"};

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (slurp(path, buf, sizeof(buf)) <= 0)
		return 0;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(keys); i++) {
		p = strstr(buf, keys[i]);
		if (p)
			kb += strtoull(p + strlen(keys[i]), NULL, 10);
	}
	return kb * 1024;
}
