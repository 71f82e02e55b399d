/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs `true` over an ssh connection that stands N times, one channel after another, and prints the
 * microseconds that one took. It asks the ssh that holds the connection (ssh -M) by itself, in the
 * protocol that OpenSSH describes in PROTOCOL.mux, so that no process is started for a channel:
 * what `ssh -S CONTROL host true` costs on top of this is that program's start.
 *
 *   ssh_exec CONTROL N
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "shared.h"

#define HELLO	    0x00000001U
#define NEW_SESSION 0x10000002U
#define EXITED	    0x80000004U
#define OPENED	    0x80000006U
#define MUX_VERSION 4
#define NO_ESCAPE   0xffffffffU /* character */
#define LIMIT_S	    10

/* A message: its length, then words and strings. */
struct message {
	unsigned char bytes[256];
	size_t n; /* behind the length */
};

static void add_word(struct message *m, uint32_t word)
{
	word = htonl(word);
	memcpy(m->bytes + 4 + m->n, &word, 4);
	m->n += 4;
}

static void add_text(struct message *m, const char *text)
{
	size_t n = strlen(text);

	add_word(m, (uint32_t)n);
	memcpy(m->bytes + 4 + m->n, text, n);
	m->n += n;
}

static int say(int fd, struct message *m)
{
	uint32_t n = htonl((uint32_t)m->n);

	memcpy(m->bytes, &n, 4);
	return send(fd, m->bytes, 4 + m->n, MSG_NOSIGNAL) == (ssize_t)(4 + m->n) ? 0 : -1;
}

static uint32_t word_at(const struct message *m, size_t at)
{
	uint32_t word = 0;

	if (at + 4 <= m->n)
		memcpy(&word, m->bytes + 4 + at, 4);
	return ntohl(word);
}

static int hear(int fd, struct message *m)
{
	uint32_t n;

	if (recv(fd, &n, 4, MSG_WAITALL) != 4 || ntohl(n) > sizeof(m->bytes) - 4)
		return -1;
	m->n = ntohl(n);
	return recv(fd, m->bytes + 4, m->n, MSG_WAITALL) == (ssize_t)m->n ? 0 : -1;
}

/* A descriptor goes with a byte of its own. */
static int give(int fd, int given)
{
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			 .cmsg_level = SOL_SOCKET,
			 .cmsg_type = SCM_RIGHTS}};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};

	memcpy(CMSG_DATA(&control.head), &given, sizeof(int));
	return sendmsg(fd, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int ask(int fd, int null)
{
	struct message hello = {0}, session = {0};

	add_word(&hello, HELLO);
	add_word(&hello, MUX_VERSION);
	add_word(&session, NEW_SESSION);
	add_word(&session, 0);	/* the request's number */
	add_text(&session, ""); /* reserved */
	for (int i = 0; i < 4; i++)
		add_word(&session, 0); /* no terminal, no X11, no agent, no subsystem */
	add_word(&session, NO_ESCAPE);
	add_text(&session, ""); /* the terminal's name */
	add_text(&session, "true");
	if (say(fd, &hello) < 0 || say(fd, &session) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (give(fd, null) < 0)
			return -1;
	return 0;
}

static int hear_exit(int fd)
{
	struct message m;

	while (hear(fd, &m) == 0) {
		if (word_at(&m, 0) == EXITED)
			return word_at(&m, 8) == 0 ? 0 : -1;
		if (word_at(&m, 0) != HELLO && word_at(&m, 0) != OPENED)
			return -1;
	}
	return -1;
}

/* ssh takes one channel for a connection to its socket. */
static int run(const char *path, int null)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	int fd = uds_connect(path), rc;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	rc = ask(fd, null) == 0 ? hear_exit(fd) : -1;
	close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? count_of(argv[2]) : 0, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	long long begun = now_us();

	if (!n || null < 0) {
		fprintf(stderr, "Usage: ssh_exec CONTROL N\n");
		return 2;
	}
	for (int i = 0; i < n; i++) {
		if (run(argv[1], null) < 0) {
			fprintf(stderr, "ssh_exec: no channel over %s\n", argv[1]);
			return 1;
		}
	}
	printf("%.1f\n", (double)(now_us() - begun) / n);
	return 0;
}
