/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time: see clock.h. */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t smol_now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int64_t smol_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

smol_deadline smol_in_ms(int64_t ms)
{
	return ms == SMOL_NEVER ? SMOL_NEVER : smol_now_ms() + ms;
}

int smol_poll_ms(smol_deadline d)
{
	int64_t left;

	if (d == SMOL_NEVER)
		return -1;
	left = d - smol_now_ms();
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

void smol_wall_text(int64_t wall_ms, char buf[32])
{
	time_t secs = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t n;

	gmtime_r(&secs, &tm);
	n = strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, 32 - n, ".%03dZ", (int)(wall_ms % 1000));
}

int64_t smol_parse_duration(const char *s)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	char *end;
	double v;

	if (!s || *s < '0' || *s > '9' || strpbrk(s, "xXeE"))
		return -1;
	v = strtod(s, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0) {
			v *= units[i].ms;
			return v >= 0 && v <= 864e6 ? (int64_t)(v + 0.5) : -1;
		}
	return -1;
}
