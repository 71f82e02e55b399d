/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a pane's command prints, appended to a plain file as text: whole lines as they look when
 * they end. Escape sequences and control characters are left out, since they would speak to the
 * terminal of whoever looks at the file; what a full-screen program draws is no lines, and is
 * left out, too.
 */
#ifndef SMOL_UI_TAP_H
#define SMOL_UI_TAP_H

#include <stddef.h>

#include "base/err.h"

#define SMOL_TAP_LINE (64 * 1024) /* bytes of a line: what is longer is written as it comes */

struct smol_tap;

/* Made with mode 0600 where it is not there. NULL: it is no plain file, or cannot be written. It is
 * freed by smol_tap_close(). */
struct smol_tap *smol_tap_open(const char *path, struct smol_err *err);
const char *smol_tap_path(const struct smol_tap *t);
/* Output as it comes. -1: it cannot be written; nothing more should be. */
int smol_tap_feed(struct smol_tap *t, const char *bytes, size_t n, struct smol_err *err);
/* Nothing follows in the line that has begun. */
int smol_tap_end_line(struct smol_tap *t, struct smol_err *err);
void smol_tap_close(struct smol_tap *t);

#endif
