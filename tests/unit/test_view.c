/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pane shows of its terminal: where the window is, and what is selected. */
#include <locale.h>
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
#include "ui/pane/caret.h"
#include "ui/pane/search.h"
#include "ui/pane/view.h"

static struct smol_term *term;
static struct smol_view view;

static void on_say(const char *bytes, size_t n, void *ctx)
{
	(void)bytes;
	(void)n;
	(void)ctx;
}

static int open_view(void **state)
{
	(void)state;
	term = smol_term_new(5, 20, on_say, NULL);
	smol_view_open(&view, term, 5, 20);
	return 0;
}

static int close_view(void **state)
{
	(void)state;
	smol_view_close(&view);
	smol_term_free(term);
	return 0;
}

static void put(const char *text)
{
	smol_term_write(term, text, strlen(text));
}

static void put_lines(int from, int to)
{
	char text[32];

	for (int i = from; i < to; i++) {
		snprintf(text, sizeof(text), "line %d\r\n", i);
		put(text);
	}
}

/* A row of the window as text. */
static void expect(int row, const char *text)
{
	VTermScreenCell cells[20];
	char line[21] = "";
	bool before, behind;

	assert_true(smol_view_cells(&view, row, cells, &before, &behind));
	for (int i = 0; i < 20; i++)
		line[i] = !cells[i].chars[0]		    ? ' '
			  : cells[i].chars[0] == UINT32_MAX ? '-'
			  : cells[i].chars[0] > '~'	    ? '#'
							    : (char)cells[i].chars[0];
	for (int i = 19; i >= 0 && line[i] == ' '; i--)
		line[i] = '\0';
	assert_string_equal(line, text);
}

static void expect_selection(const char *text)
{
	smol_auto_free char *selection = smol_view_selection(&view);

	assert_non_null(selection);
	assert_string_equal(selection, text);
}

static struct smol_spot spot(int row, int col)
{
	return smol_view_spot(&view, row, col);
}

static void test_held_stands_still(void **state)
{
	(void)state;
	put_lines(0, 20);
	expect(0, "line 16");
	smol_view_scroll(&view, 6);
	expect(0, "line 10");
	assert_int_equal(smol_view_back(&view), 6);
	put_lines(20, 120);
	expect(0, "line 10");
	expect(4, "line 14");
	assert_int_equal(smol_view_back(&view), 106);
	/* What has gone out of the history cannot be shown: the oldest is. */
	put_lines(120, SMOL_TERM_HISTORY + 120);
	expect(0, "line 116");
	/* At the end, by hand or not, it follows again. */
	smol_view_scroll(&view, -SMOL_TERM_HISTORY);
	assert_false(view.held);
	put_lines(0, 1);
	expect(3, "line 0");
	smol_view_scroll(&view, 3);
	assert_true(view.held);
	smol_view_follow(&view);
	assert_int_equal(smol_view_back(&view), 0);
	expect(3, "line 0");
}

static void test_held_outlives_the_history(void **state)
{
	(void)state;
	put_lines(0, SMOL_TERM_HISTORY);
	smol_view_scroll(&view, 6);
	expect(0, "line 9990");
	/* A few more can do no harm. */
	smol_view_keep(&view, 100);
	assert_null(view.still);
	put_lines(SMOL_TERM_HISTORY, SMOL_TERM_HISTORY + 10);
	expect(0, "line 9990");
	/* So many can. */
	smol_view_keep(&view, 500000);
	put_lines(SMOL_TERM_HISTORY + 10, 3 * SMOL_TERM_HISTORY);
	expect(0, "line 9990");
	assert_int_equal(smol_view_back(&view), 20006);
	assert_false(smol_view_frozen(&view));
	smol_view_scroll(&view, -10);
	expect(0, "line 10000");
	/* Behind the copy's end is what the terminal has. */
	smol_view_scroll(&view, -10);
	expect(0, "line 19996");
	assert_true(view.held);
	smol_view_scroll(&view, -SMOL_TERM_HISTORY);
	assert_false(view.held);
}

static void test_frozen_shows_what_was(void **state)
{
	(void)state;
	put_lines(0, 8);
	put("here");
	smol_view_freeze(&view);
	put("\rgone\033[2J");
	put_lines(0, 2 * SMOL_TERM_HISTORY);
	expect(0, "line 4");
	expect(4, "here");
	smol_view_scroll(&view, 4);
	expect(0, "line 0");
	smol_view_scroll(&view, -100);
	expect(4, "here");
	assert_true(view.held);
	smol_view_follow(&view);
	expect(4, "");
	expect(3, "line 19999");
}

static void test_selection_stays_on_its_text(void **state)
{
	int from, to;

	(void)state;
	put("one two\r\nthree four\r\nfive six");
	smol_view_select(&view, SMOL_UNIT_CHAR, spot(0, 4));
	expect_selection("t");
	smol_view_extend(&view, spot(2, 3));
	expect_selection("two\nthree four\nfive");
	/* Backwards is the same. */
	smol_view_select(&view, SMOL_UNIT_CHAR, spot(2, 3));
	smol_view_extend(&view, spot(0, 4));
	expect_selection("two\nthree four\nfive");
	put("\r\n");
	put_lines(0, 500);
	expect_selection("two\nthree four\nfive");
	assert_true(smol_view_selected(&view, 1, &from, &to));
	assert_int_equal(from, 0);
	assert_false(smol_view_selected(&view, 3, &from, &to));
	/* What of it has left the history is no part of it any more. */
	put_lines(0, SMOL_TERM_HISTORY + 3 - 500);
	expect_selection("five");
	put_lines(0, 10);
	expect_selection("");
	smol_view_deselect(&view);
	assert_null(smol_view_selection(&view));
}

static void test_words_and_lines(void **state)
{
	(void)state;
	put("see (/etc/fs-tab),\r\n  \xe4\xb8\xad\xe6\x96\x87 x\r\n\r\nlast");
	smol_view_select(&view, SMOL_UNIT_WORD, spot(0, 8));
	expect_selection("/etc/fs-tab");
	smol_view_extend(&view, spot(0, 1));
	expect_selection("see (/etc/fs-tab");
	/* On the second half of a wide character. */
	smol_view_select(&view, SMOL_UNIT_WORD, spot(1, 5));
	expect_selection("\xe4\xb8\xad\xe6\x96\x87");
	smol_view_select(&view, SMOL_UNIT_CHAR, spot(1, 3));
	smol_view_extend(&view, spot(1, 4));
	expect_selection("\xe4\xb8\xad\xe6\x96\x87");
	smol_view_select(&view, SMOL_UNIT_LINE, spot(1, 9));
	expect_selection("  \xe4\xb8\xad\xe6\x96\x87 x");
	smol_view_extend(&view, spot(3, 0));
	expect_selection("  \xe4\xb8\xad\xe6\x96\x87 x\n\nlast");
	/* Where nothing is. */
	smol_view_select(&view, SMOL_UNIT_WORD, spot(4, 9));
	expect_selection("");
}

static void test_wrapped_lines_are_joined(void **state)
{
	smol_auto_free char *all = NULL;

	(void)state;
	put("abcdefghij klmnopqrs tuvw   \r\nxyz\r\n");
	smol_view_select(&view, SMOL_UNIT_LINE, spot(0, 0));
	smol_view_extend(&view, spot(2, 0));
	expect_selection("abcdefghij klmnopqrs tuvw\nxyz");
	put("01234567890123456789abc   \r\nend\r\n\r\n\r\n");
	all = smol_view_everything(&view);
	assert_non_null(strstr(all, "xyz\n01234567890123456789abc\nend"));
	assert_string_equal(all + strlen(all) - 3, "end");
	/* A full-screen program draws its lines one by one. */
	put("\033[?1049h\033[H01234567890123456789\r\nabc");
	smol_view_select(&view, SMOL_UNIT_LINE, spot(0, 0));
	smol_view_extend(&view, spot(1, 0));
	expect_selection("01234567890123456789\nabc");
}

static void test_to_the_right(void **state)
{
	VTermScreenCell cells[20];
	bool before, behind;

	(void)state;
	smol_term_resize(term, 5, 100);
	put("0123456789012345678\xe4\xb8\xad the end\r\nshort");
	assert_true(smol_view_cells(&view, 0, cells, &before, &behind));
	assert_false(before);
	assert_true(behind);
	smol_view_shift(&view, 8);
	expect(0, "89012345678#- the en");
	smol_view_shift(&view, 100);
	assert_int_equal(view.right, 9);
	assert_true(smol_view_cells(&view, 0, cells, &before, &behind));
	assert_true(before);
	assert_false(behind);
	assert_int_equal(spot(0, 3).col, 12);
	smol_view_shift(&view, -9);
	expect(0, "0123456789012345678");
	/* Half of a wide character is not shown. */
	view.right = 20;
	assert_true(smol_view_cells(&view, 0, cells, &before, &behind));
	assert_int_equal(cells[0].chars[0], 0);
	assert_int_equal(cells[2].chars[0], 't');
	smol_view_reveal(&view, (struct smol_spot){.line = 0, .col = 3});
	assert_int_equal(view.right, 3);
}

static void test_chases_who_types(void **state)
{
	(void)state;
	smol_term_resize(term, 5, 100);
	put("$ a command that is longer than the window");
	smol_view_chase(&view);
	assert_int_equal(view.right, 0);
	view.chases = true;
	smol_view_chase(&view);
	assert_int_equal(view.right, 23);
	/* Not any more where one has looked elsewhere by hand. */
	smol_view_shift(&view, -5);
	smol_view_chase(&view);
	assert_int_equal(view.right, 18);
}

static void test_thawed_stays_where_it_was(void **state)
{
	(void)state;
	put_lines(0, 20);
	smol_view_scroll(&view, 5);
	smol_view_freeze(&view);
	put_lines(20, 40);
	smol_view_thaw(&view);
	expect(0, "line 11");
	smol_view_follow(&view);
	/* Where it was at the end it follows again. */
	smol_view_freeze(&view);
	put_lines(40, 60);
	smol_view_thaw(&view);
	expect(3, "line 59");
	/* Held at the end it stays there. */
	smol_view_hold(&view);
	put_lines(60, 80);
	expect(3, "line 59");
}

/* ---- what is looked for ---- */

static void expect_hit(int64_t line, int col, int at, int count)
{
	assert_int_equal(view.search.hit.line, line);
	assert_int_equal(view.search.hit.col, col);
	assert_int_equal(view.search.at, at);
	assert_int_equal(view.search.count, count);
}

static bool search(const char *text, bool back)
{
	return smol_search(&view, text, smol_search_start(&view, back), back);
}

static void test_search_both_ways(void **state)
{
	(void)state;
	put_lines(0, 100);
	assert_true(search("line 5", true));
	expect_hit(59, 0, 11, 11);
	expect(0, "line 57");
	assert_true(view.held);
	assert_true(smol_search_step(&view, false));
	expect_hit(58, 0, 10, 11);
	assert_true(smol_search_step(&view, true));
	assert_true(smol_search_step(&view, true));
	/* And on from the other end. */
	expect_hit(5, 0, 1, 11);
	assert_true(search("LINE 9", false) == false);
	assert_int_equal(view.search.count, 0);
	assert_true(search("line 99", false));
	expect_hit(99, 0, 1, 1);
	put_lines(99, 101);
	assert_true(smol_search_step(&view, false));
	expect_hit(100, 0, 2, 2);
	smol_search(&view, "", smol_search_start(&view, false), false);
	assert_false(smol_search_step(&view, false));
}

static void test_search_marks(void **state)
{
	struct smol_mark marks[SMOL_MARKS];

	(void)state;
	put("aXa ax\xe4\xb8\xad xa \xc3\x84rger\r\n\xc3\xa4rger");
	assert_true(search("xa", false));
	assert_int_equal(smol_search_marks(&view, 0, marks), 2);
	assert_int_equal(marks[0].from, 1);
	assert_int_equal(marks[0].to, 2);
	assert_true(marks[0].hit);
	/* A wide character takes two columns. */
	assert_int_equal(marks[1].from, 9);
	assert_false(marks[1].hit);
	assert_true(search("x\xe4\xb8\xad", false));
	assert_int_equal(smol_search_marks(&view, 0, marks), 1);
	assert_int_equal(marks[0].from, 5);
	assert_int_equal(marks[0].to, 7);
	/* Capitals count where there is one. */
	assert_true(search("Xa", false));
	assert_int_equal(view.search.count, 1);
	assert_true(search("\xc3\xa4rger", false));
	assert_int_equal(view.search.count, 2);
	assert_int_equal(smol_search_marks(&view, 2, marks), 0);
}

static void test_search_moves_the_caret(void **state)
{
	(void)state;
	put_lines(0, 20);
	put("\033[1;3H");
	smol_caret_begin(&view);
	assert_int_equal(view.caret.line, 16);
	assert_int_equal(view.caret.col, 2);
	smol_caret_select(&view, SMOL_UNIT_CHAR);
	assert_true(search("ne 1", true));
	assert_int_equal(view.caret.line, 15);
	assert_int_equal(view.caret.col, 2);
	expect_selection("ne 15\nlin");
	assert_true(smol_search_step(&view, false));
	expect_selection("ne 14\nline 15\nlin");
}

/* ---- the caret ---- */

static void expect_caret(int row, int col)
{
	int r = -1, c = -1;

	assert_true(smol_caret_place(&view, &r, &c));
	assert_int_equal(r, row);
	assert_int_equal(c, col);
}

static void move(enum smol_move how, int times)
{
	while (times--)
		smol_caret_move(&view, how);
}

static void test_caret(void **state)
{
	(void)state;
	put("one, /a/b two\r\n  a\xe4\xb8\xad z\r\n\r\nend");
	smol_caret_begin(&view);
	expect_caret(3, 2); /* behind the last one there is nothing */
	smol_caret_down(&view, -100);
	expect_caret(0, 2);
	move(SMOL_MOVE_WORD, 2);
	expect_caret(0, 5);
	move(SMOL_MOVE_WORD, 2);
	expect_caret(1, 2);
	move(SMOL_MOVE_RIGHT, 1);
	expect_caret(1, 3);
	move(SMOL_MOVE_RIGHT, 1);
	expect_caret(1, 5);
	move(SMOL_MOVE_RIGHT, 9);
	expect_caret(1, 6);
	move(SMOL_MOVE_LEFT, 2);
	expect_caret(1, 3);
	move(SMOL_MOVE_WORD_BACK, 2);
	expect_caret(0, 12);
	move(SMOL_MOVE_LINE_BEGIN, 1);
	move(SMOL_MOVE_WORD_BACK, 1);
	expect_caret(0, 0);
	/* The column is kept over lines that are shorter; so is the end. */
	move(SMOL_MOVE_LINE_END, 1);
	expect_caret(0, 12);
	smol_caret_down(&view, 2);
	expect_caret(2, 0);
	smol_caret_down(&view, 1);
	expect_caret(3, 2);
	smol_caret_put(&view, (struct smol_spot){.line = 1, .col = 4});
	expect_caret(1, 3);
}

static void test_caret_selects(void **state)
{
	(void)state;
	put("one two\r\nthree four");
	smol_caret_begin(&view);
	move(SMOL_MOVE_WORD_BACK, 1);
	smol_caret_select(&view, SMOL_UNIT_CHAR);
	smol_caret_down(&view, -1);
	expect_selection("o\nthree f");
	smol_caret_other_end(&view);
	move(SMOL_MOVE_LINE_END, 1);
	expect_selection("o\nthree four");
	smol_caret_select(&view, SMOL_UNIT_LINE);
	expect_selection("one two\nthree four");
	smol_caret_select(&view, SMOL_UNIT_LINE);
	assert_null(smol_view_selection(&view));
}

#define ON_VIEW(f) cmocka_unit_test_setup_teardown(f, open_view, close_view)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ON_VIEW(test_held_stands_still),
	    ON_VIEW(test_held_outlives_the_history),
	    ON_VIEW(test_frozen_shows_what_was),
	    ON_VIEW(test_selection_stays_on_its_text),
	    ON_VIEW(test_words_and_lines),
	    ON_VIEW(test_wrapped_lines_are_joined),
	    ON_VIEW(test_to_the_right),
	    ON_VIEW(test_chases_who_types),
	    ON_VIEW(test_thawed_stays_where_it_was),
	    ON_VIEW(test_search_both_ways),
	    ON_VIEW(test_search_marks),
	    ON_VIEW(test_search_moves_the_caret),
	    ON_VIEW(test_caret),
	    ON_VIEW(test_caret_selects),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
