/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What PID 1 mounts: what the kernel tells, and files in memory.
 *
 * Without a bound a file could take all memory there is, and the guest would panic: no process that
 * might be killed holds it. So of what is free at the boot, but for what the kernel takes later,
 * half is for the one file system that /tmp, /root, /run and /dev/shm are directories of, an eighth
 * for the initramfs beside what it holds, and the rest is left for processes, and for what the
 * agent holds of their streams. A writer that comes to a bound gets ENOSPC.
 */
#ifndef SMOL_AGENT_MOUNTS_H
#define SMOL_AGENT_MOUNTS_H

#include "agent/modules.h"

/* A directory of that file system, for a root whose writes stay in memory; bound elsewhere before
 * smol_mounts_done(). */
#define SMOL_MOUNTS_PLACE "/.memory"
#define SMOL_MOUNTS_ROOT  SMOL_MOUNTS_PLACE "/rw"

/* What cannot be mounted is said, and missed by whoever needs it. */
void smol_mounts_make(smol_say_fn say);
/* Nothing more is bound. */
void smol_mounts_done(void);

#endif
