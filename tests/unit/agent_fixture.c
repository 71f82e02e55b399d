/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Agents for tests: see agent_fixture.h. */
#include "agent_fixture.h"

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
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/spawn.h"
#include "vsock/dial.h"

char smol_fixture_dir[64];
struct agent shared;

static uint32_t next_port = 6000; /* over AF_VSOCK; an ended agent's may still be taken */

static bool over_vsock(void)
{
	return getenv("SMOLSH_TEST_VSOCK") != NULL;
}

void agent_start(
    struct agent *a, const char *name, const char *token, const char *option, const char *value)
{
	agent_start_with(a, name, token, (const char *const[]){option, value, NULL});
}

void agent_start_with(
    struct agent *a, const char *name, const char *token, const char *const *options)
{
	const char *program = getenv("SMOLSH_AGENT");
	smol_auto_free char *file = smol_asprintf("%s/%s.token", smol_fixture_dir, name);
	smol_auto_free char *port = smol_asprintf("%u", next_port);
	const char *argv[16] = {program ? program : "./smolsh-agent", "--unix", a->addr.path};
	struct smol_spawn s = {.argv = argv, .fds = {-1, 1, 2}, .nfds = 3, .die_with_parent = true};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int n = 3;

	a->addr = (struct smol_vsock_addr){.kind = SMOL_VSOCK_UNIX, .port = 5000};
	snprintf(a->addr.path, sizeof(a->addr.path), "%s/%s.sock", smol_fixture_dir, name);
	if (over_vsock()) {
		a->addr = (struct smol_vsock_addr){
		    .kind = SMOL_VSOCK_CID, .cid = VMADDR_CID_LOCAL, .port = next_port++};
		argv[1] = "--vsock";
		argv[2] = port;
	}
	if (token) {
		assert_int_equal(smol_file_write(file, token, strlen(token), 0600, NULL), 0);
		argv[n++] = "--token-file";
		argv[n++] = file;
	}
	for (; *options && n < 15; options++)
		argv[n++] = *options;
	if (smol_spawn(&s, &a->pid, &a->pidfd, &err) < 0)
		fail_msg("%s", err.msg);
	for (smol_deadline d = smol_in_ms(WAIT_MS);;) {
		struct pollfd p = {.fd = a->pidfd, .events = POLLIN};
		struct smol_client *c = smol_client_open(&a->addr, NULL, d, NULL);

		smol_client_close(c);
		if (c)
			return;
		/* Between its start and its listening there is no event to wait for. */
		if (poll(&p, 1, 5) != 0 || smol_poll_ms(d) == 0)
			fail_msg("%s does not start", argv[0]);
	}
}

void agent_stop(struct agent *a)
{
	int status = -1;

	kill(a->pid, SIGTERM);
	assert_int_equal(smol_spawn_wait(a->pid, a->pidfd, smol_in_ms(WAIT_MS), &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(access(a->addr.path, F_OK), -1);
	close(a->pidfd);
}

void assert_rests(pid_t pid)
{
	smol_auto_free char *path = smol_asprintf("/proc/%d/stat", (int)pid);

	/* Once would do for one that works without end; several, for one that does so in turns. */
	for (int seen = 0, tries = 0; seen < 20; tries++) {
		smol_auto_buf struct smol_buf b = {0};
		const char *state;

		if (tries == 2000)
			fail_msg("process %d is never at rest", (int)pid);
		assert_int_equal(smol_file_read(path, 4096, &b, NULL), 0);
		state = strrchr(smol_buf_str(&b), ')');
		assert_non_null(state);
		seen = state[2] == 'S' ? seen + 1 : 0;
		poll(NULL, 0, 5); /* there is no event for it */
	}
}

int smol_fixture_setup(void **state)
{
	(void)state;
	snprintf(smol_fixture_dir, sizeof(smol_fixture_dir), "/tmp/smolsh-test-XXXXXX");
	assert_non_null(mkdtemp(smol_fixture_dir));
	agent_start(&shared, "a", TOKEN "\n", NULL, NULL);
	return 0;
}

int smol_fixture_teardown(void **state)
{
	(void)state;
	agent_stop(&shared);
	return smol_rmdir_r(smol_fixture_dir, NULL);
}

static void *serve_fake(void *arg)
{
	struct fake_agent *f = arg;
	int fd = accept(f->listener, NULL, NULL);
	char c;

	for (int lines = 0; lines < 2 && recv(fd, &c, 1, 0) == 1;)
		lines += c == '\n';
	if (send(fd, f->says, f->n, MSG_NOSIGNAL) >= 0)
		shutdown(fd, SHUT_WR);
	while (recv(fd, &c, 1, 0) > 0)
		;
	close(fd);
	return NULL;
}

void fake_agent_start(struct fake_agent *f, const char *says, size_t n)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	*f = (struct fake_agent){
	    .says = says, .n = n, .addr = {.kind = SMOL_VSOCK_UNIX, .port = 5000}};
	snprintf(f->addr.path, sizeof(f->addr.path), "%s/fake", smol_fixture_dir);
	memcpy(sa.sun_path, f->addr.path, strlen(f->addr.path) + 1);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(f->listener, 1), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve_fake, f), 0);
}

void fake_agent_stop(struct fake_agent *f)
{
	pthread_join(f->thread, NULL);
	close(f->listener);
	unlink(f->addr.path);
}

void assert_ends(pid_t pid)
{
	smol_auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0 && smol_io_wait(fd, POLLIN, smol_in_ms(WAIT_MS)) != 1)
		fail_msg("process %d lives on", (int)pid);
}

struct smol_client *agent_dial(const struct agent *a)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_client *c = smol_client_open(&a->addr, TOKEN, smol_in_ms(WAIT_MS), &err);

	if (!c)
		fail_msg("%s", err.msg);
	return c;
}

int raw_connect(const struct agent *a)
{
	struct timeval late = {.tv_sec = WAIT_MS / 1000};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int fd = smol_vsock_dial(&a->addr, smol_in_ms(WAIT_MS), &err);

	if (fd < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &late, sizeof(late)), 0);
	return fd;
}

const char *raw_hello(void)
{
	return over_vsock() ? "" : "CONNECT 5000\n";
}

void raw_expect_ok(int fd)
{
	if (!over_vsock())
		assert_memory_equal(raw_line(fd), "OK ", 3);
}

void raw_say(int fd, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

const char *raw_line(int fd)
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

int raw_open(const struct agent *a)
{
	int fd = raw_connect(a);

	raw_say(fd, raw_hello());
	raw_expect_ok(fd);
	return fd;
}

void expect_line(int fd, const char *part)
{
	const char *line = raw_line(fd);

	if (!strstr(line, part))
		fail_msg("'%s' does not hold '%s'", line, part);
}

unsigned raw_frame(int fd, char *payload, size_t size)
{
	unsigned char head[SMOL_FRAME_HEADER];
	struct smol_frame f;

	assert_int_equal(recv(fd, head, sizeof(head), MSG_WAITALL), sizeof(head));
	assert_int_equal(smol_frame_decode(head, &f, NULL), 0);
	assert_true(f.length < size);
	if (f.length)
		assert_int_equal(recv(fd, payload, f.length, MSG_WAITALL), f.length);
	payload[f.length] = '\0';
	return f.type;
}

void append_frame(struct smol_buf *b, unsigned type, uint64_t seq, const char *data, size_t n)
{
	struct smol_frame f = {.type = type, .length = (uint32_t)n, .seq = seq};
	unsigned char head[SMOL_FRAME_HEADER];

	smol_frame_encode(&f, head);
	smol_buf_append(b, head, sizeof(head));
	smol_buf_append(b, data, n);
}

void raw_end(int pid)
{
	assert_int_equal(kill(-pid, SIGKILL), 0);
	assert_ends(pid);
}

int start_raw(const struct agent *a, const char *command, int *pid)
{
	smol_auto_free char *line = smol_asprintf(
	    "{\"op\":\"exec\",\"stream\":true,\"command\":\"%s\",\"token\":\"" TOKEN "\"}\n",
	    command);
	int fd = raw_open(a);

	raw_say(fd, line);
	assert_int_equal(sscanf(raw_line(fd), "{\"ok\":true,\"job\":%*d,\"pid\":%d}", pid), 1);
	return fd;
}
