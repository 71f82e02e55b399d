/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: what configures it: settings, keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/keys.h"
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

/* ---- keys ---- */

static void the_keys_are_sound(void **state)
{
	int n;
	const struct smol_binding *b = smol_keys_bound(&n);

	(void)state;
	for (int i = 1; i < SMOL_ACTION__count; i++) {
		const struct smol_action_entry *a = &smol_actions[i];

		assert_int_equal(smol_action_find(a->name), i);
		if (strspn(a->name, "abcdefghijklmnopqrstuvwxyz-") != strlen(a->name))
			fail_msg("%s: name", a->name);
		if (strlen(a->help) < 2 || strlen(a->help) > 72 || strlen(a->hint) > 10)
			fail_msg("%s: help, hint", a->name);
		if (!smol_action_where((enum smol_action)i))
			fail_msg("%s: no key does it", a->name);
	}
	for (int i = 0; i < n; i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		char name[SMOL_KEY_MAX];

		/* The table has the names that the keyboard gives, and each key means one thing. */
		if (smol_key_parse(b[i].key, name, &err) < 0 || strcmp(name, b[i].key) != 0)
			fail_msg("%s: %s", b[i].key, err.msg ? err.msg : name);
		if (smol_key_is_text(b[i].key) && (b[i].where & ~(unsigned)SMOL_FOCUS_SEEN))
			fail_msg("%s: text is typed with it", b[i].key);
		for (int k = i + 1; k < n; k++)
			if (strcmp(b[i].key, b[k].key) == 0 && (b[i].where & b[k].where))
				fail_msg("%s stands twice in the table", b[i].key);
	}
}

static void a_command_has_most_keys(void **state)
{
	static const char *const its[] = {"C-c", "q", "PgUp", "Tab", "Enter", "Esc", "Up", "C-z"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(its); i++)
		if (smol_key_find(its[i], SMOL_FOCUS_PANE))
			fail_msg("%s is taken from a pane's command", its[i]);
	assert_int_equal(smol_key_find("M-7", SMOL_FOCUS_PANE)->action, SMOL_ACTION_pane);
}

static void keys_have_many_names(void **state)
{
	static const struct {
		const char *text, *key;
	} same[] = {{"x", "x"}, {"X", "X"}, {"S-x", "X"}, {"M-x", "M-x"}, {"Alt-x", "M-x"},
	    {"meta-x", "M-x"}, {"M-X", "M-X"}, {"C-x", "C-x"}, {"Ctrl-X", "C-x"}, {"^x", "C-x"},
	    {"M-C-x", "C-M-x"}, {"Alt-Ctrl-x", "C-M-x"}, {"PgUp", "PgUp"}, {"pageup", "PgUp"},
	    {"S-PageDown", "S-PgDn"}, {"shift-tab", "S-Tab"}, {"C-i", "Tab"}, {"C-m", "Enter"},
	    {"C-[", "Esc"}, {"escape", "Esc"}, {" ", "Space"}, {"space", "Space"}, {"-", "-"},
	    {"M--", "M--"}, {"^", "^"}, {"f12", "F12"}, {"C-S-Left", "C-S-Left"}, {"C", "C"}};
	static const char *const none[] = {"", "C-", "M-", "foo", "F13", "C-1", "S-1", "C-S-x",
	    "\xc3\xa9", "M-M-x", "\033", "ab", "C-C-x", "Hyper-x"};
	char key[SMOL_KEY_MAX], shown[SMOL_KEY_MAX];

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(same); i++) {
		if (smol_key_parse(same[i].text, key, NULL) < 0)
			fail_msg("'%s' is no key", same[i].text);
		assert_string_equal(key, same[i].key);
		/* As it is shown it can be typed again. */
		smol_key_shown(key, shown);
		if (smol_key_parse(shown, key, NULL) < 0)
			fail_msg("'%s' is no key", shown);
		assert_string_equal(key, same[i].key);
	}
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(none); i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		if (smol_key_parse(none[i], key, &err) == 0)
			fail_msg("'%s' is '%s'", none[i], key);
		assert_int_equal(err.code, SMOL_E_INVALID);
	}
}

static enum smol_action does(const char *key, enum smol_focus focus)
{
	const struct smol_binding *b = smol_key_find(key, focus);

	return b ? b->action : SMOL_ACTION_none;
}

static void keys_are_bound_and_let_go(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	char keys[64];

	(void)state;
	assert_int_equal(smol_key_bind("M-q", SMOL_FOCUS_ANY, SMOL_ACTION_close, NULL, &err), 0);
	assert_int_equal(does("M-q", SMOL_FOCUS_PANE), SMOL_ACTION_close);
	smol_action_keys(SMOL_ACTION_close, keys, sizeof(keys));
	assert_string_equal(keys, "Alt-q, Alt-x");
	smol_action_keys(SMOL_ACTION_close, keys, 8);
	assert_string_equal(keys, "Alt-q");
	assert_string_equal(smol_key_of(SMOL_ACTION_close, SMOL_FOCUS_LIST)->key, "M-q");
	/* In one place only: it stays what it was elsewhere. */
	assert_int_equal(
	    smol_key_bind("M-x", SMOL_FOCUS_LIST, SMOL_ACTION_none, "stop VM", &err), 0);
	assert_string_equal(smol_key_find("M-x", SMOL_FOCUS_LIST)->line, "stop VM");
	assert_int_equal(does("M-x", SMOL_FOCUS_PROMPT), SMOL_ACTION_close);
	assert_true(smol_key_unbind("M-x", SMOL_FOCUS_ANY));
	assert_false(smol_key_unbind("M-x", SMOL_FOCUS_ANY));
	assert_null(smol_key_find("M-x", SMOL_FOCUS_PROMPT));
	smol_keys_reset("M-x");
	assert_int_equal(does("M-x", SMOL_FOCUS_LIST), SMOL_ACTION_close);
	assert_int_equal(does("M-q", SMOL_FOCUS_LIST), SMOL_ACTION_close);
	smol_keys_reset(NULL);
	assert_int_equal(does("M-q", SMOL_FOCUS_LIST), SMOL_ACTION_none);
	assert_int_equal(does("M-x", SMOL_FOCUS_LIST), SMOL_ACTION_close);
}

static void what_cannot_be_bound(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(smol_key_bind("x", SMOL_FOCUS_ANY, SMOL_ACTION_close, NULL, &err), -1);
	assert_string_equal(err.msg, "text is typed with 'x' at the prompt and in panes");
	assert_int_equal(does("x", SMOL_FOCUS_LIST), SMOL_ACTION_none);
	assert_int_equal(smol_key_bind("M-a", SMOL_FOCUS_ANY, SMOL_ACTION_pane, NULL, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
	assert_int_equal(smol_key_bind("F2", SMOL_FOCUS_ANY, SMOL_ACTION_pane, NULL, &err), 0);
	/* There is an end to it. */
	for (int i = 0, rc = 0; rc == 0; i++) {
		char key[SMOL_KEY_MAX] = "M-S-F1";

		key[0] = (char)('!' + i % 90);
		key[2] = (char)('!' + i / 90);
		assert_true(i <= SMOL_BINDINGS_MAX);
		rc = smol_key_bind(key, SMOL_FOCUS_LIST, SMOL_ACTION_close, NULL, &err);
	}
	assert_int_equal(err.code, SMOL_E_LIMIT);
	smol_keys_reset(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_settings_are_sound),
	    cmocka_unit_test(settings_are_set),
	    cmocka_unit_test(what_is_no_value_changes_nothing),
	    cmocka_unit_test(the_keys_are_sound),
	    cmocka_unit_test(a_command_has_most_keys),
	    cmocka_unit_test(keys_have_many_names),
	    cmocka_unit_test(keys_are_bound_and_let_go),
	    cmocka_unit_test(what_cannot_be_bound),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
