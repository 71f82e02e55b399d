/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which process is it really: a pid alone may be a stranger's by now; pid, start time and boot id
 * together are not. */
#ifndef SMOL_BASE_PROC_H
#define SMOL_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Start time in clock ticks since boot (/proc/PID/stat, field 22), or 0 when there is none. */
uint64_t smol_proc_start_time(pid_t pid);
/* Is this very process alive (not a zombie, not another one with its number)? */
bool smol_proc_alive(pid_t pid, uint64_t start_time);
/* A pidfd of exactly that process, or -1 with errno (ESRCH when it is gone). Caller closes. */
int smol_proc_open(pid_t pid, uint64_t start_time);
/* Send a signal through a pidfd. 0 or -1. */
int smol_proc_kill(int pidfd, int sig);
/* The host's boot id (36 characters); "" where the kernel does not tell. Static storage. */
const char *smol_proc_boot_id(void);
/* Resident set of a process in bytes (VmRSS less guest memory mapped shared), 0 if unknown. */
uint64_t smol_proc_rss(pid_t pid);

struct smol_proc_usage {
	uint64_t start;	   /* as smol_proc_start_time() */
	uint64_t cpu_ms;   /* user and system, all its threads, since it began */
	uint64_t resident; /* bytes, guest memory and all */
};
/* 0, or -1 when there is no such process. */
int smol_proc_usage(pid_t pid, struct smol_proc_usage *out);

#endif
