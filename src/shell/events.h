/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record of a VM's journal as a line for people. */
#ifndef SMOL_SHELL_EVENTS_H
#define SMOL_SHELL_EVENTS_H

#include <stddef.h>

/* "11-24 21:05:11  phase           ready, after 2s": the time is local. Foreign text in it is
 * escaped; what is no record comes out as it is, escaped. malloc'd, without a newline; caller
 * frees. */
char *smol_event_text(const char *line, size_t n);

#endif
