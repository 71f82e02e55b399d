/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: the clock of tests; see clock.h. */
#include <stdint.h>
#include <time.h>

#include "clock.h"

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

static uint64_t now_us = 1000000;

void clock_forward(unsigned ms)
{
	now_us += ms * UINT64_C(1000);
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	now_us += 100;
	*ts = (struct timespec){(time_t)(now_us / 1000000), (long)(now_us % 1000000) * 1000};
	return 0;
}
