/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smolsh-forward, started by hand, between clients of ours and an agent outside a VM. */
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/spawn.h"

#define FETCH_MS 10000 /* how long the agent keeps a connection that nobody fetches */

struct forward {
	pid_t pid;
	int pidfd;
	int status; /* how it began is read from here */
	int err;    /* what becomes its stderr; 0: ours */
};

static int token_fd(void)
{
	int fd = memfd_create("token", MFD_CLOEXEC);

	assert_int_equal(write(fd, TOKEN, strlen(TOKEN)), strlen(TOKEN));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int listen_tcp(int *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(in);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static int dial_tcp(int port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

/* With so many descriptors as shell's `ulimit -n` is told; its options are words, ended by NULL. */
static void forward_start_at(const struct smol_vsock_addr *agent, struct forward *w,
    const char *ulimit, int listen_fd, const char *const *options)
{
	const char *program = getenv("SMOLSH_FORWARD");
	smol_auto_free char *script = smol_asprintf("ulimit %s; exec \"$@\"", ulimit);
	const char *argv[32] = {"/bin/sh", "-c", script, "sh",
	    program ? program : "./smolsh-forward", "--uds", agent->path, "--agent-port", "5000",
	    "--token-fd", "3", "--status-fd", "4"};
	smol_auto_close int token = token_fd();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_spawn s = {
	    .argv = argv, .nfds = listen_fd < 0 ? 5 : 6, .die_with_parent = true};
	int p[2], n = 13;

	while (*options)
		argv[n++] = *options++;
	assert_int_equal(pipe(p), 0);
	s.fds[0] = -1;
	s.fds[1] = 1;
	s.fds[2] = w->err > 0 ? w->err : 2;
	s.fds[3] = token;
	s.fds[4] = p[1];
	s.fds[5] = listen_fd;
	if (smol_spawn(&s, &w->pid, &w->pidfd, &err) < 0)
		fail_msg("%s", err.msg);
	close(p[1]);
	w->status = p[0];
}

static void forward_start(
    struct forward *w, const char *ulimit, int listen_fd, const char *const *options)
{
	forward_start_at(&shared.addr, w, ulimit, listen_fd, options);
}

static void forward_stop(struct forward *w)
{
	int status;

	kill(w->pid, SIGKILL);
	assert_int_equal(smol_spawn_wait(w->pid, w->pidfd, smol_in_ms(WAIT_MS), &status), 0);
	close(w->pidfd);
	close(w->status);
}

/* More clients than it has descriptors for: some wait, nobody is turned away. */
static void test_more_clients_than_descriptors(void **state)
{
	enum { CLIENTS = 40 };
	int port, guest_port, clients[CLIENTS], served = 0;
	smol_auto_close int host = listen_tcp(&port), guest = listen_tcp(&guest_port);
	smol_auto_free char *text = smol_asprintf("%d", guest_port);
	struct forward w = {.pid = 0};

	(void)state;
	forward_start(&w, "-n 40", host,
	    (const char *const[]){"--listen-fd", "5", "--guest-port", text, NULL});
	expect_line(w.status, "\"ok\":true");
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = dial_tcp(port);
		assert_int_equal(send(clients[i], "x", 1, MSG_NOSIGNAL), 1);
	}
	assert_rests(w.pid);
	for (int i = 0; i < CLIENTS; i++) {
		struct pollfd p = {.fd = clients[i], .events = POLLIN};

		assert_int_equal(poll(&p, 1, 0), 0);
	}
	/* As those that are served go, the others have their turn. */
	for (; served < CLIENTS; served++) {
		smol_auto_close int server = -1;
		char c = 0;

		assert_int_equal(smol_io_wait(guest, POLLIN, smol_in_ms(WAIT_MS)), 1);
		server = accept4(guest, NULL, NULL, SOCK_CLOEXEC);
		assert_int_equal(smol_io_read_some(server, &c, 1, smol_in_ms(WAIT_MS)), 1);
		assert_int_equal(c, 'x');
		shutdown(server, SHUT_WR);
		assert_int_equal(smol_io_read_some(clients[served], &c, 1, smol_in_ms(WAIT_MS)), 0);
		close(clients[served]);
		assert_int_equal(smol_io_read_some(server, &c, 1, smol_in_ms(WAIT_MS)), 0);
	}
	forward_stop(&w);
}

/* The reverse: what the guest listens on is a name in its file system. It goes with the forward,
 * and one that an agent has left behind is no obstacle. */
static void test_reverse_from_a_path(void **state)
{
	int port;
	smol_auto_close int host = listen_tcp(&port);
	smol_auto_free char *text = smol_asprintf("%d", port);
	smol_auto_free char *path = smol_asprintf("%s/guest.sock", smol_fixture_dir);
	const char *const options[] = {
	    "--reverse", "--to-host", "127.0.0.1", "--to-port", text, "--guest-path", path, NULL};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct forward w = {.pid = 0};

	(void)state;
	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	{
		smol_auto_close int left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(bind(left, (struct sockaddr *)&un, sizeof(un)), 0);
	}
	for (int i = 0; i < 2; i++) {
		smol_auto_close int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		smol_auto_close int server = -1;
		char c = 0;

		forward_start(&w, "-n 64", -1, options);
		expect_line(w.status, "\"ok\":true");
		assert_int_equal(connect(client, (struct sockaddr *)&un, sizeof(un)), 0);
		assert_int_equal(smol_io_wait(host, POLLIN, smol_in_ms(WAIT_MS)), 1);
		server = accept4(host, NULL, NULL, SOCK_CLOEXEC);
		assert_int_equal(send(client, "x", 1, MSG_NOSIGNAL), 1);
		assert_int_equal(smol_io_read_some(server, &c, 1, smol_in_ms(WAIT_MS)), 1);
		assert_int_equal(c, 'x');
		forward_stop(&w);
		/* The client's end tells that the agent has seen it. */
		assert_int_equal(smol_io_read_some(client, &c, 1, smol_in_ms(WAIT_MS)), 0);
		while (access(path, F_OK) == 0)
			poll(NULL, 0, 5);
	}
	/* What is no socket is not taken away. */
	assert_int_equal(smol_file_write(path, "mine", 4, 0600, NULL), 0);
	forward_start(&w, "-n 64", -1, options);
	expect_line(w.status, "\"code\":\"exists\"");
	forward_stop(&w);
	assert_int_equal(unlink(path), 0);
}

/* The reverse, and nobody listens on the host: whoever has connected in the guest learns of it,
 * before the agent gives it up for one that nobody fetches. */
static void test_reverse_to_nobody(void **state)
{
	smol_auto_free char *path = smol_asprintf("%s/guest.sock", smol_fixture_dir);
	smol_auto_free char *nobody = smol_asprintf("%s/nobody.sock", smol_fixture_dir);
	const char *const options[] = {
	    "--reverse", "--to-path", nobody, "--guest-path", path, NULL};
	smol_auto_close int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct forward w = {.pid = 0};
	char c;

	(void)state;
	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	forward_start(&w, "-n 64", -1, options);
	expect_line(w.status, "\"ok\":true");
	assert_int_equal(connect(client, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(smol_io_read_some(client, &c, 1, smol_in_ms(FETCH_MS / 2)), 0);
	forward_stop(&w);
}

/* And however many do so, not each of them is worth a line. */
static void test_complaints_are_few(void **state)
{
	enum { CLIENTS = 30 };
	smol_auto_free char *path = smol_asprintf("%s/guest.sock", smol_fixture_dir);
	smol_auto_free char *nobody = smol_asprintf("%s/nobody.sock", smol_fixture_dir);
	const char *const options[] = {
	    "--reverse", "--to-path", nobody, "--guest-path", path, NULL};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct forward w = {.pid = 0};
	char text[16384] = "", c;
	int p[2], clients[CLIENTS], lines = 0;

	(void)state;
	assert_int_equal(pipe(p), 0);
	w.err = p[1];
	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	forward_start(&w, "-n 128", -1, options);
	close(p[1]);
	expect_line(w.status, "\"ok\":true");
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&un, sizeof(un)), 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(smol_io_read_some(clients[i], &c, 1, smol_in_ms(WAIT_MS)), 0);
		close(clients[i]);
	}
	forward_stop(&w);
	assert_true(read(p[0], text, sizeof(text) - 1) > 0);
	close(p[0]);
	for (const char *s = text; (s = strchr(s, '\n')); s++)
		lines++;
	assert_in_range(lines, 1, CLIENTS - 1);
}

/* An agent that answers at length: the monitor reads one short line all the same. */
static void test_status_is_short(void **state)
{
	static const char *const options[] = {
	    "--reverse", "--to-host", "127.0.0.1", "--to-port", "1", "--guest-port", "1", NULL};
	smol_auto_buf struct smol_buf says = {0};
	struct fake_agent agent;
	struct forward w = {.pid = 0};

	(void)state;
	smol_buf_puts(&says, "OK 1\n{\"ok\":true,\"port\":1,\"more\":\"");
	for (int i = 0; i < 10000; i++)
		smol_buf_puts(&says, "x");
	smol_buf_puts(&says, "\"}\n");
	fake_agent_start(&agent, smol_buf_head(&says), smol_buf_len(&says));
	forward_start_at(&agent.addr, &w, "-n 64", -1, options);
	assert_string_equal(raw_line(w.status), "{\"ok\":true}\n");
	forward_stop(&w);
	fake_agent_stop(&agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_more_clients_than_descriptors),
	    cmocka_unit_test(test_reverse_from_a_path),
	    cmocka_unit_test(test_reverse_to_nobody),
	    cmocka_unit_test(test_complaints_are_few),
	    cmocka_unit_test(test_status_is_short),
	};

	return cmocka_run_group_tests_name(
	    "forward", tests, smol_fixture_setup, smol_fixture_teardown);
}
