/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A log file of bounded size: when it is full it becomes FILE.1 (replacing the last one) and a new
 * one is begun. */
#ifndef SMOL_MONITOR_ROTLOG_H
#define SMOL_MONITOR_ROTLOG_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct smol_rotlog {
	char *path; /* owned */
	int fd;
	off_t size, max; /* bytes */
};

/* Appends to what is there. */
int smol_rotlog_open(struct smol_rotlog *l, const char *path, off_t max, struct smol_err *err);
/* A log that cannot be written (a full disk) must not stop the VM: what does not fit is lost. */
void smol_rotlog_write(struct smol_rotlog *l, const char *data, size_t n);
void smol_rotlog_close(struct smol_rotlog *l);

#endif
