/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent as a process of its own, outside a VM: started with --unix, spoken to by the client,
 * and by hand where a client would not do such a thing. SMOLSH_AGENT names the program.
 */
#include <errno.h>
#include <fcntl.h>
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
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/spawn.h"
#include "base/text.h"
#include "vsock/client.h"

#define WAIT_MS 30000
#define TOKEN	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char dir[64];

struct agent {
	struct smol_vsock_addr addr;
	pid_t pid;
	int pidfd;
};

static struct agent shared;

static void agent_start(
    struct agent *a, const char *name, const char *token, const char *option, const char *value)
{
	const char *program = getenv("SMOLSH_AGENT");
	smol_auto_free char *file = smol_asprintf("%s/%s.token", dir, name);
	const char *argv[12] = {program ? program : "./smolsh-agent", "--unix", a->addr.path};
	struct smol_spawn s = {.argv = argv, .fds = {-1, 1, 2}, .nfds = 3, .die_with_parent = true};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int n = 3;

	a->addr = (struct smol_vsock_addr){.kind = SMOL_VSOCK_UNIX, .port = 5000};
	snprintf(a->addr.path, sizeof(a->addr.path), "%s/%s.sock", dir, name);
	if (token) {
		assert_int_equal(smol_file_write(file, token, strlen(token), 0600, NULL), 0);
		argv[n++] = "--token-file";
		argv[n++] = file;
	}
	if (option) {
		argv[n++] = option;
		argv[n++] = value;
	}
	if (smol_spawn(&s, &a->pid, &a->pidfd, &err) < 0)
		fail_msg("%s", err.msg);
	for (smol_deadline d = smol_in_ms(WAIT_MS); access(a->addr.path, F_OK) < 0;) {
		struct pollfd p = {.fd = a->pidfd, .events = POLLIN};

		if (poll(&p, 1, 5) != 0 || smol_poll_ms(d) == 0)
			fail_msg("%s does not start", argv[0]);
	}
}

static void agent_stop(struct agent *a)
{
	int status = -1;

	kill(a->pid, SIGTERM);
	assert_int_equal(smol_spawn_wait(a->pid, a->pidfd, smol_in_ms(WAIT_MS), &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(access(a->addr.path, F_OK), -1);
	close(a->pidfd);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/smolsh-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	agent_start(&shared, "a", TOKEN "\n", NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	agent_stop(&shared);
	return smol_rmdir_r(dir, NULL);
}

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

static struct smol_client *dial(const struct agent *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_client *c = smol_client_open(&a->addr, TOKEN, smol_in_ms(WAIT_MS), &err);

	if (!c)
		fail_msg("%s", err.msg);
	return c;
}

static void run_on(
    struct smol_client *c, const struct smol_exec_request *e, int stdin_fd, struct ran *r)
{
	struct smol_exec_io io = {.stdin_fd = stdin_fd, .output = keep, .wake_fd = -1, .ctx = r};

	r->rc = smol_client_exec(c, e, &io, &r->result, &r->error);
}

static void run(const struct smol_exec_request *e, int stdin_fd, struct ran *r)
{
	smol_auto_client struct smol_client *c = dial(&shared);

	run_on(c, e, stdin_fd, r);
}

static void run_sh(const char *command, struct ran *r)
{
	struct smol_exec_request e = {.command = (char *)command};

	run(&e, -1, r);
	if (r->rc < 0)
		fail_msg("%s: %s", command, r->error.msg);
}

/* A process that must come to its end; it need not be our child. */
static void assert_ends(pid_t pid)
{
	smol_auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0 && smol_io_wait(fd, POLLIN, smol_in_ms(WAIT_MS)) != 1)
		fail_msg("process %d lives on", (int)pid);
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
	smol_auto_client struct smol_client *c = dial(&shared);
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
	    .command =
		"echo \"$A|$B|$HOME|$PWD|$(umask)\"; ls -l /proc/self/fd | grep -c '[0-9] ->'; "
		"cat; grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '0\\t\\n'"};
	auto_ran r = {0};

	(void)state;
	run(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	/* ls has 0, 1, 2 and the directory it reads; stdin is empty; no signal is blocked. */
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
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

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
	smol_auto_client struct smol_client *c = dial(&shared);
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

	return keep(&s->ran, stream, data, n);
}

/* A signal overtakes input that the command does not read. */
static void test_signal_with_full_stdin(void **state)
{
	smol_auto_client struct smol_client *c = dial(&shared);
	smol_auto_close int zero = open("/dev/zero", O_RDONLY);
	struct smol_exec_request e = {
	    .command = "trap 'exit 7' USR1; while :; do sleep 0.05; done"};
	struct signaller s = {.signum = SIGUSR1};
	struct smol_exec_io io = {
	    .stdin_fd = zero, .output = keep_and_wake, .wake = send_once, .ctx = &s};
	struct smol_exec_result result;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	io.wake_fd = p[0];
	e.timeout_ms = WAIT_MS;
	/* Readable at its end, once the time is up: the signal goes out when all buffers are full
	 * or on the way to it, and must arrive in either case. */
	{
		char *argv[] = {"sleep", "0.5", NULL};
		struct smol_spawn sleeper = {
		    .argv = (const char *const *)argv, .fds = {-1, p[1], 2}, .nfds = 3};
		pid_t pid;

		assert_int_equal(smol_spawn(&sleeper, &pid, NULL, NULL), 0);
		close(p[1]);
		assert_int_equal(smol_client_exec(c, &e, &io, &result, &err), 0);
		assert_int_equal(smol_spawn_wait(pid, -1, SMOL_NEVER, NULL), 0);
	}
	assert_true(s.sent);
	assert_int_equal(result.exit_code, 7);
	close(p[0]);
	ran_free(&s.ran);
}

/* ---- time ---- */

static void test_timeout_kills_the_group(void **state)
{
	struct smol_exec_request e = {
	    .command = "sleep 1000 & echo $!; sleep 1000", .timeout_ms = 300};
	smol_auto_close int zero = open("/dev/zero", O_RDONLY);
	auto_ran r = {0};

	(void)state;
	run(&e, zero, &r);
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
	run(&e, -1, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_code, 124);
	assert_int_equal(r.result.signal, SIGKILL);
	assert_ends(atoi(smol_buf_str(&r.out)));
}

static void test_command_longer_than_the_io_timeout(void **state)
{
	smol_auto_client struct smol_client *c = dial(&shared);
	struct smol_request q = {
	    .op = SMOL_OP_EXEC, .exec = {.command = "sleep 0.5; echo ok", .timeout_ms = 5000}};
	smol_auto_json cJSON *j = NULL;

	(void)state;
	j = smol_client_call(c, &q, smol_in_ms(100), NULL);
	assert_non_null(j);
	assert_string_equal(smol_json_str(j, "stdout"), "ok\n");
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

/* What a grandchild writes soon after the exit is part of the output. */
static void test_last_words_of_a_grandchild(void **state)
{
	auto_ran r = {0};

	(void)state;
	run_sh("(sleep 0.1; echo late) & echo early", &r);
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

/* ---- by hand ---- */

static int raw_connect(const struct agent *a)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, a->addr.path, strlen(a->addr.path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void raw_say(int fd, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

/* The next line; "" at the end. Fails the test when nothing comes. */
static const char *raw_line(int fd)
{
	static char line[2 * 1024 * 1024];
	smol_deadline d = smol_in_ms(WAIT_MS);
	size_t n = 0;

	while (n + 1 < sizeof(line)) {
		ssize_t r = smol_io_read_some(fd, line + n, 1, d);

		if (r < 0 && errno != ECONNRESET)
			fail_msg("no line from the agent: %s", strerror(errno));
		if (r <= 0 || line[n++] == '\n')
			break;
	}
	line[n] = '\0';
	return line;
}

static int raw_open(const struct agent *a)
{
	int fd = raw_connect(a);

	raw_say(fd, "CONNECT 5000\n");
	assert_memory_equal(raw_line(fd), "OK ", 3);
	return fd;
}

static void expect_line(int fd, const char *part)
{
	const char *line = raw_line(fd);

	if (!strstr(line, part))
		fail_msg("'%s' does not hold '%s'", line, part);
}

static void test_one_shot_by_hand(void **state)
{
	smol_auto_close int fd = raw_connect(&shared);

	(void)state;
	raw_say(fd, "CONN");
	raw_say(fd, "ECT 5000\n{\"op\":\"exec\",\"command\":\"echo out; echo err >&2; exit 3\","
		    "\"timeout\":30,\"env\":{},\"cwd\":null,\"unknown\":[1],\"token\":\"" TOKEN
		    "\"}\n{\"op\":\"health\"}\n");
	assert_memory_equal(raw_line(fd), "OK ", 3);
	{
		smol_auto_json cJSON *j = NULL;
		const char *line = raw_line(fd);
		int64_t code = -1;

		j = smol_json_parse_object(line, strlen(line), NULL);
		assert_true(smol_json_bool(j, "ok", false));
		assert_int_equal(smol_json_int(j, "exit_code", 0, 255, &code), 1);
		assert_int_equal(code, 3);
		assert_string_equal(smol_json_str(j, "stdout"), "out\n");
		assert_string_equal(smol_json_str(j, "stderr"), "err\n");
		assert_false(smol_json_bool(j, "stdout_truncated", true));
		assert_false(smol_json_bool(j, "stderr_truncated", true));
		assert_non_null(smol_json_get(j, "duration_ms"));
	}
	/* The second request, sent along with the first, has its turn. */
	expect_line(fd, "\"ok\":true");
}

static void test_one_shot_of_bytes_that_are_no_text(void **state)
{
	smol_auto_client struct smol_client *c = dial(&shared);
	struct smol_request q = {
	    .op = SMOL_OP_EXEC, .exec = {.command = "printf 'a\\000\\377b'; printf x >&2"}};
	smol_auto_json cJSON *j = NULL;
	smol_auto_free char *bytes = NULL;
	size_t n = 0;

	(void)state;
	j = smol_client_call(c, &q, SMOL_NEVER, NULL);
	assert_non_null(j);
	assert_null(smol_json_get(j, "stdout"));
	bytes = smol_json_bytes(j, "stdout", &n);
	assert_int_equal(n, 4);
	assert_memory_equal(bytes, "a\0\377b", 4);
	assert_string_equal(smol_json_str(j, "stderr"), "x");
}

static void test_one_shot_output_is_cut(void **state)
{
	smol_auto_client struct smol_client *c = dial(&shared);
	/* Quotes: each takes two bytes of the reply. */
	struct smol_request q = {.op = SMOL_OP_EXEC,
	    .exec = {.command = "head -c 3000000 /dev/zero | tr '\\0' '\"'; "
				"head -c 3000000 /dev/zero | tr '\\0' '\\1' >&2; exit 9"}};
	smol_auto_json cJSON *j = NULL;
	int64_t code = 0;

	(void)state;
	j = smol_client_call(c, &q, SMOL_NEVER, NULL);
	assert_non_null(j);
	assert_int_equal(smol_json_int(j, "exit_code", 0, 255, &code), 1);
	assert_int_equal(code, 9);
	assert_true(smol_json_bool(j, "stdout_truncated", false));
	assert_true(smol_json_bool(j, "stderr_truncated", false));
	assert_true(strlen(smol_json_str(j, "stdout")) > 200000);
	assert_true(strlen(smol_json_str(j, "stderr")) > 20000);
}

static void test_tokens(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
	    {"{\"op\":\"health\"}", "{\"ok\":true,\"v\":1,\"agent\":\"" SMOL_VERSION "\"}\n"},
	    {"{\"op\":\"health\",\"token\":\"" TOKEN "\"}", "\"uptime_ms\":"},
	    {"{\"op\":\"health\",\"token\":\"x\"}", "\"code\":\"unauthorized\""},
	    {"{\"op\":\"health\",\"token\":\"\"}", "\"code\":\"unauthorized\""},
	    {"{\"op\":\"system_info\"}", "\"code\":\"unauthorized\""},
	    {"{\"op\":\"shutdown\"}", "\"code\":\"unauthorized\""},
	    {"{\"op\":\"exec\",\"command\":\"true\"}", "\"code\":\"unauthorized\""},
	    {"{\"op\":\"exec\",\"command\":\"true\",\"token\":\"" TOKEN "0\"}", "unauthorized"},
	    {"{\"op\":\"exec\",\"command\":\"true\",\"token\":\"0123\"}", "unauthorized"},
	    {"{\"op\":\"what\"}", "unauthorized"},
	    {"{\"op\":\"exec\"}", "unauthorized"},
	};
	smol_auto_close int fd = raw_open(&shared);

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		raw_say(fd, rows[i].request);
		raw_say(fd, "\n");
		expect_line(fd, rows[i].answer);
	}
}

static void test_agent_without_a_token(void **state)
{
	struct agent a = {.pid = 0};
	int fd;

	(void)state;
	agent_start(&a, "tokenless", NULL, NULL, NULL);
	fd = raw_open(&a);
	raw_say(fd, "{\"op\":\"health\"}\n");
	expect_line(fd, "\"ok\":true");
	raw_say(fd, "{\"op\":\"system_info\",\"token\":\"\"}\n");
	expect_line(fd, "\"code\":\"unauthorized\"");
	raw_say(fd, "{\"op\":\"exec\",\"command\":\"true\",\"token\":\"" TOKEN "\"}\n");
	expect_line(fd, "\"code\":\"unauthorized\"");
	close(fd);
	agent_stop(&a);
}

static void test_requests_that_are_none(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
	    {"hello", "\"code\":\"protocol\""},
	    {"[1,2]", "\"code\":\"protocol\""},
	    {"{}", "\"code\":"},
	    {"{\"op\":\"dance\",\"token\":\"" TOKEN "\"}", "\"code\":\"unsupported\""},
	    {"{\"op\":\"system_info\",\"v\":99,\"token\":\"" TOKEN "\"}",
		"\"code\":\"unsupported\""},
	    {"{\"op\":\"exec\",\"token\":\"" TOKEN "\"}", "\"code\":\"invalid\""},
	    {"{\"op\":\"exec\",\"command\":\"true\",\"argv\":[\"true\"],\"token\":\"" TOKEN "\"}",
		"\"code\":\"invalid\""},
	    {"{\"op\":\"exec\",\"argv\":[],\"token\":\"" TOKEN "\"}", "\"code\":\"invalid\""},
	    {"{\"op\":\"exec\",\"argv\":[\"true\"],\"timeout\":-1,\"token\":\"" TOKEN "\"}",
		"\"code\":\"invalid\""},
	    {"{\"op\":\"shutdown\",\"how\":\"sideways\",\"token\":\"" TOKEN "\"}",
		"\"code\":\"invalid\""},
	    {"{\"op\":\"system_info\",\"v\":1,\"later\":{},\"token\":\"" TOKEN "\"}",
		"\"kernel\":"},
	};
	smol_auto_close int fd = raw_open(&shared);

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		raw_say(fd, rows[i].request);
		raw_say(fd, "\n");
		expect_line(fd, rows[i].answer);
	}
}

static void test_request_without_end(void **state)
{
	smol_auto_close int fd = raw_open(&shared);
	char block[4096];
	ssize_t n = 1;

	(void)state;
	memset(block, 'x', sizeof(block));
	for (size_t sent = 0; sent < 2 * SMOL_LINE_MAX && n > 0; sent += (size_t)n)
		n = send(fd, block, sizeof(block), MSG_NOSIGNAL);
	expect_line(fd, "\"code\":\"limit\"");
	assert_string_equal(raw_line(fd), "");
}

static void test_bad_frame_ends_the_job(void **state)
{
	smol_auto_close int fd = raw_open(&shared);
	unsigned char head[SMOL_FRAME_HEADER] = {SMOL_FRAME_EXIT, 0, 0, 0, 2};
	char frame[4096];
	struct smol_frame f = {0};
	int pid = 0;

	(void)state;
	raw_say(fd, "{\"op\":\"exec\",\"stream\":true,\"stdin\":true,\"command\":\"sleep 1000\","
		    "\"token\":\"" TOKEN "\"}\n");
	assert_int_equal(sscanf(raw_line(fd), "{\"ok\":true,\"pid\":%d}", &pid), 1);
	assert_int_equal(send(fd, head, sizeof(head), 0), sizeof(head));
	assert_int_equal(send(fd, "{}", 2, 0), 2);
	assert_int_equal(recv(fd, frame, SMOL_FRAME_HEADER, MSG_WAITALL), SMOL_FRAME_HEADER);
	assert_int_equal(smol_frame_decode((unsigned char *)frame, &f, NULL), 0);
	assert_int_equal(f.type, SMOL_FRAME_ERROR);
	assert_int_equal(recv(fd, frame, f.length, MSG_WAITALL), f.length);
	frame[f.length] = '\0';
	assert_non_null(strstr(frame, "\"code\":\"protocol\""));
	assert_string_equal(raw_line(fd), "");
	assert_ends(pid);
}

/* ---- many at once, and those who leave ---- */

static int start_raw(const struct agent *a, const char *command, int *pid)
{
	smol_auto_free char *line = smol_asprintf(
	    "{\"op\":\"exec\",\"stream\":true,\"command\":\"%s\",\"token\":\"" TOKEN "\"}\n",
	    command);
	int fd = raw_open(a);

	raw_say(fd, line);
	assert_int_equal(sscanf(raw_line(fd), "{\"ok\":true,\"pid\":%d}", pid), 1);
	return fd;
}

static void test_client_gone_ends_the_group(void **state)
{
	unsigned char head[SMOL_FRAME_HEADER];
	char text[64] = "";
	int pid, fd;

	(void)state;
	fd = start_raw(&shared, "sleep 1000 & echo $!; wait", &pid);
	assert_int_equal(recv(fd, head, sizeof(head), MSG_WAITALL), sizeof(head));
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	close(fd);
	assert_ends(pid);
	assert_ends(atoi(text));
}

static void test_client_gone_ends_what_ignores_it(void **state)
{
	unsigned char head[SMOL_FRAME_HEADER];
	int pid, fd;

	(void)state;
	fd = start_raw(&shared, "trap '' HUP TERM; echo; while :; do sleep 0.1; done", &pid);
	assert_int_equal(recv(fd, head, sizeof(head), MSG_WAITALL), sizeof(head));
	close(fd);
	assert_ends(pid);
}

static void test_slow_one_and_many_quick_ones(void **state)
{
	struct pollfd slow = {.events = POLLIN};
	int fds[32], pid;

	(void)state;
	slow.fd = start_raw(&shared, "sleep 1000", &pid);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fds); i++) {
		fds[i] = raw_open(&shared);
		raw_say(fds[i],
		    "{\"op\":\"exec\",\"command\":\"echo $PPID; exit 6\",\"token\":\"" TOKEN
		    "\"}\n");
	}
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fds); i++) {
		expect_line(fds[i], "\"exit_code\":6");
		close(fds[i]);
	}
	assert_int_equal(poll(&slow, 1, 0), 0);
	close(slow.fd);
	assert_ends(pid);
}

/* One that reads nothing of an endless output stops neither the others nor the agent's memory. */
static void test_client_that_does_not_read(void **state)
{
	auto_ran r = {0};
	int pid, fd;

	(void)state;
	fd = start_raw(&shared, "cat /dev/zero", &pid);
	run_sh("echo $((1+1))", &r);
	assert_string_equal(smol_buf_str(&r.out), "2\n");
	close(fd);
	assert_ends(pid);
}

static void test_connection_cap(void **state)
{
	struct agent a = {.pid = 0};
	int fds[3], fd;

	(void)state;
	agent_start(&a, "cap", TOKEN, "--limit-connections", "3");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fds); i++)
		fds[i] = raw_open(&a);
	fd = raw_open(&a);
	expect_line(fd, "\"code\":\"limit\"");
	assert_string_equal(raw_line(fd), "");
	close(fd);
	/* With one less there is room again. */
	close(fds[0]);
	for (bool in = false; !in;) {
		static const char health[] = "{\"op\":\"health\"}\n";

		fd = raw_open(&a);
		/* One that is refused may be closed before it has said a word. */
		if (send(fd, health, sizeof(health) - 1, MSG_NOSIGNAL) < 0)
			assert_int_equal(errno, EPIPE);
		in = strstr(raw_line(fd), "\"ok\":true") != NULL;
		close(fd);
	}
	for (size_t i = 1; i < SMOL_ARRAY_SIZE(fds); i++)
		close(fds[i]);
	agent_stop(&a);
}

static void test_job_cap(void **state)
{
	struct agent a = {.pid = 0};
	int fd, other, pid;

	(void)state;
	agent_start(&a, "jobs", TOKEN, "--limit-jobs", "1");
	fd = start_raw(&a, "sleep 1000", &pid);
	other = raw_open(&a);
	raw_say(other, "{\"op\":\"exec\",\"command\":\"true\",\"token\":\"" TOKEN "\"}\n");
	expect_line(other, "limit jobs, 1");
	close(fd);
	close(other);
	assert_ends(pid);
	agent_stop(&a);
}

static void test_run_time_cap(void **state)
{
	struct agent a = {.pid = 0};
	int fd;

	(void)state;
	agent_start(&a, "time", TOKEN, "--limit-run-ms", "200");
	fd = raw_open(&a);
	raw_say(fd, "{\"op\":\"exec\",\"command\":\"sleep 1000\",\"token\":\"" TOKEN "\"}\n");
	expect_line(fd, "\"timed_out\":true");
	close(fd);
	agent_stop(&a);
}

static void test_shutdown_outside_a_vm(void **state)
{
	struct agent a = {.pid = 0};
	int fd, status;

	(void)state;
	agent_start(&a, "down", TOKEN, NULL, NULL);
	fd = raw_open(&a);
	raw_say(fd, "{\"op\":\"shutdown\",\"token\":\"" TOKEN "\"}\n");
	expect_line(fd, "{\"ok\":true}");
	assert_int_equal(smol_spawn_wait(a.pid, a.pidfd, smol_in_ms(WAIT_MS), &status), 0);
	assert_int_equal(status, 0);
	close(fd);
	close(a.pidfd);
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
	    cmocka_unit_test(test_grandchild_holds_the_output),
	    cmocka_unit_test(test_grandchild_that_writes_for_ever),
	    cmocka_unit_test(test_last_words_of_a_grandchild),
	    cmocka_unit_test(test_terminal),
	    cmocka_unit_test(test_one_shot_by_hand),
	    cmocka_unit_test(test_one_shot_of_bytes_that_are_no_text),
	    cmocka_unit_test(test_one_shot_output_is_cut),
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_agent_without_a_token),
	    cmocka_unit_test(test_requests_that_are_none),
	    cmocka_unit_test(test_request_without_end),
	    cmocka_unit_test(test_bad_frame_ends_the_job),
	    cmocka_unit_test(test_client_gone_ends_the_group),
	    cmocka_unit_test(test_client_gone_ends_what_ignores_it),
	    cmocka_unit_test(test_slow_one_and_many_quick_ones),
	    cmocka_unit_test(test_client_that_does_not_read),
	    cmocka_unit_test(test_connection_cap),
	    cmocka_unit_test(test_job_cap),
	    cmocka_unit_test(test_run_time_cap),
	    cmocka_unit_test(test_shutdown_outside_a_vm),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
