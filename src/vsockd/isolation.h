/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the device gives up before it looks at the first byte of a guest. Stages are described at
 * the head of isolation.c. What cannot be applied on this system is said once, in the journal.
 */
#ifndef SMOL_VSOCKD_ISOLATION_H
#define SMOL_VSOCKD_ISOLATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Room for max connections and the device's own descriptors; *max is lowered to what the hard
 * limit allows (and that is said). */
int smol_vsockd_limit_files(uint32_t *max, struct smol_err *err);
/* From here on: no new privileges, files, processes or networks. may_unlink: the process removes
 * its own sockets when it ends. */
int smol_vsockd_isolate(bool may_unlink, struct smol_err *err);

#endif
