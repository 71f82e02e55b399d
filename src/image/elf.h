/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * As much of ELF (64-bit, little-endian, x86-64) as images need. All take a whole file in memory,
 * trust nothing in it, and touch only bytes that are there.
 */
#ifndef SMOL_IMAGE_ELF_H
#define SMOL_IMAGE_ELF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* An ELF64 file for x86-64 whose program headers lie within it? */
bool smol_elf_ok(const void *data, size_t n);
/* Has it the note that gives its PVH entry (Xen's PHYS32_ENTRY), by which QEMU boots it? */
bool smol_elf_has_pvh(const void *data, size_t n);
/* Its interpreter (dynamic loader), malloc'd, or NULL if it has none. Caller frees. */
char *smol_elf_interp(const void *data, size_t n);
/* A section by name: where it is and *len, or NULL. Points into data. */
const void *smol_elf_section(const void *data, size_t n, const char *name, size_t *len);
/*
 * Append to out the same program with nothing in the file but what is loaded: no sections, no
 * holes, no zeros at the end of a segment (memory that is not in the file is zero anyway).
 * SMOL_E_INVALID when it is not a sound ELF file.
 */
int smol_elf_shrink(const void *data, size_t n, struct smol_buf *out, struct smol_err *err);

#endif
