/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256: see hash.h. */
#include "image/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

int smol_sha256_file(const char *path, char hex[65], struct smol_err *err)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	smol_auto_free unsigned char *buf = smol_alloc(1 << 18);
	unsigned char digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	ssize_t n;

	if (fd < 0)
		return smol_err_errno(
		    err, errno == ENOENT ? SMOL_E_NOT_FOUND : SMOL_E_IO, errno, "%s", path);
	sha256_init(&ctx);
	while ((n = read(fd, buf, 1 << 18)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
		sha256_update(&ctx, (size_t)n, buf);
	}
	sha256_digest(&ctx, sizeof(digest), digest);
	smol_hex(digest, sizeof(digest), hex);
	return 0;
}

void smol_sha256(const void *data, size_t n, char hex[65])
{
	unsigned char digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, n, data);
	sha256_digest(&ctx, sizeof(digest), digest);
	smol_hex(digest, sizeof(digest), hex);
}
