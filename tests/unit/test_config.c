/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: what configures it: settings, keys, aliases, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "shell/alias.h"
#include "shell/keys.h"
#include "shell/settings.h"
#include "shell/source.h"

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
	/* Each place has a name. */
	for (int i = 0; i < 32; i++) {
		if (!smol_focus_names[i]) {
			assert_int_equal(SMOL_FOCUS_ANY, (1U << i) - 1);
			break;
		}
	}
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

static void a_way_that_is_lost_is_told(void **state)
{
	smol_auto_free char *list = NULL, *help = NULL;

	(void)state;
	assert_null(smol_keys_lost());
	assert_true(smol_key_unbind("M-p", SMOL_FOCUS_LIST));
	assert_null(smol_keys_lost());
	assert_true(smol_key_unbind("Esc", SMOL_FOCUS_LIST));
	assert_true(smol_key_unbind("q", SMOL_FOCUS_LIST));
	list = smol_keys_lost();
	assert_string_equal(
	    list, "no key leads from the list to the prompt any more; try: bind M-p prompt");
	smol_keys_reset(NULL);
	assert_true(smol_key_unbind("F1", SMOL_FOCUS_PROMPT));
	help = smol_keys_lost();
	assert_string_equal(
	    help, "no key leads from the prompt to help any more; try: bind F1 help");
	smol_keys_reset(NULL);
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

/* ---- aliases ---- */

#define ALIAS(name, ...)                                                                           \
	smol_alias_set(name, (const char *const[]){__VA_ARGS__},                                   \
	    (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), NULL)

/* The first statement of a text, expanded, as one would type it. */
static char *expanded(const char *text)
{
	smol_auto_script struct smol_script script = {0};
	struct smol_buf b = {0};
	struct smol_statement *s;

	assert_int_equal(smol_grammar_parse(text, strlen(text), &script, NULL), 0);
	s = &script.statements[0];
	smol_alias_expand(s);
	for (int i = 0; i < s->nwords; i++) {
		smol_auto_free char *quoted = smol_grammar_quote(s->words[i].text);

		smol_buf_printf(&b, "%s%s", i ? " " : "", quoted);
		assert_true(s->words[i].start <= s->words[i].end);
		assert_true(s->words[i].end <= strlen(text));
	}
	return smol_buf_take(&b);
}

static void expands(const char *text, const char *wanted)
{
	smol_auto_free char *got = expanded(text);

	assert_string_equal(got, wanted);
}

static void aliases_are_expanded_once(void **state)
{
	int n;

	(void)state;
	assert_int_equal(ALIAS("ll", "list", "--labels"), 0);
	assert_int_equal(ALIAS("e", "exec web -- sh -c 'echo \"$@\"' x"), 0);
	assert_int_equal(ALIAS("list", "ll", "--quiet"), 0);
	expands("ll", "list --labels");
	expands("ll --json", "list --labels --json");
	expands("e 'a b' c", "exec web -- sh -c 'echo \"$@\"' x 'a b' c");
	/* Not what comes out of one, not another word than the first, not in quotes. */
	expands("list", "ll --quiet");
	expands("help ll", "help ll");
	expands("'ll' x", "ll x");
	expands("\\ll x", "ll x");
	expands("l\"l\"", "ll");
	assert_int_equal(ALIAS("ll", "info"), 0);
	expands("ll web", "info web");
	smol_aliases(&n);
	assert_int_equal(n, 3);
	assert_string_equal(smol_aliases(&n)[0].name, "e");
	assert_true(smol_alias_remove("ll"));
	assert_false(smol_alias_remove("ll"));
	expands("ll", "ll");
	assert_true(smol_alias_remove("e"));
	assert_true(smol_alias_remove("list"));
}

static void aliases_have_bounds(void **state)
{
	char name[SMOL_ALIAS_NAME_MAX + 2] = "";

	(void)state;
	memset(name, 'a', SMOL_ALIAS_NAME_MAX);
	assert_int_equal(ALIAS(name, "list"), 0);
	assert_true(smol_alias_remove(name));
	name[SMOL_ALIAS_NAME_MAX] = 'a';
	assert_int_equal(ALIAS(name, "list"), -1);
	assert_int_equal(ALIAS("\xff", "list"), -1);
	assert_int_equal(ALIAS("a\033", "list"), -1);
	for (int i = 0; i <= SMOL_ALIASES_MAX; i++) {
		smol_auto_free char *each = smol_asprintf("a%d", i);

		assert_int_equal(ALIAS(each, "list"), i < SMOL_ALIASES_MAX ? 0 : -1);
	}
	for (int i = 0; i < SMOL_ALIASES_MAX; i++) {
		smol_auto_free char *each = smol_asprintf("a%d", i);

		assert_true(smol_alias_remove(each));
	}
}

/* ---- files ---- */

static char dir[] = "/tmp/smolsh-config-XXXXXX";

static void write_file(const char *name, const char *text)
{
	smol_auto_free char *path = smol_asprintf("%s/%s", dir, name);

	assert_int_equal(smol_file_write(path, text, strlen(text), 0600, NULL), 0);
}

/* As the screen does: what is not the shell's own is handed on. */
static int on_hand_on(struct smol_shell *sh, const char *const *words, int nwords)
{
	for (int i = 0; i < nwords; i++)
		smol_buf_printf(sh->hand_on_ctx, "%s%s", words[i], i == nwords - 1 ? ";" : " ");
	return 0;
}

/* What is handed on by a file; *said is what was said on stderr. */
static char *source(const char *name, bool keep_going, int *code, char **said)
{
	smol_auto_free char *path = smol_asprintf("%s/%s", dir, name);
	struct smol_buf handed = {0};
	smol_auto_shell struct smol_shell sh = {
	    .hand_on = on_hand_on, .hand_on_ctx = &handed, .keep_going = keep_going};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	FILE *before = stderr;
	size_t n;

	stderr = open_memstream(said, &n);
	*code = smol_source_file(&sh, path, name, &err);
	fclose(stderr);
	stderr = before;
	if (*code < 0) {
		free(*said);
		*said = smol_strdup(err.msg);
	}
	assert_null(sh.file);
	assert_null(sh.source);
	return smol_buf_take(&handed);
}

static void sourced(
    const char *name, bool keep_going, int code, const char *handed, const char *said)
{
	smol_auto_free char *got_said = NULL, *got = NULL;
	int got_code;

	got = source(name, keep_going, &got_code, &got_said);
	assert_string_equal(got_said, said);
	assert_string_equal(got, handed);
	assert_int_equal(got_code, code);
}

static void files_are_read_within_files(void **state)
{
	(void)state;
	write_file("plain", "alias ll list --labels\nset history 500; ll\nexec web -- 'a b'\n");
	sourced("plain", false, 0, "list --labels;exec web -- a b;", "");
	assert_int_equal(smol_setting(SMOL_SETTING_HISTORY), 500);
	smol_setting_reset(SMOL_SETTING_HISTORY);
	assert_true(smol_alias_remove("ll"));
	/* Beside the file that names it, whatever the working directory. */
	write_file("outer", "list\nsource inner\ninfo web\n");
	write_file("inner", "\n\nset histroy 1\nlogs web\n");
	sourced("outer", false, 2, "list;",
	    "smolsh: inner:3: there is no setting 'histroy'; did you mean 'history'?\n");
	sourced("outer", true, 2, "list;logs web;info web;",
	    "smolsh: inner:3: there is no setting 'histroy'; did you mean 'history'?\n");
	/* What cannot be taken is told here, not by who gets it. */
	write_file("wrong", "list --lables\nlist\n");
	sourced("wrong", true, 2, "list;",
	    "smolsh: wrong:1: list has no option '--lables'; did you mean '--labels'?\n");
	write_file("open", "list\nlist 'x\n");
	sourced("open", true, 2, "",
	    "smolsh: open: line 2, column 6: quote is not closed; try: close it with '\n");
}

static void files_end_somewhere(void **state)
{
	(void)state;
	write_file("self", "list\nsource self\n");
	sourced("self", true, 2, "list;", "smolsh: self:2: self would be read within itself\n");
	write_file("a", "source b\n");
	write_file("b", "source a\nlist\n");
	sourced("a", true, 2, "list;", "smolsh: b:1: a would be read within itself\n");
	for (int i = 0; i < SMOL_SOURCES_MAX + 1; i++) {
		smol_auto_free char *name = smol_asprintf("f%d", i);
		smol_auto_free char *text = smol_asprintf("source f%d\n", i + 1);

		write_file(name, text);
	}
	sourced("f0", true, 125, "", "smolsh: f15:1: f16: more than 16 files within each other\n");
	smol_auto_free char *got_said = NULL, *got = NULL;
	int code;

	got = source(".", true, &code, &got_said);
	assert_int_equal(code, -1);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return smol_rmdir_r(dir, NULL);
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
	    cmocka_unit_test(a_way_that_is_lost_is_told),
	    cmocka_unit_test(what_cannot_be_bound),
	    cmocka_unit_test(aliases_are_expanded_once),
	    cmocka_unit_test(aliases_have_bounds),
	    cmocka_unit_test(files_are_read_within_files),
	    cmocka_unit_test(files_end_somewhere),
	};

	return cmocka_run_group_tests_name("config", tests, make_dir, remove_dir);
}
