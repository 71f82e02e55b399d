/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the device gives up before it looks at the first byte of a guest. Stages are described at
 * the head of isolation.c. What cannot be applied on this system is said once, in the journal.
 */
#ifndef SMOL_VSOCKD_ISOLATION_H
#define SMOL_VSOCKD_ISOLATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* 0 where there is no list of system calls: the address sanitizer makes calls of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define SMOL_VSOCKD_FILTERS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMOL_VSOCKD_FILTERS 0
#endif
#endif
#ifndef SMOL_VSOCKD_FILTERS
#define SMOL_VSOCKD_FILTERS 1
#endif

/* Room for max connections and the device's own descriptors; *max is lowered to what the hard
 * limit allows (and that is said). */
int smol_vsockd_limit_files(uint32_t *max, struct smol_err *err);

/*
 * From here on: no new privileges, files, processes or networks. The directory of uds_path becomes
 * the root; afterwards it is the path as seen from in there, and the working directory is that
 * root; unchanged where the root is. -1 only where the filter of system calls cannot be loaded.
 */
int smol_vsockd_isolate(char *uds_path, struct smol_err *err);

/* ---- the stages, for tests to look at one by one ---- */

/* What could not be applied and why, one after the other. */
struct smol_lacks {
	size_t len;
	char text[400];
};
/* Root, network and capabilities. */
void smol_vsockd_confine(char *uds_path, struct smol_lacks *lacks);
/* The list of system calls (filter.c). */
int smol_vsockd_filter(struct smol_err *err);
/* what was not to be had; at: in which step, NULL for the only one there is. */
void smol_vsockd_lack(struct smol_lacks *lacks, const char *what, const char *at, int error);

#endif
