/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line that is edited; a command as a form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "ui/page/form.h"

static void press(struct smol_field *f, const char *bytes)
{
	struct smol_input in = {0};
	struct smol_input_event e;

	smol_input_feed(&in, bytes, strlen(bytes));
	while (smol_input_next(&in, true, &e))
		smol_field_key(f, &e);
	smol_input_free(&in);
}

static void edit(const char *bytes, const char *text, size_t cursor)
{
	struct smol_field f = {0};

	press(&f, bytes);
	assert_string_equal(smol_field_text(&f), text);
	assert_int_equal(f.cursor, cursor);
	smol_field_free(&f);
}

static void editing(void **state)
{
	(void)state;
	edit("abc", "abc", 3);
	edit("abc\033[D\033[DX", "aXbc", 2);
	edit("abc\001X\005Y", "XabcY", 5);
	edit("one two\027", "one ", 4);
	edit("one two  \027\027", "", 0);
	edit("abcd\033[D\033[D\013", "ab", 2);
	edit("abcd\033[D\033[D\025", "cd", 0);
	edit("abcd\033[H\033[3~\177", "bcd", 0);
	edit("\303\244\303\266\177", "\303\244", 2);
	edit("\303\244\303\266\033[D\033[DX", "X\303\244\303\266", 1);
	edit("\033[200~a\tb\nc\033[201~", "ab", 2);
	edit("\177\004\033[C\033[D\013\025\027", "", 0);
}

static void editing_is_bounded(void **state)
{
	struct smol_field f = {0};

	(void)state;
	for (int i = 0; i < SMOL_FIELD_MAX + 10; i++)
		press(&f, "x");
	assert_int_equal(strlen(f.text), SMOL_FIELD_MAX);
	smol_field_free(&f);
}

static struct smol_form_field *field(struct smol_form *f, const char *name)
{
	for (int i = 0; i < f->n; i++)
		if (strcmp(f->fields[i].name, name) == 0)
			return &f->fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

static void put(struct smol_form *f, const char *name, const char *text)
{
	smol_field_set(&field(f, name)->value, text);
}

static void line_is(const struct smol_form *f, const char *line)
{
	char *got = smol_form_line(f);

	assert_string_equal(got, line);
	free(got);
}

static void lines(void **state)
{
	struct smol_form f;

	(void)state;
	smol_form_open(&f, smol_command_find("create"), NULL, NULL);
	line_is(&f, "create");
	put(&f, "memory", "256M");
	put(&f, "name", "web");
	line_is(&f, "create web --memory 256M");
	put(&f, "label", "role=web  'note=a b'");
	line_is(&f, "create web --memory 256M --label role=web --label 'note=a b'");
	put(&f, "label", "");
	put(&f, "kernel-args", "quiet debug");
	smol_form_turn(&f, field(&f, "no-start"), 1, NULL);
	line_is(&f, "create web --no-start --memory 256M --kernel-args 'quiet debug'");
	smol_form_turn(&f, field(&f, "no-start"), 1, NULL);
	line_is(&f, "create web --memory 256M --kernel-args 'quiet debug'");
	smol_form_free(&f);
}

/* Each option once, the name among them, and nothing that all commands have. */
static void fields(void **state)
{
	struct smol_form f;
	int names = 0;

	(void)state;
	smol_form_open(&f, smol_command_find("create"), NULL, NULL);
	for (int i = 0; i < f.n; i++) {
		const char *absent = f.fields[i].absent;

		names += strcmp(f.fields[i].name, "name") == 0;
		assert_string_not_equal(f.fields[i].name, "json");
		/* What is said to hold is what the help says. */
		if (absent && (!strstr(f.fields[i].help, absent) || !*absent))
			fail_msg("%s: %s", f.fields[i].name, absent);
	}
	assert_int_equal(names, 1);
	assert_string_equal(field(&f, "memory")->absent, "128M");
	smol_form_free(&f);
}

static int refuse_web(const struct smol_args *args, void *ctx, struct smol_err *err)
{
	(void)ctx;
	if (args->nwords && strcmp(args->words[0], "web") == 0)
		return smol_err_set(err, SMOL_E_EXISTS, "taken");
	if (smol_args_flag(args, "no-vsock") && smol_args_str(args, "cid"))
		return smol_err_set(err, SMOL_E_USAGE, "not both");
	return 0;
}

static void what_is_wrong(void **state)
{
	struct smol_form f;

	(void)state;
	smol_form_open(&f, smol_command_find("create"), refuse_web, NULL);
	assert_true(smol_form_is_good(&f));
	put(&f, "cpus", "zero");
	assert_false(smol_form_is_good(&f));
	assert_string_equal(field(&f, "cpus")->error, "'zero' is not a number from 1 to 64");
	put(&f, "cpus", "2");
	put(&f, "name", "web");
	assert_false(smol_form_is_good(&f));
	assert_null(field(&f, "cpus")->error);
	assert_string_equal(field(&f, "name")->error, "taken");
	put(&f, "name", "-x");
	assert_false(smol_form_is_good(&f));
	put(&f, "name", "db");
	assert_true(smol_form_is_good(&f));
	put(&f, "cid", "77");
	put(&f, "no-vsock", "yes");
	assert_false(smol_form_is_good(&f));
	assert_null(field(&f, "cid")->error);
	assert_string_equal(f.error, "not both");
	smol_form_free(&f);
}

static void nothing(void *ctx, enum smol_complete kind, const char *vm, const char *prefix,
    struct smol_completion *out)
{
	(void)ctx;
	(void)vm;
	if (kind == SMOL_COMPLETE_IMAGE)
		for (const char *const *i = (const char *const[]){"base", "big", NULL}; *i; i++)
			if (strncmp(*i, prefix, strlen(prefix)) == 0)
				smol_completion_add(out, *i, "", false);
}

static void turn_is(struct smol_form *f, const char *name, int by, const char *text)
{
	smol_form_turn(f, field(f, name), by, nothing);
	assert_string_equal(smol_field_text(&field(f, name)->value), text);
}

static void values(void **state)
{
	struct smol_form f;

	(void)state;
	smol_form_open(&f, smol_command_find("create"), NULL, NULL);
	turn_is(&f, "accel", 1, "auto");
	turn_is(&f, "accel", -1, "");
	turn_is(&f, "accel", -1, "tcg");
	turn_is(&f, "accel", 1, "");
	turn_is(&f, "image", 1, "base");
	turn_is(&f, "image", 1, "big");
	assert_true(smol_form_has_list(field(&f, "image")));
	assert_false(smol_form_has_list(field(&f, "memory")));
	put(&f, "image", "ba");
	assert_true(smol_form_complete(&f, field(&f, "image"), nothing));
	assert_string_equal(smol_field_text(&field(&f, "image")->value), "base");
	assert_false(smol_form_complete(&f, field(&f, "image"), nothing));
	put(&f, "image", "b");
	assert_false(smol_form_complete(&f, field(&f, "image"), nothing));
	put(&f, "memory", "1");
	assert_false(smol_form_complete(&f, field(&f, "memory"), nothing));
	smol_form_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(editing),
	    cmocka_unit_test(editing_is_bounded),
	    cmocka_unit_test(lines),
	    cmocka_unit_test(fields),
	    cmocka_unit_test(what_is_wrong),
	    cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
