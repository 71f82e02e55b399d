/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VM's log file shown: what is there of it, older part (FILE.1) first, and what is added until
 * the VM has ended. */
#ifndef SMOL_SHELL_FOLLOW_H
#define SMOL_SHELL_FOLLOW_H

#include "base/buf.h"
#include "shell/filter.h"
#include "shell/shell.h"
#include "shell/signals.h"

struct smol_follow {
	struct smol_shell *sh;
	const struct smol_vm *vm;
	struct smol_signals *signals; /* open where follow is set */
	const char *path;
	bool json_lines; /* its lines are JSON themselves */
	/* NULL, or what a line is shown as: malloc'd, safe to show. */
	char *(*text)(const char *line, size_t n);
	bool follow;
	int64_t lines; /* only the last so many of what is there; -1: all */
	/* The rest is this module's own; zero it. */
	struct smol_buf line; /* --json or text: an unfinished line */
	struct smol_filter filter;
	size_t crs;	 /* carriage returns that wait for what follows them */
	int64_t printed; /* lines, with --json */
};

/* 0 at the end, SMOL_EXIT_READER_GONE, 130 after Ctrl-C; -1 with *err. */
int smol_follow(struct smol_follow *f, struct smol_err *err);

#endif
