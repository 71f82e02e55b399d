/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel files: see kernel.h. Numbers in them are little-endian and may be anything. */
#include "image/kernel.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <lz4.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "image/elf.h"
#include "proto/frame.h"

/* Offsets in a bzImage (boot.rst, "The Real-Mode Kernel Header"). */
#define AT_SETUP_SECTS	  0x1f1
#define AT_BOOT_FLAG	  0x1fe
#define AT_MAGIC	  0x202
#define AT_PROTOCOL	  0x206
#define AT_VERSION	  0x20e /* less 0x200 */
#define AT_PAYLOAD	  0x248
#define AT_PAYLOAD_LENGTH 0x24c
#define HEADER_END	  0x250
#define PROTOCOL_PAYLOAD  0x0208 /* the first that tells where the payload is */

#define LZ4_LEGACY_MAGIC 0x184c2102U
#define LZ4_BLOCK	 (8 * 1024 * 1024) /* what a block of the legacy frame holds at most */

static unsigned le16(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

/* The version is the first word of a string that goes on with who built it. */
static void take_version(const char *p, size_t n, char *out, size_t size)
{
	size_t len = 0;

	while (len < n && len < size - 1 &&
	       (isalnum((unsigned char)p[len]) || strchr("._-+~", p[len])) && p[len])
		len++;
	memcpy(out, p, len);
	out[len] = '\0';
}

int smol_bzimage_parse(const void *data, size_t n, struct smol_bzimage *bz, struct smol_err *err)
{
	const unsigned char *p = data;
	size_t setup, at;

	*bz = (struct smol_bzimage){0};
	if (n < HEADER_END || le16(p + AT_BOOT_FLAG) != 0xaa55 ||
	    memcmp(p + AT_MAGIC, "HdrS", 4) != 0)
		return smol_err_set(err, SMOL_E_INVALID, "not a bzImage");
	setup = ((size_t)(p[AT_SETUP_SECTS] ? p[AT_SETUP_SECTS] : 4) + 1) * 512;
	if (setup >= n)
		return smol_err_set(err, SMOL_E_INVALID, "it ends within its setup code");
	at = le16(p + AT_VERSION);
	if (at && at + 0x200 < setup)
		take_version((const char *)p + at + 0x200, setup - at - 0x200, bz->version,
		    sizeof(bz->version));
	if (le16(p + AT_PROTOCOL) < PROTOCOL_PAYLOAD)
		return 0;
	bz->payload = smol_get_le32(p + AT_PAYLOAD);
	bz->payload_len = smol_get_le32(p + AT_PAYLOAD_LENGTH);
	if (bz->payload > n - setup || bz->payload_len > n - setup - bz->payload) {
		*bz = (struct smol_bzimage){0};
		return smol_err_set(
		    err, SMOL_E_INVALID, "it ends before its payload does (is it cut off?)");
	}
	bz->payload += setup;
	return 0;
}

/* Blocks of (u32 length, LZ4 block); the kernel's build puts the unpacked size behind them. */
static int unpack_lz4(const unsigned char *p, size_t n, struct smol_buf *out, struct smol_err *err)
{
	size_t base = smol_buf_len(out);

	p += 4;
	n -= 4;
	while (n > 4) {
		uint32_t len = smol_get_le32(p);
		int got;

		p += 4;
		n -= 4;
		if (len == LZ4_LEGACY_MAGIC)
			continue;
		if (len > n || smol_buf_len(out) - base > SMOL_KERNEL_ELF_MAX)
			return smol_err_set(err, SMOL_E_INVALID, "its LZ4 payload is damaged");
		got = LZ4_decompress_safe(
		    (const char *)p, smol_buf_reserve(out, LZ4_BLOCK), (int)len, LZ4_BLOCK);
		if (got < 0)
			return smol_err_set(err, SMOL_E_INVALID, "its LZ4 payload is damaged");
		smol_buf_commit(out, (size_t)got);
		p += len;
		n -= len;
	}
	if (n == 4 && smol_get_le32(p) != (uint32_t)(smol_buf_len(out) - base))
		return smol_err_set(err, SMOL_E_INVALID, "its LZ4 payload is damaged");
	return 0;
}

static void free_reader(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

int smol_decompress(
    const void *data, size_t n, size_t max, struct smol_buf *out, struct smol_err *err)
{
	smol_auto(free_reader) struct archive *a = archive_read_new();
	struct archive_entry *e;
	size_t total = 0;
	ssize_t got = 0;

	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, data, n) != ARCHIVE_OK ||
	    archive_read_next_header(a, &e) != ARCHIVE_OK)
		return smol_err_set(err, SMOL_E_INVALID, "it cannot be decompressed: %s",
		    archive_error_string(a) ? archive_error_string(a) : "unknown format");
	while ((got = archive_read_data(a, smol_buf_reserve(out, 1 << 18), 1 << 18)) > 0) {
		smol_buf_commit(out, (size_t)got);
		total += (size_t)got;
		if (total > max)
			return smol_err_set(
			    err, SMOL_E_LIMIT, "unpacked it is larger than %zu bytes", max);
	}
	if (got < 0)
		return smol_err_set(err, SMOL_E_INVALID, "it cannot be decompressed: %s",
		    archive_error_string(a) ? archive_error_string(a) : "damaged");
	return 0;
}

int smol_bzimage_unpack(const void *data, size_t n, const struct smol_bzimage *bz,
    struct smol_buf *out, struct smol_err *err)
{
	const unsigned char *p = (const unsigned char *)data + bz->payload;
	size_t len = bz->payload_len;

	if (len < 8 || bz->payload > n || len > n - bz->payload)
		return smol_err_set(err, SMOL_E_INVALID, "it has no payload");
	if (smol_get_le32(p) == LZ4_LEGACY_MAGIC)
		return unpack_lz4(p, len, out, err);
	/* All but gzip have the unpacked size appended, which is no part of the stream. */
	if (!(p[0] == 0x1f && p[1] == 0x8b))
		len -= 4;
	return smol_decompress(p, len, SMOL_KERNEL_ELF_MAX, out, err);
}

static char *elf_version(const struct smol_buf *elf)
{
	static const char banner[] = "Linux version ";
	const char *p = smol_buf_head(elf), *end = p + smol_buf_len(elf);
	char version[128];

	while ((p = memmem(p, (size_t)(end - p), banner, sizeof(banner) - 1))) {
		p += sizeof(banner) - 1;
		take_version(p, (size_t)(end - p), version, sizeof(version));
		if (isdigit((unsigned char)version[0]))
			return smol_strdup(version);
	}
	return smol_strdup("unknown");
}

static int shrink_into(struct smol_kernel *k, const struct smol_buf *elf, struct smol_err *err)
{
	return smol_elf_shrink(smol_buf_head(elf), smol_buf_len(elf), &k->elf, err);
}

static int load_bzimage(struct smol_kernel *k, struct smol_buf *data, struct smol_err *err)
{
	smol_auto_buf struct smol_buf elf = {0};
	struct smol_bzimage bz;

	if (smol_bzimage_parse(smol_buf_head(data), smol_buf_len(data), &bz, err) < 0)
		return -1;
	k->packed = *data;
	*data = (struct smol_buf){0};
	if (bz.version[0])
		k->version = smol_strdup(bz.version);
	/* The bzImage boots by itself; a payload that we cannot use costs time, not the image. */
	if (bz.payload_len && smol_bzimage_unpack(smol_buf_head(&k->packed),
				  smol_buf_len(&k->packed), &bz, &elf, err) < 0)
		return -1;
	if (smol_elf_has_pvh(smol_buf_str(&elf), smol_buf_len(&elf)) &&
	    shrink_into(k, &elf, NULL) < 0)
		smol_buf_free(&k->elf);
	if (!k->version)
		k->version = elf_version(&elf);
	return 0;
}

int smol_kernel_load(
    struct smol_kernel *k, const char *what, struct smol_buf *data, struct smol_err *err)
{
	const char *p = smol_buf_str(data);
	size_t n = smol_buf_len(data);

	*k = (struct smol_kernel){0};
	if (n >= 4 && memcmp(p, "\177ELF", 4) == 0) {
		if (!smol_elf_ok(p, n))
			return smol_err_set(err, SMOL_E_INVALID,
			    "%s is not a kernel for x86-64 (ELF of another kind)", what);
		if (!smol_elf_has_pvh(p, n)) {
			smol_err_set(err, SMOL_E_INVALID,
			    "%s has no PVH entry, by which an ELF kernel is booted", what);
			return smol_err_hint(
			    err, "give its bzImage, or build it with CONFIG_PVH=y");
		}
		if (shrink_into(k, data, err) < 0)
			return smol_err_wrap(err, "%s", what);
		k->version = elf_version(data);
		return 0;
	}
	if (n < HEADER_END || memcmp(p + AT_MAGIC, "HdrS", 4) != 0)
		return smol_err_set(err, SMOL_E_INVALID,
		    "%s is not a Linux kernel (neither bzImage nor ELF)", what);
	if (load_bzimage(k, data, err) < 0)
		return smol_err_wrap(err, "%s is a damaged bzImage", what);
	return 0;
}

void smol_kernel_free(struct smol_kernel *k)
{
	free(k->version);
	smol_buf_free(&k->packed);
	smol_buf_free(&k->elf);
	*k = (struct smol_kernel){0};
}
