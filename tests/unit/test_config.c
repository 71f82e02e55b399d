/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: what configures it: settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/settings.h"

/* ---- settings ---- */

static void the_settings_are_sound(void **state)
{
	(void)state;
	for (int i = 0; i < SMOL_SETTING__COUNT; i++) {
		const struct smol_setting_entry *s = &smol_settings[i];
		int n = 0;

		if (i && strcmp(smol_settings[i - 1].name, s->name) >= 0)
			fail_msg("%s: not in the alphabet's order", s->name);
		if (strspn(s->name, "abcdefghijklmnopqrstuvwxyz-") != strlen(s->name))
			fail_msg("%s: name", s->name);
		if (strlen(s->help) < 5 || strlen(s->help) > 60 || strchr(s->help, '\n') ||
		    s->help[strlen(s->help) - 1] == '.')
			fail_msg("%s: help", s->name);
		while (s->values && s->values[n])
			n++;
		if (s->values && (s->min != 0 || s->max != n - 1))
			fail_msg("%s: 0 to the last of its %d values", s->name, n);
		if (s->min >= s->max || s->standard < s->min || s->standard > s->max)
			fail_msg("%s: range", s->name);
		assert_int_equal(smol_setting((enum smol_setting)i), s->standard);
		assert_string_equal(smol_setting_names[i], s->name);
	}
	assert_null(smol_setting_names[SMOL_SETTING__COUNT]);
}

static void settings_are_set(void **state)
{
	enum smol_setting which;

	(void)state;
	assert_int_equal(smol_setting_find("history", &which, NULL), 0);
	assert_int_equal(which, SMOL_SETTING_HISTORY);
	assert_int_equal(smol_setting_set(which, "100000", NULL), 0);
	assert_int_equal(smol_setting(SMOL_SETTING_HISTORY), 100000);
	assert_string_equal(smol_setting_text(SMOL_SETTING_HISTORY), "100000");
	smol_setting_reset(which);
	assert_int_equal(smol_setting(SMOL_SETTING_HISTORY), 10000);
	assert_int_equal(smol_setting_set(SMOL_SETTING_THEME, "light", NULL), 0);
	assert_int_equal(smol_setting(SMOL_SETTING_THEME), SMOL_THEME_LIGHT);
	assert_string_equal(smol_setting_text(SMOL_SETTING_THEME), "light");
	smol_setting_reset(SMOL_SETTING_THEME);
}

static void not_set(enum smol_setting which, const char *text, const char *msg, const char *hint)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int before = smol_setting(which);

	assert_int_equal(smol_setting_set(which, text, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
	assert_string_equal(err.msg, msg);
	if (hint)
		assert_string_equal(err.hint, hint);
	assert_int_equal(smol_setting(which), before);
}

static void what_is_no_value_changes_nothing(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	enum smol_setting which;

	(void)state;
	not_set(
	    SMOL_SETTING_HISTORY, "99", "history: '99' is not a number from 100 to 100000", NULL);
	not_set(
	    SMOL_SETTING_HISTORY, "1k", "history: '1k' is not a number from 100 to 100000", NULL);
	not_set(SMOL_SETTING_WRAP, "onn", "wrap: 'onn' is not off or on", "did you mean 'on'?");
	not_set(SMOL_SETTING_THEME, "\033[31m", "theme: '\\x1b[31m' is not auto, dark, light or 16",
	    NULL);
	assert_int_equal(smol_setting_find("histroy", &which, &err), -1);
	assert_int_equal(err.code, SMOL_E_USAGE);
	assert_string_equal(err.msg, "there is no setting 'histroy'");
	assert_string_equal(err.hint, "did you mean 'history'?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_settings_are_sound),
	    cmocka_unit_test(settings_are_set),
	    cmocka_unit_test(what_is_no_value_changes_nothing),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
