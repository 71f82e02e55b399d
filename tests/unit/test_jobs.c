/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs: started, left, found again, ended; limits and policy. The client speaks to a real agent. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "session.h"
#include "vsock/client.h"

/* ---- starting, listing, ending ---- */

static void test_detached_job(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	smol_auto_json cJSON *owner = NULL;
	int64_t job = start_on(c, "echo hello; exit 3");
	auto_heard h = {0};
	const cJSON *v;
	int64_t n = 0;

	(void)state;
	expect_end(c, job, "exited", 3);
	v = listed(c, job, &owner);
	assert_string_equal(smol_json_str(v, "command"), "echo hello; exit 3");
	assert_string_equal(smol_json_str(v, "state"), "exited");
	assert_int_equal(smol_json_int(v, "output_bytes", 0, 100, &n), 1);
	assert_int_equal(n, 6);
	attach_on(c, job, NULL, &h);
	assert_int_equal(h.rc, 0);
	assert_string_equal(smol_buf_str(&h.out), "hello\n");
	assert_int_equal(h.result.exit_code, 3);
	assert_int_equal(h.gap, 0);
}

static void test_ids_go_up(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	int64_t first = start_on(c, "true");
	auto_heard h = {0};

	(void)state;
	exec_sh(c, "true", &h);
	assert_int_equal(h.job, first + 1);
	assert_int_equal(start_on(c, "true"), first + 2);
}

static void test_cancel(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	int64_t job = start_on(c, "sleep 1000 & sleep 1000");
	smol_auto_json cJSON *j = ask(c, SMOL_OP_CANCEL, &(struct smol_job_request){.job = job});

	(void)state;
	assert_string_equal(smol_json_str(j, "state"), "cancelled");
	expect_end(c, job, "cancelled", 128 + SIGTERM);
}

static void test_cancel_of_what_ignores_it(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	auto_heard h = {.until = "up", .act = detach};
	smol_auto_json cJSON *j = NULL;

	(void)state;
	exec_sh(c, "trap '' TERM INT; echo up; while :; do sleep 0.1; done", &h);
	j = ask(c, SMOL_OP_CANCEL, &(struct smol_job_request){.job = h.job, .signal = SIGINT});
	assert_string_equal(smol_json_str(j, "state"), "cancelled");
	expect_end(c, h.job, "cancelled", 128 + SIGKILL);
}

static void test_states(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	struct smol_exec_request e = {.command = "sleep 1000", .timeout_ms = 100};
	int64_t job = 0;

	(void)state;
	expect_end(c, start_on(c, "kill -SEGV $$"), "signalled", 128 + SIGSEGV);
	assert_int_equal(smol_client_start(c, &e, &job, NULL), 0);
	expect_end(c, job, "timed_out", 124);
}

static void test_wait_is_bounded(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	struct smol_job_request q = {.job = start_on(c, "sleep 1000"), .timeout_ms = 50};

	(void)state;
	expect_ask(c, SMOL_OP_WAIT, &q, SMOL_E_DEADLINE);
	/* The connection is as good as before. */
	cJSON_Delete(ask(c, SMOL_OP_CANCEL, &q));
}

static void test_no_such_job(void **state)
{
	static const enum smol_op ops[] = {SMOL_OP_ATTACH, SMOL_OP_CANCEL, SMOL_OP_WAIT};
	smol_auto_client struct smol_client *c = agent_dial(&shared);

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(ops); i++)
		expect_ask(
		    c, ops[i], &(struct smol_job_request){.job = 1LL << 40}, SMOL_E_NOT_FOUND);
}

static void test_the_oldest_are_forgotten(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	int64_t first = start_on(c, "true");
	smol_auto_json cJSON *owner = NULL;

	(void)state;
	expect_end(c, first, "exited", 0);
	for (int i = 0; i < 65; i++)
		expect_end(c, start_on(c, "true"), "exited", 0);
	assert_null(listed(c, first, &owner));
	assert_true(cJSON_GetArraySize(smol_json_get(owner, "jobs")) <= 65);
}

/* ---- leaving and coming back ---- */

static void test_detach_and_attach(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	auto_heard h = {.until = "one", .act = detach};
	auto_heard again = {0};
	uint64_t at;

	(void)state;
	exec_in(c, smol_fixture_dir,
	    "echo one; until [ -e go ]; do sleep 0.02; done; rm go; echo two; exit 4", &h);
	assert_int_equal(h.rc, 1);
	at = smol_client_position(c);
	assert_int_equal(at, 4);
	/* The same connection goes on, with a command that lets the first one go on. */
	{
		auto_heard go = {0};

		exec_in(c, smol_fixture_dir, "touch go", &go);
		assert_int_equal(go.result.exit_code, 0);
	}
	attach_on(c, h.job, &at, &again);
	assert_int_equal(again.rc, 0);
	assert_string_equal(smol_buf_str(&again.out), "two\n");
	assert_int_equal(again.result.exit_code, 4);
}

/* From the middle of a piece, and from beyond the end. */
static void test_attach_from(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	int64_t job = start_on(c, "printf abcdef");
	uint64_t at = 4, beyond = 7;
	auto_heard h = {0};
	auto_heard late = {0};

	(void)state;
	expect_end(c, job, "exited", 0);
	attach_on(c, job, &at, &h);
	assert_string_equal(smol_buf_str(&h.out), "ef");
	attach_on(c, job, &beyond, &late);
	assert_int_equal(late.rc, -1);
	assert_int_equal(late.error.code, SMOL_E_INVALID);
}

/* Much more than a ring holds: its last part is there, and the loss is told exactly. */
static void test_gap_is_said(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	int64_t job = start_on(c, "head -c 5000000 /dev/zero; echo end");
	auto_heard h = {0};
	size_t n;

	(void)state;
	expect_end(c, job, "exited", 0);
	attach_on(c, job, NULL, &h);
	assert_int_equal(h.rc, 0);
	n = smol_buf_len(&h.out);
	assert_int_equal(h.gap + n, 5000004);
	assert_true(h.gap > 0 && n > 256 * 1024 && n <= 1024 * 1024);
	assert_memory_equal(smol_buf_head(&h.out) + n - 4, "end\n", 4);
}

/* What a job that is over is heard to have said. */
static void expect_output(struct smol_client *c, int64_t job, size_t n, size_t gap, int exit_code)
{
	auto_heard h = {0};

	attach_on(c, job, NULL, &h);
	assert_int_equal(h.rc, 0);
	assert_int_equal(smol_buf_len(&h.out), n);
	assert_int_equal(h.gap, gap);
	assert_int_equal(h.result.exit_code, exit_code);
}

/* Of the jobs that are over the oldest output goes first, with a word and never the result; that
 * of the last one stays however much it is, and so do a few lines. */
static void test_old_output_goes(void **state)
{
	static const struct {
		const char *command;
		size_t bytes;
		int exit_code;
	} rows[] = {{"head -c 3000 /dev/zero; exit 2", 3000, 2},
	    {"head -c 500000 /dev/zero; exit 3", 500000, 3},
	    {"head -c 400000 /dev/zero", 400000, 0}, {"head -c 300000 /dev/zero", 300000, 0},
	    {"head -c 700000 /dev/zero; head -c 700000 /dev/zero >&2; exit 4", 1400000, 4}};
	smol_auto_client struct smol_client *c = NULL;
	int64_t jobs[SMOL_ARRAY_SIZE(rows)];
	struct agent a = {.pid = 0};

	(void)state;
	agent_start(&a, "old", TOKEN, NULL, NULL);
	c = agent_dial(&a);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		jobs[i] = start_on(c, rows[i].command);
		cJSON_Delete(ask(c, SMOL_OP_WAIT, &(struct smol_job_request){.job = jobs[i]}));
		/* Too much when the third has come: the first large one goes. */
		expect_output(c, jobs[0], 3000, 0, 2);
		for (size_t k = 1; k <= i; k++) {
			bool gone = k < i && (i == 4 || (i == 3 && k == 1));

			expect_output(c, jobs[k], gone ? 0 : rows[k].bytes,
			    gone ? rows[k].bytes : 0, rows[k].exit_code);
		}
	}
	smol_client_close(smol_steal(&c));
	agent_stop(&a);
}

/* A flood on one stream does not drive out what the other one said before. */
static void test_rings_are_apart(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	auto_heard before = {.until = "why", .act = detach}, go = {0}, h = {0};

	(void)state;
	exec_in(c, smol_fixture_dir,
	    "echo why >&2; until [ -e go ]; do sleep 0.02; done; rm go; head -c 5000000 /dev/zero",
	    &before);
	assert_int_equal(before.rc, 1);
	exec_in(c, smol_fixture_dir, "touch go", &go);
	expect_end(c, before.job, "exited", 0);
	attach_on(c, before.job, NULL, &h);
	assert_int_equal(h.rc, 0);
	assert_memory_equal(smol_buf_head(&h.out), "why\n", 4);
	assert_true(h.gap > 0);
}

static void test_taken_over(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	char payload[4096];
	smol_auto_json cJSON *owner = NULL;
	auto_heard h = {.until = "up", .act = detach};
	int fd, pid;
	const cJSON *v;
	int64_t job = 0;

	(void)state;
	fd = start_raw(&shared, "echo up; sleep 1000", &pid);
	assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_STDOUT);
	owner = ask(c, SMOL_OP_JOBS, &(struct smol_job_request){0});
	cJSON_ArrayForEach (v, smol_json_get(owner, "jobs"))
		smol_json_int(v, "id", 1, INT64_MAX / 2, &job);
	attach_on(c, job, NULL, &h);
	assert_int_equal(h.rc, 1);
	assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_ERROR);
	assert_non_null(strstr(payload, "\"code\":\"state\""));
	/* The one that was there first can ask for something else. */
	raw_say(fd, "{\"op\":\"health\"}\n");
	expect_line(fd, "\"ok\":true");
	close(fd);
	raw_end(pid);
}

#define STDIN_HI  "\1\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0hi\n"
#define STDIN_END "\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* kill -9 of a client: its command goes on, is listed, and can be ended. */
static void test_client_gone(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	smol_auto_json cJSON *owner = NULL;
	char payload[64];
	int64_t job = start_on(c, "true") + 1;
	int pid, fd = start_raw(&shared, "echo up; sleep 0.2; echo more; sleep 1000", &pid);
	bool more = false;

	(void)state;
	assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_STDOUT);
	close(fd);
	while (!more) {
		auto_heard h = {.until = "up", .act = detach};

		attach_on(c, job, NULL, &h);
		assert_int_equal(h.rc, 1);
		more = strstr(smol_buf_str(&h.out), "more") != NULL;
	}
	assert_string_equal(smol_json_str(listed(c, job, &owner), "state"), "running");
	cJSON_Delete(ask(c, SMOL_OP_CANCEL, &(struct smol_job_request){.job = job}));
	assert_ends(pid);
}

/* Is it told that the job's input was cut off behind so many bytes? -1: it is not. */
static void expect_cut(struct smol_client *c, int64_t job, int64_t bytes)
{
	smol_auto_json cJSON *j = ask(c, SMOL_OP_WAIT, &(struct smol_job_request){.job = job});
	smol_auto_json cJSON *owner = NULL;
	auto_heard h = {0};
	int64_t at_end = -1, in_list = -1;

	smol_json_int(j, "input_cut", 0, INT64_MAX / 2, &at_end);
	smol_json_int(listed(c, job, &owner), "input_cut", 0, INT64_MAX / 2, &in_list);
	attach_on(c, job, NULL, &h);
	assert_int_equal(h.rc, 0);
	assert_int_equal(h.result.input_cut, bytes >= 0);
	assert_int_equal(h.result.input_bytes, bytes >= 0 ? bytes : 0);
	assert_int_equal(at_end, bytes);
	assert_int_equal(in_list, bytes);
}

/* Input that nobody will complete has ended, and it is known that it was not all. */
static void test_client_gone_ends_its_input(void **state)
{
	static const struct {
		const char *members, *command, *frames;
		size_t n;
		int64_t cut;
	} rows[] = {
	    {"\"stdin\":true", "cat; exit 9", "", 0, 0},
	    {"\"stdin\":true", "cat; exit 9", STDIN_HI, sizeof(STDIN_HI) - 1, 3},
	    /* All has come. */
	    {"\"stdin\":true", "cat; exit 9", STDIN_HI STDIN_END, sizeof(STDIN_HI STDIN_END) - 1,
		-1},
	    /* None was to come, or none is taken any more. */
	    {"\"stdin\":false", "sleep 0.1; exit 9", "", 0, -1},
	    {"\"stdin\":true", "read x; exit 9", STDIN_HI, sizeof(STDIN_HI) - 1, -1},
	};
	smol_auto_client struct smol_client *c = agent_dial(&shared);

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		int64_t job = start_on(c, "true") + 1;
		int fd = raw_open(&shared);
		smol_auto_free char *request = smol_asprintf(
		    "{\"op\":\"exec\",\"stream\":true,%s,\"command\":\"%s\",\"token\":\"" TOKEN
		    "\"}\n",
		    rows[i].members, rows[i].command);

		raw_say(fd, request);
		expect_line(fd, "\"ok\":true");
		assert_int_equal(write(fd, rows[i].frames, rows[i].n), rows[i].n);
		/* What has ended by itself has lost nothing. */
		if (strstr(rows[i].command, "read"))
			expect_end(c, job, "exited", 9);
		close(fd);
		expect_end(c, job, "exited", 9);
		expect_cut(c, job, rows[i].cut);
	}
}

static int refuse_output(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	(void)ctx;
	(void)stream;
	(void)data;
	(void)n;
	errno = EPIPE;
	return -1;
}

/* `smolsh exec web -- yes | head -1`: the endless writer ends as it would at a pipe. */
static void test_nobody_takes_the_output(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared), *other = agent_dial(&shared);
	int64_t job = start_on(other, "true") + 1;
	struct smol_exec_request e = {.command = "exec cat /dev/zero"};
	auto_heard h = {0};
	struct smol_exec_io io = io_of(&h, -1);

	(void)state;
	io.output = refuse_output;
	assert_int_equal(smol_client_exec(c, &e, &io, &h.result, &h.error), -1);
	assert_int_equal(h.error.code, SMOL_E_IO);
	expect_end(other, job, "signalled", 128 + SIGPIPE);
}

/* Whoever goes in the midst of a bulk transfer leaves a whole stream to who comes. */
static void test_attach_in_the_midst_of_bulk(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	auto_heard h = {.until = "0\n", .act = detach};
	auto_heard rest = {0};
	uint64_t at;

	(void)state;
	exec_sh(c, "seq 0 400000; echo end", &h);
	assert_int_equal(h.rc, 1);
	at = smol_client_position(c);
	assert_int_equal(at, smol_buf_len(&h.out));
	attach_on(c, h.job, &at, &rest);
	assert_int_equal(rest.rc, 0);
	assert_int_equal(at + rest.gap + smol_buf_len(&rest.out), 2688897 + 4);
}

static void test_stdin_goes_on(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	struct smol_exec_request e = {.command = "echo up; cat"};
	struct smol_job_request q = {0};
	auto_heard h = {.until = "up", .act = detach};
	auto_heard again = {0};
	struct smol_exec_io io;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	exec_on(c, &e, p[0], &h);
	assert_int_equal(h.rc, 1);
	assert_int_equal(write(p[1], "later\n", 6), 6);
	close(p[1]);
	q.job = h.job;
	io = io_of(&again, p[0]);
	assert_int_equal(smol_client_attach(c, &q, &io, &again.result, &again.error), 0);
	close(p[0]);
	assert_string_equal(smol_buf_str(&again.out), "up\nlater\n");
	assert_false(again.result.input_cut);
}

static void end_it(struct smol_client *c)
{
	assert_int_equal(smol_client_send_signal(c, SIGKILL), 0);
}

/* Input that has ended has ended for whoever comes later, too: theirs goes nowhere. */
static void test_stdin_that_has_ended(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	struct smol_exec_request e = {.command = "cat; echo over; exec sleep 1000"};
	smol_auto_close int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct smol_job_request q = {0};
	auto_heard h = {.until = "over", .act = detach};
	auto_heard again = {.until = "over", .act = end_it};
	struct smol_exec_io io;
	int p[2];

	(void)state;
	exec_on(c, &e, null, &h);
	assert_int_equal(h.rc, 1);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(write(p[1], "late\n", 5), 5);
	close(p[1]);
	q.job = h.job;
	io = io_of(&again, p[0]);
	assert_int_equal(smol_client_attach(c, &q, &io, &again.result, &again.error), 0);
	close(p[0]);
	assert_int_equal(again.result.signal, SIGKILL);
	assert_string_equal(smol_buf_str(&again.out), "over\n");
}

/* ---- the queue ---- */

static void test_queue_is_in_order(void **state)
{
	static const char *const options[] = {"--limit-jobs", "1", NULL};
	struct agent a = {.pid = 0};
	struct smol_client *c;
	int64_t first, jobs[3];
	auto_heard h = {0};

	(void)state;
	agent_start_with(&a, "queue", TOKEN, options);
	c = agent_dial(&a);
	first = start_on(c, "sleep 1000");
	for (int i = 0; i < 3; i++) {
		smol_auto_free char *command =
		    smol_asprintf("echo %d >>%s/order", i, smol_fixture_dir);

		jobs[i] = start_on(c, command);
	}
	{
		smol_auto_json cJSON *owner = NULL;

		assert_string_equal(smol_json_str(listed(c, jobs[2], &owner), "state"), "queued");
	}
	cJSON_Delete(ask(c, SMOL_OP_CANCEL, &(struct smol_job_request){.job = jobs[1]}));
	expect_end(c, jobs[1], "cancelled", 128 + SIGTERM);
	cJSON_Delete(ask(c, SMOL_OP_CANCEL, &(struct smol_job_request){.job = first}));
	exec_in(c, smol_fixture_dir, "cat order", &h);
	assert_int_equal(h.rc, 0);
	assert_string_equal(smol_buf_str(&h.out), "0\n2\n");
	smol_client_close(c);
	agent_stop(&a);
}

/* One that cannot be started when its turn comes says so then. */
static void test_queued_command_that_is_none(void **state)
{
	static const char *const options[] = {"--limit-jobs", "1", NULL};
	char *argv[] = {"no-such-command", NULL};
	struct smol_exec_request e = {.argv = argv};
	struct agent a = {.pid = 0};
	struct smol_client *c;
	struct smol_job_request first = {0};
	int64_t job = 0;

	(void)state;
	agent_start_with(&a, "none", TOKEN, options);
	c = agent_dial(&a);
	first.job = start_on(c, "sleep 1000");
	assert_int_equal(smol_client_start(c, &e, &job, NULL), 0);
	cJSON_Delete(ask(c, SMOL_OP_CANCEL, &first));
	expect_end(c, job, "exited", 127);
	smol_client_close(c);
	agent_stop(&a);
}

/* ---- limits and policy ---- */

static void test_output_limit(void **state)
{
	static const char *const options[] = {"--limit-output-bytes", "100000", NULL};
	struct agent a = {.pid = 0};
	struct smol_client *c;
	auto_heard h = {0};

	(void)state;
	agent_start_with(&a, "output", TOKEN, options);
	c = agent_dial(&a);
	exec_sh(c, "head -c 3000000 /dev/zero; exit 5", &h);
	assert_int_equal(h.rc, 0);
	assert_int_equal(smol_buf_len(&h.out), 100000);
	assert_int_equal(h.result.exit_code, 5);
	assert_true(h.result.output_truncated);
	assert_int_equal(h.result.limit, SMOL_E_LIMIT_OUTPUT);
	smol_client_close(c);
	agent_stop(&a);
}

static void expect_denied(
    struct smol_client *c, const struct smol_exec_request *e, enum smol_code code)
{
	auto_heard h = {0};

	exec_on(c, e, -1, &h);
	assert_int_equal(h.rc, -1);
	assert_string_equal(smol_code_name(h.error.code), smol_code_name(code));
	assert_int_equal(smol_err_exit_code(&h.error), 125);
}

static void test_policy(void **state)
{
	smol_auto_free char *uid = smol_asprintf("%u:%u", geteuid(), getegid());
	const char *const options[] = {"--limit-cwd", "/usr", "--limit-cwd", "/tmp", "--limit-env",
	    "LANG", "--limit-user", uid, NULL};
	char *lang[] = {"LANG=C", NULL}, *path[] = {"LANG=C", "PATH=/x", NULL};
	struct smol_exec_request e = {.command = "pwd"};
	struct agent a = {.pid = 0};
	struct smol_client *c;
	auto_heard h = {0};
	auto_heard none = {0};

	(void)state;
	agent_start_with(&a, "policy", TOKEN, options);
	c = agent_dial(&a);
	e.cwd = "/usr/../etc";
	expect_denied(c, &e, SMOL_E_DENIED_CWD);
	e.cwd = "/proc/self/root/etc";
	expect_denied(c, &e, SMOL_E_DENIED_CWD);
	e.cwd = "/usrx";
	expect_denied(c, &e, SMOL_E_DENIED_CWD);
	e.cwd = "/usr/bin";
	e.env = path;
	expect_denied(c, &e, SMOL_E_DENIED_ENV);
	e.env = lang;
	e.user = "12345";
	expect_denied(c, &e, SMOL_E_DENIED_USER);
	e.user = uid;
	exec_on(c, &e, -1, &h);
	assert_string_equal(smol_buf_str(&h.out), "/usr/bin\n");
	/* Who names no directory starts in one that is allowed. */
	e = (struct smol_exec_request){.command = "pwd"};
	exec_on(c, &e, -1, &none);
	assert_string_equal(smol_buf_str(&none.out), "/usr\n");
	smol_client_close(c);
	agent_stop(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_detached_job),
	    cmocka_unit_test(test_ids_go_up),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_cancel_of_what_ignores_it),
	    cmocka_unit_test(test_states),
	    cmocka_unit_test(test_wait_is_bounded),
	    cmocka_unit_test(test_no_such_job),
	    cmocka_unit_test(test_the_oldest_are_forgotten),
	    cmocka_unit_test(test_detach_and_attach),
	    cmocka_unit_test(test_attach_from),
	    cmocka_unit_test(test_gap_is_said),
	    cmocka_unit_test(test_old_output_goes),
	    cmocka_unit_test(test_rings_are_apart),
	    cmocka_unit_test(test_taken_over),
	    cmocka_unit_test(test_client_gone),
	    cmocka_unit_test(test_client_gone_ends_its_input),
	    cmocka_unit_test(test_nobody_takes_the_output),
	    cmocka_unit_test(test_attach_in_the_midst_of_bulk),
	    cmocka_unit_test(test_stdin_goes_on),
	    cmocka_unit_test(test_stdin_that_has_ended),
	    cmocka_unit_test(test_queue_is_in_order),
	    cmocka_unit_test(test_queued_command_that_is_none),
	    cmocka_unit_test(test_output_limit),
	    cmocka_unit_test(test_policy),
	};

	return cmocka_run_group_tests(tests, smol_fixture_setup, smol_fixture_teardown);
}
