/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things stand, on every size of a window: see ui/pane/layout.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/input/hit.h"
#include "ui/pane/layout.h"

#define ROWS_MAX 100
#define COLS_MAX 300

static struct smol_layout layout;
static struct smol_layout_ask ask;
static struct smol_places at;
static char cells[ROWS_MAX][COLS_MAX];

static int begin(void **state)
{
	(void)state;
	smol_layout_init(&layout);
	ask = (struct smol_layout_ask){.rows = 50, .cols = 200, .list_cols = 30, .current = 1};
	return 0;
}

static void panes(int n)
{
	for (int i = 0; i < SMOL_PANES; i++)
		ask.there[i] = i >= 1 ? i <= n : n == SMOL_PANES;
}

static void place(void)
{
	smol_layout_place(&layout, &ask, &at);
}

/* What has been filled before, or lies outside, is an error. */
static void fill(const struct smol_rect *r)
{
	assert_true(r->rows > 0 && r->row >= 1 + at.strip && r->row + r->rows <= ask.rows - 3);
	assert_true(r->cols > 0 && r->col >= 0 && r->col + r->cols <= ask.cols);
	for (int row = r->row; row < r->row + r->rows; row++) {
		assert_null(memchr(cells[row] + r->col, 1, (size_t)r->cols));
		memset(cells[row] + r->col, 1, (size_t)r->cols);
	}
}

/* Panes, bars and list cover the body, and nothing twice: borders meet. */
static void check_places(void)
{
	memset(cells, 0, sizeof(cells));
	place();
	assert_int_equal(at.body_rows, ask.rows - 4 - at.strip);
	if (at.list.rows)
		fill(&at.list);
	for (int i = 0; i < SMOL_PANES; i++) {
		if (!at.panes[i].rows)
			continue;
		assert_true(ask.there[i]);
		fill(&at.panes[i]);
		/* Whoever stands beside others has a title and something below it. */
		assert_true(at.panes[i].rows >= SMOL_PANE_ROWS_MIN);
		assert_true(at.panes[i].cols >= SMOL_PANE_COLS_MIN);
	}
	for (int i = 0; i < at.nborders; i++)
		if (at.borders[i].way == SMOL_ACROSS)
			fill(&at.borders[i].at);
	for (int row = 1 + at.strip; row <= ask.rows - 4; row++)
		assert_null(memchr(cells[row], 0, (size_t)ask.cols));
	/* The chosen one is shown, unless the list has it all. */
	assert_true(at.panes[ask.current].rows || at.list.cols == ask.cols);
}

static void on_all_sizes(void)
{
	for (ask.rows = SMOL_ROWS_MIN; ask.rows <= ROWS_MAX; ask.rows += ask.rows < 20 ? 1 : 7)
		for (ask.cols = SMOL_COLS_MIN; ask.cols <= COLS_MAX;
		     ask.cols += ask.cols % 20 < 2 ? 1 : 9)
			check_places();
}

static void test_every_size(void **state)
{
	(void)state;
	for (int n = 1; n <= SMOL_PANES; n++) {
		panes(n);
		for (int a = 0; a < SMOL_ARRANGE__COUNT; a++)
			for (ask.current = n == SMOL_PANES ? 0 : 1; ask.current < n;
			     ask.current += 3) {
				smol_layout_arrange(&layout, (enum smol_arrangement)a, ask.current);
				on_all_sizes();
			}
	}
}

static void test_list_and_zoom(void **state)
{
	(void)state;
	panes(4);
	ask.current = 3;
	for (int i = 1; i < 4; i++) {
		ask.zoom = i & 1;
		ask.list = i & 2;
		on_all_sizes();
	}
	ask = (struct smol_layout_ask){
	    .rows = 24, .cols = 80, .list_cols = 30, .current = 2, .list = true};
	panes(2);
	place();
	assert_int_equal(at.list.cols, 80);
	assert_false(at.strip);
	/* Zoomed it has a wide window to itself, too. */
	ask.cols = 200;
	ask.zoom = true;
	place();
	assert_int_equal(at.list.cols, 200);
	assert_int_equal(at.panes[2].rows, 0);
	ask.cols = 80;
	ask.zoom = ask.list = false;
	place();
	assert_int_equal(at.list.rows, 0);
	assert_true(at.strip);
	assert_int_equal(at.panes[1].rows, 0);
	assert_int_equal(at.panes[2].cols, 80);
	assert_int_equal(at.nborders, 0);
}

/* Whatever is moved, wherever: what is there still fits. */
static void test_any_drag(void **state)
{
	uint32_t seed = 1;

	(void)state;
	panes(7);
	for (int i = 0; i < 3000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (i % 100 == 0)
			smol_layout_arrange(
			    &layout, (enum smol_arrangement)(i / 100 % SMOL_ARRANGE__COUNT), 2);
		ask.rows = SMOL_ROWS_MIN + (int)(seed >> 8) % (ROWS_MAX - SMOL_ROWS_MIN);
		ask.cols = SMOL_COLS_MIN + (int)(seed >> 16) % (COLS_MAX - SMOL_COLS_MIN);
		ask.current = 1 + (int)(seed >> 4) % 7;
		check_places();
		if (at.nborders)
			smol_layout_drag(&layout, &ask, &at.borders[(seed >> 20) % at.nborders],
			    (int)(seed >> 12) % 400 - 200);
		check_places();
		smol_layout_grow(&layout, &ask, ask.current, (int)(seed >> 9) % 9 - 4,
		    (int)(seed >> 13) % 9 - 4);
		check_places();
		smol_layout_swap(&layout, ask.there, ask.current, seed & 32 ? 1 : -1);
		check_places();
	}
}

static const struct smol_border *border(enum smol_way way, int second)
{
	for (int i = 0; i < at.nborders; i++)
		if (at.borders[i].way == way && at.borders[i].second == second)
			return &at.borders[i];
	fail_msg("no such border");
	return NULL;
}

/* A border goes exactly where it is taken, and the others stay. */
static void test_a_border_follows(void **state)
{
	struct smol_places before;

	(void)state;
	panes(3);
	smol_layout_arrange(&layout, SMOL_ARRANGE_ROWS, 1);
	for (ask.rows = 40; ask.rows < 60; ask.rows++)
		for (int by = -5; by <= 5; by++) {
			smol_layout_arrange(&layout, SMOL_ARRANGE_ROWS, 1);
			place();
			before = at;
			smol_layout_drag(&layout, &ask, border(SMOL_DOWN, 3), by);
			check_places();
			assert_int_equal(at.panes[3].row, before.panes[3].row + by);
			assert_int_equal(at.panes[2].row, before.panes[2].row);
			smol_layout_drag(&layout, &ask, border(SMOL_ACROSS, -1), by);
			check_places();
			assert_int_equal(at.list.cols, before.list.cols + by);
			smol_layout_drag(&layout, &ask, border(SMOL_ACROSS, -1), -by);
		}
	/* As far as it goes. */
	smol_layout_drag(&layout, &ask, border(SMOL_DOWN, 3), -1000);
	check_places();
	assert_int_equal(at.panes[2].rows, SMOL_PANE_ROWS_MIN);
	smol_layout_drag(&layout, &ask, border(SMOL_ACROSS, -1), -1000);
	check_places();
	assert_int_equal(at.list.cols, SMOL_LIST_COLS_MIN);
}

/* A smaller window for a while changes nothing. */
static void test_shares_outlive_a_window(void **state)
{
	struct smol_places before;

	(void)state;
	panes(4);
	smol_layout_arrange(&layout, SMOL_ARRANGE_MAIN, 3);
	place();
	assert_int_equal(at.panes[3].rows, at.body_rows);
	assert_true(at.panes[3].cols > at.panes[1].cols);
	smol_layout_drag(&layout, &ask, border(SMOL_ACROSS, 1), 11);
	smol_layout_drag(&layout, &ask, border(SMOL_ACROSS, -1), 7);
	check_places();
	before = at;
	ask.rows = SMOL_ROWS_MIN;
	ask.cols = SMOL_COLS_MIN;
	check_places();
	ask.rows = 50;
	ask.cols = 200;
	check_places();
	assert_memory_equal(&at, &before, sizeof(at));
	/* Nor does a list that is gone for a while. */
	ask.zoom = true;
	check_places();
	ask.zoom = false;
	check_places();
	assert_memory_equal(&at, &before, sizeof(at));
}

static void test_swap_takes_the_place(void **state)
{
	struct smol_places before;

	(void)state;
	panes(3);
	smol_layout_arrange(&layout, SMOL_ARRANGE_ROWS, 1);
	place();
	smol_layout_drag(&layout, &ask, border(SMOL_DOWN, 2), 6);
	check_places();
	before = at;
	assert_true(smol_layout_swap(&layout, ask.there, 1, 1));
	check_places();
	assert_memory_equal(&at.panes[2], &before.panes[1], sizeof(struct smol_rect));
	assert_memory_equal(&at.panes[1], &before.panes[2], sizeof(struct smol_rect));
	assert_memory_equal(&at.panes[3], &before.panes[3], sizeof(struct smol_rect));
	assert_false(smol_layout_swap(&layout, ask.there, 2, -1));
	assert_false(smol_layout_swap(&layout, ask.there, 3, 1));
	assert_true(smol_layout_swap(&layout, ask.there, 1, -1));
	check_places();
	assert_memory_equal(&at, &before, sizeof(at));
}

static void test_behind_another(void **state)
{
	(void)state;
	panes(4);
	smol_layout_arrange(&layout, SMOL_ARRANGE_ROWS, 1);
	smol_layout_put_behind(&layout, 4, 1);
	check_places();
	assert_int_equal(at.panes[4].row, at.panes[1].row + at.panes[1].rows);
	assert_int_equal(at.panes[2].row, at.panes[4].row + at.panes[4].rows);
	smol_layout_put_behind(&layout, 1, 3);
	check_places();
	assert_int_equal(at.panes[4].row, 1);
	assert_int_equal(at.panes[1].row, at.panes[3].row + at.panes[3].rows);
	smol_layout_put_behind(&layout, 1, 1);
	smol_layout_put_behind(&layout, 3, 3);
	check_places();
	assert_int_equal(at.panes[1].row, at.panes[3].row + at.panes[3].rows);
}

static void test_grow(void **state)
{
	struct smol_places before;

	(void)state;
	panes(4);
	ask.cols = 250;
	place();
	assert_int_equal(at.panes[1].row, at.panes[2].row); /* two by two */
	before = at;
	smol_layout_grow(&layout, &ask, 1, 2, 4);
	check_places();
	assert_int_equal(at.panes[1].rows, before.panes[1].rows + 2);
	assert_int_equal(at.panes[1].cols, before.panes[1].cols + 4);
	assert_int_equal(at.panes[2].rows, before.panes[2].rows + 2);
	/* The last one grows at the cost of the one before. */
	smol_layout_grow(&layout, &ask, 4, 3, 5);
	check_places();
	assert_int_equal(at.panes[4].rows, before.panes[4].rows + 1);
	assert_int_equal(at.panes[4].cols, before.panes[4].cols + 5);
	assert_int_equal(at.panes[3].cols, before.panes[3].cols - 5);
	smol_layout_grow(&layout, &ask, 4, -1, -5);
	smol_layout_grow(&layout, &ask, 1, 0, -4);
	check_places();
	assert_memory_equal(&at, &before, sizeof(at));
}

static void test_what_is_drawn_later_lies_above(void **state)
{
	static struct smol_hits hits;

	(void)state;
	smol_hits_clear(&hits);
	assert_int_equal(smol_hits_find(&hits, 0, 0).kind, SMOL_HIT_NONE);
	smol_hits_add(&hits, SMOL_HIT_PANE, (struct smol_rect){2, 3, 10, 20}, 7);
	smol_hits_add(&hits, SMOL_HIT_CANDIDATE, (struct smol_rect){5, 0, 1, 100}, 1);
	smol_hits_add(&hits, SMOL_HIT_LIST, (struct smol_rect){2, 3, 0, 20}, 0);
	assert_int_equal(smol_hits_find(&hits, 2, 3).kind, SMOL_HIT_PANE);
	assert_int_equal(smol_hits_find(&hits, 11, 22).what, 7);
	assert_int_equal(smol_hits_find(&hits, 12, 22).kind, SMOL_HIT_NONE);
	assert_int_equal(smol_hits_find(&hits, 11, 23).kind, SMOL_HIT_NONE);
	assert_int_equal(smol_hits_find(&hits, 1, 3).kind, SMOL_HIT_NONE);
	assert_int_equal(smol_hits_find(&hits, 2, 2).kind, SMOL_HIT_NONE);
	assert_int_equal(smol_hits_find(&hits, 5, 3).kind, SMOL_HIT_CANDIDATE);
	for (int i = 0; i < 2 * SMOL_HITS_MAX; i++)
		smol_hits_add(&hits, SMOL_HIT_HINT, (struct smol_rect){0, i, 1, 1}, i);
	assert_int_equal(hits.n, SMOL_HITS_MAX);
	assert_int_equal(smol_hits_find(&hits, 0, SMOL_HITS_MAX).kind, SMOL_HIT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_every_size, begin),
	    cmocka_unit_test_setup(test_list_and_zoom, begin),
	    cmocka_unit_test_setup(test_any_drag, begin),
	    cmocka_unit_test_setup(test_a_border_follows, begin),
	    cmocka_unit_test_setup(test_shares_outlive_a_window, begin),
	    cmocka_unit_test_setup(test_swap_takes_the_place, begin),
	    cmocka_unit_test_setup(test_behind_another, begin),
	    cmocka_unit_test_setup(test_grow, begin),
	    cmocka_unit_test(test_what_is_drawn_later_lies_above),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
