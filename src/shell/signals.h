/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SIGINT, SIGTERM and SIGHUP as bytes in a pipe, for the time of a wait. Not a signalfd: a blocked
 * write to a slow reader has to come back when Ctrl-C is pressed. One at a time per process.
 */
#ifndef SMOL_SHELL_SIGNALS_H
#define SMOL_SHELL_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include "base/err.h"

#define SMOL_SIGNALS_N 3 /* and SIGWINCH */

struct smol_signals {
	int fd; /* readable when a signal has come; smol_signals_take() empties it */
	int write_fd;
	struct sigaction saved[SMOL_SIGNALS_N + 1];
	bool resize;
};

#define SMOL_SIGNALS_INIT                                                                          \
	{                                                                                          \
		.fd = -1, .write_fd = -1                                                           \
	}

/* Signals that were ignored when the program was started stay so. */
int smol_signals_open(struct smol_signals *s, struct smol_err *err);
/* SIGWINCH, too, from now on. */
void smol_signals_resize(struct smol_signals *s);
/* The next signal that came, or 0. */
int smol_signals_take(struct smol_signals *s);
void smol_signals_close(struct smol_signals *s);

#define smol_auto_signals __attribute__((cleanup(smol_signals_close)))

#endif
