/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kernel files: what they are, which version, and the ELF kernel inside a bzImage, which boots
 * faster where nobody has to decompress it first.
 */
#ifndef SMOL_IMAGE_KERNEL_H
#define SMOL_IMAGE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define SMOL_KERNEL_MAX	    (256 * 1024 * 1024)	 /* bytes of a kernel file */
#define SMOL_KERNEL_ELF_MAX (1024 * 1024 * 1024) /* bytes of what is unpacked from one */

/* A bzImage by its setup header (Linux: Documentation/x86/boot.rst). */
struct smol_bzimage {
	size_t payload, payload_len; /* the compressed kernel, within the file; 0, 0: none told */
	char version[128];	     /* "6.1.0-32-cloud-amd64", "" where it does not tell */
};

/* -1 and SMOL_E_INVALID when it is no bzImage or its header points outside of it. */
int smol_bzimage_parse(const void *data, size_t n, struct smol_bzimage *bz, struct smol_err *err);
/* The payload decompressed (LZ4, gzip, xz, zstd, bzip2, lzma) and appended to out. */
int smol_bzimage_unpack(const void *data, size_t n, const struct smol_bzimage *bz,
    struct smol_buf *out, struct smol_err *err);

/* A kernel ready for an image. Buffers are freed with smol_kernel_free(). */
struct smol_kernel {
	char *version;		/* "6.1.0-32-cloud-amd64" */
	struct smol_buf packed; /* the bzImage, empty when an ELF file was given */
	struct smol_buf elf;	/* the ELF file, empty when the bzImage has none for PVH */
};

/*
 * Take a kernel file (bzImage or ELF) apart. what: its name for messages. data is taken over.
 * SMOL_E_INVALID: "WHAT is not a Linux kernel (neither bzImage nor ELF)", …
 */
int smol_kernel_load(
    struct smol_kernel *k, const char *what, struct smol_buf *data, struct smol_err *err);
void smol_kernel_free(struct smol_kernel *k);
#define smol_auto_kernel __attribute__((cleanup(smol_kernel_free)))

/* Decompress by content (gzip, xz, zstd, …; as it is when not compressed), at most max bytes. */
int smol_decompress(
    const void *data, size_t n, size_t max, struct smol_buf *out, struct smol_err *err);

#endif
