/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: the device as a process; see process.h. */
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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "process.h"

#define WAIT_MS 10000
#define PROGRAM "./smolsh-vsockd"

static void address(struct sockaddr_un *sa, const char *path)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	assert_true(strlen(path) < sizeof(sa->sun_path));
	strcpy(sa->sun_path, path);
}

int process_listen(const char *path)
{
	struct sockaddr_un sa;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address(&sa, path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

int process_client(const char *path)
{
	struct sockaddr_un sa;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = WAIT_MS / 1000};

	address(&sa, path);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* Descriptors 3 and 4 are its sockets, 5 the program, which the user it becomes may have no way to.
 */
static _Noreturn void child(
    const struct process *d, int vhost, int journal, void (*before)(void *arg), void *arg)
{
	char path[96];
	char *const argv[] = {PROGRAM, "--vhost-fd", "3", "--listen-fd", "4", "--uds-path", path,
	    "--guest-cid", "3", NULL};
	int program = open(PROGRAM, O_RDONLY), fds[] = {vhost, d->listener, program, journal};

	strcpy(path, d->path);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 4; i++)
		fds[i] = fcntl(fds[i], F_DUPFD, 64);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], 3 + i);
	dup2(fds[3], STDERR_FILENO);
	close_range(6, ~0u, 0);
	fcntl(5, F_SETFD, FD_CLOEXEC);
	if (before)
		before(arg);
	execveat(5, "", argv, (char *const[]){NULL}, AT_EMPTY_PATH);
	fprintf(stderr, "%s: %s\n", PROGRAM, strerror(errno));
	_exit(127);
}

void process_start(struct process *d, void (*before)(void *arg), void *arg)
{
	int sv[2], journal[2];

	*d = (struct process){.dir = "/tmp/vsockd-process-XXXXXX"};
	assert_non_null(mkdtemp(d->dir));
	assert_int_equal(chmod(d->dir, 0755), 0);
	snprintf(d->path, sizeof(d->path), "%s/v.sock", d->dir);
	d->listener = process_listen(d->path);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(pipe2(journal, O_CLOEXEC), 0);
	d->pid = fork();
	if (d->pid == 0)
		child(d, sv[1], journal[1], before, arg);
	assert_true(d->pid > 0);
	d->pidfd = (int)syscall(SYS_pidfd_open, d->pid, 0);
	d->journal = journal[0];
	close(sv[1]);
	close(journal[1]);
	player_open(&d->p, sv[0], &(struct player_config){.event_idx = true, .indirect = true});
	player_negotiate(&d->p);
}

void process_rings(struct process *d)
{
	player_memory(&d->p);
	player_rx_fill(&d->p);
	player_start(&d->p, 0, 0);
}

static struct player_packet expect(struct process *d, enum smol_vsock_op op)
{
	struct player_packet pkt;

	do {
		assert_true(player_rx_wait(&d->p, &pkt, WAIT_MS));
		player_rx_done(&d->p, &pkt);
		player_kick(&d->p, PLAYER_RX);
	} while (pkt.h.op == SMOL_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(pkt.h.op, op);
	return pkt;
}

/* A byte to the client, a byte back. */
static void byte_each_way(struct process *d, struct player_sock *s, int fd)
{
	struct smol_vsock_hdr h = player_hdr(&d->p, s, SMOL_VSOCK_OP_RW);
	struct player_packet pkt;
	char c = 0;

	h.len = 1;
	player_send(&d->p, &h, "g");
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, 'g');
	assert_int_equal(write(fd, "h", 1), 1);
	pkt = expect(d, SMOL_VSOCK_OP_RW);
	assert_int_equal(pkt.h.len, 1);
	assert_int_equal(pkt.data[0], 'h');
}

void process_serves(struct process *d)
{
	struct player_sock in = {0},
			   out = {.guest_port = 700, .host_port = 6000, .buf_alloc = 65536};
	struct pollfd incoming = {.events = POLLIN};
	char path[120], line[32] = "", want[32];
	int fd = process_client(d->path), l;

	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	player_accept(&d->p, &in, 5000);
	snprintf(want, sizeof(want), "OK %u\n", in.host_port);
	assert_int_equal(recv(fd, line, strlen(want), MSG_WAITALL), strlen(want));
	assert_string_equal(line, want);
	byte_each_way(d, &in, fd);
	close(fd);
	expect(d, SMOL_VSOCK_OP_SHUTDOWN);
	player_op(&d->p, &in, SMOL_VSOCK_OP_RST, 0);

	snprintf(path, sizeof(path), "%s_6000", d->path);
	incoming.fd = l = process_listen(path);
	player_op(&d->p, &out, SMOL_VSOCK_OP_REQUEST, 0);
	expect(d, SMOL_VSOCK_OP_RESPONSE);
	assert_int_equal(poll(&incoming, 1, WAIT_MS), 1);
	fd = accept(l, NULL, NULL);
	assert_true(fd >= 0);
	byte_each_way(d, &out, fd);
	close(fd);
	close(l);
	assert_int_equal(unlink(path), 0);
	expect(d, SMOL_VSOCK_OP_SHUTDOWN);
	player_op(&d->p, &out, SMOL_VSOCK_OP_RST, 0);
}

bool process_says(struct process *d, const char *text)
{
	while (!strstr(d->said, text)) {
		struct pollfd pf = {.fd = d->journal, .events = POLLIN};
		size_t have = strlen(d->said);
		ssize_t n;

		if (poll(&pf, 1, WAIT_MS) != 1)
			return false;
		n = read(d->journal, d->said + have, sizeof(d->said) - 1 - have);
		if (n <= 0)
			return false;
	}
	return true;
}

int process_wait(struct process *d)
{
	struct pollfd end = {.fd = d->pidfd, .events = POLLIN};
	int status;

	assert_int_equal(poll(&end, 1, WAIT_MS), 1);
	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	process_says(d, "\1");
	return status;
}

void process_clear(struct process *d)
{
	player_close(&d->p);
	close(d->pidfd);
	close(d->journal);
	close(d->listener);
	assert_int_equal(unlink(d->path), 0);
	assert_int_equal(rmdir(d->dir), 0);
}

void process_stop(struct process *d)
{
	int status;

	close(d->p.vhost);
	d->p.vhost = -1;
	status = process_wait(d);
	if (status != 0)
		fail_msg("status %#x: %s", (unsigned)status, d->said);
	process_clear(d);
}

const char *process_proc(const struct process *d, const char *file, const char *name)
{
	static char line[256];
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)d->pid, file);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, strlen(name)) == 0) {
			fclose(f);
			line[strcspn(line, "\n")] = '\0';
			return line + strlen(name);
		}
	}
	fclose(f);
	return NULL;
}
