/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host of a fuzzed device: it has its bad moments (sockets that hold little, no descriptors, no
 * sleep), and its programs know what each byte of a stream is, as the guest does: byte i of every
 * stream, in either direction, is stream_at(i).
 */
#ifndef SMOL_TESTS_FUZZ_VSOCKD_HOST_H
#define SMOL_TESTS_FUZZ_VSOCKD_HOST_H

#include <errno.h>
#include <sys/epoll.h>

#include "vsockd_common.h"

static int accept_error;
static bool small_sockets;

/* It may mean to sleep; it need not. */
int __real_epoll_wait(int fd, struct epoll_event *events, int max, int ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int ms)
{
	(void)ms;
	return __real_epoll_wait(fd, events, max, 0);
}

/* The device may ask for more, and is not given it. */
int __real_setsockopt(int fd, int level, int name, const void *v, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *v, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *v, socklen_t len)
{
	return fuzz_in_device && small_sockets ? 0 : __real_setsockopt(fd, level, name, v, len);
}

/* The least that the system allows: what does not fit must be kept. */
static void shrink(int fd)
{
	int least = 1;

	if (small_sockets)
		__real_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
}

int __real_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	int got;

	if (accept_error) {
		errno = accept_error;
		/* once: for the second time the device has its reserve */
		accept_error = 0;
		return -1;
	}
	got = __real_accept4(fd, sa, len, flags);
	if (got >= 0)
		shrink(got);
	return got;
}

int __real_connect(int fd, const struct sockaddr *sa, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	shrink(fd);
	return __real_connect(fd, sa, len);
}

/* ---- streams ---- */

#define PERIOD	65521u
#define MOST	70000u
#define CLIENTS 4u
#define FLOWS	16u

static uint8_t stream[PERIOD + MOST];

static inline const uint8_t *stream_at(uint32_t i)
{
	return stream + i % PERIOD;
}

static inline void stream_init(void)
{
	uint32_t x = 2463534242u;

	/* no part of a CONNECT line begins with what a stream begins with */
	stream[0] = 0xff;
	for (uint32_t i = 1; i < sizeof(stream); i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		stream[i] = i < PERIOD ? (uint8_t)(x >> 7) : stream[i - PERIOD];
	}
}

/* What came to the guest, by ports. */
static struct flow {
	uint32_t guest_port, host_port, at;
	bool known;
} flows[FLOWS];

static inline struct flow *flow_find(uint32_t guest_port, uint32_t host_port)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow *f = &flows[i];

		if (f->known && f->guest_port == guest_port && f->host_port == host_port)
			return f;
	}
	return NULL;
}

/* A connection begins: its stream is at 0. */
static inline void flow_begins(uint32_t guest_port, uint32_t host_port)
{
	static unsigned next;
	struct flow *f = flow_find(guest_port, host_port);

	if (!f)
		f = &flows[next++ % FLOWS];
	*f = (struct flow){guest_port, host_port, 0, true};
}

/* A program on the host: its socket, and how far its streams are. */
static struct client {
	int fd;
	bool in_line; /* the answer to CONNECT has not been read to its end */
	uint32_t sent, read;
} client[CLIENTS];

static inline void client_sends(struct client *c, uint32_t n)
{
	ssize_t k = send(c->fd, stream_at(c->sent), n, MSG_NOSIGNAL);

	c->sent += k > 0 ? (uint32_t)k : 0;
}

/* Read up to n bytes; false: there are none. */
static inline bool client_reads(struct client *c, uint32_t n, bool compare)
{
	static uint8_t buf[MOST];
	uint8_t *p = buf;
	ssize_t k = recv(c->fd, buf, n, MSG_DONTWAIT);

	if (k <= 0)
		return false;
	while (c->in_line && k > 0) {
		c->in_line = *p++ != '\n';
		k--;
	}
	if (compare && memcmp(p, stream_at(c->read), (size_t)k) != 0)
		abort();
	c->read += (uint32_t)k;
	return true;
}

#endif
