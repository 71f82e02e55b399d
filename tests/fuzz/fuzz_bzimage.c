/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kernel files, their payloads, and modules under any bytes. What is taken for a kernel is to be
 * one that boots: an ELF file that is written has its PVH note still.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "image/elf.h"
#include "image/kernel.h"
#include "image/kmod.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_modules(const uint8_t *data, size_t size)
{
	smol_auto_free struct smol_kmod **order = NULL;
	smol_auto_kmods struct smol_kmods k = {0};
	smol_auto_buf struct smol_buf one = {0};
	size_t n = 0;

	smol_buf_append(&one, data, size);
	smol_kmods_add(&k, "kernel/a.ko", NULL, &one, NULL);
	smol_kmods_add(&k, "kernel/b.ko.xz", NULL, &one, NULL);
	smol_kmods_sort(&k);
	smol_kmods_parse_builtin(&k, (const char *)data, size);
	smol_kmods_parse_dep(&k, (const char *)data, size);
	smol_kmods_order(&k, "a", &order, &n, NULL);
	smol_kmods_order(&k, "b", &order, &n, NULL);
	smol_kmod_strip_signature(k.list[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	smol_auto_kernel struct smol_kernel kernel = {0};
	smol_auto_buf struct smol_buf file = {0};

	as_modules(data, size);
	free(smol_elf_interp(data, size));
	smol_buf_append(&file, data, size);
	if (smol_kernel_load(&kernel, "x", &file, NULL) < 0)
		return 0;
	if (!kernel.version || (!smol_buf_len(&kernel.elf) && !smol_buf_len(&kernel.packed)))
		abort();
	if (smol_buf_len(&kernel.elf) &&
	    !smol_elf_has_pvh(smol_buf_head(&kernel.elf), smol_buf_len(&kernel.elf)))
		abort();
	return 0;
}
