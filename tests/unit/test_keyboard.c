/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When an ESC is a key of its own: the loop's being late makes none of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ui/input/keyboard.h"

static struct smol_keyboard keyboard;
static char taken[200]; /* the names of the keys that came, a blank behind each */
static bool ended;

static void take(bool late)
{
	struct smol_input_event e;
	char name[24];

	while (smol_input_next(&keyboard.input, late, &e)) {
		smol_input_name(&e, name);
		snprintf(taken + strlen(taken), sizeof(taken) - strlen(taken), "%s ", name);
	}
}

static void gone(void)
{
	ended = true;
	uv_poll_stop(&keyboard.poll);
}

static int open_keyboard(void **state)
{
	static int ends[2];

	assert_int_equal(pipe(ends), 0);
	smol_keyboard_open(&keyboard, uv_default_loop(), ends[0], take, gone);
	*taken = '\0';
	ended = false;
	*state = ends;
	return 0;
}

static int close_keyboard(void **state)
{
	int *ends = *state;

	smol_keyboard_close(&keyboard);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	smol_input_free(&keyboard.input);
	close(ends[0]);
	return 0;
}

static void type(void **state, const char *bytes)
{
	int *ends = *state;

	assert_int_equal(write(ends[1], bytes, strlen(bytes)), strlen(bytes));
}

/* The loop has no time for longer than an ESC is waited for. */
static void be_busy(void)
{
	const struct timespec t = {.tv_nsec = (SMOL_ESCAPE_MS + 10) * 1000000L};

	nanosleep(&t, NULL);
}

/* One turn of the loop, which reads what there is. */
static void turn(void)
{
	uv_run(uv_default_loop(), UV_RUN_NOWAIT);
}

static void end_input(void **state)
{
	int *ends = *state;

	close(ends[1]);
	while (!ended)
		uv_run(uv_default_loop(), UV_RUN_ONCE);
}

static void a_lone_escape_is_a_key(void **state)
{
	type(state, "\033");
	while (!*taken)
		uv_run(uv_default_loop(), UV_RUN_ONCE);
	assert_string_equal(taken, "Esc ");
	end_input(state);
}

/* The rest has come while the loop was busy: the timer is due, and is seen to first. */
static void what_came_meanwhile_belongs_to_it(void **state)
{
	type(state, "\033");
	turn();
	assert_string_equal(taken, "");
	type(state, "p");
	be_busy();
	turn();
	assert_string_equal(taken, "M-p ");
	type(state, "\033[");
	turn();
	type(state, "5~");
	be_busy();
	turn();
	assert_string_equal(taken, "M-p PgUp ");
	end_input(state);
}

/* What else the loop had to do in the turn in which an ESC was read. */
static uint64_t done_ms;

static void on_other(uv_poll_t *h, int status, int events)
{
	(void)status;
	(void)events;
	be_busy();
	done_ms = uv_hrtime() / 1000000;
	uv_poll_stop(h);
}

static void a_long_turn_is_no_waiting(void **state)
{
	uv_poll_t other;
	int p[2];

	assert_int_equal(pipe(p), 0);
	uv_poll_init(uv_default_loop(), &other, p[0]);
	uv_poll_start(&other, UV_READABLE, on_other);
	turn();
	/* Served in this order. */
	assert_int_equal(write(p[1], "x", 1), 1);
	type(state, "\033");
	turn();
	assert_true(uv_now(uv_default_loop()) + uv_timer_get_due_in(&keyboard.escape) >=
		    done_ms + SMOL_ESCAPE_MS);
	uv_close((uv_handle_t *)&other, NULL);
	end_input(state);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_keyboard, close_keyboard)
	const struct CMUnitTest tests[] = {
	    TEST(a_lone_escape_is_a_key),
	    TEST(what_came_meanwhile_belongs_to_it),
	    TEST(a_long_turn_is_no_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
