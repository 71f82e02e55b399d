/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an agent answers on the wire: requests by hand, limits, many clients and those who leave. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/spawn.h"
#include "base/text.h"
#include "proto/frame.h"
#include "vsock/client.h"

/* ---- by hand ---- */

static void test_one_shot_by_hand(void **state)
{
	smol_auto_free char *all = smol_asprintf(
	    "%s{\"op\":\"exec\",\"command\":\"echo out; echo err >&2; exit 3\","
	    "\"timeout\":30,\"env\":{},\"cwd\":null,\"unknown\":[1],\"token\":\"" TOKEN
	    "\"}\n{\"op\":\"health\"}\n",
	    raw_hello());
	smol_auto_close int fd = raw_connect(&shared);

	(void)state;
	assert_int_equal(send(fd, all, 4, MSG_NOSIGNAL), 4);
	raw_say(fd, all + 4);
	raw_expect_ok(fd);
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
	smol_auto_client struct smol_client *c = agent_dial(&shared);
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
	smol_auto_client struct smol_client *c = agent_dial(&shared);
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
	    {"{\"op\":\"resumed\",\"realtime_ms\":-1,\"token\":\"" TOKEN "\"}", "no time"},
	    {"{\"op\":\"resumed\",\"token\":\"" TOKEN "\"}", "\"code\":\"invalid\""},
	    {"{\"op\":\"pausing\"}", "\"code\":\"unauthorized\""},
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

static void test_bad_frame_ends_the_connection(void **state)
{
	smol_auto_close int fd = raw_open(&shared);
	unsigned char head[SMOL_FRAME_HEADER] = {SMOL_FRAME_EXIT, 0, 0, 0, 2};
	char frame[4096];
	struct smol_frame f = {0};
	int pid = 0;

	(void)state;
	raw_say(fd, "{\"op\":\"exec\",\"stream\":true,\"stdin\":true,\"command\":\"sleep 1000\","
		    "\"token\":\"" TOKEN "\"}\n");
	assert_int_equal(sscanf(raw_line(fd), "{\"ok\":true,\"job\":%*d,\"pid\":%d}", &pid), 1);
	assert_int_equal(send(fd, head, sizeof(head), 0), sizeof(head));
	assert_int_equal(send(fd, "{}", 2, 0), 2);
	assert_int_equal(recv(fd, frame, SMOL_FRAME_HEADER, MSG_WAITALL), SMOL_FRAME_HEADER);
	assert_int_equal(smol_frame_decode((unsigned char *)frame, &f, NULL), 0);
	assert_int_equal(f.type, SMOL_FRAME_ERROR);
	assert_int_equal(recv(fd, frame, f.length, MSG_WAITALL), f.length);
	frame[f.length] = '\0';
	assert_non_null(strstr(frame, "\"code\":\"protocol\""));
	assert_string_equal(raw_line(fd), "");
	raw_end(pid);
}

/* Handshake, request, input, its end and the next request: all in one write. */
static void test_everything_in_one_write(void **state)
{
	smol_auto_close int fd = raw_connect(&shared);
	smol_auto_buf struct smol_buf b = {0};
	char payload[4096];

	(void)state;
	smol_buf_puts(&b, raw_hello());
	smol_buf_puts(&b, "{\"op\":\"exec\",\"stream\":true,\"stdin\":true,"
			  "\"argv\":[\"cat\"],\"token\":\"" TOKEN "\"}\n");
	append_frame(&b, SMOL_FRAME_STDIN, 0, "ab", 2);
	append_frame(&b, SMOL_FRAME_STDIN, 2, "c", 1);
	append_frame(&b, SMOL_FRAME_STDIN_EOF, 0, NULL, 0);
	assert_int_equal(send(fd, smol_buf_head(&b), smol_buf_len(&b), 0), smol_buf_len(&b));
	raw_expect_ok(fd);
	expect_line(fd, "{\"ok\":true,\"job\":");
	for (size_t got = 0; got < 3; got += strlen(payload)) {
		assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_STDOUT);
		assert_memory_equal(payload, &"abc"[got], strlen(payload));
	}
	assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_EXIT);
	assert_non_null(strstr(payload, "\"exit_code\":0"));
	/* A frame that comes too late, and a request. */
	smol_buf_clear(&b);
	append_frame(&b, SMOL_FRAME_SIGNAL, 0, "\17\0\0\0", 4);
	smol_buf_puts(&b, "{\"op\":\"health\"}\n");
	assert_int_equal(send(fd, smol_buf_head(&b), smol_buf_len(&b), 0), smol_buf_len(&b));
	expect_line(fd, "\"ok\":true");
}

static void test_stdin_out_of_sequence(void **state)
{
	smol_auto_close int fd = raw_open(&shared);
	smol_auto_buf struct smol_buf b = {0};
	char payload[4096];

	(void)state;
	smol_buf_puts(&b, "{\"op\":\"exec\",\"stream\":true,\"stdin\":true,\"argv\":[\"cat\"],"
			  "\"token\":\"" TOKEN "\"}\n");
	append_frame(&b, SMOL_FRAME_STDIN, 1, "x", 1);
	assert_int_equal(send(fd, smol_buf_head(&b), smol_buf_len(&b), 0), smol_buf_len(&b));
	expect_line(fd, "\"ok\":true");
	assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_ERROR);
	assert_non_null(strstr(payload, "out of sequence"));
}

static void test_resize(void **state)
{
	smol_auto_close int fd = raw_open(&shared);
	smol_auto_buf struct smol_buf b = {0};
	char payload[4096], *said = NULL;

	(void)state;
	raw_say(fd, "{\"op\":\"exec\",\"stream\":true,\"tty\":true,\"command\":"
		    "\"trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.05; done\","
		    "\"token\":\"" TOKEN "\"}\n");
	expect_line(fd, "\"ok\":true");
	assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_STDOUT);
	append_frame(&b, SMOL_FRAME_RESIZE, 0, "\62\0\144\0", 4);
	assert_int_equal(send(fd, smol_buf_head(&b), smol_buf_len(&b), 0), smol_buf_len(&b));
	while (raw_frame(fd, payload, sizeof(payload)) == SMOL_FRAME_STDOUT)
		said = said ? said : strstr(payload, "50 100");
	assert_non_null(said);
	assert_non_null(strstr(payload, "\"exit_code\":0"));
}

static void test_half_closed_client_is_answered(void **state)
{
	smol_auto_close int fd = raw_open(&shared);

	(void)state;
	raw_say(
	    fd, "{\"op\":\"exec\",\"command\":\"sleep 0.2; echo half\",\"token\":\"" TOKEN "\"}\n");
	shutdown(fd, SHUT_WR);
	expect_line(fd, "\"stdout\":\"half\\n\"");
	assert_string_equal(raw_line(fd), "");
}

/* ---- many at once, and those who leave ---- */

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
	raw_end(pid);
}

/* One that reads nothing of an endless output stops neither the others nor the agent's memory. */
static void test_client_that_does_not_read(void **state)
{
	int pid, fd, other;

	(void)state;
	fd = start_raw(&shared, "cat /dev/zero", &pid);
	other = raw_open(&shared);
	raw_say(other, "{\"op\":\"exec\",\"command\":\"echo $((1+1))\",\"token\":\"" TOKEN "\"}\n");
	expect_line(other, "\"stdout\":\"2\\n\"");
	close(other);
	close(fd);
	raw_end(pid);
}

/* The same where little is kept of a job's output: the agent has nothing to do. */
static void test_client_that_does_not_read_and_small_rings(void **state)
{
	struct agent a = {.pid = 0};
	int pid, fd;

	(void)state;
	agent_start(&a, "rings", TOKEN, "--limit-ring-bytes", "64K");
	fd = start_raw(&a, "cat /dev/zero", &pid);
	assert_rests(a.pid);
	close(fd);
	raw_end(pid);
	agent_stop(&a);
}

/* A relay to a server of ours, whose other end begins to read only when nothing moves any more. */
static void test_relay_to_one_who_reads_late(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	smol_auto_close int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	smol_auto_close int fd = raw_open(&shared), server = -1;
	static char payload[SMOL_FRAME_MAX + 1], data[64 * 1024];
	size_t sent = 0, got = 0;
	struct pollfd p;
	unsigned type;

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/late.sock", smol_fixture_dir);
	assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(listener, 1), 0);
	snprintf(data, sizeof(data),
	    "{\"op\":\"connect\",\"path\":\"%s\",\"token\":\"" TOKEN "\"}\n", un.sun_path);
	raw_say(fd, data);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(server >= 0);
	expect_line(fd, "\"ok\":true");
	memset(data, 'x', sizeof(data));
	p = (struct pollfd){.fd = server, .events = POLLOUT};
	while (poll(&p, 1, 100) > 0) {
		ssize_t n = send(server, data, sizeof(data), MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(shutdown(server, SHUT_WR), 0);
	while ((type = raw_frame(fd, payload, sizeof(payload))) == SMOL_FRAME_DATA)
		got += strlen(payload);
	assert_int_equal(type, SMOL_FRAME_EOF);
	assert_int_equal(got, sent);
	unlink(un.sun_path);
}

/* A server that answers what it is sent with a reset: the agent is at rest while the client does
 * nothing, and breaks the relay off when it goes on sending. */
static void test_relay_to_one_who_resets(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	smol_auto_close int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	smol_auto_close int fd = raw_open(&shared);
	smol_auto_buf struct smol_buf b = {0};
	socklen_t len = sizeof(in);
	char payload[64];
	uint64_t seq = 1;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	smol_buf_printf(
	    &b, "{\"op\":\"connect\",\"port\":%d,\"token\":\"" TOKEN "\"}\n", ntohs(in.sin_port));
	raw_say(fd, smol_buf_str(&b));
	close(accept(listener, NULL, NULL));
	expect_line(fd, "\"ok\":true");
	assert_int_equal(raw_frame(fd, payload, sizeof(payload)), SMOL_FRAME_EOF);
	smol_buf_clear(&b);
	append_frame(&b, SMOL_FRAME_DATA, 0, "x", 1);
	assert_int_equal(send(fd, smol_buf_head(&b), smol_buf_len(&b), MSG_NOSIGNAL), 17);
	assert_rests(shared.pid);
	for (ssize_t n = 17; n > 0; seq++) {
		smol_buf_clear(&b);
		append_frame(&b, SMOL_FRAME_DATA, seq, "x", 1);
		n = send(fd, smol_buf_head(&b), smol_buf_len(&b), MSG_NOSIGNAL);
	}
	assert_true(errno == EPIPE || errno == ECONNRESET);
}

/* A path longer than any socket's is not repeated in the answer. */
static void test_listen_at_a_long_path(void **state)
{
	smol_auto_close int fd = raw_open(&shared);
	smol_auto_buf struct smol_buf b = {0};
	const char *line;

	(void)state;
	smol_buf_puts(&b, "{\"op\":\"listen\",\"token\":\"" TOKEN "\",\"path\":\"/");
	for (int i = 0; i < 100000; i++)
		smol_buf_puts(&b, "\\u0001");
	smol_buf_puts(&b, "\"}\n");
	raw_say(fd, smol_buf_str(&b));
	line = raw_line(fd);
	assert_non_null(strstr(line, "\"code\":\"invalid\""));
	assert_true(strlen(line) < 4096);
}

/* Relays leave connections for those who want something of the agent itself. */
static void test_relays_leave_room(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	smol_auto_close int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct agent a = {.pid = 0};
	char connect_line[256];
	int fds[7];

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/peer.sock", smol_fixture_dir);
	assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(listener, 16), 0);
	snprintf(connect_line, sizeof(connect_line),
	    "{\"op\":\"connect\",\"path\":\"%s\",\"token\":\"" TOKEN "\"}\n", un.sun_path);
	agent_start(&a, "room", TOKEN, "--limit-connections", "8");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fds); i++) {
		fds[i] = raw_open(&a);
		raw_say(fds[i], connect_line);
		expect_line(fds[i], i < 6 ? "\"ok\":true" : "\"code\":\"limit_connections\"");
	}
	/* The connection that was refused is good for something else. */
	raw_say(fds[6], "{\"op\":\"health\",\"token\":\"" TOKEN "\"}\n");
	expect_line(fds[6], "\"connections\":7");
	/* With one less there is room again. */
	close(fds[0]);
	for (bool in = false; !in;) {
		raw_say(fds[6], connect_line);
		in = strstr(raw_line(fds[6]), "\"ok\":true") != NULL;
	}
	for (size_t i = 1; i < SMOL_ARRAY_SIZE(fds); i++)
		close(fds[i]);
	agent_stop(&a);
	unlink(un.sun_path);
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
	expect_line(fd, "\"code\":\"limit_connections\"");
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

/* Jobs beyond the descriptors that the agent is started with; a job itself has no more of them. */
static void test_jobs_beyond_ulimit(void **state)
{
	enum { JOBS = 40 };
	struct rlimit few = {128, 0}, was;
	struct agent a = {.pid = 0};
	int fds[JOBS], pids[JOBS], fd;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	agent_start(&a, "files", TOKEN, NULL, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	for (int i = 0; i < JOBS; i++)
		fds[i] = start_raw(&a, "exec sleep 1000", &pids[i]);
	fd = raw_open(&a);
	raw_say(fd, "{\"op\":\"exec\",\"command\":\"ulimit -n\",\"token\":\"" TOKEN "\"}\n");
	expect_line(fd, "\"stdout\":\"128\\n\"");
	close(fd);
	for (int i = 0; i < JOBS; i++) {
		close(fds[i]);
		raw_end(pids[i]);
	}
	agent_stop(&a);
}

static void test_job_cap(void **state)
{
	static const char *const options[] = {"--limit-jobs", "1", "--limit-queue", "1", NULL};
	static const char request[] =
	    "{\"op\":\"exec\",\"command\":\"echo turn\",\"token\":\"" TOKEN "\"}\n";
	struct agent a = {.pid = 0};
	int fd, second, third, pid;

	(void)state;
	agent_start_with(&a, "jobs", TOKEN, options);
	fd = start_raw(&a, "sleep 1000", &pid);
	second = raw_open(&a);
	raw_say(second, request);
	/* The list shows when that one has come; it waits, so one more is refused. */
	third = raw_open(&a);
	for (bool queued = false; !queued;) {
		raw_say(third, "{\"op\":\"jobs\",\"token\":\"" TOKEN "\"}\n");
		queued = strstr(raw_line(third), "\"state\":\"queued\"") != NULL;
	}
	raw_say(third, request);
	expect_line(third, "\"code\":\"limit_jobs\"");
	raw_end(pid);
	expect_line(second, "\"stdout\":\"turn\\n\"");
	close(fd);
	close(second);
	close(third);
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
	expect_line(fd, "\"timed_out\":true,\"limit\":\"limit_run\"");
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
	    cmocka_unit_test(test_one_shot_by_hand),
	    cmocka_unit_test(test_one_shot_of_bytes_that_are_no_text),
	    cmocka_unit_test(test_one_shot_output_is_cut),
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_agent_without_a_token),
	    cmocka_unit_test(test_requests_that_are_none),
	    cmocka_unit_test(test_request_without_end),
	    cmocka_unit_test(test_bad_frame_ends_the_connection),
	    cmocka_unit_test(test_everything_in_one_write),
	    cmocka_unit_test(test_stdin_out_of_sequence),
	    cmocka_unit_test(test_resize),
	    cmocka_unit_test(test_half_closed_client_is_answered),
	    cmocka_unit_test(test_slow_one_and_many_quick_ones),
	    cmocka_unit_test(test_client_that_does_not_read),
	    cmocka_unit_test(test_client_that_does_not_read_and_small_rings),
	    cmocka_unit_test(test_relay_to_one_who_reads_late),
	    cmocka_unit_test(test_relay_to_one_who_resets),
	    cmocka_unit_test(test_relays_leave_room),
	    cmocka_unit_test(test_listen_at_a_long_path),
	    cmocka_unit_test(test_connection_cap),
	    cmocka_unit_test(test_job_cap),
	    cmocka_unit_test(test_jobs_beyond_ulimit),
	    cmocka_unit_test(test_run_time_cap),
	    cmocka_unit_test(test_shutdown_outside_a_vm),
	};

	return cmocka_run_group_tests(tests, smol_fixture_setup, smol_fixture_teardown);
}
