/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "⠹ booting  kernel 1.9s" on stderr while one waits: on a terminal only, drawn by a thread of its
 * own, as the waiting is done elsewhere. Stopping clears the line.
 */
#ifndef SMOL_SHELL_SPINNER_H
#define SMOL_SHELL_SPINNER_H

#include "shell/shell.h"

struct smol_spinner;

/* NULL where nothing is to be shown (no terminal, --quiet, --json); all calls take that. verb:
 * "booting"; must outlive it. */
struct smol_spinner *smol_spinner_start(const struct smol_shell *sh, const char *verb);
/* A new phase: copied, its time starts at 0. */
void smol_spinner_phase(struct smol_spinner *s, const char *phase);
/* Clear the line, once; what is printed next stands at its start. */
void smol_spinner_stop(struct smol_spinner *s);
void smol_spinner_free(struct smol_spinner *s);

static inline void smol_auto_spinner_fn(struct smol_spinner **s)
{
	smol_spinner_free(*s);
}
#define smol_auto_spinner __attribute__((cleanup(smol_auto_spinner_fn)))

#endif
