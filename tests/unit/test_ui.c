/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen's parts that need none: keys taken apart, a pane's terminal. */
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
#include "ui/input/input.h"
#include "ui/term/term.h"

/* ---- the keyboard ---- */

static const struct {
	const char *bytes, *name;
} keys[] = {
    {"a", "a"},
    {"?", "?"},
    {" ", "Space"},
    {"\r", "Enter"},
    {"\t", "Tab"},
    {"\x7f", "Backspace"},
    {"\x03", "C-c"},
    {"\x1a", "C-z"},
    {"\033l", "M-l"},
    {"\0331", "M-1"},
    {"\033[A", "Up"},
    {"\033OB", "Down"},
    {"\033[5~", "PgUp"},
    {"\033[6;2~", "S-PgDn"},
    {"\033[1;5C", "C-Right"},
    {"\033[Z", "S-Tab"},
    {"\033OP", "F1"},
    {"\033[11~", "F1"},
    {"\033[24~", "F12"},
    {"\033[H", "Home"},
    {"\033[3~", "Delete"},
};

static void test_keys_are_named(void **state)
{
	struct smol_input in = {0};
	struct smol_input_event e;
	char name[24];

	(void)state;
	/* All in one write, and then byte by byte. */
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		smol_input_feed(&in, keys[i].bytes, strlen(keys[i].bytes));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_true(smol_input_next(&in, false, &e));
		smol_input_name(&e, name);
		assert_string_equal(name, keys[i].name);
		assert_int_equal(e.n, strlen(keys[i].bytes));
		assert_memory_equal(e.bytes, keys[i].bytes, e.n);
	}
	assert_false(smol_input_next(&in, false, &e));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (size_t n = strlen(keys[i].bytes), k = 0; k < n; k++) {
			smol_input_feed(&in, keys[i].bytes + k, 1);
			assert_int_equal(smol_input_next(&in, false, &e), k == n - 1);
		}
	smol_input_free(&in);
}

static void test_lone_escape(void **state)
{
	struct smol_input in = {0};
	struct smol_input_event e;

	(void)state;
	smol_input_feed(&in, "\033", 1);
	assert_false(smol_input_next(&in, false, &e));
	assert_true(smol_input_waits(&in));
	assert_true(smol_input_next(&in, true, &e));
	assert_int_equal(e.key, SMOL_KEY_ESCAPE);
	assert_false(smol_input_waits(&in));
	smol_input_free(&in);
}

static void test_characters(void **state)
{
	struct smol_input in = {0};
	struct smol_input_event e;

	(void)state;
	smol_input_feed(&in, "\xe2\x96", 2);
	assert_false(smol_input_next(&in, false, &e));
	smol_input_feed(&in, "\xb8\xc3\xa4\xf0\x9f\x98\x80\xff", 8);
	assert_true(smol_input_next(&in, false, &e));
	assert_int_equal(e.c, 0x25b8);
	assert_true(smol_input_next(&in, false, &e));
	assert_int_equal(e.c, 0xe4);
	assert_true(smol_input_next(&in, false, &e));
	assert_int_equal(e.c, 0x1f600);
	assert_true(smol_input_next(&in, false, &e));
	assert_int_equal(e.key, SMOL_KEY_UNKNOWN);
	smol_input_free(&in);
}

static const struct {
	const char *bytes;
	enum smol_key key;
	enum smol_mouse what;
	int button, row, col;
	unsigned mods;
} mice[] = {
    {"\033[<0;1;1M", SMOL_KEY_MOUSE, SMOL_MOUSE_PRESS, 1, 0, 0, 0},
    {"\033[<0;10;5m", SMOL_KEY_MOUSE, SMOL_MOUSE_RELEASE, 1, 4, 9, 0},
    {"\033[<2;300;100M", SMOL_KEY_MOUSE, SMOL_MOUSE_PRESS, 3, 99, 299, 0},
    {"\033[<32;3;4M", SMOL_KEY_MOUSE, SMOL_MOUSE_DRAG, 1, 3, 2, 0},
    {"\033[<35;3;4M", SMOL_KEY_MOUSE, SMOL_MOUSE_DRAG, 0, 3, 2, 0},
    {"\033[<64;3;4M", SMOL_KEY_MOUSE, SMOL_MOUSE_UP, 0, 3, 2, 0},
    {"\033[<81;3;4M", SMOL_KEY_MOUSE, SMOL_MOUSE_DOWN, 0, 3, 2, SMOL_MOD_CTRL},
    {"\033[<12;3;4M", SMOL_KEY_MOUSE, SMOL_MOUSE_PRESS, 1, 3, 2, SMOL_MOD_SHIFT | SMOL_MOD_ALT},
    {"\033[<0;99999999999;2M", SMOL_KEY_MOUSE, SMOL_MOUSE_PRESS, 1, 1, SMOL_MOUSE_MAX, 0},
    {"\033[M !!", SMOL_KEY_MOUSE, SMOL_MOUSE_PRESS, 1, 0, 0, 0},
    {"\033[M#$\"", SMOL_KEY_MOUSE, SMOL_MOUSE_RELEASE, 0, 1, 3, 0},
    /* No place, no such button, or no number: nothing, but taken as a whole. */
    {"\033[<0;0;1M", SMOL_KEY_UNKNOWN, 0, 0, 0, 0, 0},
    {"\033[<0;5M", SMOL_KEY_UNKNOWN, 0, 0, 0, 0, 0},
    {"\033[<0;5;5;5M", SMOL_KEY_UNKNOWN, 0, 0, 0, 0, 0},
    {"\033[<0;?;5M", SMOL_KEY_UNKNOWN, 0, 0, 0, 0, 0},
    {"\033[<128;5;5M", SMOL_KEY_UNKNOWN, 0, 0, 0, 0, 0},
    {"\033[<66;5;5M", SMOL_KEY_UNKNOWN, 0, 0, 0, 0, 0},
    {"\033[<0;5;5A", SMOL_KEY_UNKNOWN, 0, 0, 0, 0, 0},
    {"\033[M\x01!!", SMOL_KEY_UNKNOWN, 0, 0, 0, 0, 0},
    {"a", SMOL_KEY_CHAR, 0, 0, 0, 0, 0},
};

static void check_mouse(const struct smol_input_event *e, size_t i)
{
	char name[SMOL_KEY_MAX];

	assert_int_equal(e->key, mice[i].key);
	assert_int_equal(e->n, strlen(mice[i].bytes));
	if (e->key != SMOL_KEY_MOUSE)
		return;
	assert_int_equal(e->mouse.what, mice[i].what);
	assert_int_equal(e->mouse.button, mice[i].button);
	assert_int_equal(e->mouse.row, mice[i].row);
	assert_int_equal(e->mouse.col, mice[i].col);
	assert_int_equal(e->mods, mice[i].mods);
	smol_input_name(e, name);
	assert_string_equal(name, "");
}

static void test_mouse(void **state)
{
	struct smol_input in = {0};
	struct smol_input_event e;
	const size_t many = sizeof(mice) / sizeof(mice[0]);

	(void)state;
	for (size_t i = 0; i < many; i++)
		smol_input_feed(&in, mice[i].bytes, strlen(mice[i].bytes));
	for (size_t i = 0; i < many; i++) {
		assert_true(smol_input_next(&in, false, &e));
		check_mouse(&e, i);
	}
	assert_false(smol_input_waits(&in) && smol_input_next(&in, true, &e));
	/* Byte by byte; and what comes late is not typed. */
	for (size_t i = 0; i < many; i++)
		for (size_t n = strlen(mice[i].bytes), k = 0; k < n; k++) {
			smol_input_feed(&in, mice[i].bytes + k, 1);
			assert_int_equal(
			    smol_input_next(&in, k > 2 && mice[i].bytes[2] == '<', &e), k == n - 1);
		}
	smol_input_free(&in);
}

static void test_paste_is_one_event(void **state)
{
	struct smol_input in = {0};
	struct smol_input_event e;

	(void)state;
	smol_input_feed(&in, "\033[200~rm -rf /\nexit\n\033[20", 24);
	assert_false(smol_input_next(&in, true, &e));
	smol_input_feed(&in, "1~x", 3);
	assert_true(smol_input_next(&in, false, &e));
	assert_int_equal(e.key, SMOL_KEY_PASTE);
	assert_int_equal(e.n, 14);
	assert_memory_equal(e.bytes, "rm -rf /\nexit\n", 14);
	assert_true(smol_input_next(&in, false, &e));
	assert_int_equal(e.c, 'x');
	smol_input_free(&in);
}

/* ---- a pane's terminal ---- */

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

static void expect(const struct smol_term *t, int row, const char *text)
{
	smol_auto_free char *line = smol_term_text(t, row);

	assert_non_null(line);
	assert_string_equal(line, text);
}

static void test_history_is_bounded(void **state)
{
	struct smol_term *t = smol_term_new(5, 40, on_say, NULL);
	char text[32];

	(void)state;
	for (int i = 0; i < SMOL_TERM_HISTORY + 500; i++) {
		snprintf(text, sizeof(text), "line %d\r\n", i);
		put(t, text);
	}
	assert_int_equal(smol_term_history(t), SMOL_TERM_HISTORY);
	/* The screen holds the last four and an empty one. */
	snprintf(text, sizeof(text), "line %d", SMOL_TERM_HISTORY + 500 - 5);
	expect(t, -1, text);
	snprintf(text, sizeof(text), "line %d", 500 - 4);
	expect(t, -SMOL_TERM_HISTORY, text);
	assert_null(smol_term_text(t, -SMOL_TERM_HISTORY - 1));
	assert_null(smol_term_text(t, 5));
	smol_term_free(t);
}

static void test_kept_lines_keep_their_looks(void **state)
{
	struct smol_term *t = smol_term_new(2, 20, on_say, NULL);
	VTermScreenCell cells[20];

	(void)state;
	put(t, "a\033[1;31mb\033[m\xe4\xb8\xad"
	       "e\xcc\x81!\r\n\r\n\r\n");
	assert_true(smol_term_line(t, -2, cells, 20));
	expect(t, -2,
	    "ab\xe4\xb8\xad"
	    "e\xcc\x81!");
	assert_int_equal(cells[0].attrs.bold, 0);
	assert_int_equal(cells[1].attrs.bold, 1);
	assert_true(VTERM_COLOR_IS_INDEXED(&cells[1].fg));
	assert_int_equal(cells[1].fg.indexed.idx, 1);
	assert_int_equal(cells[2].chars[0], 0x4e2d);
	assert_int_equal(cells[2].width, 2);
	assert_int_equal(cells[4].chars[0], 'e');
	assert_int_equal(cells[4].chars[1], 0x301);
	assert_int_equal(cells[5].chars[0], '!');
	/* And come back when the window grows. */
	smol_term_resize(t, 6, 20);
	assert_int_equal(smol_term_history(t), 0);
	expect(t, 0,
	    "ab\xe4\xb8\xad"
	    "e\xcc\x81!");
	smol_term_free(t);
}

static void test_nothing_passes_but_text(void **state)
{
	static const char *const hostile[] = {
	    "\033]0;title\007",
	    "\033]52;c;aGVsbG8=\007",
	    "\033]52;c;?\007",
	    "\033Pq#0\033\\",
	    "\033]8;;http://x\033\\",
	    "\033[21t",
	    "\033[?2004h",
	};
	struct smol_term *t = smol_term_new(3, 30, on_say, NULL);

	(void)state;
	smol_buf_clear(&said);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		put(t, hostile[i]);
	put(t, "ok");
	expect(t, 0, "ok");
	/* Neither its title nor a clipboard is told. */
	assert_int_equal(smol_buf_len(&said), 0);
	/* What is asked for is answered from what the pane is, to the program. */
	put(t, "\033[6n\033[c");
	assert_non_null(strstr(smol_buf_str(&said), "\033[1;3R"));
	smol_term_free(t);
}

static void test_reset_goes_on_below(void **state)
{
	struct smol_term *t = smol_term_new(6, 20, on_say, NULL);
	int row, col;

	(void)state;
	put(t, "one\r\n\033[2;4r\033[2;1H\033[31mtwo\033[?25l\033[?1h");
	smol_term_reset(t);
	put(t, "three");
	expect(t, 0, "one");
	expect(t, 1, "two");
	expect(t, 2, "three");
	assert_true(smol_term_cursor(t, &row, &col));
	assert_int_equal(row, 2);
	smol_buf_clear(&said);
	smol_term_key(t, VTERM_KEY_UP, VTERM_MOD_NONE);
	assert_string_equal(smol_buf_str(&said), "\033[A");
	/* Out of a full-screen program, too. */
	put(t, "\r\n\033[?1049hfull");
	assert_true(smol_term_alternate(t));
	smol_term_reset(t);
	assert_false(smol_term_alternate(t));
	expect(t, 2, "three");
	smol_term_free(t);
}

static void test_paste_cannot_end_itself(void **state)
{
	struct smol_term *t = smol_term_new(3, 20, on_say, NULL);

	(void)state;
	put(t, "\033[?2004h");
	smol_buf_clear(&said);
	smol_term_paste(t, "a\033[201~\nb", 9);
	assert_string_equal(smol_buf_str(&said), "\033[200~a[201~\rb\033[201~");
	smol_term_free(t);
}

static void test_mouse_goes_to_who_asks(void **state)
{
	struct smol_term *t = smol_term_new(5, 20, on_say, NULL);

	(void)state;
	smol_buf_clear(&said);
	assert_int_equal(smol_term_mouse(t), SMOL_TERM_MOUSE_NONE);
	smol_term_mouse_event(t, 1, 2, 1, true, VTERM_MOD_NONE);
	assert_int_equal(smol_buf_len(&said), 0);
	put(t, "\033[?1000h\033[?1006h");
	assert_int_equal(smol_term_mouse(t), SMOL_TERM_MOUSE_CLICK);
	smol_term_mouse_event(t, 1, 2, 1, true, VTERM_MOD_NONE);
	smol_term_mouse_event(t, 1, 2, 1, false, VTERM_MOD_NONE);
	smol_term_mouse_event(t, 1, 3, 0, false, VTERM_MOD_NONE); /* not asked for */
	smol_term_mouse_event(t, 1, 3, 4, true, VTERM_MOD_NONE);
	assert_string_equal(smol_buf_str(&said), "\033[<0;3;2M\033[<0;3;2m\033[<64;4;2M");
	/* Moves; and a place outside is brought in. */
	put(t, "\033[?1002h");
	assert_int_equal(smol_term_mouse(t), SMOL_TERM_MOUSE_DRAG);
	put(t, "\033[?1003h");
	assert_int_equal(smol_term_mouse(t), SMOL_TERM_MOUSE_MOVE);
	smol_buf_clear(&said);
	smol_term_mouse_event(t, 100, -7, 0, false, VTERM_MOD_NONE);
	assert_string_equal(smol_buf_str(&said), "\033[<35;1;5M");
	/* Whoever comes next has not asked. */
	smol_term_reset(t);
	assert_int_equal(smol_term_mouse(t), SMOL_TERM_MOUSE_NONE);
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
	    cmocka_unit_test(test_keys_are_named),
	    cmocka_unit_test(test_lone_escape),
	    cmocka_unit_test(test_characters),
	    cmocka_unit_test(test_mouse),
	    cmocka_unit_test(test_paste_is_one_event),
	    cmocka_unit_test(test_history_is_bounded),
	    cmocka_unit_test(test_kept_lines_keep_their_looks),
	    cmocka_unit_test(test_nothing_passes_but_text),
	    cmocka_unit_test(test_reset_goes_on_below),
	    cmocka_unit_test(test_paste_cannot_end_itself),
	    cmocka_unit_test(test_mouse_goes_to_who_asks),
	};

	return cmocka_run_group_tests_name("ui", tests, NULL, free_said);
}
