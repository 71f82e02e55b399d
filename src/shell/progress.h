/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "web:/big  [####------]  42%  107M of 256M  61M/s" on stderr while files travel: on a terminal
 * only, drawn at most ten times a second by whoever moves them. */
#ifndef SMOL_SHELL_PROGRESS_H
#define SMOL_SHELL_PROGRESS_H

#include "proto/files.h"
#include "shell/shell.h"

struct smol_progress {
	bool on;
	char *what; /* on one line; owned */
	int64_t since_ms, drawn_ms;
};

/* Shows nothing where stderr is no terminal, or with --quiet or --json. */
void smol_progress_start(struct smol_progress *p, const struct smol_shell *sh, const char *what);
/* total: bytes that are to come in all; 0: not known. */
void smol_progress_show(
    struct smol_progress *p, const struct smol_file_counts *counts, uint64_t total);
/* Clear the line. */
void smol_progress_end(struct smol_progress *p);
#define smol_auto_progress __attribute__((cleanup(smol_progress_end)))

#endif
