/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside many.c (processes and pipes) and many_out.c (what is shown of them). */
#ifndef SMOL_SHELL_MANY_IMPL_H
#define SMOL_SHELL_MANY_IMPL_H

#include "base/buf.h"
#include "proto/json.h"
#include "shell/filter.h"
#include "shell/many.h"

#define SMOL_MANY_LINE_MAX  (64 * 1024)	      /* of text: a longer line is shown in pieces */
#define SMOL_MANY_JSON_MAX  (4 * 1024 * 1024) /* of JSON: a frame, escaped byte by byte */
#define SMOL_MANY_GROUP_MAX (1024 * 1024)     /* of a stream that is kept for --group */

struct smol_many_stream {
	int fd;		     /* of the pipe; -1: at its end, or not begun */
	struct smol_buf buf; /* the line that has not ended; with --group all */
	struct smol_filter filter;
	bool cut; /* --group: there was more */
};

struct smol_many_vm {
	const char *name;
	const char *id;
	int index;
	struct smol_many_stream out, err;
	pid_t pid;  /* 0: not begun, or over */
	bool begun; /* it got its process */
	int code;   /* of its end */
	cJSON *envelope;
};

struct smol_many {
	struct smol_shell *sh;
	const struct smol_args *args;
	struct smol_signals signals;
	struct smol_many_vm *vms;
	int n;
	int width; /* of the longest name */
	bool group, raw;
	bool filter_out, filter_err; /* a terminal is behind */
	int presses;		     /* of Ctrl-C */
	int leave;		     /* exit code with which it was given up, or 0 */
	bool reader_gone;	     /* nothing more can be written: */
	int write_errno;	     /* EPIPE, or what is wrong with our output */
};

/* The signals that have come: passed on to all. */
void smol_many_signals(struct smol_many *m);
/* A piece of a stream; n 0: its end. */
void smol_many_take(struct smol_many *m, struct smol_many_vm *v, struct smol_many_stream *s,
    const char *data, size_t n);
/* All have ended: what is printed of them together. The exit code. */
int smol_many_finish(struct smol_many *m, struct smol_err *err);

#endif
