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

/* A point in time by both clocks: of a few looks the one that was interrupted least. */
struct both {
	uint64_t ticks;
	int64_t ns;
};

static struct both look(void)
{
	struct both best = {0};
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 8; i++) {
		struct timespec ts;
		uint64_t from = __builtin_ia32_rdtsc(), took;

		clock_gettime(CLOCK_MONOTONIC, &ts);
		took = __builtin_ia32_rdtsc() - from;
		if (took >= least)
			continue;
		least = took;
		best.ticks = from + took / 2;
		best.ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	}
	return best;
}

int64_t smol_tsc_khz(void)
{
	const struct timespec rest = {.tv_nsec = 5000000};
	struct both at[3];
	double khz[2];

	for (int i = 0; i < 3; i++) {
		if (i)
			nanosleep(&rest, NULL);
		at[i] = look();
	}
	for (int i = 0; i < 2; i++)
		khz[i] = (double)(int64_t)(at[i + 1].ticks - at[i].ticks) * 1e6 /
			 (double)(at[i + 1].ns - at[i].ns);
	if (khz[0] <= 0 || khz[1] < khz[0] * 0.999 || khz[1] > khz[0] * 1.001)
		return 0;
	return (int64_t)((double)(at[2].ticks - at[0].ticks) * 1e6 / (double)(at[2].ns - at[0].ns));
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
