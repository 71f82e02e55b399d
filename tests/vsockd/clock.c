/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: the clock of tests; see clock.h. */
#include <time.h>

#include "clock.h"

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

static long added; /* ms */

void clock_forward(unsigned ms)
{
	added += ms;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = __real_clock_gettime(id, ts);

	ts->tv_sec += added / 1000;
	ts->tv_nsec += added % 1000 * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
	return rc;
}
