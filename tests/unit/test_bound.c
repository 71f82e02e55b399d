/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose a socket in the file system is, and who may take it away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/bound.h"
#include "base/buf.h"
#include "base/io.h"

static char dir[] = "/tmp/smolsh-test-XXXXXX";
static char *path;

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	path = smol_asprintf("%s/sock", dir);
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(path);
	return smol_rmdir_r(dir, NULL);
}

static int there(void)
{
	return access(path, F_OK) == 0;
}

/* A child of ours binds it, and is gone. Its descriptor where it is to stay. */
static int bind_there(bool stay)
{
	struct sockaddr_un sa;
	smol_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(smol_bound_address(path, &sa, NULL), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return stay ? smol_steal_fd(&fd) : -1;
}

static void test_clear_stale(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *link = smol_asprintf("%s/link", dir);
	char name[256];
	int fd;

	(void)state;
	assert_int_equal(smol_bound_clear_stale(path, &err), 0);
	bind_there(false);
	/* A link is not the socket that it leads to. */
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(smol_bound_clear_stale(link, &err), -1);
	assert_int_equal(err.code, SMOL_E_EXISTS);
	assert_int_equal(smol_bound_clear_stale(path, &err), 0);
	assert_false(there());
	fd = bind_there(true);
	assert_int_equal(smol_bound_clear_stale(path, &err), -1);
	assert_int_equal(err.code, SMOL_E_EXISTS);
	assert_non_null(strstr(err.msg, "in use"));
	assert_true(there());
	close(fd);
	assert_int_equal(smol_bound_clear_stale(path, NULL), 0);
	assert_int_equal(smol_file_write(path, "x", 1, 0600, NULL), 0);
	assert_int_equal(smol_bound_clear_stale(path, &err), -1);
	assert_non_null(strstr(err.msg, "not a socket of ours"));
	assert_true(there());
	unlink(path);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(smol_bound_clear_stale(name, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
}

/* What was adopted goes, somebody else's that came in its place does not. */
static void test_adopt(void **state)
{
	struct smol_bound b = {.fd = -1};
	int fd;

	(void)state;
	smol_bound_adopt(&b, path);
	assert_null(b.path);
	fd = bind_there(true);
	smol_bound_adopt(&b, path);
	assert_string_equal(b.path, path);
	smol_bound_close(&b);
	assert_false(there());
	close(fd);
	bind_there(false);
	smol_bound_adopt(&b, path);
	unlink(path);
	assert_int_equal(smol_file_write(path, "x", 1, 0600, NULL), 0);
	smol_bound_close(&b);
	assert_true(there());
}

/* Nobody else's, whatever the umask; and it goes only while it is the one that was made. */
static void test_listen(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	mode_t mask = umask(0);
	struct smol_bound b, second;
	struct stat st;
	int fd;

	(void)state;
	unlink(path);
	assert_int_equal(smol_bound_listen(&b, path, &err), 0);
	assert_int_equal(umask(mask), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(smol_bound_listen(&second, path, &err), -1);
	assert_int_equal(err.code, SMOL_E_EXISTS);
	fd = smol_bound_connect(&b, NULL);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	fd = bind_there(true);
	smol_bound_close(&b);
	assert_true(there());
	close(fd);
	/* what a dead process left is replaced */
	assert_int_equal(smol_bound_listen(&b, path, NULL), 0);
	smol_bound_close(&b);
	assert_false(there());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clear_stale),
	    cmocka_unit_test(test_adopt),
	    cmocka_unit_test(test_listen),
	};

	return cmocka_run_group_tests_name("bound", tests, begin, end);
}
