/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kernel modules of the image: those of every boot in the order that it lists them, others when a
 * device or a file system asks for them. The kernel's release decides where they lie.
 */
#ifndef SMOL_AGENT_MODULES_H
#define SMOL_AGENT_MODULES_H

#include "base/buf.h"

#define SMOL_MODULES_ORDER "/lib/smolsh/modules.order"
#define SMOL_MODULES_TRIED 256 /* files that are remembered */

/* Told of each module that cannot be loaded. */
typedef void (*smol_say_fn)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct smol_modules {
	char *dir;	     /* "/lib/modules/RELEASE"; owned, as all here */
	struct smol_buf dep; /* modules.dep and modules.alias; empty where there are none */
	struct smol_buf alias;
	char *tried[SMOL_MODULES_TRIED]; /* paths that need not be tried again */
	int ntried;
	smol_say_fn say;
};

/* dir: NULL for the running kernel's. Free with smol_modules_close(). */
void smol_modules_open(struct smol_modules *m, const char *dir, smol_say_fn say);
void smol_modules_close(struct smol_modules *m);
/*
 * Load what the list names: one file a line, absolute or below dir; empty lines and '#' comments
 * are passed over. None that fails ends the loading. No list means that there is nothing to load.
 * Returns how many failed.
 */
int smol_modules_load(struct smol_modules *m, const char *list);
/* Load what serves this device ("pci:v00001AF4d…", "fs-squashfs"), with what it needs. Nothing does
 * where it is built in, or not known. Returns how many failed. */
int smol_modules_serve(struct smol_modules *m, const char *modalias);
/* The same for each device in a directory of sysfs ("/sys/bus/pci/devices"). */
int smol_modules_scan(struct smol_modules *m, const char *devices);

#endif
