/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running the distribution's tools for what they print. */
#ifndef SMOL_IMAGE_CAPTURE_H
#define SMOL_IMAGE_CAPTURE_H

#include <signal.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

/* Set by the program's signal handler: whoever waits gives up with SMOL_E_INTERRUPTED. */
extern volatile sig_atomic_t smol_capture_interrupted;

/*
 * Run a program to its end with stdin from /dev/null; what it prints (at most max bytes) goes to
 * out, which may be NULL. 0 when it exits with 0; else -1: SMOL_E_DEPENDENCY when it is not
 * installed, SMOL_E_NO_SPACE, SMOL_E_DEADLINE, or SMOL_E_IO with the last line of its stderr.
 */
int smol_capture(const char *const *argv, size_t max, struct smol_buf *out, smol_deadline deadline,
    struct smol_err *err);

/* Start one whose stdout is read by the caller: *fd is the reading end. Stderr is dropped. */
int smol_capture_start(const char *const *argv, int *fd, pid_t *pid, struct smol_err *err);
/* Its end: 0 when it exited with 0. fd has to be closed before. */
int smol_capture_end(const char *what, pid_t pid, struct smol_err *err);
/* 0 when a program ended with 0 by this wait status; else -1 as smol_capture(), with the last line
 * of what it said. */
int smol_capture_judge(const char *what, int status, struct smol_buf *errs, struct smol_err *err);

#endif
