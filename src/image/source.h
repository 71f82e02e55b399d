/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where an image's kernel and modules come from. */
#ifndef SMOL_IMAGE_SOURCE_H
#define SMOL_IMAGE_SOURCE_H

#include <stdbool.h>

#include "base/err.h"
#include "image/kernel.h"
#include "image/kmod.h"

struct smol_source {
	char *label; /* for people: the package, or the file */
	struct smol_kernel kernel;
	struct smol_kmods mods; /* none with --kernel alone */
};

/* Told about steps that take time: one line without a newline. */
typedef void (*smol_step_fn)(const char *line);

/*
 * Debian's kernel for clouds: what linux-image-cloud-amd64 depends on, downloaded with apt-get
 * (as any user; nothing is installed) into a cache and unpacked in memory. A package that is in
 * the cache already is used again, and where apt has no lists the newest one there.
 */
int smol_source_debian(struct smol_source *s, smol_step_fn step, struct smol_err *err);
/* A kernel file and the directory with its modules (lib/modules/VERSION), or NULL for none. */
int smol_source_files(
    struct smol_source *s, const char *kernel, const char *modules, struct smol_err *err);
/* The running kernel's files. */
int smol_source_host(struct smol_source *s, struct smol_err *err);

void smol_source_free(struct smol_source *s);
#define smol_auto_source __attribute__((cleanup(smol_source_free)))

#endif
