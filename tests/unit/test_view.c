/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pane shows of its terminal: where the window is, and what is selected. */
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
#include "ui/view.h"

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

#define ON_VIEW(f) cmocka_unit_test_setup_teardown(f, open_view, close_view)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ON_VIEW(test_held_stands_still),
	    ON_VIEW(test_frozen_shows_what_was),
	    ON_VIEW(test_selection_stays_on_its_text),
	    ON_VIEW(test_words_and_lines),
	    ON_VIEW(test_wrapped_lines_are_joined),
	    ON_VIEW(test_to_the_right),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
