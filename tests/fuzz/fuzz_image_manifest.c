/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest.json under any bytes. Beyond memory errors it checks that what is accepted prints and
 * reads back as itself, and that no part of an image lies outside of its directory.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	smol_auto_image struct smol_image *img = NULL, *again = NULL;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *text = NULL, *twice = NULL;

	img = smol_manifest_parse((const char *)data, size, "x", "/images/x", &err);
	if (!img) {
		if (err.code != SMOL_E_IMAGE || !err.hint)
			abort();
		return 0;
	}
	for (int i = 0; i < img->nparts; i++)
		if (strncmp(img->parts[i].path, "/images/x/", 10) != 0 ||
		    strchr(img->parts[i].path + 10, '/') || img->parts[i].path[10] == '.')
			abort();
	text = smol_manifest_print(img);
	again = smol_manifest_parse(text, strlen(text), "x", "/images/x", NULL);
	if (!again)
		abort();
	twice = smol_manifest_print(again);
	if (strcmp(text, twice) != 0)
		abort();
	return 0;
}
