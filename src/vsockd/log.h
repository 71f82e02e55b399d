/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The device's records for the journal: one line each on stderr, no heap, no stdio buffer.
 *
 * Arguments are numbers and our own strings; bytes that came from a guest or a client are never
 * among them. A line that explains no end begins with "warning: " or "info: ": the monitor takes
 * the last other one for the reason when the device dies.
 */
#ifndef SMOL_VSOCKD_LOG_H
#define SMOL_VSOCKD_LOG_H

#include <stdbool.h>
#include <stdint.h>

void smol_vsockd_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Count an event a guest can cause at will; true for the 1st, 2nd, 4th, 8th … of them, which is
 * when it may be written down. */
static inline bool smol_vsockd_seldom(uint64_t *count)
{
	uint64_t n = ++*count;

	return (n & (n - 1)) == 0;
}

#endif
