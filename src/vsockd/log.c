/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: write one record to stderr with a single write(2); see log.h for what may be in it. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "vsockd/log.h"

void smol_vsockd_log(const char *fmt, ...)
{
	char line[512];
	int at, n;
	va_list ap;

	at = snprintf(line, sizeof(line), "smolsh-vsockd: ");
	va_start(ap, fmt);
	n = vsnprintf(line + at, sizeof(line) - (size_t)at - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	at += n;
	if ((size_t)at > sizeof(line) - 2)
		at = sizeof(line) - 2;
	line[at++] = '\n';
	/* Nobody could be told that stderr is gone. */
	if (write(STDERR_FILENO, line, (size_t)at) < 0)
		return;
}
