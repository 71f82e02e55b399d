/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pane's output in a file: what of it is text. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/io.h"
#include "ui/pane/tap.h"

static char dir[] = "/tmp/smolsh-tap-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/out", dir);
	return 0;
}

static int remove_dir(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	return smol_rmdir_r(dir, &err);
}

/* All in one piece and byte by byte, the file has the same. */
static void expect(const char *bytes, const char *text)
{
	for (int piecewise = 0; piecewise < 2; piecewise++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		smol_auto_buf struct smol_buf b = {0};
		struct smol_tap *t = smol_tap_open(path, &err);
		size_t n = strlen(bytes);

		assert_non_null(t);
		for (size_t i = 0; i < (piecewise ? n : 1); i++)
			assert_int_equal(smol_tap_feed(t, bytes + i, piecewise ? 1 : n, &err), 0);
		assert_int_equal(smol_tap_end_line(t, &err), 0);
		smol_tap_close(t);
		assert_int_equal(smol_file_read(path, 1 << 20, &b, &err), 0);
		assert_string_equal(smol_buf_str(&b), text);
		unlink(path);
	}
}

static void test_lines_of_text(void **state)
{
	(void)state;
	expect("one\r\ntwo\n\nfour", "one\ntwo\n\nfour\n");
	/* As the line looks in the end. */
	expect("10%\r 50%\r100%\r\n", "100%\n");
	expect("abx\bc\xc3\xa4\b!\n", "abc!\n");
	expect("a\tb\x01\x7f\n", "a\tb\n");
}

static void test_nothing_controls_a_terminal(void **state)
{
	(void)state;
	expect("\033[1;31mred\033[m \033(Bx\033]0;title\007y\033]52;c;aGk=\033\\z\n", "red xyz\n");
	expect("a\033Pq#0\033\\b\033_x\033\\c\033^x\033\\d\033cf\n", "abcdf\n");
	expect("a\xc2\x9b"
	       "b\xff"
	       "c\n",
	    "ab\xef\xbf\xbd"
	    "c\n");
	/* What is broken off goes no further than its line. */
	expect("\033]0;x\030y\033[12\033[1mz\n", "yz\n");
	expect("a\033", "a\n");
}

static void test_full_screen_programs_are_left_out(void **state)
{
	(void)state;
	expect("before\r\n\033[?1049h\033[Htop\r\nrows\033[?1049lafter\n", "before\nafter\n");
}

static void test_it_appends_to_plain_files(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf b = {0};
	struct smol_tap *t;
	struct stat st;

	(void)state;
	for (int i = 0; i < 2; i++) {
		t = smol_tap_open(path, &err);
		assert_non_null(t);
		assert_int_equal(smol_tap_feed(t, "x\n", 2, &err), 0);
		smol_tap_close(t);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(smol_file_read(path, 1 << 20, &b, &err), 0);
	assert_string_equal(smol_buf_str(&b), "x\nx\n");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(smol_tap_open(path, &err));
	assert_non_null(strstr(err.msg, "no plain file"));
	unlink(path);
	assert_null(smol_tap_open("/dev/null", &err));
}

static void test_a_full_disk_is_said(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_tap *t;

	(void)state;
	t = smol_tap_open(path, &err);
	assert_non_null(t);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){2, RLIM_INFINITY}), 0);
	assert_int_equal(smol_tap_feed(t, "some\n", 5, &err), -1);
	assert_int_equal(
	    setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
	assert_non_null(strstr(err.msg, path));
	smol_tap_close(t);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines_of_text),
	    cmocka_unit_test(test_nothing_controls_a_terminal),
	    cmocka_unit_test(test_full_screen_programs_are_left_out),
	    cmocka_unit_test(test_it_appends_to_plain_files),
	    cmocka_unit_test(test_a_full_disk_is_said),
	};

	return cmocka_run_group_tests_name("tap", tests, make_dir, remove_dir);
}
