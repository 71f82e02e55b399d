/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest output on its way to a person or into JSON, chunk by chunk: what a chunk's end cuts in two
 * (a UTF-8 character, a colour sequence) waits for the next one.
 */
#ifndef SMOL_SHELL_FILTER_H
#define SMOL_SHELL_FILTER_H

#include "base/buf.h"

#define SMOL_FILTER_PENDING 64 /* bytes that may wait */

struct smol_filter {
	char pending[SMOL_FILTER_PENDING];
	size_t n;
};

/* What may be shown of pending and data, as smol_escape_terminal() does; appended to out. */
void smol_filter_terminal(struct smol_filter *f, const char *data, size_t n, struct smol_buf *out);
/* The same bytes, but never half a UTF-8 character at the end of out. */
void smol_filter_utf8(struct smol_filter *f, const char *data, size_t n, struct smol_buf *out);
/* The stream has ended: what still waits, escaped (terminal) or as it is. */
void smol_filter_end(struct smol_filter *f, bool terminal, struct smol_buf *out);

#endif
