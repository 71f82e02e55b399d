/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Our terminal in the hands of a guest: raw, so that every key goes there, and put back on every
 * way out: return, exit, SIGTERM, SIGHUP, SIGQUIT, a crash, and while we are stopped by SIGTSTP.
 * One per process.
 */
#ifndef SMOL_SHELL_TTY_H
#define SMOL_SHELL_TTY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define SMOL_TTY_DETACH 0x1d /* Ctrl-] */

/* Are stdin and stdout a terminal? SMOL_E_USAGE where not. */
int smol_tty_check(struct smol_err *err);
/* Raw; nothing where it is so already. The terminal is the one on stdin. */
void smol_tty_raw(void);
/* As it was before; nothing where it is so. */
void smol_tty_restore(void);
bool smol_tty_is_raw(void);
/* Its size; 24 by 80 where it does not tell. */
void smol_tty_size(uint16_t *rows, uint16_t *cols);
/* "^]", "^a", "none" → the key's byte, -1 for none. SMOL_E_INVALID for anything else. */
int smol_tty_key(const char *text, int *key, struct smol_err *err);

#endif
