/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base: buffers, errors, times, and foreign text made safe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#define LEN(literal) (literal), sizeof(literal) - 1

static void buf_holds_what_was_put(void **state)
{
	smol_auto_buf struct smol_buf b = {0};

	(void)state;
	assert_null(smol_buf_head(&b));
	for (int i = 0; i < 1000; i++)
		smol_buf_printf(&b, "%d,", i);
	assert_int_equal(strncmp(smol_buf_str(&b), "0,1,2,", 6), 0);
	assert_int_equal(smol_buf_len(&b), 10 * 2 + 90 * 3 + 900 * 4);
	smol_buf_consume(&b, 4);
	assert_int_equal(strncmp(smol_buf_str(&b), "2,3,", 4), 0);
	smol_buf_consume(&b, SIZE_MAX);
	assert_int_equal(smol_buf_len(&b), 0);
	smol_buf_append(&b, "", 0);
	assert_string_equal(smol_buf_str(&b), "");
}

static void buf_cuts_lines(void **state)
{
	smol_auto_buf struct smol_buf b = {0};
	size_t len;

	(void)state;
	assert_null(smol_buf_line(&b, &len));
	smol_buf_puts(&b, "one\n\nthr");
	assert_string_equal(smol_buf_line(&b, &len), "one");
	assert_int_equal(len, 3);
	assert_string_equal(smol_buf_line(&b, &len), "");
	assert_int_equal(len, 0);
	assert_null(smol_buf_line(&b, &len));
	/* The rest stays, whatever was cut off in front of it. */
	smol_buf_puts(&b, "ee\n");
	assert_string_equal(smol_buf_line(&b, NULL), "three");
	assert_null(smol_buf_line(&b, NULL));
}

static void buf_reuses_its_front(void **state)
{
	smol_auto_buf struct smol_buf b = {0};
	char piece[64];
	size_t cap;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	smol_buf_append(&b, piece, sizeof(piece));
	cap = b.cap;
	for (int i = 0; i < 10000; i++) {
		smol_buf_append(&b, piece, sizeof(piece));
		smol_buf_consume(&b, sizeof(piece));
	}
	assert_int_equal(b.cap, cap);
}

static void buf_is_taken(void **state)
{
	struct smol_buf b = {0};
	smol_auto_free char *s = NULL;

	(void)state;
	smol_buf_puts(&b, "xyz");
	smol_buf_consume(&b, 1);
	s = smol_buf_take(&b);
	assert_string_equal(s, "yz");
	assert_null(b.data);
}

static void err_is_wrapped_on_the_way_up(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_int_equal(smol_err_set(&err, SMOL_E_TIMEOUT, "took %d s", 5), -1);
	smol_err_hint(&err, "try %s", "again");
	smol_err_wrap(&err, "VM '%s'", "web");
	assert_string_equal(err.msg, "VM 'web': took 5 s");
	assert_string_equal(err.hint, "try again");
	assert_int_equal(smol_err_exit_code(&err), 124);
	/* A new error forgets the old one's mend. */
	smol_err_set(&err, SMOL_E_USAGE, "no");
	assert_null(err.hint);
	assert_int_equal(smol_err_exit_code(&err), 2);
	/* Nobody wants to know: still -1, and nothing happens. */
	assert_int_equal(smol_err_set(NULL, SMOL_E_IO, "x"), -1);
	assert_int_equal(smol_err_wrap(NULL, "x"), -1);
	assert_int_equal(smol_err_hint(NULL, "x"), -1);
}

static void err_may_be_made_of_itself(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	smol_err_set(&err, SMOL_E_IO, "the disk");
	smol_err_set(&err, SMOL_E_IMAGE, "image: %s", err.msg);
	assert_string_equal(err.msg, "image: the disk");
	smol_err_hint(&err, "one");
	smol_err_hint(&err, "%s and two", err.hint);
	assert_string_equal(err.hint, "one and two");
}

static void err_codes_come_from_errno(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	static const struct {
		int errnum;
		enum smol_code given, wanted;
	} cases[] = {
	    {ENOSPC, SMOL_E_IO, SMOL_E_NO_SPACE},
	    {EDQUOT, SMOL_E_IO, SMOL_E_NO_SPACE},
	    {EROFS, SMOL_E_IO, SMOL_E_PERMISSION},
	    {EACCES, SMOL_E_IO, SMOL_E_PERMISSION},
	    {EIO, SMOL_E_IO, SMOL_E_IO},
	    /* A caller that knows better is heeded. */
	    {EACCES, SMOL_E_DEPENDENCY, SMOL_E_DEPENDENCY},
	};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_err_errno(&err, cases[i].given, cases[i].errnum, "%s", "f");
		assert_int_equal(err.code, cases[i].wanted);
		assert_int_equal(strncmp(err.msg, "f: ", 3), 0);
	}
}

static void err_moves(void **state)
{
	smol_auto_err struct smol_err a = SMOL_ERR_INIT, b = SMOL_ERR_INIT;

	(void)state;
	smol_err_set(&a, SMOL_E_LIMIT, "a");
	smol_err_set(&b, SMOL_E_STATE, "b");
	assert_int_equal(smol_err_move(&a, &b), -1);
	assert_int_equal(a.code, SMOL_E_STATE);
	assert_string_equal(a.msg, "b");
	assert_int_equal(b.code, SMOL_E_NONE);
	assert_null(b.msg);
	smol_err_move(NULL, &a);
	assert_null(a.msg);
}

static void codes_have_one_name_each(void **state)
{
	(void)state;
	for (int i = 0; i < SMOL_E__COUNT; i++)
		assert_int_equal(smol_code_from_name(smol_code_name((enum smol_code)i)), i);
	assert_int_equal(smol_code_from_name("who knows"), SMOL_E_INTERNAL);
	assert_int_equal(smol_code_from_name(NULL), SMOL_E_INTERNAL);
	assert_string_equal(smol_code_name((enum smol_code)9999), "internal");
}

static void durations_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {{"0", 0}, {"10", 10000}, {"1.5", 1500}, {"500ms", 500}, {"10s", 10000},
	    {"5m", 300000}, {"2h", 7200000}, {"240h", 864000000}, {"0.0004", 0}, {"0.0005", 1},
	    /* refused */
	    {"", -1}, {NULL, -1}, {"s", -1}, {"-1", -1}, {"+1", -1}, {" 1", -1}, {"1 ", -1},
	    {"1d", -1}, {"1sm", -1}, {"1S", -1}, {"0x10", -1}, {"1e3", -1}, {"1E3s", -1},
	    {"inf", -1}, {"nan", -1}, {"241h", -1}, {"1..5", -1}, {"99999999999999999999", -1}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++)
		assert_int_equal(smol_parse_duration(cases[i].text), cases[i].ms);
}

static void sizes_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} cases[] = {{"0", 0}, {"4096", 4096}, {"64M", 64 << 20}, {"64m", 64 << 20},
	    {"1.5G", 3LL << 29}, {"512K", 512 << 10}, {"1T", 1LL << 40}, {"2MiB", 2 << 20},
	    {"2MB", 2 << 20}, {"2Mb", 2 << 20},
	    /* refused */
	    {"", -1}, {NULL, -1}, {"M", -1}, {"-1", -1}, {" 1", -1}, {"1 M", -1}, {"1MM", -1},
	    {"1X", -1}, {"1B", -1}, {"0x10", -1}, {"1e3", -1}, {"99999999T", -1}, {"nan", -1}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++)
		assert_int_equal(smol_parse_size(cases[i].text), cases[i].bytes);
}

static void numbers_are_parsed(void **state)
{
	int64_t v = 77;

	(void)state;
	assert_int_equal(smol_parse_int("3", 3, 10, &v), 0);
	assert_int_equal(v, 3);
	assert_int_equal(smol_parse_int("-5", -5, 0, &v), 0);
	assert_int_equal(v, -5);
	assert_int_equal(smol_parse_int("9223372036854775807", 0, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
	v = 77;
	static const char *const bad[] = {"", "-", "+3", " 3", "3 ", "3x", "0x3", "2", "11", "1e1",
	    "3.0", "9223372036854775808", NULL};
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		assert_int_equal(smol_parse_int(bad[i], 3, 10, &v), -1);
	assert_int_equal(v, 77);
}

static void sizes_and_times_read_well(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {{0, "0B"}, {1023, "1023B"}, {1024, "1K"}, {1536, "1.5K"}, {10 * 1024, "10K"},
	    {10189, "10K"}, {64 << 20, "64M"}, {1048575, "1M"}, {1288490189, "1.2G"},
	    {1ULL << 50, "1P"}, {UINT64_MAX, "16384P"}};
	static const struct {
		int64_t ms;
		const char *text;
	} times[] = {{0, "0s"}, {999, "0s"}, {42000, "42s"}, {310000, "5m10s"}, {10920000, "3h02m"},
	    {12LL * 86400000, "12d00h"}};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(sizes); i++) {
		smol_size_text(sizes[i].bytes, buf);
		assert_string_equal(buf, sizes[i].text);
	}
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(times); i++) {
		smol_duration_text(times[i].ms, buf);
		assert_string_equal(buf, times[i].text);
	}
	smol_wall_text(1795527600123, buf);
	assert_string_equal(buf, "2026-11-24T13:40:00.123Z");
}

static void deadlines_pass(void **state)
{
	(void)state;
	assert_int_equal(smol_poll_ms(SMOL_NEVER), -1);
	assert_int_equal(smol_poll_ms(smol_now_ms() - 5), 0);
	assert_in_range(smol_poll_ms(smol_in_ms(1000000)), 1, 1000000);
	assert_int_equal(smol_poll_ms(smol_in_ms(INT64_C(1) << 40)), INT32_MAX);
	assert_true(smol_in_ms(SMOL_NEVER) == SMOL_NEVER);
}

static void utf8_is_told_from_bytes(void **state)
{
	(void)state;
	assert_int_equal(smol_utf8_len(LEN("a")), 1);
	assert_int_equal(smol_utf8_len(LEN("é")), 2);
	assert_int_equal(smol_utf8_len(LEN("€")), 3);
	assert_int_equal(smol_utf8_len(LEN("😀")), 4);
	static const struct {
		const char *s;
		size_t n;
	} bad[] = {{LEN("")}, {LEN("\x80")}, {LEN("\xc3")}, {LEN("\xc3(")}, {LEN("\xc0\xaf")},
	    {LEN("\xe0\x80\xaf")}, {LEN("\xf0\x80\x80\xaf")}, {LEN("\xed\xa0\x80")},
	    {LEN("\xf4\x90\x80\x80")}, {LEN("\xf5\x80\x80\x80")}, {LEN("\xff")}, {LEN("\xe2\x82")}};
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		assert_int_equal(smol_utf8_len(bad[i].s, bad[i].n), 0);
	assert_true(smol_utf8_valid(LEN("")));
	assert_true(smol_utf8_valid(LEN("aé€😀")));
	assert_false(smol_utf8_valid(LEN("aé\xff")));
}

static void escaped(const char *s, size_t n, const char *wanted)
{
	smol_auto_free char *e = smol_escape(s, n);

	assert_string_equal(e, wanted);
}

static void foreign_text_stays_on_its_line(void **state)
{
	(void)state;
	escaped(LEN("plain é"), "plain é");
	escaped(LEN("a\nb\tc\\d"), "a\\nb\\tc\\\\d");
	escaped(LEN("\r\x1b[31m\x7f\0"), "\\x0d\\x1b[31m\\x7f\\x00");
	escaped(LEN("\xff\xc3"), "\\xff\\xc3");
	/* C1: U+009B is another way to write ESC [. */
	escaped(LEN("\xc2\x9b"), "\\xc2\\x9b");
	escaped(LEN("\xc2\xa0"), "\xc2\xa0");
}

static void on_terminal(const char *s, size_t n, const char *wanted)
{
	size_t len;
	smol_auto_free char *e = smol_escape_terminal(s, n, &len);

	assert_string_equal(e, wanted);
	assert_int_equal(len, strlen(wanted));
}

static void terminals_get_text_and_colours_only(void **state)
{
	(void)state;
	on_terminal(LEN("a\tb\r\n"), "a\tb\r\n");
	on_terminal(LEN("\x1b[1;31mred\x1b[0m\x1b[m\x1b[38:5:1m"),
	    "\x1b[1;31mred\x1b[0m\x1b[m\x1b[38:5:1m");
	on_terminal(LEN("\x1b[2J"), "^[[2J");
	on_terminal(LEN("\x1b]52;c;aGk=\x07"), "^[]52;c;aGk=^G");
	on_terminal(LEN("\x1bP+q\x1b\\"), "^[P+q^[\\");
	on_terminal(LEN("\x1b[?1m"), "^[[?1m");
	on_terminal(LEN("\xc2\x9b"
			"2J"),
	    "\\xc2\\x9b2J");
	on_terminal(LEN("\0\x7f\xff"), "^@^?\\xff");
	on_terminal(LEN("\x1b["), "^[[");
}

static void base64_goes_there_and_back(void **state)
{
	unsigned char data[256];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	for (size_t n = 0; n <= sizeof(data); n++) {
		smol_auto_free char *text = smol_base64_encode(data, n);
		size_t len;
		smol_auto_free char *back = smol_base64_decode(text, &len);

		assert_non_null(back);
		assert_int_equal(len, n);
		assert_memory_equal(back, data, n);
		assert_int_equal(back[n], 0);
	}
	smol_auto_free char *known = smol_base64_encode("foob", 4);
	assert_string_equal(known, "Zm9vYg==");
}

static void base64_is_strict(void **state)
{
	static const char *const bad[] = {"A", "AA", "AAA", "AAAAA", "====", "A===", "AA=A",
	    "AA==AAAA", "AA A", "AAA\n", "AA-_", "é===",
	    /* left-over bits that are not zero: RFC 4648, 3.5 */
	    "QR==", "QUJ="};
	size_t n;

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		assert_null(smol_base64_decode(bad[i], &n));
}

static void hex_is_written(void **state)
{
	char out[7];

	(void)state;
	smol_hex("\x00\xa5\xff", 3, out);
	assert_string_equal(out, "00a5ff");
}

static void the_nearest_name_is_found(void **state)
{
	static const char *const names[] = {
	    "list", "logs", "create", "restart", "memory", "web", NULL};

	(void)state;
	assert_string_equal(smol_nearest("lsit", names), "list");
	assert_string_equal(smol_nearest("wbe", names), "web");
	assert_string_equal(smol_nearest("memry", names), "memory");
	assert_string_equal(smol_nearest("rest", names), "restart");
	assert_string_equal(smol_nearest("list", names), "list");
	assert_null(smol_nearest("xyzzy", names));
	assert_null(smol_nearest("", names));
	assert_null(smol_nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", names));
}

static void secrets_are_compared(void **state)
{
	(void)state;
	assert_true(smol_equal_secret("abc", "abc"));
	assert_true(smol_equal_secret("", ""));
	assert_false(smol_equal_secret("abc", "abd"));
	assert_false(smol_equal_secret("abc", "ab"));
	assert_false(smol_equal_secret("ab", "abab"));
	assert_false(smol_equal_secret("abab", "ab"));
	assert_false(smol_equal_secret("a", ""));
	assert_false(smol_equal_secret("", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buf_holds_what_was_put),
	    cmocka_unit_test(buf_cuts_lines),
	    cmocka_unit_test(buf_reuses_its_front),
	    cmocka_unit_test(buf_is_taken),
	    cmocka_unit_test(err_is_wrapped_on_the_way_up),
	    cmocka_unit_test(err_may_be_made_of_itself),
	    cmocka_unit_test(err_codes_come_from_errno),
	    cmocka_unit_test(err_moves),
	    cmocka_unit_test(codes_have_one_name_each),
	    cmocka_unit_test(durations_are_parsed),
	    cmocka_unit_test(sizes_are_parsed),
	    cmocka_unit_test(numbers_are_parsed),
	    cmocka_unit_test(sizes_and_times_read_well),
	    cmocka_unit_test(deadlines_pass),
	    cmocka_unit_test(utf8_is_told_from_bytes),
	    cmocka_unit_test(foreign_text_stays_on_its_line),
	    cmocka_unit_test(terminals_get_text_and_colours_only),
	    cmocka_unit_test(base64_goes_there_and_back),
	    cmocka_unit_test(base64_is_strict),
	    cmocka_unit_test(hex_is_written),
	    cmocka_unit_test(the_nearest_name_is_found),
	    cmocka_unit_test(secrets_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
