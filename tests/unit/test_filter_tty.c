/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: what of a guest's terminal reaches ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "shell/filter.h"

/* In pieces of `step` bytes. */
static char *filtered(const char *in, size_t n, size_t step)
{
	struct smol_tty_filter f = {0};
	struct smol_buf out = {0};

	for (size_t i = 0; i < n; i += step)
		smol_filter_tty(&f, in + i, step < n - i ? step : n - i, &out);
	return smol_buf_take(&out);
}

static void check(const char *in, const char *wanted)
{
	for (size_t step = 1; step <= strlen(in); step++) {
		smol_auto_free char *got = filtered(in, strlen(in), step);

		if (strcmp(got, wanted) != 0)
			fail_msg("pieces of %zu: '%s', not '%s'", step, got, wanted);
	}
}

static void passes(const char *s)
{
	check(s, s);
}

/* It goes, and only it. */
static void swallowed(const char *s)
{
	smol_auto_free char *in = smol_asprintf("before%safter", s);

	check(in, "beforeafter");
}

static void what_draws_passes(void **state)
{
	static const char *const good[] = {"plain\r\n\ttext\b\a", "é日本👍", "\033[0;1;38;5;9mred",
	    "\033[38:2::1:2:3m", "\033[H\033[2J", "\033[10;20H", "\033[K", "\033[?25l\033[?25h",
	    "\033[?1049h\033[?1049l", "\033[?1;7h", "\033[4h\033[4l", "\033[2;20r", "\0337\0338",
	    "\033M\033D\033E", "\033(B\033)0", "\033#8", "\033=\033>", "\033[2 q", "\033[!p",
	    "\033[s\033[u", "\033[5S\033[5T", "\033[3@\033[3P\033[3X", "\033[?2004h"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(good); i++)
		passes(good[i]);
}

static void what_makes_a_terminal_answer_does_not(void **state)
{
	static const char *const bad[] = {"\033[6n", "\033[5n", "\033[?6n", "\033[c", "\033[>c",
	    "\033[=c", "\033[0c", "\033Z", "\x05", "\033[?25$p", "\033[>q", "\033[x", "\033[21t",
	    "\033[18t", "\033[?u", "\033[?4m", "\033[1;1;1;1;1;1*y", "\033[1$w", "\033[1$u",
	    "\033['|", "\033[#R", "\033[?1;1;0S", "\033[&u"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		swallowed(bad[i]);
}

static void nor_what_does_more_than_draw(void **state)
{
	static const char *const bad[] = {"\033[8;10;10t", "\033[22;0;0t", "\033[5i", "\033[?5i",
	    "\033[?3h", "\033[?1001h", "\033[?1049;3h", "\033[2h", "\033[>4;1m", "\033[>1u",
	    "\033[61\"p", "\033%@", "\033%G", "\033 G", "\033[?h", "\033[?99999999999h"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		swallowed(bad[i]);
}

static void strings_are_swallowed_up_to_their_end(void **state)
{
	static const char *const bad[] = {"\033]0;title\a", "\033]52;c;aGk=\033\\",
	    "\033]8;;http://x\a", "\033P$q\"p\033\\", "\033_Gf=1\033\\", "\033^x\033\\",
	    "\033Xx\033\\", "\033]0;\xc3\xa9\xc2\x9c", "\033]0;x\x18", "\033P+q544e\a"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		swallowed(bad[i]);
	/* Another sequence ends a string, and counts. */
	check("\033]0;title\033[1mx", "\033[1mx");
	check("\033]0;title\033]0;other\ax", "x");
}

static void a_string_without_an_end_is_bounded(void **state)
{
	size_t n = SMOL_FILTER_STRING + 100;
	smol_auto_free char *in = smol_alloc(n + 5), *got = NULL;

	(void)state;
	memset(in, 'x', n);
	memcpy(in, "\033]0;", 4);
	got = filtered(in, n, 1000);
	assert_true(strlen(got) > 0 && strlen(got) < 200);
}

static void c1_is_what_it_stands_for(void **state)
{
	(void)state;
	check("a\xc2\x9b"
	      "1mb",
	    "a\033[1mb");
	swallowed("\xc2\x9b"
		  "6n");
	swallowed("\xc2\x9d"
		  "0;title\a");
	swallowed("\xc2\x90q\xc2\x9c");
	check("\x9b"
	      "6n",
	    "\xef\xbf\xbd"
	    "6n");
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
	(void)state;
	check("a\xff"
	      "b",
	    "a\xef\xbf\xbd"
	    "b");
	check("\xc3(", "\xef\xbf\xbd(");
	check("\xed\xa0\x80", "\xef\xbf\xbd");
	check("\xe2\x82\033[1m", "\xef\xbf\xbd\033[1m");
	check("\xf4\x90\x80\x80", "\xef\xbf\xbd");
}

static void a_sequence_that_is_too_long_goes_as_a_whole(void **state)
{
	char in[400] = "\033[";

	(void)state;
	memset(in + 2, '1', 300);
	strcpy(in + 302, "mx");
	check(in, "x");
	/* Broken off by a control: that one acts, the sequence does not. */
	check("\033[12\nm", "\nm");
	check("\033[1\033[2mx", "\033[2mx");
	check("\033\033[2mx", "\033[2mx");
}

static void the_end_puts_the_terminal_back(void **state)
{
	struct smol_tty_filter f = {0}, plain = {0};
	smol_auto_buf struct smol_buf out = {0}, end = {0}, none = {0};

	(void)state;
	smol_filter_tty(&f, "\033[?1049h\033[?1000h\033[?25l\033]0;open", 30, &out);
	smol_filter_tty_end(&f, &end);
	assert_non_null(strstr(smol_buf_str(&end), "\033[?1049l"));
	assert_non_null(strstr(smol_buf_str(&end), "\033[?1000l"));
	assert_non_null(strstr(smol_buf_str(&end), "\033[?25h"));
	smol_filter_tty(&plain, "text", 4, &out);
	smol_filter_tty_end(&plain, &none);
	assert_string_equal(smol_buf_str(&none), "\033[0m");
}

/* What makes the cursor jump is undone only where it was done. */
static void the_end_leaves_the_cursor_where_it_is(void **state)
{
	static const char vi[] = "\033[?1049h\033[?6h\033[?6l\033[?1049l", left[] = "\033[?69;6h";
	struct smol_tty_filter f = {0}, g = {0};
	smol_auto_buf struct smol_buf out = {0}, end = {0}, home = {0};

	(void)state;
	smol_filter_tty(&f, vi, sizeof(vi) - 1, &out);
	smol_filter_tty_end(&f, &end);
	assert_non_null(strstr(smol_buf_str(&end), "\033[?25h"));
	assert_null(strstr(smol_buf_str(&end), "\033[?6l"));
	assert_null(strstr(smol_buf_str(&end), "\033[?69l"));
	smol_filter_tty(&g, left, sizeof(left) - 1, &out);
	smol_filter_tty_end(&g, &home);
	assert_non_null(strstr(smol_buf_str(&home), "\033[?6l\033[?69l"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_draws_passes),
	    cmocka_unit_test(what_makes_a_terminal_answer_does_not),
	    cmocka_unit_test(nor_what_does_more_than_draw),
	    cmocka_unit_test(strings_are_swallowed_up_to_their_end),
	    cmocka_unit_test(a_string_without_an_end_is_bounded),
	    cmocka_unit_test(c1_is_what_it_stands_for),
	    cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
	    cmocka_unit_test(a_sequence_that_is_too_long_goes_as_a_whole),
	    cmocka_unit_test(the_end_puts_the_terminal_back),
	    cmocka_unit_test(the_end_leaves_the_cursor_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
