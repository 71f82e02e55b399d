/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pane's terminal: what is kept of it, and what a guest cannot do with it. */
#include <locale.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "ui/term/history.h"
#include "ui/term/look.h"
#include "ui/term/term.h"

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
/* A line of x, so long. */
static void push(struct smol_history *h, int cols)
{
	uint32_t chars[SMOL_TERM_MAX];
	uint64_t looks[SMOL_TERM_MAX];

	for (int i = 0; i < cols; i++) {
		chars[i] = 'x';
		looks[i] = SMOL_LOOK_PLAIN;
	}
	smol_history_push_text(h, chars, looks, cols);
}

/* A window that grows takes back all that there is; what comes then is kept as before. */
static void test_history_that_was_taken_back(void **state)
{
	struct smol_history *h = smol_history_new(10);

	(void)state;
	/* So many that a long line does not fit behind them. */
	for (int i = 0; i < 5950; i++)
		push(h, 5);
	while (smol_history_count(h))
		smol_history_pop(h);
	for (int i = 0; i < 1000; i++)
		push(h, SMOL_TERM_MAX);
	assert_int_equal(smol_history_count(h), 10);
	smol_history_free(h);
}

static void test_wide_character_at_the_edge(void **state)
{
	struct smol_term *t = smol_term_new(2, 20, on_say, NULL);

	(void)state;
	put(t, "abc\xe4\xb8\xad\r\n\r\n");
	smol_term_resize(t, 5, 4);
	expect(t, 0, "abc");
	smol_term_free(t);
}

/* ---- what a guest cannot do ---- */

static void test_strings_end_here(void **state)
{
	static const char *const strings[] = {
	    "\033]0;title\007",
	    "\033]2;title\033\\",
	    "\033]52;c;aGVsbG8=\007",
	    "\033]52;c;?\033\\",
	    "\033]8;;http://x\033\\",
	    "\033]4;1;?\007",
	    "\033]10;?\007",
	    "\033]11;?\033\\",
	    "\033]1337;File=:AAAA\007",
	    "\033P$qm\033\\",
	    "\033P+q544e\033\\",
	    "\033Pq#0;2;0;0;0~~@@\033\\",
	    "\033_Gf=24;AAAA\033\\",
	    "\033^private\033\\",
	    "\033Xstart\033\\",
	    "\xc2\x9d"
	    "0;title\xc2\x9c",
	    "\xc2\x90q~\033\\",
	    "\xc2\x9fGx\xc2\x9c",
	    "\033]0;cut\030",
	    "\033[21t",
	    "\033[14t",
	    "\033[8;1;1t",
	    "\033[>q",
	    "\033[>0q",
	    "\033[=c",
	    "\033[5i",
	    "\033[?15n",
	    "\033[?25n",
	    "\033[x",
	    "\033[?u",
	    "\033[>1u",
	    "\033Z",
	    "\005",
	    "\007",
	    "\033 G",
	    "\033%@",
	    "\033#3",
	    "\033[1\"q",
	};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(strings); i++) {
		struct smol_term *t = smol_term_new(3, 30, on_say, NULL);

		smol_buf_clear(&said);
		put(t, "a");
		put(t, strings[i]);
		put(t, "b");
		expect(t, 0, "ab");
		assert_int_equal(smol_buf_len(&said), 0);
		smol_term_free(t);
		/* And byte by byte. */
		t = smol_term_new(3, 30, on_say, NULL);
		for (const char *s = strings[i]; *s; s++)
			smol_term_write(t, s, 1);
		put(t, "b");
		expect(t, 0, "b");
		assert_int_equal(smol_buf_len(&said), 0);
		smol_term_free(t);
	}
}

static void test_some_queries_are_answered(void **state)
{
	static const char *const queries[][2] = {
	    {"\033[c", "\033[?1;2c"},
	    {"\033[0c", "\033[?1;2c"},
	    {"\033[>c", "\033[>0;100;0c"},
	    {"\033[5n", "\033[0n"},
	    {"ab\033[6n", "\033[1;3R"},
	    {"\033[?6n", "\033[?1;1R"},
	    {"\033[?25$p", "\033[?25;1$y"},
	    {"\033[?4711$p", "\033[?4711;0$y"},
	};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(queries); i++) {
		struct smol_term *t = smol_term_new(3, 30, on_say, NULL);

		smol_buf_clear(&said);
		put(t, queries[i][0]);
		assert_string_equal(smol_buf_str(&said), queries[i][1]);
		smol_term_free(t);
	}
}

/* Each of these made libvterm 0.1.4 crash, or go on for ever. */
static void test_what_libvterm_cannot_take(void **state)
{
	struct smol_term *t = smol_term_new(24, 80, on_say, NULL);
	char many[4000];

	(void)state;
	memset(many, ';', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	put(t, "\033[");
	put(t, many);
	put(t,
	    "m\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22m\033[5b\033[99999999b");
	for (int i = 0; i < 100; i++)
		put(t, "\xe3\x81\x8b\xe3\x82\x99\xe3\x80\xaa");
	put(t, "\033[20;24r\033[24;1H");
	smol_term_resize(t, 10, 80);
	put(t, "\n\n\n\n\033[6;9r\033[?6h");
	smol_term_resize(t, 50, 200);
	put(t, "\033[50;200H\0337\033[H\033[?1049h\033[50;200H\0337");
	smol_term_resize(t, 5, 20);
	put(t, "\0338x\n\033[?1049l\033#6y\033#8\033[99999999999999999999;4294967295Hz");
	smol_term_resize(t, 1, 1);
	put(t, "\xe4\xb8\xad\xe4\xb8\xad\n\t\033[9999@\033[9999P\033[9999L\033[9999S\033[9999T");
	smol_term_free(t);
}

static void test_a_string_without_end(void **state)
{
	struct smol_term *t = smol_term_new(3, 30, on_say, NULL);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	char part[4096];

	(void)state;
	memset(part, 'x', sizeof(part));
	for (const char *const *s =
		 (const char *const[]){"\033]0;", "\033P", "\033_", "\033[", "\033(", NULL};
	     *s; s++) {
		put(t, *s);
		for (int i = 0; i < 512; i++) {
			memset(part, **s && (*s)[1] == '[' ? '1' : 'x', sizeof(part));
			smol_term_write(t, part, sizeof(part));
		}
		put(t, "\033\\");
	}
	/* What it takes is the lines above the screen. */
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd - before < 2000000);
	smol_term_free(t);
}

/* Sequences as programs write them, which libvterm would not take so. */
static void test_sequences_are_mended(void **state)
{
	struct smol_term *t = smol_term_new(5, 20, on_say, NULL);
	VTermScreenCell c[20];
	int row, col;

	(void)state;
	/* Several modes in one; colours with colons; SCOSC; REP; line drawing; decomposed kana. */
	put(t, "\033[?2004;25l\033[38:2::10:20:30mx\033[58;5;5my\033[4:0mz");
	assert_false(smol_term_cursor(t, &row, &col));
	assert_true(smol_term_line(t, 0, c, 20));
	assert_true(VTERM_COLOR_IS_RGB(&c[0].fg));
	assert_int_equal(c[0].fg.rgb.green, 20);
	assert_int_equal(c[1].attrs.blink, 0);
	put(t, "\033[?25h\033[s\033[3;3H-\033[4b\033[u!");
	expect(t, 2, "  -----");
	expect(t, 0, "xyz!");
	put(t, "\r\n\033(0lqk\033(Bq\xe3\x81\x8b\xe3\x82\x99.");
	expect(t, 1, "\xe2\x94\x8c\xe2\x94\x80\xe2\x94\x90q\xe3\x81\x8b.");
	assert_true(smol_term_cursor(t, &row, &col));
	assert_int_equal(col, 7);
	/* A character that is cut by the end of what has come. */
	put(t, "\r\n\xe4\xb8");
	put(t, "\xad\xe4\xb8!");
	expect(t, 2, "\xe4\xb8\xad\xef\xbf\xbd!---");
	smol_term_free(t);
}

/* ---- what only scrolls through, against what is drawn ---- */

static uint32_t seed;

static unsigned any(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* What a program may print, mostly lines. */
static void add_line(struct smol_buf *b)
{
	static const char *const looks[] = {"\033[m", "\033[1m", "\033[31m", "\033[48;5;200m",
	    "\033[38;2;1;2;3m", "\033[7m", "\033[27;4m", "\033[0;1;3;5;9;92;103m", "\033[4:3m",
	    "\033[38:2::9:8:7m", "\033[58;5;1m", "\033[;m", "\033[22;23;24;25;29;39;49m",
	    "\033[38;5m", "\033[99m", "\033[K", "\033[0K", "\033[21m"};
	static const char *const odd[] = {"\033[3;7H", "\033[2;4r", "\033[r", "\033[?1049h",
	    "\033[?1049l", "\033[4h", "\033[4l", "\033[?7l", "\033[?7h", "\033[2J", "\033[1K",
	    "\xe4\xb8\xad", "\033]0;t\007", "\033(0", "\033(B", "\016", "\017", "\033[5b", "\n",
	    "\xff", "\xe4\xb8", "\033[3L", "\0337", "\0338", "\033[?5h", "\033[?5l", "\033H",
	    "\033[20h", "\033[20l", "\033M", "\033[A", "\033c", "\033[?6h", "\033[?6l", "\033[",
	    "\v", "\033_x\033\\", "\033[9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9;9m"};
	unsigned parts = any(6);

	for (unsigned i = 0; i < parts; i++)
		switch (any(12)) {
		case 0:
		case 1:
			smol_buf_puts(b, looks[any(SMOL_ARRAY_SIZE(looks))]);
			break;
		case 2:
			smol_buf_puts(b, "\t");
			break;
		case 3:
			smol_buf_puts(b, any(2) ? "\b" : "\r");
			break;
		case 4:
			smol_buf_puts(b, any(2) ? "\xc3\xa9" : "\xe2\x94\x80");
			break;
		case 5:
			if (any(30) == 0)
				smol_buf_puts(b, odd[any(SMOL_ARRAY_SIZE(odd))]);
			break;
		default:
			smol_buf_printf(
			    b, "%.*s", (int)any(40), "the quick brown fox jumps over the lazy dog");
		}
	smol_buf_puts(b, "\r\n");
}

static void same_line(const struct smol_term *a, const struct smol_term *b, int row, int cols)
{
	VTermScreenCell x[64], y[64];

	assert_true(smol_term_line(a, row, x, cols));
	assert_true(smol_term_line(b, row, y, cols));
	for (int i = 0; i < cols; i++) {
		assert_int_equal(x[i].width, y[i].width);
		assert_int_equal(smol_look_of_cell(&x[i]), smol_look_of_cell(&y[i]));
		assert_int_equal(smol_cell_char(x[i].chars[0]), smol_cell_char(y[i].chars[0]));
	}
}

static void same_terms(const struct smol_term *a, const struct smol_term *b, int rows, int cols)
{
	int row[2], col[2];

	assert_int_equal(smol_term_history(a), smol_term_history(b));
	assert_int_equal(
	    smol_term_cursor(a, &row[0], &col[0]), smol_term_cursor(b, &row[1], &col[1]));
	assert_int_equal(row[0], row[1]);
	assert_int_equal(col[0], col[1]);
	for (int i = -smol_term_history(a); i < rows; i++)
		same_line(a, b, i, cols);
}

/* The same bytes at once and in pieces too small for anything but drawing. */
static uint64_t compare(const struct smol_buf *bytes, int rows, int cols)
{
	struct smol_term *fast = smol_term_new(rows, cols, on_say, NULL);
	struct smol_term *slow = smol_term_new(rows, cols, on_say, NULL);
	const char *p = smol_buf_head(bytes);
	size_t n = smol_buf_len(bytes);
	uint64_t undrawn;

	for (size_t at = 0, part; at < n; at += part) {
		part = 1 + any(8000);
		part = part > n - at ? n - at : part;
		smol_term_write(fast, p + at, part);
		for (size_t i = 0; i < part; i++)
			smol_term_write(slow, p + at + i, 1);
		same_terms(fast, slow, rows, cols);
		if (any(4) == 0) {
			rows = 2 + (int)any(12);
			cols = 4 + (int)any(50);
			smol_term_resize(fast, rows, cols);
			smol_term_resize(slow, rows, cols);
			same_terms(fast, slow, rows, cols);
		}
	}
	undrawn = smol_term_undrawn(fast);
	assert_int_equal(smol_term_undrawn(slow), 0);
	smol_term_free(fast);
	smol_term_free(slow);
	return undrawn;
}

static void test_scrolled_through_is_as_drawn(void **state)
{
	uint64_t undrawn = 0, all = 0;

	(void)state;
	for (uint32_t i = 1; i <= 100; i++) {
		smol_auto_buf struct smol_buf b = {0};

		seed = i;
		while (smol_buf_len(&b) < 20000)
			add_line(&b);
		all += smol_buf_len(&b);
		undrawn += compare(&b, 2 + (int)any(10), 4 + (int)any(50));
	}
	/* Not everything went the one way or the other. */
	assert_true(undrawn > all / 10 && undrawn < all);
}

/* Every character that is taken for one of a single column. */
static void test_single_characters(void **state)
{
	smol_auto_buf struct smol_buf b = {0};

	(void)state;
	seed = 7;
	for (uint32_t c = 0xa0; c < 0x3000; c++) {
		char text[8] = "";

		smol_utf8_put(text, c);
		/* Those that join are libvterm's, and not the same to it in pieces. */
		if (smol_utf8_len(text, 4) && wcwidth((wchar_t)c) == 1)
			smol_buf_printf(&b, "%s|%s", text, c % 7 ? "" : "\r\n");
	}
	assert_true(compare(&b, 4, 60) > 0);
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
	    cmocka_unit_test(test_history_that_was_taken_back),
	    cmocka_unit_test(test_wide_character_at_the_edge),
	    cmocka_unit_test(test_strings_end_here),
	    cmocka_unit_test(test_some_queries_are_answered),
	    cmocka_unit_test(test_what_libvterm_cannot_take),
	    cmocka_unit_test(test_a_string_without_end),
	    cmocka_unit_test(test_sequences_are_mended),
	    cmocka_unit_test(test_scrolled_through_is_as_drawn),
	    cmocka_unit_test(test_single_characters),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("term", tests, NULL, free_said);
}
