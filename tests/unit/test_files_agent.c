/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files through an agent outside a VM, and the client against agents that do one thing wrong. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/auto.h"
#include "base/io.h"
#include "base/spawn.h"
#include "vsock/files.h"

static const struct smol_files_io quiet = {.wake_fd = -1, .source_fd = -1};

/* malloc'd: a name in this group's directory. */
static char *at(const char *name)
{
	return smol_asprintf("%s/%s", smol_fixture_dir, name);
}

static void make(const char *name, const char *text)
{
	smol_auto_free char *path = at(name);

	assert_int_equal(smol_file_write(path, text, strlen(text), 0644, NULL), 0);
}

static void holds(const char *name, const char *text)
{
	smol_auto_free char *path = at(name);
	smol_auto_buf struct smol_buf b = {0};

	assert_int_equal(smol_file_read(path, 1 << 24, &b, NULL), 0);
	assert_string_equal(smol_buf_str(&b), text);
}

static bool there(const char *name)
{
	smol_auto_free char *path = at(name);

	return access(path, F_OK) == 0;
}

static int put(struct smol_client *c, const char *from, const char *to, struct smol_err *err)
{
	smol_auto_free char *src = at(from), *dst = at(to);
	smol_auto_files_sender struct smol_files_sender *s =
	    smol_files_sender_open(src, true, 0, err);
	struct smol_files_request q = {.path = dst};
	struct smol_file_counts n;

	return s ? smol_client_put(c, &q, s, &quiet, &n, err) : -1;
}

static int get(struct smol_client *c, const char *from, const char *to, struct smol_err *err)
{
	smol_auto_free char *src = at(from), *dst = at(to);
	struct smol_files_target t = {.path = dst, .modes = 0777};
	smol_auto_files_receiver struct smol_files_receiver *r = smol_files_receiver_open(&t, err);
	struct smol_files_request q = {.path = src, .recursive = true};
	struct smol_file_counts n;

	return r ? smol_client_get(c, &q, r, &quiet, &n, err) : -1;
}

static void test_both_ways_on_one_connection(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	make("one", "text");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(put(c, "one", "two", &err), 0);
		assert_int_equal(get(c, "two", "three", &err), 0);
		holds("three", "text");
	}
	/* What the agent refuses leaves the connection as it was. */
	assert_int_equal(get(c, "nothing", "four", &err), -1);
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	assert_false(there("four"));
	assert_int_equal(get(c, "two", "four", &err), 0);
	holds("four", "text");
}

static void test_two_thousand_small_files(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *dir = at("many");
	char name[64], text[16];

	(void)state;
	assert_int_equal(mkdir(dir, 0755), 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		snprintf(text, sizeof(text), "%d", i);
		make(name, text);
	}
	if (put(c, "many", "there", &err) < 0 || get(c, "there", "back", &err) < 0)
		fail_msg("%s", err.msg);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "back/%d", i);
		snprintf(text, sizeof(text), "%d", i);
		holds(name, text);
	}
}

static void test_from_one_agent_to_another(void **state)
{
	smol_auto_client struct smol_client *a = agent_dial(&shared), *b = NULL;
	smol_auto_free char *from = at("src"), *to = at("dst");
	struct smol_files_request get_q = {.path = from, .recursive = true}, put_q = {.path = to};
	smol_auto_free char *big = smol_alloc(2000001);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_file_counts n;
	struct agent other = {.pid = 0};

	(void)state;
	agent_start(&other, "other", TOKEN, NULL, NULL);
	b = agent_dial(&other);
	assert_int_equal(mkdir(from, 0755), 0);
	memset(big, 'x', 2000000);
	make("src/big", big);
	make("src/small", "s");
	if (smol_client_pass(a, &get_q, b, &put_q, &quiet, &n, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(n.files, 2);
	assert_int_equal(n.bytes, 2000001);
	holds("dst/big", big);
	smol_client_close(b);
	b = NULL;
	agent_stop(&other);
}

static void test_limit_of_the_agent(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct agent a = {.pid = 0};
	struct smol_client *c;

	(void)state;
	agent_start(&a, "limited", TOKEN, "--limit-file-bytes", "3");
	make("large", "abcd");
	make("fits", "abc");
	c = agent_dial(&a);
	assert_int_equal(put(c, "large", "arrived", &err), -1);
	assert_int_equal(err.code, SMOL_E_LIMIT_FILE);
	assert_false(there("arrived"));
	smol_client_close(c);
	c = agent_dial(&a);
	assert_int_equal(get(c, "large", "arrived", &err), -1);
	assert_int_equal(err.code, SMOL_E_LIMIT_FILE);
	assert_false(there("arrived"));
	smol_client_close(c);
	c = agent_dial(&a);
	assert_int_equal(put(c, "fits", "arrived", &err), 0);
	smol_client_close(c);
	agent_stop(&a);
}

static void test_user_of_the_policy(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *open = NULL, *shut = NULL, *file = NULL;
	struct agent a = {.pid = 0};
	struct smol_client *c;
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip(); /* it takes root to be somebody else; it jumps, and nothing is freed */
	open = at("open");
	shut = at("shut");
	file = at("open/f");
	agent_start(&a, "user", TOKEN, "--limit-user", "1234:55");
	assert_int_equal(chmod(smol_fixture_dir, 0755), 0);
	assert_int_equal(mkdir(open, 0755) || chown(open, 1234, 55) || mkdir(shut, 0755), 0);
	make("text", "t");
	make("private", "p");
	c = agent_dial(&a);
	if (put(c, "text", "open/f", &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 55);
	assert_int_equal(put(c, "text", "shut/f", &err), -1);
	assert_int_equal(err.code, SMOL_E_PERMISSION);
	smol_client_close(c);
	c = agent_dial(&a);
	{
		smol_auto_free char *private = at("private");

		assert_int_equal(chmod(private, 0600), 0);
	}
	assert_int_equal(get(c, "private", "got", &err), -1);
	assert_int_equal(err.code, SMOL_E_PERMISSION);
	assert_int_equal(get(c, "text", "got", &err), 0);
	smol_client_close(c);
	agent_stop(&a);
}

static void test_token_is_needed(void **state)
{
	smol_auto_close int fd = raw_open(&shared);

	(void)state;
	raw_say(fd, "{\"op\":\"get_file\",\"path\":\"/etc/hostname\"}\n");
	expect_line(fd, "\"code\":\"unauthorized\"");
	raw_say(fd, "{\"op\":\"put_file\",\"path\":\"/tmp/x\",\"token\":\"x\"}\n");
	expect_line(fd, "\"code\":\"unauthorized\"");
	raw_say(fd, "{\"op\":\"put_file\",\"token\":\"" TOKEN "\"}\n");
	expect_line(fd, "\"code\":\"invalid\"");
}

static int nothing_in(const char *name)
{
	smol_auto_free char *path = at(name);

	return rmdir(path); /* only an empty one can be removed */
}

/* A client that goes in the middle: what it had sent of the file is gone, too. */
static void test_client_that_goes(void **state)
{
	smol_auto_free char *dir = at("gone");
	smol_auto_free char *line =
	    smol_asprintf("{\"op\":\"put_file\",\"path\":\"%s/f\",\"token\":\"" TOKEN "\"}\n", dir);
	struct smol_file_entry e = {.kind = SMOL_FILE_PLAIN, .mode = 0644, .size = 10};
	smol_auto_buf struct smol_buf b = {0};
	int fd = raw_open(&shared), other;

	(void)state;
	assert_int_equal(mkdir(dir, 0755), 0);
	raw_say(fd, line);
	expect_line(fd, "\"ok\":true");
	smol_file_entry_encode(&e, &b);
	append_frame(&b, SMOL_FRAME_DATA, 0, "abc", 3);
	assert_int_equal(send(fd, smol_buf_head(&b), smol_buf_len(&b), 0), smol_buf_len(&b));
	close(fd);
	/* Its end is taken before what comes behind it. */
	other = raw_open(&shared);
	raw_say(other, "{\"op\":\"health\"}\n");
	expect_line(other, "\"ok\":true");
	close(other);
	assert_int_equal(nothing_in("gone"), 0);
}

static void test_bad_frame_into_the_agent(void **state)
{
	smol_auto_free char *line =
	    smol_asprintf("{\"op\":\"put_file\",\"path\":\"%s/bad\",\"token\":\"" TOKEN "\"}\n",
		smol_fixture_dir);
	struct smol_file_entry e = {.kind = SMOL_FILE_PLAIN, .depth = 1, .name = ".."};
	smol_auto_buf struct smol_buf b = {0};
	smol_auto_close int fd = raw_open(&shared);
	char payload[4096];

	(void)state;
	raw_say(fd, line);
	expect_line(fd, "\"ok\":true");
	smol_file_entry_encode(&e, &b);
	assert_int_equal(send(fd, smol_buf_head(&b), smol_buf_len(&b), 0), smol_buf_len(&b));
	assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_ERROR);
	assert_non_null(strstr(payload, "\"code\":\"protocol\""));
	assert_false(there("bad"));
}

/* ---- agents that do one thing wrong ---- */

/* What comes of getting files from an agent that says this. */
static void get_from(const struct smol_buf *says, enum smol_code code, const char *words)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct fake_agent f;
	struct smol_client *c;

	fake_agent_start(&f, smol_buf_head(says), smol_buf_len(says));
	c = smol_client_open(&f.addr, "t", smol_in_ms(WAIT_MS), NULL);
	assert_int_equal(get(c, "x", "wanted", &err), -1);
	smol_client_close(c);
	fake_agent_stop(&f);
	if (err.code != code || !strstr(err.msg, words))
		fail_msg("%s: '%s'", smol_code_name(err.code), err.msg);
}

static void test_hostile_agents(void **state)
{
	static const char ok[] = "OK 1\n{\"ok\":true}\n";
	static const char why[] = "{\"ok\":false,\"code\":\"io\",\"error\":\"no\\u001bdisk\"}";
	struct smol_file_entry root = {.kind = SMOL_FILE_DIRECTORY, .mode = 0755};
	struct smol_file_entry file = {.kind = SMOL_FILE_PLAIN, .mode = 0644, .size = 5};
	struct smol_file_entry up = {.kind = SMOL_FILE_PLAIN, .depth = 1, .name = ".."};
	smol_auto_buf struct smol_buf b = {0};

	(void)state;
	smol_buf_puts(&b, ok);
	get_from(&b, SMOL_E_RESET, "the connection ended before");
	smol_file_entry_encode(&file, &b);
	append_frame(&b, SMOL_FRAME_DATA, 0, "abc", 3);
	get_from(&b, SMOL_E_RESET, "the connection ended before");
	append_frame(&b, SMOL_FRAME_ERROR, 0, why, sizeof(why) - 1);
	get_from(&b, SMOL_E_IO, "no\\x1bdisk");
	smol_buf_clear(&b);
	smol_buf_puts(&b, ok);
	smol_buf_append(&b, "\15\0\0\0\377\377\377\377\0\0\0\0\0\0\0\0", 16);
	get_from(&b, SMOL_E_PROTOCOL, "frame type 13");
	assert_false(there("wanted"));
	smol_buf_clear(&b);
	smol_buf_puts(&b, ok);
	smol_file_entry_encode(&root, &b);
	smol_file_entry_encode(&up, &b);
	get_from(&b, SMOL_E_PROTOCOL, "the name '..'");
	assert_int_equal(nothing_in("wanted"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_ways_on_one_connection),
	    cmocka_unit_test(test_two_thousand_small_files),
	    cmocka_unit_test(test_from_one_agent_to_another),
	    cmocka_unit_test(test_limit_of_the_agent),
	    cmocka_unit_test(test_user_of_the_policy),
	    cmocka_unit_test(test_token_is_needed),
	    cmocka_unit_test(test_client_that_goes),
	    cmocka_unit_test(test_bad_frame_into_the_agent),
	    cmocka_unit_test(test_hostile_agents),
	};

	return cmocka_run_group_tests(tests, smol_fixture_setup, smol_fixture_teardown);
}
