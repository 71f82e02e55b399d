/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every image holds besides kernel, busybox and agent, as tables that the builder goes by.
 * Those who only boot images know them too, so that they can tell an image that was made by others.
 */
#ifndef SMOL_IMAGE_RECIPE_H
#define SMOL_IMAGE_RECIPE_H

#include <stdbool.h>
#include <sys/types.h>

/* Counts what the tables do not show: which lists of modules there are, and how they are made. */
#define SMOL_RECIPE_LAYOUT 2

/* All three tables end with an entry whose first member is NULL. Paths have no leading slash. */
struct smol_recipe_dir {
	const char *path;
	mode_t mode;
};
extern const struct smol_recipe_dir smol_recipe_dirs[];

struct smol_recipe_file {
	const char *path;
	mode_t mode;
	const char *text;
};
extern const struct smol_recipe_file smol_recipe_files[];

/* Modules by name; what each of them needs comes along. */
struct smol_recipe_module {
	const char *name;
	bool required; /* as a module or built in */
	bool boot;     /* loaded at every boot, else when something asks for it */
};
extern const struct smol_recipe_module smol_recipe_modules[];

/* SHA-256 over the tables: 64 lower-case hex digits and a NUL. */
void smol_recipe_hash(char hex[65]);

#endif
