/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the bench's helpers share: Unix sockets and a clock. */
#ifndef SMOL_BENCH_SHARED_H
#define SMOL_BENCH_SHARED_H

#include <stdbool.h>

/* Both give a close-on-exec descriptor or -1 with errno. */
int uds_connect(const char *path);
/* A socket that is there already is replaced. */
int uds_listen(const char *path);

/* Microseconds on a clock that all processes of the host share. */
long long now_us(void);
/* A count from the command line: 1 to 100,000, or 0 where it is none. */
int count_of(const char *word);

#endif
