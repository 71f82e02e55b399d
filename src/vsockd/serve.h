/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the device does once it is locked up: nothing in here may need more than filter.c lists. */
#ifndef SMOL_VSOCKD_SERVE_H
#define SMOL_VSOCKD_SERVE_H

#include "vsockd/device.h"

struct smol_serve {
	int signal_fd; /* a signalfd; whatever comes ends the device; watched already */
	int front_fd;  /* listens for front ends, watched already; -1: the one there is, is all */
	/* gets a byte, another one when the first connection is open, then is closed; -1: none */
	int ready_fd;
};

/* 0 at an orderly end, -1 with *err set. */
int smol_vsockd_serve(struct smol_vsockd *d, const struct smol_serve *s, struct smol_err *err);

#endif
