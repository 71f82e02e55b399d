/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unix sockets for the bench's helpers. Both give a close-on-exec descriptor or -1 with errno. */
#ifndef SMOL_BENCH_UDS_H
#define SMOL_BENCH_UDS_H

#include <stdbool.h>

int uds_connect(const char *path);
/* A socket that is there already is replaced. */
int uds_listen(const char *path);

#endif
