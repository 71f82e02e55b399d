/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's control protocol as the simulator uses it: a command and its answer at a time. */
#ifndef SMOL_TESTS_FCSIM_QMP_H
#define SMOL_TESTS_FCSIM_QMP_H

#include "tests/fcsim/sim.h"

/* The greeting and the capabilities of a QEMU that has just been started. */
int qmp_hello(struct sim *s, struct smol_err *err);
/* Run a command; args (may be NULL) is given away. NULL on failure, with QEMU's words. Events that
 * come meanwhile are taken. Caller deletes. */
cJSON *qmp_call(struct sim *s, const char *name, cJSON *args, struct smol_err *err);
/* The same, and what it returns does not matter. 0 or -1. */
int qmp_do(struct sim *s, const char *name, cJSON *args, struct smol_err *err);
/* Give QEMU a copy of a descriptor under a name. */
int qmp_send_fd(struct sim *s, const char *name, int fd, struct smol_err *err);
/* Wait for an event that sets a flag of s. 0, or -1 when it did not come in time. */
int qmp_wait(struct sim *s, const bool *flag, int64_t ms);
/* Take what can be read without waiting. */
void qmp_drain(struct sim *s);

#endif
