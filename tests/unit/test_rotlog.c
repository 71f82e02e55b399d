/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logs of bounded size, on disks that are full and in directories that are gone. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "monitor/rotlog.h"

static char dir[64], path[80], older[84];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/smolsh-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(older, sizeof(older), "%s.1", path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return smol_rmdir_r(dir, NULL);
}

static void open_log(struct smol_rotlog *l, off_t max)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	*l = (struct smol_rotlog){.fd = -1};
	if (smol_rotlog_open(l, path, max, &err) < 0)
		fail_msg("%s", err.msg);
}

static void put(struct smol_rotlog *l, const char *text)
{
	smol_rotlog_write(l, text, strlen(text));
}

static void holds(const char *file, const char *want)
{
	smol_auto_buf struct smol_buf b = {0};

	assert_int_equal(smol_file_read(file, 1 << 20, &b, NULL), 0);
	assert_string_equal(smol_buf_str(&b), want);
}

static void limit_files(rlim_t bytes)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void test_rotates(void **state)
{
	struct smol_rotlog l;
	struct stat st;

	(void)state;
	open_log(&l, 8);
	put(&l, "123456");
	put(&l, "78");
	holds(path, "12345678");
	put(&l, "9");
	holds(older, "12345678");
	holds(path, "9");
	/* One write that is longer than a log may be stays whole, and alone. */
	put(&l, "0123456789ab");
	holds(older, "9");
	holds(path, "0123456789ab");
	put(&l, "c");
	holds(older, "0123456789ab");
	smol_rotlog_close(&l);
	/* What is there counts. */
	open_log(&l, 8);
	put(&l, "12345678");
	holds(older, "c");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	smol_rotlog_close(&l);
}

/* The disk is full, and later it is not: only what came meanwhile is lost. */
static void test_full_disk(void **state)
{
	struct smol_rotlog l;

	(void)state;
	open_log(&l, 16);
	limit_files(4);
	put(&l, "123456");
	put(&l, "lost");
	limit_files(RLIM_INFINITY);
	holds(path, "1234");
	assert_int_equal(l.size, 4);
	put(&l, "56789abcdef0");
	holds(path, "123456789abcdef0");
	put(&l, "1");
	holds(older, "123456789abcdef0");
	smol_rotlog_close(&l);
}

/* No new file can be made at the moment of the rotation (here: no descriptor is left). */
static void test_rotation_fails_once(void **state)
{
	struct smol_rotlog l;
	struct rlimit r, none;

	(void)state;
	open_log(&l, 8);
	put(&l, "12345678");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	none = r;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	put(&l, "lost");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	put(&l, "kept");
	holds(older, "12345678");
	holds(path, "kept");
	smol_rotlog_close(&l);
}

/* It cannot be renamed: it stays bounded all the same. */
static void test_no_rename(void **state)
{
	struct smol_rotlog l;
	char below[96];

	(void)state;
	open_log(&l, 8);
	put(&l, "12345678");
	assert_int_equal(mkdir(older, 0700), 0);
	snprintf(below, sizeof(below), "%s/x", older);
	assert_int_equal(mkdir(below, 0700), 0);
	put(&l, "90");
	holds(path, "90");
	smol_rotlog_close(&l);
	/* The whole directory goes away. */
	open_log(&l, 8);
	assert_int_equal(smol_rmdir_r(dir, NULL), 0);
	for (int i = 0; i < 8; i++)
		put(&l, "12345");
	assert_true(l.size <= 8);
	smol_rotlog_close(&l);
}

/* Something else lies where the log belongs: neither followed, nor waited for. */
static void test_tricks(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_rotlog l = {.fd = -1};
	char target[96];

	(void)state;
	snprintf(target, sizeof(target), "%s/target", dir);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(smol_rotlog_open(&l, path, 8, &err), -1);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(smol_rotlog_open(&l, path, 8, &err), -1);
	/* Even where it would open. */
	smol_auto_close int reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	assert_int_equal(smol_rotlog_open(&l, path, 8, &err), -1);
	assert_int_equal(l.fd, -1);
	put(&l, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_rotates, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rotation_fails_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_rename, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_tricks, setup, teardown),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("rotlog", tests, NULL, NULL);
}
