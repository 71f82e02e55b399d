/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Old and new with each other: the first users' one-shot client, clients of a later version, and
 * our client with agents that are older or newer than itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/auto.h"
#include "proto/request.h"

#define T ",\"token\":\"" TOKEN "\""

struct row {
	const char *request, *answer;
};

/* One connection, one request after the other. */
static void converse(const struct row *rows, size_t n)
{
	smol_auto_close int fd = raw_open(&shared);

	for (size_t i = 0; i < n; i++) {
		raw_say(fd, rows[i].request);
		raw_say(fd, "\n");
		expect_line(fd, rows[i].answer);
	}
}

/* ---- clients that are not ours, with our agent ---- */

/* The form in which this protocol began, word for word: it is to work for ever. */
static void test_first_one_shot_client(void **state)
{
	static const struct row rows[] = {
	    {"{\"op\":\"exec\",\"command\":\"echo out; echo err >&2; exit 3\",\"timeout\":30,"
	     "\"env\":{},\"cwd\":null,\"token\":\"" TOKEN "\"}",
		"\"stdout\":\"out\\n\",\"stdout_truncated\":false,\"stderr\":\"err\\n\","
		"\"stderr_truncated\":false"},
	    {"{\"op\":\"exec\",\"command\":\"exit 3\"" T "}", "{\"ok\":true,\"exit_code\":3,"},
	    {"{\"op\":\"exec\",\"argv\":[\"printf\",\"%s|\",\"a b\",\"\"],\"timeout\":null" T "}",
		"\"stdout\":\"a b||\""},
	    {"{\"op\":\"exec\",\"command\":\"echo $A$PWD\",\"env\":{\"A\":\"1\"},\"cwd\":\"/tmp\"" T
	     "}",
		"\"stdout\":\"1/tmp\\n\""},
	    {"{\"op\":\"exec\",\"command\":\"kill -9 $$\"" T "}", "\"exit_code\":137"},
	    {"{\"op\":\"exec\",\"argv\":[\"/no/such\"]" T "}", "\"code\":\"no_command\""},
	    {"{\"op\":\"health\"}", "{\"ok\":true,\"v\":1,"},
	    {"{\"op\":\"exec\",\"command\":\"true\",\"token\":\"no\"}",
		"\"code\":\"unauthorized\""},
	};

	(void)state;
	converse(rows, SMOL_ARRAY_SIZE(rows));
}

/* A later client finds the version that both know, on one connection. */
static void test_client_of_a_later_version(void **state)
{
	static const struct row rows[] = {
	    {"{\"op\":\"exec\",\"v\":2,\"command\":\"echo no\"" T "}",
		"\"code\":\"unsupported\",\"v\":1}"},
	    {"{\"op\":\"health\",\"v\":2}", "\"code\":\"unsupported\",\"v\":1}"},
	    {"{\"op\":\"health\"}", "{\"ok\":true,\"v\":1,"},
	    {"{\"op\":\"exec\",\"v\":1,\"command\":\"echo yes\"" T "}", "\"stdout\":\"yes\\n\""},
	    {"{\"op\":\"teleport\",\"v\":1" T "}", "\"code\":\"unsupported\",\"v\":1}"},
	    {"{\"op\":\"exec\",\"command\":\"echo still\"" T "}", "\"stdout\":\"still\\n\""},
	};

	(void)state;
	converse(rows, SMOL_ARRAY_SIZE(rows));
}

/* What a later client adds within the version is passed over, by each operation. */
static void test_unknown_members_are_ignored(void **state)
{
#define NEW "\"new\":{\"a\":[1,null]},\"newer\":\"x\"" T "}"
	static const struct row rows[] = {
	    {"{\"op\":\"health\"," NEW, "\"ok\":true"},
	    {"{\"op\":\"system_info\"," NEW, "\"kernel\":"},
	    {"{\"op\":\"exec\",\"argv\":[\"true\"],\"detach\":true," NEW, "{\"ok\":true,\"job\":"},
	    {"{\"op\":\"jobs\"," NEW, "\"jobs\":["},
	    {"{\"op\":\"wait\",\"job\":1,\"timeout\":30," NEW, "\"ok\":true,\"job\":1"},
	    {"{\"op\":\"cancel\",\"job\":1," NEW, "\"job\":1"},
	    {"{\"op\":\"attach\",\"job\":4000000," NEW, "\"code\":\"not_found\""},
	    {"{\"op\":\"get_file\",\"path\":\"/no/such\"," NEW, "\"code\":\"not_found\""},
	    {"{\"op\":\"put_file\",\"path\":\"/no/such/x\"," NEW, "\"code\":\"not_found\""},
	    {"{\"op\":\"connect\",\"path\":\"/no/such\"," NEW, "\"code\":\"refused\""},
	    {"{\"op\":\"accept\",\"id\":77," NEW, "\"code\":\"not_found\""},
	    {"{\"op\":\"listen\",\"port\":0," NEW, "{\"ok\":true,\"port\":"},
	};

	(void)state;
	converse(rows, SMOL_ARRAY_SIZE(rows));
}

/* ---- our client with agents that are not ours ---- */

static struct smol_client *dial_fake(struct fake_agent *f, const char *says, size_t n)
{
	struct smol_client *c;

	fake_agent_start(f, says, n);
	c = smol_client_open(&f->addr, "t", smol_in_ms(WAIT_MS), NULL);
	assert_non_null(c);
	return c;
}

static void test_newer_agent_of_this_version(void **state)
{
	static const char says[] =
	    "OK 1\n{\"new\":[{}],\"ok\":true,\"v\":7,\"agent\":\"9.9\",\"uptime_ms\":1}\n"
	    "{\"ok\":false,\"error\":\"moon is full\",\"code\":\"limit_moon\",\"v\":7}\n";
	struct smol_request health = {.op = SMOL_OP_HEALTH}, exec = {.op = SMOL_OP_EXEC};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = NULL;
	struct fake_agent f;
	struct smol_client *c = dial_fake(&f, says, sizeof(says) - 1);

	(void)state;
	j = smol_client_call(c, &health, smol_in_ms(WAIT_MS), &err);
	assert_string_equal(smol_json_str(j, "agent"), "9.9");
	/* A code of the future is an error like any other. */
	exec.exec.command = "x";
	assert_null(smol_client_call(c, &exec, smol_in_ms(WAIT_MS), &err));
	assert_int_equal(err.code, SMOL_E_INTERNAL);
	assert_string_equal(err.msg, "moon is full");
	smol_client_close(c);
	fake_agent_stop(&f);
}

static int count(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	(void)stream;
	(void)data;
	*(size_t *)ctx += n;
	return 0;
}

static int run(struct smol_client *c, size_t *n, struct smol_exec_result *r, struct smol_err *err)
{
	struct smol_exec_request e = {.command = "x"};
	struct smol_exec_io io = {.stdin_fd = -1, .output = count, .wake_fd = -1, .ctx = n};

	return smol_client_exec(c, &e, &io, r, err);
}

/* Members of the future in the reply and in the result; one that is no exit code is none. */
static void test_stream_of_a_newer_agent(void **state)
{
	static const char exit[] = "{\"exit_code\":4,\"duration_ms\":1,\"joules\":3,"
				   "\"limit\":\"limit_moon\"}";
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf b = {0};
	struct smol_exec_result r = {0};
	struct smol_client *c;
	struct fake_agent f;
	size_t n = 0;

	(void)state;
	smol_buf_puts(&b, "OK 1\n{\"ok\":true,\"job\":1,\"node\":\"x\",\"pid\":2}\n");
	append_frame(&b, SMOL_FRAME_STDOUT, 0, "abc", 3);
	append_frame(&b, SMOL_FRAME_EXIT, 0, exit, sizeof(exit) - 1);
	c = dial_fake(&f, smol_buf_head(&b), smol_buf_len(&b));
	assert_int_equal(run(c, &n, &r, &err), 0);
	assert_int_equal(r.exit_code, 4);
	assert_int_equal(n, 3);
	smol_client_close(c);
	fake_agent_stop(&f);
}

/* A frame of the future would be output lost: the client gives up, and never says success. */
static void test_frame_of_a_newer_agent(void **state)
{
	static const char exit[] = "{\"exit_code\":0,\"duration_ms\":1}";
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf b = {0};
	struct smol_exec_result r = {0};
	struct smol_client *c;
	struct fake_agent f;
	size_t n = 0;

	(void)state;
	smol_buf_puts(&b, "OK 1\n{\"ok\":true,\"job\":1,\"pid\":2}\n");
	append_frame(&b, 99, 0, "abc", 3);
	append_frame(&b, SMOL_FRAME_EXIT, 0, exit, sizeof(exit) - 1);
	c = dial_fake(&f, smol_buf_head(&b), smol_buf_len(&b));
	assert_int_equal(run(c, &n, &r, &err), -1);
	assert_int_equal(err.code, SMOL_E_PROTOCOL);
	smol_client_close(c);
	fake_agent_stop(&f);
}

/* What a request comes to when the agent refuses it with this line. */
static void refused_with(const char *line, const char *words)
{
	struct smol_request q = {.op = SMOL_OP_JOBS};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *says = smol_asprintf("OK 1\n%s\n", line);
	struct fake_agent f;
	struct smol_client *c = dial_fake(&f, says, strlen(says));

	assert_null(smol_client_call(c, &q, smol_in_ms(WAIT_MS), &err));
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	if (!strstr(err.msg, words))
		fail_msg("'%s' does not hold '%s'", err.msg, words);
	smol_client_close(c);
	fake_agent_stop(&f);
}

static void test_agent_of_another_version(void **state)
{
	(void)state;
	refused_with("{\"ok\":false,\"error\":\"unknown op\",\"code\":\"unsupported\"}",
	    "agent is older than this smolsh: unknown op");
	refused_with("{\"ok\":false,\"error\":\"unknown op\",\"code\":\"unsupported\",\"v\":1}",
	    "agent is older than this smolsh: unknown op");
	refused_with("{\"ok\":false,\"error\":\"only 2 to 3\",\"code\":\"unsupported\",\"v\":3}",
	    "agent is newer than this smolsh: only 2 to 3");
}

/* An agent from before there were jobs. */
static void test_agent_without_jobs(void **state)
{
	static const char says[] = "OK 1\n{\"ok\":true,\"exit_code\":0,\"duration_ms\":1}\n";
	struct smol_exec_request e = {.command = "x"};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct fake_agent f;
	struct smol_client *c = dial_fake(&f, says, sizeof(says) - 1);
	int64_t job = 0;

	(void)state;
	assert_int_equal(smol_client_start(c, &e, &job, &err), -1);
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "knows no detached jobs"));
	smol_client_close(c);
	fake_agent_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_one_shot_client),
	    cmocka_unit_test(test_client_of_a_later_version),
	    cmocka_unit_test(test_unknown_members_are_ignored),
	    cmocka_unit_test(test_newer_agent_of_this_version),
	    cmocka_unit_test(test_stream_of_a_newer_agent),
	    cmocka_unit_test(test_frame_of_a_newer_agent),
	    cmocka_unit_test(test_agent_of_another_version),
	    cmocka_unit_test(test_agent_without_jobs),
	};

	return cmocka_run_group_tests(tests, smol_fixture_setup, smol_fixture_teardown);
}
