/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest.json of an image:
 *
 *   {"format":1, "name":"base", "created":1764000000000, "kernel_version":"6.1…",
 *    "kernel_args":"", "agent_version":"0.1.0", "inputs":"<64 hex digits>",
 *    "parts":[{"role":"kernel","file":"vmlinux","size":34000000,"sha256":"<64 hex digits>"},…]}
 *
 * Unknown members are ignored. A file name is one component: no part lies outside its image.
 */
#ifndef SMOL_IMAGE_MANIFEST_H
#define SMOL_IMAGE_MANIFEST_H

#include <stddef.h>

#include "image/image.h"

#define SMOL_MANIFEST_FORMAT 1
#define SMOL_MANIFEST_MAX    65536 /* bytes */

/* Parse; dir is the image's directory, name the image's (the directory's name counts, not the
 * manifest's). NULL and SMOL_E_IMAGE with what is wrong. Caller frees. */
struct smol_image *smol_manifest_parse(
    const char *text, size_t n, const char *name, const char *dir, struct smol_err *err);
/* The text that smol_manifest_parse() reads, with a newline; malloc'd, caller frees. */
char *smol_manifest_print(const struct smol_image *img);

#endif
