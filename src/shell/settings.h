/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person can set about the screen: one table, from which `set`, its completion, help and the
 * manual are made. The values belong to the process; whoever heeds one asks for it when it is
 * needed.
 */
#ifndef SMOL_SHELL_SETTINGS_H
#define SMOL_SHELL_SETTINGS_H

#include "base/err.h"

/* The values of those that are words, in the order of the table's. */
enum smol_theme { SMOL_THEME_AUTO, SMOL_THEME_DARK, SMOL_THEME_LIGHT, SMOL_THEME_16 };
enum smol_sort {
	SMOL_SORT_NAME,
	SMOL_SORT_STATE,
	SMOL_SORT_CPU,
	SMOL_SORT_MEMORY,
	SMOL_SORT_UPTIME,
};

/*
 * X(enumerator, name, values, min, max, default, help): a number from min to max, or an index into
 * the NULL-terminated values (min is 0, max the last one).
 */
#define SMOL_SETTINGS(X)                                                                           \
	X(HISTORY, "history", NULL, 100, 100000, 10000,                                            \
	    "lines that a pane keeps above its screen")                                            \
	X(LIST_WIDTH, "list-width", NULL, 20, 120, 30, "columns of the list of VMs")               \
	X(MOUSE, "mouse", switch_values, 0, 1, 1, "the mouse is smolsh's, else the terminal's")    \
	X(SORT, "sort", sort_values, 0, SMOL_SORT_UPTIME, 0, "what the list of VMs is sorted by")  \
	X(THEME, "theme", theme_values, 0, SMOL_THEME_16, 0, "colours for a background")           \
	X(WRAP, "wrap", switch_values, 0, 1, 1, "long lines of a pane go on in the next row")

enum smol_setting {
#define X(e, ...) SMOL_SETTING_##e,
	SMOL_SETTINGS(X)
#undef X
	    SMOL_SETTING__COUNT
};

struct smol_setting_entry {
	const char *name;
	const char *const *values; /* NULL: a number */
	int min, max, standard;
	const char *help; /* one line, no full stop */
};
extern const struct smol_setting_entry smol_settings[SMOL_SETTING__COUNT];
/* All names in the table's order, which is the alphabet's; NULL-terminated. */
extern const char *const smol_setting_names[SMOL_SETTING__COUNT + 1];

/* Its value: a number, an index into the values, 0 or 1 of an on-off. */
int smol_setting(enum smol_setting which);
/* The value as one would type it; valid until the next call with the same setting. */
const char *smol_setting_text(enum smol_setting which);
/* -1 with SMOL_E_INVALID and what it could be, where text is no value of it. */
int smol_setting_set(enum smol_setting which, const char *text, struct smol_err *err);
void smol_setting_reset(enum smol_setting which);
/* By name; -1 with SMOL_E_USAGE and the nearest one as hint. */
int smol_setting_find(const char *name, enum smol_setting *which, struct smol_err *err);

#endif
