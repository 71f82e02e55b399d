/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules that the image lists, loaded in the order it lists them. */
#ifndef SMOL_AGENT_MODULES_H
#define SMOL_AGENT_MODULES_H

#define SMOL_MODULES_ORDER "/lib/smolsh/modules.order"

/*
 * Load what the list names: one file a line, absolute or below /lib/modules/RELEASE/; empty lines
 * and '#' comments are passed over. say() is told of each one that fails; none ends the loading. No
 * list means that there is nothing to load. Returns how many failed.
 */
int smol_modules_load(
    const char *list, void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2))));

#endif
