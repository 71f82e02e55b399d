/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands run by an agent for the client. */
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
#include "base/spawn.h"
#include "base/text.h"
#include "vsock/client.h"

/* ---- running commands with the client ---- */

struct ran {
	struct smol_buf out, err;
	struct smol_exec_result result;
	struct smol_err error;
	int rc;
	const char *expect; /* instead of keeping stdout: what it must be, over and over */
	size_t period, count;
	bool differs;
};

static int keep(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	struct ran *r = ctx;

	if (!r->expect || stream == SMOL_FRAME_STDERR) {
		smol_buf_append(stream == SMOL_FRAME_STDERR ? &r->err : &r->out, data, n);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		r->differs = r->differs || data[i] != r->expect[(r->count + i) % r->period];
	r->count += n;
	return 0;
}

static void ran_free(struct ran *r)
{
	smol_buf_free(&r->out);
	smol_buf_free(&r->err);
	smol_err_clear(&r->error);
}
#define auto_ran smol_auto(ran_free) struct ran

static void run_on(
    struct smol_client *c, const struct smol_exec_request *e, int stdin_fd, struct ran *r)
{
	struct smol_exec_io io = {.stdin_fd = stdin_fd, .output = keep, .wake_fd = -1, .ctx = r};

	r->rc = smol_client_exec(c, e, &io, &r->result, &r->error);
}

static void run(const struct smol_exec_request *e, int stdin_fd, struct ran *r)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);

	run_on(c, e, stdin_fd, r);
}

static void run_sh(const char *command, struct ran *r)
{
	struct smol_exec_request e = {.command = (char *)command};

	run(&e, -1, r);
	if (r->rc < 0)
		fail_msg("%s: %s", command, r->error.msg);
}

/* ---- exec ---- */

static void test_argv_is_exact(void **state)
{
	char *argv[] = {
	    "printf", "[%s]", "a b", "", "new\nline", "$HOME `x` \"q\" 'q' \\", "*", NULL};
	struct smol_exec_request e = {.argv = argv};
	auto_ran r = {0};

	(void)state;
	run(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	assert_string_equal(smol_buf_str(&r.out), "[a b][][new\nline][$HOME `x` \"q\" 'q' \\][*]");
}

static void test_argv_that_is_not_utf8(void **state)
{
	char *argv[] = {"printf", "%s", "\xff\x01\xc3(", NULL};
	struct smol_exec_request e = {.argv = argv};
	auto_ran r = {0};

	(void)state;
	run(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	assert_string_equal(smol_buf_str(&r.out), "\xff\x01\xc3(");
}

static void test_exit_codes_and_signals(void **state)
{
	(void)state;
	for (int code = 0; code < 256; code += 51) {
		smol_auto_free char *command = smol_asprintf("exit %d", code);
		auto_ran r = {0};

		run_sh(command, &r);
		assert_int_equal(r.result.exit_code, code);
		assert_int_equal(r.result.signal, 0);
	}
	{
		auto_ran r = {0};

		run_sh("kill -SEGV $$", &r);
		assert_int_equal(r.result.exit_code, 128 + SIGSEGV);
		assert_int_equal(r.result.signal, SIGSEGV);
	}
}

static void expect_no_run(
    const struct smol_exec_request *e, enum smol_code code, int exit_code, const char *part)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	struct smol_exec_request sh = {.command = "exit 5"};
	auto_ran r = {0};
	auto_ran again = {0};

	run_on(c, e, -1, &r);
	assert_int_equal(r.rc, -1);
	assert_string_equal(smol_code_name(r.error.code), smol_code_name(code));
	assert_int_equal(smol_err_exit_code(&r.error), exit_code);
	if (!strstr(r.error.msg, part))
		fail_msg("'%s' does not hold '%s'", r.error.msg, part);
	/* The connection is as good as before. */
	run_on(c, &sh, -1, &again);
	assert_int_equal(again.rc, 0);
	assert_int_equal(again.result.exit_code, 5);
}

static void test_what_cannot_run(void **state)
{
	char *nothing[] = {"no-such-command", NULL}, *path[] = {"/no/such", NULL};
	char *dir_argv[] = {"/tmp", NULL}, *plain[] = {"/etc/passwd", NULL};
	char *empty[] = {"", NULL}, *ok[] = {"true", NULL};
	struct smol_exec_request e = {.argv = nothing};

	(void)state;
	expect_no_run(&e, SMOL_E_NO_COMMAND, 127, "no-such-command: not found");
	e.argv = path;
	expect_no_run(&e, SMOL_E_NO_COMMAND, 127, "/no/such");
	e.argv = empty;
	expect_no_run(&e, SMOL_E_NO_COMMAND, 127, "not found");
	e.argv = dir_argv;
	expect_no_run(&e, SMOL_E_NO_EXEC, 126, "/tmp");
	e.argv = plain;
	expect_no_run(&e, SMOL_E_NO_EXEC, 126, "/etc/passwd");
	e.argv = ok;
	e.cwd = "/no/such/directory";
	expect_no_run(&e, SMOL_E_NO_EXEC, 126, "/no/such/directory");
	e.cwd = NULL;
	e.user = "no-such-user";
	expect_no_run(&e, SMOL_E_NO_EXEC, 126, "no-such-user");
}

static void test_surroundings(void **state)
{
	char *env[] = {"A=1", "B=two words", "HOME=/tmp", NULL};
	struct smol_exec_request e = {.cwd = "/usr",
	    .env = env,
	    .command = "echo \"$A|$B|$HOME|$PWD|$(umask)\"; set -- /proc/self/fd/*; echo $#; "
		       "cat; grep -E 'SigBlk|SigIgn' /proc/self/status | "
		       "sed 's/[01][08]0000000$//' | tr -d '0\\t\\n'"};
	auto_ran r = {0};

	(void)state;
	run(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	/* The shell has 0, 1, 2 and the directory it reads; stdin is empty; no signal is blocked or
	 * ignored but 32 and 33, the C library's own, which nobody can give back to a child. */
	assert_string_equal(smol_buf_str(&r.out), "1|two words|/tmp|/usr|0022\n4\nSigBlk:SigIgn:");
}

static void test_own_group_and_session(void **state)
{
	auto_ran r = {0};
	long pid, pgrp, session;

	(void)state;
	run_sh("cut -d' ' -f5,6 /proc/$$/stat; echo $$", &r);
	assert_int_equal(sscanf(smol_buf_str(&r.out), "%ld %ld %ld", &pgrp, &session, &pid), 3);
	assert_int_equal(pgrp, pid);
	assert_int_equal(session, pid);
}

static void test_both_streams_in_order(void **state)
{
	auto_ran r = {0};

	(void)state;
	run_sh("echo out; echo err >&2; printf last", &r);
	assert_string_equal(smol_buf_str(&r.out), "out\nlast");
	assert_string_equal(smol_buf_str(&r.err), "err\n");
}

static void test_100_mib_of_output(void **state)
{
	char *argv[] = {"head", "-c", "104857600", "/dev/zero", NULL};
	struct smol_exec_request e = {.argv = argv};
	auto_ran r = {.expect = "", .period = 1};

	(void)state;
	run(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_code, 0);
	assert_int_equal(r.count, 104857600);
	assert_false(r.differs);
}

/* ---- stdin ---- */

/* A file of n bytes: pattern over and over, whose length divides no power of two. */
static int pattern_file(char *pattern, size_t period, size_t n)
{
	int fd = open(smol_fixture_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < period; i++)
		pattern[i] = (char)(i * 7 + i / 251);
	for (size_t done = 0; done < n;) {
		size_t k = n - done < period ? n - done : period;

		assert_int_equal(smol_io_write_all(fd, pattern, k, SMOL_NEVER), 0);
		done += k;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void test_10_mib_through_cat(void **state)
{
	static char pattern[65521];
	smol_auto_close int fd = pattern_file(pattern, sizeof(pattern), 10 << 20);
	char *argv[] = {"cat", NULL};
	struct smol_exec_request e = {.argv = argv};
	auto_ran r = {.expect = pattern, .period = sizeof(pattern)};

	(void)state;
	run(&e, fd, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_code, 0);
	assert_int_equal(r.count, 10 << 20);
	assert_false(r.differs);
}

static void test_empty_stdin_ends(void **state)
{
	smol_auto_close int fd = open("/dev/null", O_RDONLY);
	struct smol_exec_request e = {.command = "wc -c"};
	auto_ran r = {0};

	(void)state;
	run(&e, fd, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(atoi(smol_buf_str(&r.out)), 0);
}

static void test_stdin_that_nobody_reads(void **state)
{
	static char pattern[65521];
	smol_auto_close int fd = pattern_file(pattern, sizeof(pattern), 4 << 20);
	struct smol_exec_request e = {.command = "exec <&-; echo done"};
	auto_ran r = {0};

	(void)state;
	run(&e, fd, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_code, 0);
	assert_string_equal(smol_buf_str(&r.out), "done\n");
}

/* More stdin than all buffers hold, never read: the connection can be used again afterwards,
 * although frames of the command that is over are still on their way. */
static void test_next_command_after_unread_stdin(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	smol_auto_close int zero = open("/dev/zero", O_RDONLY);
	struct smol_exec_request e = {.command = "head -c 10 | wc -c"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		auto_ran r = {0};

		run_on(c, &e, zero, &r);
		if (r.rc < 0)
			fail_msg("%s", r.error.msg);
		assert_int_equal(atoi(smol_buf_str(&r.out)), 10);
	}
}

struct signaller {
	struct ran ran;
	int signum;
	bool sent;
	int wake_fd; /* the sleeper's to hold; -1 once it does */
	pid_t sleeper;
};

static int send_once(void *ctx, struct smol_client *c)
{
	struct signaller *s = ctx;

	if (!s->sent)
		assert_int_equal(smol_client_send_signal(c, s->signum), 0);
	s->sent = true;
	return 0;
}

static int keep_and_wake(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	struct signaller *s = ctx;

	if (s->wake_fd >= 0) {
		const char *argv[] = {"sleep", "0.5", NULL};
		struct smol_spawn sleeper = {.argv = argv, .fds = {-1, s->wake_fd, 2}, .nfds = 3};

		assert_int_equal(smol_spawn(&sleeper, &s->sleeper, NULL, NULL), 0);
		close(smol_steal_fd(&s->wake_fd));
	}
	return keep(&s->ran, stream, data, n);
}

/* A signal overtakes input that the command does not read. */
static void test_signal_with_full_stdin(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	smol_auto_close int zero = open("/dev/zero", O_RDONLY);
	struct smol_exec_request e = {
	    .command = "trap 'exit 7' USR1; echo up; while :; do sleep 0.05; done"};
	struct signaller s = {.signum = SIGUSR1, .wake_fd = -1};
	struct smol_exec_io io = {
	    .stdin_fd = zero, .output = keep_and_wake, .wake = send_once, .ctx = &s};
	struct smol_exec_result result;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	io.wake_fd = p[0];
	e.timeout_ms = WAIT_MS;
	/* Readable at its end, some time after the command is up: the signal goes out when all
	 * buffers are full or on the way to it, and must arrive in either case. */
	s.wake_fd = p[1];
	assert_int_equal(smol_client_exec(c, &e, &io, &result, &err), 0);
	assert_int_equal(smol_spawn_wait(s.sleeper, -1, SMOL_NEVER, NULL), 0);
	assert_true(s.sent);
	assert_int_equal(result.exit_code, 7);
	close(p[0]);
	ran_free(&s.ran);
}

/* ---- time ---- */

static void tell(enum smol_op op, int64_t realtime_ms)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	struct smol_request q = {.op = op, .realtime_ms = realtime_ms};
	smol_auto_json cJSON *j = smol_client_call(c, &q, smol_in_ms(WAIT_MS), NULL);

	assert_non_null(j);
}

static int keep_and_resume(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	struct ran *r = ctx;

	if (!smol_buf_len(&r->out))
		tell(SMOL_OP_RESUMED, smol_wall_ms());
	return keep(r, stream, data, n);
}

/* Its time begins with the first that it says. */
static void run_from_its_word(const struct smol_exec_request *e, int stdin_fd, struct ran *r)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	struct smol_exec_io io = {
	    .stdin_fd = stdin_fd, .output = keep_and_resume, .wake_fd = -1, .ctx = r};

	tell(SMOL_OP_PAUSING, 0);
	r->rc = smol_client_exec(c, e, &io, &r->result, &r->error);
}

static void test_timeout_kills_the_group(void **state)
{
	struct smol_exec_request e = {
	    .command = "sleep 1000 & echo $!; sleep 1000", .timeout_ms = 300};
	smol_auto_close int zero = open("/dev/zero", O_RDONLY);
	auto_ran r = {0};

	(void)state;
	run_from_its_word(&e, zero, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_code, 124);
	assert_true(r.result.timed_out);
	assert_ends(atoi(smol_buf_str(&r.out)));
}

static void test_timeout_of_what_ignores_it(void **state)
{
	struct smol_exec_request e = {
	    .command = "trap '' TERM; echo $$; while :; do sleep 0.1; done", .timeout_ms = 200};
	auto_ran r = {0};

	(void)state;
	run_from_its_word(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_code, 124);
	assert_int_equal(r.result.signal, SIGKILL);
	assert_ends(atoi(smol_buf_str(&r.out)));
}

static void test_command_longer_than_the_io_timeout(void **state)
{
	smol_auto_client struct smol_client *c = agent_dial(&shared);
	struct smol_request q = {
	    .op = SMOL_OP_EXEC, .exec = {.command = "sleep 0.5; echo ok", .timeout_ms = 5000}};
	smol_auto_json cJSON *j = NULL;

	(void)state;
	j = smol_client_call(c, &q, smol_in_ms(100), NULL);
	assert_non_null(j);
	assert_string_equal(smol_json_str(j, "stdout"), "ok\n");
}

/* While the VM stands still no timeout passes, whatever the guest's clock does. */
static void test_a_pause_passes_no_timeout(void **state)
{
	struct smol_exec_request e = {.command = "sleep 1; echo late", .timeout_ms = 300};
	auto_ran r = {0};

	(void)state;
	tell(SMOL_OP_PAUSING, 0);
	run(&e, -1, &r);
	assert_int_equal(r.result.exit_code, 0);
	assert_string_equal(smol_buf_str(&r.out), "late\n");
	/* Nor does a command last. */
	assert_int_equal(r.result.duration_ms, 0);
	tell(SMOL_OP_RESUMED, smol_wall_ms());
	e.command = "sleep 1000";
	auto_ran after = {0};
	run(&e, -1, &after);
	assert_int_equal(after.result.exit_code, 124);
}

static void test_grandchild_holds_the_output(void **state)
{
	auto_ran r = {0};

	(void)state;
	run_sh("sleep 1000 & echo $!", &r);
	assert_int_equal(r.result.exit_code, 0);
	assert_true(r.result.truncated);
	assert_int_equal(kill(atoi(smol_buf_str(&r.out)), SIGKILL), 0);
}

static void test_grandchild_that_writes_for_ever(void **state)
{
	struct smol_exec_request e = {
	    .command = "(while :; do echo x; sleep 0.1; done) & echo $! >&2"};
	auto_ran r = {0};

	(void)state;
	run(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	assert_true(r.result.truncated);
	assert_int_equal(kill(atoi(smol_buf_str(&r.err)), SIGKILL), 0);
}

/* What a grandchild writes right after the exit is part of the output. */
static void test_last_words_of_a_grandchild(void **state)
{
	auto_ran r = {0};

	(void)state;
	run_sh("(while kill -0 $$ 2>/dev/null; do :; done; echo late) & echo early", &r);
	assert_string_equal(smol_buf_str(&r.out), "early\nlate\n");
	assert_false(r.result.truncated);
}

/* ---- terminals ---- */

static void test_terminal(void **state)
{
	struct smol_exec_request e = {.tty = true,
	    .rows = 12,
	    .cols = 34,
	    .term = "vt100",
	    .command = "stty size; echo $TERM; tty | cut -c1-9; cat; exit 4"};
	smol_auto_close int null = open("/dev/null", O_RDONLY);
	auto_ran r = {0};

	(void)state;
	run(&e, null, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_code, 4);
	/* The end of input became the terminal's own, ^D, and ended cat. */
	if (!strstr(smol_buf_str(&r.out), "12 34\r\nvt100\r\n/dev/pts/\r\n"))
		fail_msg("%s", smol_buf_str(&r.out));
}

static void test_user(void **state)
{
	struct smol_exec_request e = {.user = "65534:65533", .command = "id -u; id -g; id -G"};
	auto_ran r = {0};

	(void)state;
	if (geteuid() != 0) {
		run(&e, -1, &r);
		assert_int_equal(r.error.code, SMOL_E_NO_EXEC);
		return;
	}
	run(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	assert_string_equal(smol_buf_str(&r.out), "65534\n65533\n65533\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_argv_is_exact),
	    cmocka_unit_test(test_argv_that_is_not_utf8),
	    cmocka_unit_test(test_exit_codes_and_signals),
	    cmocka_unit_test(test_what_cannot_run),
	    cmocka_unit_test(test_surroundings),
	    cmocka_unit_test(test_own_group_and_session),
	    cmocka_unit_test(test_both_streams_in_order),
	    cmocka_unit_test(test_100_mib_of_output),
	    cmocka_unit_test(test_10_mib_through_cat),
	    cmocka_unit_test(test_empty_stdin_ends),
	    cmocka_unit_test(test_stdin_that_nobody_reads),
	    cmocka_unit_test(test_next_command_after_unread_stdin),
	    cmocka_unit_test(test_signal_with_full_stdin),
	    cmocka_unit_test(test_timeout_kills_the_group),
	    cmocka_unit_test(test_timeout_of_what_ignores_it),
	    cmocka_unit_test(test_command_longer_than_the_io_timeout),
	    cmocka_unit_test(test_a_pause_passes_no_timeout),
	    cmocka_unit_test(test_grandchild_holds_the_output),
	    cmocka_unit_test(test_grandchild_that_writes_for_ever),
	    cmocka_unit_test(test_last_words_of_a_grandchild),
	    cmocka_unit_test(test_terminal),
	    cmocka_unit_test(test_user),
	};

	return cmocka_run_group_tests(tests, smol_fixture_setup, smol_fixture_teardown);
}
