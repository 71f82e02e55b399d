/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings: see settings.h. */
#include "shell/settings.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

static const char *const switch_values[] = {"off", "on", NULL};
static const char *const theme_values[] = {"auto", "dark", "light", "16", NULL};
static const char *const sort_values[] = {"name", "state", "cpu", "memory", "uptime", NULL};
static_assert(SMOL_ARRAY_SIZE(theme_values) == SMOL_THEME_16 + 2, "each theme has a name");
static_assert(SMOL_ARRAY_SIZE(sort_values) == SMOL_SORT_UPTIME + 2, "each order has a name");

const struct smol_setting_entry smol_settings[SMOL_SETTING__COUNT] = {
#define X(e, name, values, min, max, standard, help) {name, values, min, max, standard, help},
    SMOL_SETTINGS(X)
#undef X
};

const char *const smol_setting_names[SMOL_SETTING__COUNT + 1] = {
#define X(e, name, ...) name,
    SMOL_SETTINGS(X)
#undef X
};

static int now[SMOL_SETTING__COUNT] = {
#define X(e, name, values, min, max, standard, help) standard,
    SMOL_SETTINGS(X)
#undef X
};

int smol_setting(enum smol_setting which)
{
	return now[which];
}

const char *smol_setting_text(enum smol_setting which)
{
	static char texts[SMOL_SETTING__COUNT][16];

	if (smol_settings[which].values)
		return smol_settings[which].values[now[which]];
	snprintf(texts[which], sizeof(texts[which]), "%d", now[which]);
	return texts[which];
}

void smol_setting_reset(enum smol_setting which)
{
	now[which] = smol_settings[which].standard;
}

static int set_word(enum smol_setting which, const char *text)
{
	const char *const *values = smol_settings[which].values;

	for (int i = 0; values[i]; i++)
		if (strcmp(values[i], text) == 0) {
			now[which] = i;
			return 0;
		}
	return -1;
}

/* "a number from 1 to 9", "auto, dark or light" */
static char *wanted(const struct smol_setting_entry *s)
{
	struct smol_buf b = {0};

	if (!s->values)
		return smol_asprintf("a number from %d to %d", s->min, s->max);
	for (int i = 0; s->values[i]; i++)
		smol_buf_printf(&b, "%s%s",
		    !i		       ? ""
		    : s->values[i + 1] ? ", "
				       : " or ",
		    s->values[i]);
	return smol_buf_take(&b);
}

int smol_setting_set(enum smol_setting which, const char *text, struct smol_err *err)
{
	const struct smol_setting_entry *s = &smol_settings[which];
	smol_auto_free char *what = NULL, *safe = NULL;
	const char *near = NULL;
	int64_t number;

	if (s->values && set_word(which, text) == 0)
		return 0;
	if (!s->values && smol_parse_int(text, s->min, s->max, &number) == 0) {
		now[which] = (int)number;
		return 0;
	}
	what = wanted(s);
	safe = smol_escape(text, strnlen(text, 200));
	smol_err_set(err, SMOL_E_INVALID, "%s: '%s' is not %s", s->name, safe, what);
	if (s->values)
		near = smol_nearest(text, s->values);
	return near ? smol_err_hint(err, "did you mean '%s'?", near) : -1;
}

int smol_setting_find(const char *name, enum smol_setting *which, struct smol_err *err)
{
	smol_auto_free char *safe = NULL;
	const char *near;

	for (int i = 0; i < SMOL_SETTING__COUNT; i++)
		if (strcmp(smol_setting_names[i], name) == 0) {
			*which = (enum smol_setting)i;
			return 0;
		}
	safe = smol_escape(name, strnlen(name, 200));
	near = smol_nearest(name, smol_setting_names);
	smol_err_set(err, SMOL_E_USAGE, "there is no setting '%s'", safe);
	return near ? smol_err_hint(err, "did you mean '%s'?", near) : smol_err_hint(err, "set");
}
