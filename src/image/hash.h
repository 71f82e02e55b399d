/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (nettle's) as hex digits. */
#ifndef SMOL_IMAGE_HASH_H
#define SMOL_IMAGE_HASH_H

#include <stddef.h>

#include "base/err.h"

/* 64 lower-case hex digits and a NUL into hex. */
void smol_sha256(const void *data, size_t n, char hex[65]);
int smol_sha256_file(const char *path, char hex[65], struct smol_err *err);

#endif
