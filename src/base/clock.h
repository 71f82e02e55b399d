/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time: monotonic milliseconds for deadlines, wall clock for records. Every wait has a deadline. */
#ifndef SMOL_BASE_CLOCK_H
#define SMOL_BASE_CLOCK_H

#include <stdint.h>

/* A point in time of CLOCK_MONOTONIC in ms; SMOL_NEVER waits for ever (only where the guest
 * command itself may run for ever). */
typedef int64_t smol_deadline;
#define SMOL_NEVER INT64_MAX

int64_t smol_now_ms(void);  /* CLOCK_MONOTONIC */
int64_t smol_wall_ms(void); /* since the epoch */
smol_deadline smol_in_ms(int64_t ms);
/* What poll() takes: remaining ms, 0 when passed, -1 for SMOL_NEVER. */
int smol_poll_ms(smol_deadline d);
/*
 * How fast this machine's time stamp counter runs, in kHz, measured against CLOCK_MONOTONIC. Takes
 * 10 ms. 0 where two measurements of it disagree: then it is no clock.
 */
int64_t smol_tsc_khz(void);
/* "2026-11-24T13:40:00.123Z" into buf. */
void smol_wall_text(int64_t wall_ms, char buf[32]);
/*
 * "10", "1.5", "500ms", "10s", "5m", "2h" → ms. A bare number is in seconds. 0 and up to 10 days.
 * Returns -1 for anything else.
 */
int64_t smol_parse_duration(const char *s);

#endif
