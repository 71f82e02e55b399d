/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: the command table checks itself, and words become arguments by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/grammar.h"
#include "shell/help.h"
#include "shell/output.h"
#include "shell/parse.h"

static bool is_name(const char *s)
{
	return islower((unsigned char)*s) &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

/* One line that says something, as a clause: no full stop. */
static void check_help(const char *what, const char *s)
{
	if (!s || strlen(s) < 5 || strchr(s, '\n') || s[strlen(s) - 1] == '.' || strlen(s) > 76)
		fail_msg("%s: help '%s'", what, s ? s : "");
}

static void check_lines(const char *what, const char *s, size_t width)
{
	while (s && *s) {
		size_t n = strcspn(s, "\n");

		if (!n || n > width || s[n - 1] == ' ')
			fail_msg("%s: line '%.*s'", what, (int)n, s);
		s += n + (s[n] == '\n');
		if (s[-1] == '\n' && !*s)
			fail_msg("%s: ends with a newline", what);
	}
}

static void check_option(const struct smol_command *c, const struct smol_option *o)
{
	smol_auto_free char *what = smol_asprintf("%s --%s", c->name, o->name);
	smol_auto_free char *shown = smol_help_option(o);

	if (!is_name(o->name) || (o->letter && !isalpha((unsigned char)o->letter)))
		fail_msg("%s: name", what);
	check_help(what, o->help);
	if (strlen(shown) > 26)
		fail_msg("%s: too long for its column", what);
	if ((o->type == SMOL_OPTION_FLAG) != !o->arg)
		fail_msg("%s: a value has a name, a flag has none", what);
	if ((o->type == SMOL_OPTION_ENUM && !o->values) || (o->values && !o->values[0]) ||
	    (o->values && o->type != SMOL_OPTION_ENUM && o->type != SMOL_OPTION_STRING))
		fail_msg("%s: an enum has values", what);
	if (o->type == SMOL_OPTION_INT && o->min >= o->max)
		fail_msg("%s: a number has a range", what);
	/* The first of its letter and of its name is itself. */
	if (smol_command_option(c, o->name, strlen(o->name)) != o)
		fail_msg("%s: twice", what);
	if (o->letter && smol_command_letter(c, o->letter) != o)
		fail_msg("%s: the letter -%c twice", what, o->letter);
}

static void check_positionals(const struct smol_command *c)
{
	enum smol_arity last = SMOL_ONE;
	int n = 0;

	for (const struct smol_positional *p = c->positionals; p && p->name; p++, n++) {
		check_help(c->name, p->help);
		if (last == SMOL_MANY || last == SMOL_ANY ||
		    (last == SMOL_OPTIONAL && p->arity == SMOL_ONE))
			fail_msg("%s: %s can never be told from the one before", c->name, p->name);
		last = p->arity;
	}
	if ((c->flags & SMOL_COMMAND_GUEST) && (n > 1 || last != SMOL_ONE))
		fail_msg("%s: at most one word stands before a guest command", c->name);
}

static void check_command(const struct smol_command *c)
{
	const struct smol_option *o;

	if (!is_name(c->name) || !c->run == !c->sub)
		fail_msg("%s: has verbs or runs, not both, not neither", c->name);
	check_help(c->name, c->summary);
	check_lines(c->name, c->description, 78);
	check_lines(c->name, c->examples, 78);
	for (int i = 0; (o = smol_command_options(c, i)); i++)
		for (; o->name; o++)
			check_option(c, o);
	check_positionals(c);
	for (const struct smol_command *s = c->sub; s && s->name; s++) {
		if (smol_command_find_sub(c, s->name) != s)
			fail_msg("%s %s: twice", c->name, s->name);
		check_command(s);
	}
}

static void the_table_is_sound(void **state)
{
	smol_auto_free const struct smol_command **all = smol_command_sorted();

	(void)state;
	for (int i = 0; all[i]; i++) {
		check_command(all[i]);
		if (i)
			assert_true(strcmp(all[i - 1]->name, all[i]->name) < 0);
		assert_ptr_equal(smol_command_find(all[i]->name), all[i]);
	}
}

/* Examples in the help are lines that the grammar and the parser take. */
static void check_examples(const struct smol_command *c)
{
	smol_auto_script struct smol_script script = {0};

	if (!c->examples)
		return;
	assert_int_equal(smol_grammar_parse(c->examples, strlen(c->examples), &script, NULL), 0);
	for (int i = 0; i < script.n; i++) {
		const struct smol_statement *s = &script.statements[i];
		smol_auto_args struct smol_args args = {0};
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		const char *words[64];
		int n = 0;

		/* Other programs' syntax around a command is not ours to check. */
		for (int w = 0; w < s->nwords && !strpbrk(s->words[w].text, "<&"); w++)
			words[n++] = s->words[w].text;
		if (strchr(words[0], '$') || strcmp(words[0], "smolsh") != 0)
			continue;
		if (smol_parse(words + 1, n - 1, &args, &err) < 0)
			fail_msg("%s: line %d: %s", c->name, i + 1, err.msg);
	}
}

static void examples_can_be_typed(void **state)
{
	smol_auto_free const struct smol_command **all = smol_command_sorted();

	(void)state;
	for (int i = 0; all[i]; i++) {
		check_examples(all[i]);
		for (const struct smol_command *s = all[i]->sub; s && s->name; s++)
			check_examples(s);
	}
}

static void every_promised_command_is_there(void **state)
{
	static const char *const wanted[] = {"create", "start", "stop", "restart", "delete", "list",
	    "info", "label", "env", "shell", "jobs", "attach", "cancel", "cp", "exec", "run",
	    "health", "sysinfo", "logs", "events", "wait", "doctor", "disk", "snapshot", "image",
	    "help", "version", "set", "bind", "unbind", "alias", "unalias", "source"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(wanted); i++)
		if (!smol_command_find(wanted[i]))
			fail_msg("%s is missing", wanted[i]);
}

static int parse(struct smol_args *args, struct smol_err *err, const char *const *words)
{
	int n = 0;

	while (words[n])
		n++;
	return smol_parse(words, n, args, err);
}

#define PARSE(...) parse(&args, &err, (const char *const[]){__VA_ARGS__, NULL})

static void refused(
    const char *const *words, enum smol_code code, const char *msg, const char *hint)
{
	smol_auto_args struct smol_args args = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	assert_int_equal(parse(&args, &err, words), -1);
	assert_int_equal(err.code, code);
	assert_string_equal(err.msg, msg);
	if (hint)
		assert_string_equal(err.hint, hint);
}

#define REFUSED(code, msg, hint, ...)                                                              \
	refused((const char *const[]){__VA_ARGS__, NULL}, code, msg, hint)

static void options_are_taken_in_all_their_forms(void **state)
{
	smol_auto_args struct smol_args args = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(PARSE("create", "--memory=1.5G", "-m", "256", "--cpus", "4", "web",
			     "--net=user", "--no-start", "--boot-timeout", "500ms"),
	    0);
	/* The last one counts. */
	assert_int_equal(smol_args_int(&args, "memory", 0), 256);
	assert_int_equal(smol_args_int(&args, "cpus", 1), 4);
	assert_string_equal(smol_args_str(&args, "net"), "user");
	assert_int_equal(smol_args_int(&args, "boot-timeout", 0), 500);
	assert_int_equal(smol_args_int(&args, "accel", 77), 77);
	assert_true(smol_args_flag(&args, "no-start"));
	assert_false(smol_args_flag(&args, "json"));
	assert_null(smol_args_str(&args, "image"));
	assert_int_equal(args.nwords, 1);
	assert_string_equal(args.words[0], "web");
}

static void letters_are_bundled(void **state)
{
	smol_auto_args struct smol_args args = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(PARSE("logs", "-fn5", "-q", "web"), 0);
	assert_true(smol_args_flag(&args, "follow"));
	assert_true(smol_args_flag(&args, "quiet"));
	assert_int_equal(smol_args_int(&args, "lines", -1), 5);
}

static void a_guest_command_is_passed_as_it_is(void **state)
{
	smol_auto_args struct smol_args args = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(
	    PARSE("exec", "-i", "--env", "A=1", "-eB=2", "web", "--", "ls", "--", "-i", ""), 0);
	assert_string_equal(args.words[0], "web");
	assert_true(args.dashes);
	assert_int_equal(args.nguest, 4);
	assert_string_equal(args.guest[0], "ls");
	assert_string_equal(args.guest[1], "--");
	assert_string_equal(args.guest[2], "-i");
	assert_string_equal(args.guest[3], "");
	char **env = smol_args_list(&args, "env");
	assert_string_equal(env[0], "A=1");
	assert_string_equal(env[1], "B=2");
	assert_null(env[2]);
	for (char **e = env; *e; e++)
		free(*e);
	free(env);
	smol_args_free(&args);
	/* The options end at the VM, even without "--". */
	assert_int_equal(PARSE("exec", "web", "ls", "-i"), 0);
	assert_false(smol_args_flag(&args, "stdin"));
	assert_false(args.dashes);
	assert_int_equal(args.nguest, 2);
	smol_args_free(&args);
	assert_int_equal(PARSE("run", "--keep", "ls", "--json", "x"), 0);
	assert_int_equal(args.nguest, 3);
	assert_false(smol_args_flag(&args, "json"));
	smol_args_free(&args);
	assert_int_equal(PARSE("run", "--", "--json"), 0);
	assert_int_equal(args.nguest, 1);
	assert_true(args.dashes);
}

static void verbs_of_a_command_are_found(void **state)
{
	smol_auto_args struct smol_args args = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(PARSE("image", "build", "x", "--add", "a:b", "--force"), 0);
	assert_string_equal(args.command->name, "build");
	assert_int_equal(args.nwords, 1);
	smol_args_free(&args);
	/* Help needs no words. */
	assert_int_equal(PARSE("exec", "--help"), 0);
	smol_args_free(&args);
	assert_int_equal(PARSE("image", "--help"), 0);
	assert_string_equal(args.command->name, "image");
}

static void mistakes_offer_the_nearest(void **state)
{
	(void)state;
	REFUSED(SMOL_E_USAGE, "unknown command 'lsit'", "did you mean 'list'?", "lsit");
	REFUSED(SMOL_E_USAGE, "unknown command 'xyzzy'", "smolsh help", "xyzzy");
	REFUSED(SMOL_E_USAGE, "unknown command 'run -- ls'", "smolsh -c 'run -- ls'", "run -- ls");
	REFUSED(SMOL_E_USAGE, "unknown command 'a\\x1b[2J'", NULL, "a\x1b[2J");
	REFUSED(SMOL_E_USAGE, "create has no option '--memry'", "did you mean '--memory'?",
	    "create", "--memry", "5");
	/* Never abbreviated. */
	REFUSED(SMOL_E_USAGE, "create has no option '--mem'", "did you mean '--memory'?", "create",
	    "--mem", "5");
	REFUSED(SMOL_E_USAGE, "stop has no option '-x'", "smolsh help stop", "stop", "-fx", "web");
	REFUSED(SMOL_E_USAGE, "image has no verb 'bild'", "did you mean 'build'?", "image", "bild");
	REFUSED(SMOL_E_USAGE, "image build has no option '--adn'", "did you mean '--add'?", "image",
	    "build", "--adn");
	REFUSED(SMOL_E_INVALID, "--accel: 'kvn' is not auto, kvm or tcg", "did you mean 'kvm'?",
	    "create", "--accel", "kvn");
}

static void what_is_missing_or_too_much_is_named(void **state)
{
	(void)state;
	REFUSED(SMOL_E_USAGE, "--memory needs a value (SIZE)", NULL, "create", "--memory");
	REFUSED(SMOL_E_USAGE, "--no-start takes no value", NULL, "create", "--no-start=1");
	REFUSED(SMOL_E_USAGE, "exec needs a VM", "smolsh help exec", "exec");
	REFUSED(SMOL_E_USAGE, "exec needs a command to run in the guest",
	    "smolsh exec VM -- uname -a", "exec", "web");
	REFUSED(SMOL_E_USAGE, "run needs a command to run in the guest", "smolsh run -- uname -a",
	    "run", "--keep");
	REFUSED(SMOL_E_USAGE, "list: one word too many: 'x'", NULL, "list", "x");
	REFUSED(SMOL_E_USAGE, "image needs a verb", NULL, "image");
	REFUSED(SMOL_E_USAGE, "logs needs a VM", NULL, "logs", "-f");
}

static void values_out_of_range_are_refused(void **state)
{
	(void)state;
	REFUSED(SMOL_E_INVALID, "--cpus: '0' is not a number from 1 to 64", NULL, "create",
	    "--cpus", "0");
	REFUSED(SMOL_E_INVALID, "--cpus: '65' is not a number from 1 to 64", NULL, "create",
	    "--cpus=65");
	REFUSED(SMOL_E_INVALID, "--cpus: '1e1' is not a number from 1 to 64", NULL, "create",
	    "--cpus=1e1");
	REFUSED(
	    SMOL_E_INVALID, "--cpus: '' is not a number from 1 to 64", NULL, "create", "--cpus=");
	REFUSED(SMOL_E_INVALID, "--memory: 'lots' is not a size such as 128, 512M or 1.5G", NULL,
	    "create", "--memory", "lots");
	REFUSED(SMOL_E_USAGE,
	    "exec: options stand before the VM's name, and '--timeout' stands behind it",
	    "smolsh exec --timeout … web -- COMMAND", "exec", "web", "--timeout", "1", "--", "ls");
	REFUSED(SMOL_E_USAGE, "exec: the first word of the command is empty", NULL, "exec", "web",
	    "--", "");
	REFUSED(SMOL_E_USAGE, "run: the first word of the command is empty", NULL, "run", "", "x");
	REFUSED(SMOL_E_INVALID, "--timeout: '5x' is not a time such as 10, 500ms, 30s, 5m or 2h",
	    NULL, "exec", "--timeout", "5x", "web", "ls");
}

static void several_outcomes_are_one(void **state)
{
	static const struct {
		int a, b, both;
	} cases[] = {{0, 0, 0}, {0, 1, 1}, {3, 1, 3}, {124, 127, 124}, {126, 125, 125},
	    {125, 124, 125}, {255, 124, 124}, {137, 2, 137}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		assert_int_equal(smol_each_worse(cases[i].a, cases[i].b), cases[i].both);
		assert_int_equal(smol_each_worse(cases[i].b, cases[i].a), cases[i].both);
	}
}

static void one_line_stays_one_line(void **state)
{
	static const struct {
		const char *s, *wanted;
	} cases[] = {{"plain é", "plain é"}, {"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
	    {"\x1b[31m", "\\x1b[31m"}, {"already \\x1b", "already \\x1b"},
	    {"\xff\xc2\x9b", "\\xff\\xc2\\x9b"}, {"", ""}, {"\xc2", "\\xc2"}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_auto_free char *s = smol_out_one_line(cases[i].s);

		assert_string_equal(s, cases[i].wanted);
	}
}

static void widths_are_columns(void **state)
{
	(void)state;
	assert_int_equal(smol_text_width("abc"), 3);
	assert_int_equal(smol_text_width("é"), 1);
	assert_int_equal(smol_text_width("日本"), 4);
	assert_int_equal(smol_text_width("e\xcc\x81"), 1);
	assert_int_equal(smol_text_width("\xff"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_table_is_sound),
	    cmocka_unit_test(examples_can_be_typed),
	    cmocka_unit_test(every_promised_command_is_there),
	    cmocka_unit_test(options_are_taken_in_all_their_forms),
	    cmocka_unit_test(letters_are_bundled),
	    cmocka_unit_test(a_guest_command_is_passed_as_it_is),
	    cmocka_unit_test(verbs_of_a_command_are_found),
	    cmocka_unit_test(mistakes_offer_the_nearest),
	    cmocka_unit_test(what_is_missing_or_too_much_is_named),
	    cmocka_unit_test(values_out_of_range_are_refused),
	    cmocka_unit_test(several_outcomes_are_one),
	    cmocka_unit_test(one_line_stays_one_line),
	    cmocka_unit_test(widths_are_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
