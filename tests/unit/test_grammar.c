/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: the language, word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/grammar.h"

/* "a|b;c": words apart by |, statements by ; */
static char *flat(const char *text, size_t n)
{
	smol_auto_script struct smol_script s = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_buf b = {0};

	if (smol_grammar_parse(text, n, &s, &err) < 0) {
		assert_int_equal(smol_err_exit_code(&err), err.code == SMOL_E_LIMIT ? 125 : 2);
		return smol_strdup(err.msg);
	}
	for (int i = 0; i < s.n; i++)
		for (int w = 0; w < s.statements[i].nwords; w++)
			smol_buf_printf(&b, "%s%s",
			    w	? "|"
			    : i ? ";"
				: "",
			    s.statements[i].words[w].text);
	return smol_buf_take(&b);
}

static void check(const char *text, const char *wanted)
{
	smol_auto_free char *got = flat(text, strlen(text));

	assert_string_equal(got, wanted);
}

static void words_are_split(void **state)
{
	(void)state;
	check("", "");
	check(" \t\n;;\n ; ", "");
	check("a b\tc", "a|b|c");
	check("  a  ;b\nc;", "a;b;c");
	check("a\r\nb\r\n", "a;b");
	check("a\rb", "a\rb");
	check("a=b --c=d -- -e", "a=b|--c=d|--|-e");
}

static void quotes_join(void **state)
{
	(void)state;
	check("'a b' \"c d\"", "a b|c d");
	check("''", "");
	check("x '' y", "x||y");
	check("a'b c'd\"e f\"g", "ab cde fg");
	check("'a\nb'", "a\nb");
	check("'a;b#c'", "a;b#c");
	check("'\\'", "\\");
	check("'it'\\''s'", "it's");
}

static void backslashes_in_double_quotes(void **state)
{
	(void)state;
	check("\"\\\"\\\\\\$\\`\"", "\"\\$`");
	check("\"\\n\\a\"", "\\n\\a");
	check("\"a\\\nb\"", "ab");
	check("\"'\"", "'");
}

static void backslashes_outside(void **state)
{
	(void)state;
	check("a\\ b \\\"c \\\\", "a b|\"c|\\");
	check("a \\\n b", "a|b");
	check("a\\\nb", "ab");
	check("\\#a \\;", "#a|;");
}

static void nothing_is_expanded(void **state)
{
	(void)state;
	check("$x ${y} $(z) `w` * ? [a] ~ {a,b} !", "$x|${y}|$(z)|`w`|*|?|[a]|~|{a,b}|!");
	check("a | b & c > d < e ( f )", "a|||b|&|c|>|d|<|e|(|f|)");
	check("\"$x\" \"*\"", "$x|*");
}

static void comments_begin_words(void **state)
{
	(void)state;
	check("#!/usr/bin/env -S smolsh -f\nlist", "list");
	check("a # b; c\nd", "a;d");
	check("a#b", "a#b");
	check("a;#b\n#c", "a");
	check("'#a'", "#a");
	check("# a \\\nb", "b");
	check("#", "");
}

static void mistakes_are_placed(void **state)
{
	(void)state;
	check("a\nb\nrun 'x", "line 3, column 5: quote is not closed");
	check("a \"b\nc", "line 1, column 3: quote is not closed");
	/* Columns count characters. */
	check("é€ 'x", "line 1, column 4: quote is not closed");
	check("a\\", "line 1, column 2: nothing follows the backslash");
	check("'a\nb' \"", "line 2, column 4: quote is not closed");
}

static void a_nul_is_refused(void **state)
{
	smol_auto_free char *got = flat("a\nb \0c", 6);

	(void)state;
	assert_string_equal(got, "line 2, column 3: a NUL byte");
}

static void any_other_byte_passes(void **state)
{
	char text[256], *got;
	size_t n = 0;

	(void)state;
	text[n++] = '\'';
	for (int c = 1; c < 256; c++)
		if (c != '\'')
			text[n++] = (char)c;
	text[n++] = '\'';
	got = flat(text, n);
	assert_int_equal(strlen(got), n - 2);
	assert_memory_equal(got, text + 1, n - 2);
	free(got);
}

static void lines_and_quoting_are_kept(void **state)
{
	static const char text[] = "a\n\n 'b' c\\ d e \\\n f; g";
	smol_auto_script struct smol_script s = {0};

	(void)state;
	assert_int_equal(smol_grammar_parse(text, strlen(text), &s, NULL), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.statements[0].line, 1);
	assert_int_equal(s.statements[1].line, 3);
	assert_int_equal(s.statements[2].line, 4);
	assert_true(s.statements[1].words[0].quoted);
	assert_true(s.statements[1].words[1].quoted);
	assert_false(s.statements[1].words[2].quoted);
	assert_int_equal(s.statements[1].words[0].start, 4);
	assert_int_equal(s.statements[1].words[0].end, 7);
}

static void bounds_hold(void **state)
{
	smol_auto_buf struct smol_buf words = {0}, commands = {0};
	smol_auto_free char *a = NULL, *b = NULL, *c = NULL;

	(void)state;
	for (int i = 0; i <= SMOL_WORDS_MAX; i++)
		smol_buf_puts(&words, "w ");
	a = flat(smol_buf_str(&words), smol_buf_len(&words));
	assert_non_null(strstr(a, "more than"));
	for (int i = 0; i <= SMOL_COMMANDS_MAX; i++)
		smol_buf_puts(&commands, "c;");
	b = flat(smol_buf_str(&commands), smol_buf_len(&commands));
	assert_non_null(strstr(b, "more than"));
	memset(smol_buf_reserve(&commands, SMOL_SCRIPT_MAX + 1), ' ', SMOL_SCRIPT_MAX + 1);
	c = flat(commands.data + commands.end, SMOL_SCRIPT_MAX + 1);
	assert_non_null(strstr(c, "more than"));
}

static void quoting_reads_back(void **state)
{
	static const char *const cases[] = {"", "a", "a b", "it's", "'", "\"", "\\", "#a", "a#b",
	    ";", "a\nb", "$x", "é", "\r", "''", "a\tb", "\xff"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_auto_free char *quoted = smol_grammar_quote(cases[i]);
		smol_auto_script struct smol_script s = {0};

		assert_int_equal(smol_grammar_parse(quoted, strlen(quoted), &s, NULL), 0);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.statements[0].nwords, 1);
		assert_string_equal(s.statements[0].words[0].text, cases[i]);
	}
}

static void partial(const char *text, int nwords, const char *last, size_t start, char quote)
{
	smol_auto_statement struct smol_statement s = {0};
	char open_quote;

	assert_int_equal(smol_grammar_partial(text, strlen(text), &s, &open_quote, NULL), 0);
	assert_int_equal(s.nwords, nwords);
	assert_string_equal(s.words[nwords - 1].text, last);
	assert_int_equal(s.words[nwords - 1].start, start);
	assert_int_equal(open_quote, quote);
}

static void a_line_being_typed_is_understood(void **state)
{
	(void)state;
	partial("", 1, "", 0, 0);
	partial("li", 1, "li", 0, 0);
	partial("stop ", 2, "", 5, 0);
	partial("stop we", 2, "we", 5, 0);
	partial("list; stop we", 2, "we", 11, 0);
	partial("list;", 1, "", 5, 0);
	partial("list\nst", 1, "st", 5, 0);
	partial("stop 'we b", 2, "we b", 5, '\'');
	partial("stop \"we b", 2, "we b", 5, '"');
	partial("stop a\\", 2, "a", 5, 0);
	partial("list # com", 2, "", 10, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_are_split),
	    cmocka_unit_test(quotes_join),
	    cmocka_unit_test(backslashes_in_double_quotes),
	    cmocka_unit_test(backslashes_outside),
	    cmocka_unit_test(nothing_is_expanded),
	    cmocka_unit_test(comments_begin_words),
	    cmocka_unit_test(mistakes_are_placed),
	    cmocka_unit_test(a_nul_is_refused),
	    cmocka_unit_test(any_other_byte_passes),
	    cmocka_unit_test(lines_and_quoting_are_kept),
	    cmocka_unit_test(bounds_hold),
	    cmocka_unit_test(quoting_reads_back),
	    cmocka_unit_test(a_line_being_typed_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
