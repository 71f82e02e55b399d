/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client against servers that do one thing wrong each, and the addresses it is given. A server
 * is a thread with a script; it is joined at the end of each test, so it must come to its end. With
 * SMOLSH_TEST_VSOCK set the servers are on AF_VSOCK, at CID 1, where there is no handshake.
 * One file past 800 lines: all of it is the one client, and the servers are shared. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "vsock/client.h"

#define WAIT_MS 20000 /* for a peer that is expected to act at once */

struct fake {
	struct smol_vsock_addr addr;
	char dir[64];
	int listener;
	void (*script)(int fd);
	pthread_t thread;
	struct smol_client *client;
};

static void *serve(void *arg)
{
	struct fake *f = arg;
	int fd = accept(f->listener, NULL, NULL);

	if (fd >= 0) {
		f->script(fd);
		close(fd);
	}
	return NULL;
}

static bool over_vsock(void)
{
	return getenv("SMOLSH_TEST_VSOCK") != NULL;
}

static void listen_unix(struct fake *f)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	f->addr = (struct smol_vsock_addr){.kind = SMOL_VSOCK_UNIX, .port = 5000};
	snprintf(f->addr.path, sizeof(f->addr.path), "%s/s", f->dir);
	memcpy(sa.sun_path, f->addr.path, strlen(f->addr.path) + 1);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

static void listen_vsock(struct fake *f)
{
	struct sockaddr_vm sa = {
	    .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY};
	socklen_t len = sizeof(sa);

	f->listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&sa, &len), 0);
	f->addr = (struct smol_vsock_addr){
	    .kind = SMOL_VSOCK_CID, .cid = VMADDR_CID_LOCAL, .port = sa.svm_port};
}

static void fake_start(struct fake *f, void (*script)(int fd))
{
	*f = (struct fake){.script = script};
	snprintf(f->dir, sizeof(f->dir), "/tmp/smolsh-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	if (over_vsock())
		listen_vsock(f);
	else
		listen_unix(f);
	assert_int_equal(listen(f->listener, 4), 0);
	if (script)
		assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
	f->client = smol_client_open(&f->addr, "secret", smol_in_ms(WAIT_MS), NULL);
	assert_non_null(f->client);
}

static void fake_stop(struct fake *f)
{
	smol_client_close(f->client);
	if (f->script)
		pthread_join(f->thread, NULL);
	close(f->listener);
	smol_rmdir_r(f->dir, NULL);
}

/* ---- what servers do ---- */

static void say_n(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

		if (w <= 0)
			return;
		p += w;
		n -= (size_t)w;
	}
}

/* A script's "OK n" is the handshake. */
static void say(int fd, const char *text)
{
	if (over_vsock() && strncmp(text, "OK ", 3) == 0)
		text = strchr(text, '\n') + 1;
	say_n(fd, text, strlen(text));
}

/* Lines read from the client so far, the newline included. */
static void hear_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && recv(fd, line + n, 1, 0) == 1 && line[n++] != '\n')
		;
	line[n] = '\0';
}

static void hear_request(int fd)
{
	char line[4096];

	if (!over_vsock())
		hear_line(fd, line, sizeof(line)); /* CONNECT */
	hear_line(fd, line, sizeof(line));
}

static void hear_end(int fd)
{
	char c;

	while (recv(fd, &c, 1, 0) > 0)
		;
}

static void say_frame(int fd, unsigned type, uint64_t seq, const char *payload, size_t n)
{
	struct smol_frame f = {.type = type, .length = (uint32_t)n, .seq = seq};
	unsigned char head[SMOL_FRAME_HEADER];

	smol_frame_encode(&f, head);
	say_n(fd, head, sizeof(head));
	say_n(fd, payload, n);
}

/* ---- one request, one reply ---- */

static cJSON *health(struct fake *f, int64_t ms, struct smol_err *err)
{
	struct smol_request r = {.op = SMOL_OP_HEALTH};

	return smol_client_call(f->client, &r, smol_in_ms(ms), err);
}

static void expect_failure(void (*script)(int), enum smol_code code, const char *part)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct fake f;

	fake_start(&f, script);
	assert_null(health(&f, WAIT_MS, &err));
	assert_string_equal(smol_code_name(err.code), smol_code_name(code));
	if (!strstr(err.msg, part))
		fail_msg("'%s' does not hold '%s'", err.msg, part);
	fake_stop(&f);
}

static void glued_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 7\n{\"ok\":true,\"n\":1}\n{\"ok\":true,\"result\":{\"n\":2}}\n");
	hear_end(fd);
}

static void test_ok_glued_to_what_follows(void **state)
{
	smol_auto_json cJSON *one = NULL, *two = NULL;
	int64_t n = 0;
	struct fake f;

	(void)state;
	fake_start(&f, glued_script);
	one = health(&f, WAIT_MS, NULL);
	assert_int_equal(smol_json_int(one, "n", 0, 9, &n), 1);
	assert_int_equal(n, 1);
	/* The second reply came with the first: it must still be there. */
	two = health(&f, WAIT_MS, NULL);
	assert_int_equal(smol_json_int(two, "n", 0, 9, &n), 1);
	assert_int_equal(n, 2);
	fake_stop(&f);
}

static void pieces_script(int fd)
{
	static const char text[] = "OK 1073741824\n{\"ok\":true,\"v\":1}\n";

	hear_request(fd);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		say_n(fd, text + i, 1);
	hear_end(fd);
}

static void test_handshake_in_pieces(void **state)
{
	smol_auto_json cJSON *j = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, pieces_script);
	j = health(&f, WAIT_MS, NULL);
	assert_non_null(j);
	fake_stop(&f);
}

static char heard_connect[64], heard_request[4096];

static void listening_script(int fd)
{
	hear_line(fd, heard_connect, sizeof(heard_connect));
	hear_line(fd, heard_request, sizeof(heard_request));
	say(fd, "OK 1\n{\"ok\":true}\n");
	hear_line(fd, heard_connect + 32, 32);
	say(fd, "{\"ok\":true}\n");
	hear_end(fd);
}

static void test_connect_goes_out_once_with_the_request(void **state)
{
	smol_auto_json cJSON *a = NULL, *b = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, listening_script);
	a = health(&f, WAIT_MS, NULL);
	b = health(&f, WAIT_MS, NULL);
	assert_non_null(a);
	assert_non_null(b);
	fake_stop(&f);
	assert_string_equal(heard_connect, "CONNECT 5000\n");
	assert_non_null(strstr(heard_request, "\"op\":\"health\""));
	assert_non_null(strstr(heard_request, "\"token\":\"secret\""));
	assert_memory_equal(heard_connect + 32, "{\"op\":", 6);
}

static void deaf_script(int fd)
{
	hear_request(fd);
}

static void test_closed_without_ok_is_refused(void **state)
{
	(void)state;
	expect_failure(deaf_script, SMOL_E_REFUSED, "nothing listens on port 5000 in the guest");
}

static void close_script(int fd)
{
	(void)fd; /* closed with the request unread: a reset */
}

static void test_reset_without_ok_is_refused(void **state)
{
	(void)state;
	expect_failure(close_script, SMOL_E_REFUSED, "nothing listens");
}

static void half_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":tr");
}

static void test_closed_within_reply_is_reset(void **state)
{
	(void)state;
	expect_failure(half_script, SMOL_E_RESET, "the connection ended before the answer came");
}

static void nonsense_script(int fd)
{
	hear_request(fd);
	say(fd, "HELLO\033[2J\n");
	hear_end(fd);
}

static void test_other_handshake_is_protocol_and_escaped(void **state)
{
	(void)state;
	expect_failure(nonsense_script, SMOL_E_PROTOCOL, "HELLO\\x1b[2J");
}

static void long_ok_script(int fd)
{
	hear_request(fd);
	for (int i = 0; i < 100; i++)
		say(fd, "OK OK OK OK OK ");
	hear_end(fd);
}

static void test_endless_handshake_is_cut(void **state)
{
	(void)state;
	expect_failure(long_ok_script, SMOL_E_PROTOCOL, "longer than");
}

static void endless_script(int fd)
{
	char block[4096];
	ssize_t n;

	memset(block, 'x', sizeof(block));
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true,\"x\":\"");
	do {
		n = send(fd, block, sizeof(block), MSG_NOSIGNAL);
	} while (n > 0);
}

static void test_endless_reply_is_cut(void **state)
{
	(void)state;
	expect_failure(endless_script, SMOL_E_PROTOCOL, "longer than 1048576 bytes");
}

static void failure_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":false,\"error\":\"no\\nway\",\"code\":\"no_command\"}\n");
	hear_end(fd);
}

static void test_failure_keeps_its_code(void **state)
{
	(void)state;
	expect_failure(failure_script, SMOL_E_NO_COMMAND, "no\\nway");
}

static void array_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n[1]\n");
	hear_end(fd);
}

static void test_reply_that_is_no_object(void **state)
{
	(void)state;
	expect_failure(array_script, SMOL_E_PROTOCOL, "not a JSON object");
}

static void ok_only_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n");
	hear_end(fd);
}

static void test_no_answer_is_a_deadline(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct fake f;

	(void)state;
	fake_start(&f, ok_only_script);
	assert_null(health(&f, 50, &err));
	assert_int_equal(err.code, SMOL_E_DEADLINE);
	/* The late answer would be taken for the next one's: the connection is not to be used. */
	smol_err_clear(&err);
	assert_null(health(&f, 50, &err));
	assert_int_equal(err.code, SMOL_E_RESET);
	fake_stop(&f);
}

static void test_nobody_accepts_is_a_deadline(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct fake f;

	(void)state;
	fake_start(&f, NULL);
	assert_null(health(&f, 50, &err));
	assert_int_equal(err.code, SMOL_E_DEADLINE);
	assert_non_null(strstr(err.msg, "did not take the connection"));
	fake_stop(&f);
}

/* A queue that is full, as a guest's that takes no connection: somebody has had enough. */
static void test_a_dial_is_given_up(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_client *waiting[8];
	int n = 0, enough[2];
	struct fake f;

	(void)state;
	fake_start(&f, NULL);
	assert_int_equal(listen(f.listener, 0), 0);
	while ((waiting[n] = smol_client_open(&f.addr, NULL, smol_in_ms(0), &err)))
		assert_true(++n < 8);
	assert_int_equal(err.code, SMOL_E_DEADLINE);
	smol_err_clear(&err);
	assert_int_equal(pipe(enough), 0);
	close(enough[1]);
	assert_null(smol_client_open_or(&f.addr, NULL, smol_in_ms(WAIT_MS), enough[0], &err));
	assert_int_equal(err.code, SMOL_E_INTERRUPTED);
	close(enough[0]);
	while (n)
		smol_client_close(waiting[--n]);
	fake_stop(&f);
}

static void test_no_socket_is_refused(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_vsock_addr a = {.kind = SMOL_VSOCK_UNIX, .port = 5000};
	struct fake f;

	(void)state;
	snprintf(a.path, sizeof(a.path), "/tmp/smolsh-test-nothing/here");
	assert_null(smol_client_open(&a, NULL, smol_in_ms(WAIT_MS), &err));
	assert_int_equal(err.code, SMOL_E_REFUSED);
	fake_start(&f, NULL);
	close(f.listener); /* the file stays: a stale socket */
	assert_null(smol_client_open(&f.addr, NULL, smol_in_ms(WAIT_MS), &err));
	assert_int_equal(err.code, SMOL_E_REFUSED);
	f.listener = -1;
	fake_stop(&f);
}

/* ---- the stream form ---- */

struct taken {
	struct smol_buf out, err;
	int fail_with; /* errno to give, or 0 */
};

static int take_output(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	struct taken *t = ctx;

	if (t->fail_with) {
		errno = t->fail_with;
		return -1;
	}
	smol_buf_append(stream == SMOL_FRAME_STDERR ? &t->err : &t->out, data, n);
	return 0;
}

static int run(struct fake *f, struct taken *t, struct smol_exec_result *r, struct smol_err *err)
{
	char *argv[] = {"x", NULL};
	struct smol_exec_request e = {.argv = argv};
	struct smol_exec_io io = {.stdin_fd = -1, .output = take_output, .wake_fd = -1, .ctx = t};

	return smol_client_exec(f->client, &e, &io, r, err);
}

static void expect_stream_failure(
    void (*script)(int), int fail_with, enum smol_code code, const char *part)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_exec_result r = {0};
	struct taken t = {.fail_with = fail_with};
	struct fake f;

	fake_start(&f, script);
	assert_int_equal(run(&f, &t, &r, &err), -1);
	assert_string_equal(smol_code_name(err.code), smol_code_name(code));
	if (!strstr(err.msg, part))
		fail_msg("'%s' does not hold '%s'", err.msg, part);
	fake_stop(&f);
	smol_buf_free(&t.out);
	smol_buf_free(&t.err);
}

static const char exit_3[] = "{\"exit_code\":3,\"duration_ms\":5,\"later\":1}";

static void stream_script(int fd)
{
	struct smol_frame h = {.type = SMOL_FRAME_STDOUT, .length = 5, .seq = 3};
	unsigned char head[SMOL_FRAME_HEADER];

	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	say_frame(fd, SMOL_FRAME_STDOUT, 0, "abc", 3);
	smol_frame_encode(&h, head);
	for (size_t i = 0; i < sizeof(head); i++)
		say_n(fd, head + i, 1);
	say(fd, "de");
	say(fd, "fgh");
	say_frame(fd, SMOL_FRAME_STDERR, 8, "E", 1);
	say_frame(fd, SMOL_FRAME_GAP, 100, "\1\0\0\0\0\0\0\0", 8);
	say_frame(fd, SMOL_FRAME_STDOUT, 100, "z", 1);
	say_frame(fd, SMOL_FRAME_EXIT, 0, exit_3, sizeof(exit_3) - 1);
	hear_end(fd);
}

static void test_stream_in_pieces(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_exec_result r = {0};
	struct taken t = {0};
	struct fake f;

	(void)state;
	fake_start(&f, stream_script);
	assert_int_equal(run(&f, &t, &r, &err), 0);
	assert_int_equal(r.exit_code, 3);
	assert_int_equal(r.duration_ms, 5);
	assert_string_equal(smol_buf_str(&t.out), "abcdefghz");
	assert_string_equal(smol_buf_str(&t.err), "E");
	fake_stop(&f);
	smol_buf_free(&t.out);
	smol_buf_free(&t.err);
}

static void no_exit_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	say_frame(fd, SMOL_FRAME_STDOUT, 0, "abc", 3);
}

static void test_no_exit_frame_never_means_success(void **state)
{
	(void)state;
	expect_stream_failure(
	    no_exit_script, 0, SMOL_E_RESET, "the connection ended before the command did");
}

static void jump_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	say_frame(fd, SMOL_FRAME_STDOUT, 0, "abc", 3);
	say_frame(fd, SMOL_FRAME_STDOUT, 4, "e", 1);
	say_frame(fd, SMOL_FRAME_EXIT, 0, exit_3, sizeof(exit_3) - 1);
	hear_end(fd);
}

static void test_missing_output_is_noticed(void **state)
{
	(void)state;
	expect_stream_failure(jump_script, 0, SMOL_E_PROTOCOL, "a piece missing");
}

static void bad_exit_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	say_frame(fd, SMOL_FRAME_EXIT, 0, "{\"exit_code\":256}", 17);
	hear_end(fd);
}

static void test_bad_exit_code_is_no_result(void **state)
{
	(void)state;
	expect_stream_failure(bad_exit_script, 0, SMOL_E_PROTOCOL, "valid exit code");
}

static void bad_frame_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	say_n(fd, "\3\0\0\0\377\377\377\377\0\0\0\0\0\0\0\0", 16);
	hear_end(fd);
}

static void test_oversized_frame(void **state)
{
	(void)state;
	expect_stream_failure(bad_frame_script, 0, SMOL_E_PROTOCOL, "frame type 3");
}

static void wrong_way_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	say_frame(fd, SMOL_FRAME_STDIN, 0, "a", 1);
	hear_end(fd);
}

static void test_frame_of_the_other_direction(void **state)
{
	(void)state;
	expect_stream_failure(wrong_way_script, 0, SMOL_E_PROTOCOL, "not for a client");
}

static void error_script(int fd)
{
	static const char text[] = "{\"ok\":false,\"code\":\"limit\",\"error\":\"too\\u001bmuch\"}";

	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	say_frame(fd, SMOL_FRAME_ERROR, 0, text, sizeof(text) - 1);
	hear_end(fd);
}

static void test_error_frame_keeps_its_code(void **state)
{
	(void)state;
	expect_stream_failure(error_script, 0, SMOL_E_LIMIT, "too\\x1bmuch");
}

static void test_own_reader_gone(void **state)
{
	(void)state;
	expect_stream_failure(no_exit_script, EPIPE, SMOL_E_IO, "Broken pipe");
}

static int give_up(void *ctx, struct smol_client *c)
{
	(void)ctx;
	assert_int_equal(smol_client_send_signal(c, 2), 0);
	return -1;
}

static unsigned char heard_frame[SMOL_FRAME_HEADER + 4];

static void signalled_script(int fd)
{
	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	recv(fd, heard_frame, sizeof(heard_frame), MSG_WAITALL);
	hear_end(fd);
}

static void test_wake_interrupts(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_exec_request e = {.command = "x"};
	struct smol_exec_io io = {.stdin_fd = -1, .output = take_output, .wake = give_up};
	struct smol_exec_result r;
	struct fake f;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	io.wake_fd = p[0];
	fake_start(&f, signalled_script);
	assert_int_equal(smol_client_exec(f.client, &e, &io, &r, &err), -1);
	assert_int_equal(err.code, SMOL_E_INTERRUPTED);
	fake_stop(&f);
	assert_int_equal(heard_frame[0], SMOL_FRAME_SIGNAL);
	assert_int_equal(heard_frame[SMOL_FRAME_HEADER], 2);
	close(p[0]);
	close(p[1]);
}

/* ---- stdin and its window ---- */

static size_t window_stdin; /* bytes heard before the window was opened */

/* Takes frames until n bytes of stdin have been heard; true when EOF was among them. */
static bool hear_stdin(int fd, size_t n, uint64_t *position)
{
	unsigned char head[SMOL_FRAME_HEADER];
	struct smol_frame f;
	char trash[4096];

	while (*position < n) {
		if (recv(fd, head, sizeof(head), MSG_WAITALL) != sizeof(head) ||
		    smol_frame_decode(head, &f, NULL) < 0)
			return false;
		if (f.type == SMOL_FRAME_STDIN_EOF)
			return true;
		if (f.type != SMOL_FRAME_STDIN || f.seq != *position)
			return false;
		*position += f.length;
		for (size_t k; f.length; f.length -= (uint32_t)k) {
			k = f.length < sizeof(trash) ? f.length : sizeof(trash);
			if (recv(fd, trash, k, MSG_WAITALL) != (ssize_t)k)
				return false;
		}
	}
	return false;
}

static void window_script(int fd)
{
	unsigned char window[8];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t position = 0;

	hear_request(fd);
	say(fd, "OK 1\n{\"ok\":true}\n");
	hear_stdin(fd, SMOL_STDIN_WINDOW, &position);
	/* All that may be sent has been: whatever came now would be too much. */
	poll(&p, 1, 100);
	window_stdin = (size_t)position + (p.revents ? 1 : 0);
	smol_put_le64(window, SMOL_STDIN_WINDOW + 1000);
	say_frame(fd, SMOL_FRAME_WINDOW, 0, (char *)window, 8);
	hear_stdin(fd, SMOL_STDIN_WINDOW + 1000, &position);
	say_frame(fd, SMOL_FRAME_EXIT, 0, exit_3, sizeof(exit_3) - 1);
	hear_end(fd);
}

static void test_stdin_keeps_to_the_window(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_close int zero = open("/dev/zero", O_RDONLY);
	struct smol_exec_request e = {.command = "x"};
	struct taken t = {0};
	struct smol_exec_io io = {
	    .stdin_fd = zero, .output = take_output, .wake_fd = -1, .ctx = &t};
	struct smol_exec_result r;
	struct fake f;

	(void)state;
	fake_start(&f, window_script);
	assert_int_equal(smol_client_exec(f.client, &e, &io, &r, &err), 0);
	fake_stop(&f);
	assert_int_equal(window_stdin, SMOL_STDIN_WINDOW);
}

/* ---- words ---- */

static void test_cid_words(void **state)
{
	static const char *const bad[] = {"0", "1", "2", "4294967295", "-1", "1e10", "3x", "", " 3",
	    "3 ", "0x10", "+5", "99999999999999999999"};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	uint32_t cid = 0;

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		assert_int_equal(smol_cid_parse(bad[i], &cid, &err), -1);
		assert_int_equal(err.code, SMOL_E_INVALID);
		assert_non_null(strstr(err.msg, "3 to 4294967294"));
	}
	assert_int_equal(cid, 0);
	assert_int_equal(smol_cid_parse("3", &cid, &err), 0);
	assert_int_equal(cid, 3);
	assert_int_equal(smol_cid_parse("4294967294", &cid, &err), 0);
	assert_int_equal(cid, 4294967294U);
}

static void test_port_words(void **state)
{
	uint32_t port = 0;

	(void)state;
	assert_int_equal(smol_vsock_port_parse("0", &port, NULL), -1);
	assert_int_equal(smol_vsock_port_parse("4294967295", &port, NULL), -1);
	assert_int_equal(smol_vsock_port_parse("5000", &port, NULL), 0);
	assert_int_equal(port, 5000);
}

static void test_uds_paths(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	char path[SMOL_UDS_PATH_MAX + 2];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[SMOL_UDS_PATH_MAX + 1] = '\0';
	assert_int_equal(smol_uds_path_check(path, &err), -1);
	assert_int_equal(err.code, SMOL_E_INVALID);
	assert_non_null(strstr(err.msg, "at most 96"));
	path[SMOL_UDS_PATH_MAX] = '\0';
	assert_int_equal(smol_uds_path_check(path, &err), 0);
	assert_int_equal(smol_uds_path_check("relative", &err), -1);
	assert_int_equal(smol_uds_path_check("", &err), -1);
}

int main(void)
{
	const struct CMUnitTest of_unix_sockets[] = {
	    cmocka_unit_test(test_handshake_in_pieces),
	    cmocka_unit_test(test_connect_goes_out_once_with_the_request),
	    cmocka_unit_test(test_closed_without_ok_is_refused),
	    cmocka_unit_test(test_reset_without_ok_is_refused),
	    cmocka_unit_test(test_other_handshake_is_protocol_and_escaped),
	    cmocka_unit_test(test_endless_handshake_is_cut),
	    cmocka_unit_test(test_nobody_accepts_is_a_deadline),
	    cmocka_unit_test(test_a_dial_is_given_up),
	    cmocka_unit_test(test_no_socket_is_refused),
	};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ok_glued_to_what_follows),
	    cmocka_unit_test(test_closed_within_reply_is_reset),
	    cmocka_unit_test(test_endless_reply_is_cut),
	    cmocka_unit_test(test_failure_keeps_its_code),
	    cmocka_unit_test(test_reply_that_is_no_object),
	    cmocka_unit_test(test_no_answer_is_a_deadline),
	    cmocka_unit_test(test_stream_in_pieces),
	    cmocka_unit_test(test_no_exit_frame_never_means_success),
	    cmocka_unit_test(test_missing_output_is_noticed),
	    cmocka_unit_test(test_bad_exit_code_is_no_result),
	    cmocka_unit_test(test_oversized_frame),
	    cmocka_unit_test(test_frame_of_the_other_direction),
	    cmocka_unit_test(test_error_frame_keeps_its_code),
	    cmocka_unit_test(test_own_reader_gone),
	    cmocka_unit_test(test_wake_interrupts),
	    cmocka_unit_test(test_stdin_keeps_to_the_window),
	    cmocka_unit_test(test_cid_words),
	    cmocka_unit_test(test_port_words),
	    cmocka_unit_test(test_uds_paths),
	};

	if (!over_vsock() && cmocka_run_group_tests(of_unix_sockets, NULL, NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
