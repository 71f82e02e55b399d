/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pane's terminal: what is kept of it, and what a guest cannot do with it. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ui/term.h"

static struct smol_buf said;

static void on_say(const char *bytes, size_t n, void *ctx)
{
	(void)ctx;
	smol_buf_append(&said, bytes, n);
}

static void put(struct smol_term *t, const char *text)
{
	smol_term_write(t, text, strlen(text));
}

static void expect(struct smol_term *t, int row, const char *text)
{
	smol_auto_free char *got = smol_term_text(t, row);

	assert_non_null(got);
	assert_string_equal(got, text);
}

/* Bytes that the lines above a screen take: 10,000 of them, 80 columns each. */
static size_t kept_bytes(const char *line)
{
	struct smol_term *t = smol_term_new(24, 80, on_say, NULL);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, bytes;

	for (int i = 0; i < 10100; i++)
		put(t, line);
	assert_int_equal(smol_term_history(t), SMOL_TERM_HISTORY);
	bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	smol_term_free(t);
	return bytes;
}

static void test_history_is_small(void **state)
{
	char plain[90], colored[2000] = "";

	(void)state;
	memset(plain, 'x', 80);
	strcpy(plain + 80, "\r\n");
	for (int i = 0; i < 10; i++)
		sprintf(colored + strlen(colored), "\033[3%dmfour\033[1;48;5;%dmfour\033[m", i % 8,
		    100 + i);
	strcat(colored, "\r\n");
	assert_true(kept_bytes(plain) < 1100000);
	assert_true(kept_bytes(colored) < 2500000);
}

static void test_history_can_be_set(void **state)
{
	struct smol_term *t = smol_term_new(2, 20, on_say, NULL);

	(void)state;
	for (int i = 0; i < 100; i++) {
		char line[16];

		sprintf(line, "%d\r\n", i);
		put(t, line);
	}
	assert_int_equal(smol_term_history(t), 99);
	smol_term_set_history(t, 10);
	assert_int_equal(smol_term_history(t), 10);
	expect(t, -1, "98");
	expect(t, -10, "89");
	put(t, "more\r\n");
	assert_int_equal(smol_term_history(t), 10);
	expect(t, -10, "90");
	smol_term_free(t);
}

/* Lines that only just can be bounded: each cell looks unlike the one before it. */
static void test_history_is_bounded_in_bytes(void **state)
{
	struct smol_term *t = smol_term_new(3, 500, on_say, NULL);
	int kept;

	(void)state;
	smol_term_set_history(t, 1000);
	for (int i = 0; i < 600; i++)
		for (int k = 0; k < 500; k++) {
			char cell[64];

			sprintf(cell, "\033[38;2;%d;1;1;48;2;%d;2;2mx", k % 250, i % 250);
			put(t, cell);
		}
	kept = smol_term_history(t);
	assert_true(kept > 100 && kept < 300);
	smol_term_free(t);
}

/* A line of a wide window comes back into a narrow one, with a wide character at its edge. */
static void test_wide_character_at_the_edge(void **state)
{
	struct smol_term *t = smol_term_new(2, 20, on_say, NULL);

	(void)state;
	put(t, "abc\xe4\xb8\xad\r\n\r\n");
	smol_term_resize(t, 5, 4);
	expect(t, 0, "abc");
	smol_term_free(t);
}

static int free_said(void **state)
{
	(void)state;
	smol_buf_free(&said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_history_is_small),
	    cmocka_unit_test(test_history_can_be_set),
	    cmocka_unit_test(test_history_is_bounded_in_bytes),
	    cmocka_unit_test(test_wide_character_at_the_edge),
	};

	return cmocka_run_group_tests_name("term", tests, NULL, free_said);
}
