/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What runs out: descriptors, room in a listener, patience; and what must not grow: memory. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/clock.h"
#include "../vsockd/linux_sock.h"
#include "vsockd/uds.h"

#define MIB (1u << 20)

/* accept4() fails with this while it is set. */
static int accept_error;
static unsigned accepts;

int __real_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	accepts++;
	if (!accept_error)
		return __real_accept4(fd, sa, len, flags);
	errno = accept_error;
	return -1;
}

static int watch_error;

int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	if (!watch_error || op != EPOLL_CTL_ADD)
		return __real_epoll_ctl(epfd, op, fd, ev);
	errno = watch_error;
	return -1;
}

static void limit_files(rlim_t to)
{
	struct rlimit rl;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = to ? to : rl.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
}

/* No descriptor is left (pitfall 28): those who come are refused at once, those who are there are
 * not harmed, nobody turns in vain, and who comes after somebody has left is served. */
static void descriptors_run_out(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s[2] = {0}, dial = {.guest_port = 7, .host_port = 6000};
	int fd[2], late[5], next;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		fd[i] = rig_connect(r, &s[i], 5000 + i);
	for (unsigned i = 0; i < 5; i++)
		late[i] = rig_client(r);
	next = dup(late[4]);
	close(next);
	limit_files((rlim_t)next);
	rig_pump(r);
	for (unsigned i = 0; i < 5; i++)
		assert_true(rig_closed(r, late[i]));
	assert_int_equal(r->dev.stats.refused, 5);
	assert_int_equal(r->dev.conns.used, 2);
	assert_true(rig_idle(r) && r->dev.listening);
	rig_lives(r, &s[0], fd[0]);
	/* the guest gets its answer too */
	player_op(&r->p, &dial, SMOL_VSOCK_OP_REQUEST, 0);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	/* one leaves: its place, here and in the device, is the next one's */
	close(fd[1]);
	player_op(&r->p, &s[1], SMOL_VSOCK_OP_RST, 0);
	rig_pump(r);
	while (!rig_quiet(r))
		;
	fd[1] = rig_connect(r, &s[1], 6001);
	rig_lives(r, &s[1], fd[1]);
	limit_files(0);
	for (unsigned i = 0; i < 5; i++)
		close(late[i]);
	close(fd[0]);
	close(fd[1]);
	rig_free(r);
}

/* The system has none left, nor memory for one: the listener is left alone for a second at a time.
 */
static void system_runs_out(void **state)
{
	static const int errors[] = {ENFILE, ENOMEM, ENOBUFS};
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0}, s2 = {0};
	int fd = rig_connect(r, &s, 5000), late;

	(void)state;
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		accept_error = errors[i];
		late = rig_client(r);
		rig_pump(r);
		accepts = 0;
		for (unsigned ms = 0; ms < 10000; ms += 100) {
			clock_forward(100);
			rig_pump(r);
			assert_true(rig_idle(r));
		}
		assert_in_range(accepts, 8, 11);
		rig_lives(r, &s, fd);
		accept_error = 0;
		clock_forward(1000);
		assert_int_equal(write(late, "CONNECT 5001\n", 13), 13);
		player_accept(&r->p, &s2, 5001);
		close(late);
		while (!rig_quiet(r))
			;
	}
	close(fd);
	rig_free(r);
}

/* What is lacking is lacking still when the listener is to be watched again. */
static void not_watched_again(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s;
	int fd;

	(void)state;
	accept_error = ENFILE;
	fd = rig_client(r);
	rig_pump(r);
	accept_error = 0;
	watch_error = ENOMEM;
	clock_forward(1000);
	rig_pump(r);
	assert_true(rig_idle(r));
	watch_error = 0;
	clock_forward(1000);
	assert_int_equal(write(fd, "CONNECT 5001\n", 13), 13);
	player_accept(&r->p, &s, 5001);
	close(fd);
	rig_free(r);
}

/* A guest that has filled its ring has a turn like others: so many packets, or so many bytes. */
static void a_guests_turn(void **state)
{
	static const struct {
		uint32_t len;
		uint16_t most;
	} t[] = {{0, 256}, {65536, 5}};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rig *r = rig_new(&(struct rig_config){.num = 1024});
		struct player_sock s = {0};
		int fd = rig_connect(r, &s, 5000), slot;
		uint16_t before = r->p.ring[PLAYER_TX].used->idx;

		while ((slot = player_tx_slot(&r->p)) >= 0) {
			struct smol_vsock_hdr h = player_hdr(&r->p, &s, SMOL_VSOCK_OP_RW);

			h.len = t[i].len;
			player_tx_put(&r->p, slot, &h);
		}
		r->dev.tx_kick = true;
		smol_tx_run(&r->dev, false);
		assert_in_range(r->p.ring[PLAYER_TX].used->idx - before, 1, t[i].most);
		assert_true(r->dev.tx_kick);
		close(fd);
		rig_free(r);
	}
}

/* A listener on the host whose queue is full: the guest waits, all others do not. */
static void busy_listener(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0}, d = {.guest_port = 7, .host_port = 6000, .buf_alloc = 65536};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = rig_connect(r, &s, 5000), l, in_queue[4], n = 0;

	(void)state;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s_6000", r->path);
	for (unsigned ends = 0; ends < 2; ends++) {
		l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_int_equal(bind(l, (struct sockaddr *)&sa, sizeof(sa)), 0);
		assert_int_equal(listen(l, 0), 0);
		for (n = 0; n < 4; n++) {
			in_queue[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
			if (connect(in_queue[n], (struct sockaddr *)&sa, sizeof(sa)) < 0)
				break;
		}
		assert_true(n < 4 && errno == EAGAIN);
		player_op(&r->p, &d, SMOL_VSOCK_OP_REQUEST, 0);
		for (unsigned i = 0; i < 50; i++) {
			assert_true(rig_quiet(r) && rig_idle(r));
			clock_forward(10);
		}
		rig_lives(r, &s, fd);
		if (ends == 0) {
			/* the program takes what waits: there is room */
			for (int i = 0; i < n; i++)
				close(accept4(l, NULL, NULL, 0));
			clock_forward(10);
			rig_expect(r, SMOL_VSOCK_OP_RESPONSE);
			player_op(&r->p, &d, SMOL_VSOCK_OP_RST, 0);
		} else {
			/* it never does: two seconds are enough */
			for (unsigned i = 0; i < 250; i++) {
				clock_forward(10);
				rig_pump(r);
			}
			rig_expect(r, SMOL_VSOCK_OP_RST);
		}
		for (int i = 0; i <= n; i++)
			close(in_queue[i]);
		close(l);
		unlink(sa.sun_path);
	}
	assert_int_equal(r->dev.conns.used, 1);
	close(fd);
	rig_free(r);
}

/* Everybody's patience: longer than half of what was said, not much longer than all. */
static void patience(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.max_connections = 2});
	struct player_sock s = {0};
	int silent = rig_client(r), half = rig_client(r), more;

	(void)state;
	/* two clients that say nothing, or not all, have all places there are: for ten seconds */
	assert_int_equal(write(half, "CONN", 4), 4);
	rig_pump(r);
	more = rig_client(r);
	assert_true(rig_closed(r, more));
	close(more);
	clock_forward(5000);
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, 2);
	clock_forward(6000);
	assert_true(rig_closed(r, silent) && rig_closed(r, half));
	assert_int_equal(r->dev.conns.used, 0);
	close(silent);
	close(half);
	/* a guest that does not answer */
	silent = rig_client(r);
	assert_int_equal(write(silent, "CONNECT 5000\n", 13), 13);
	rig_expect(r, SMOL_VSOCK_OP_REQUEST);
	clock_forward(5000);
	assert_true(rig_quiet(r));
	clock_forward(6000);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_true(rig_closed(r, silent));
	close(silent);
	/* one that does not end what the host has closed; and nobody's who only keeps quiet */
	half = rig_connect(r, &s, 5000);
	clock_forward(24 * 3600 * 1000);
	rig_lives(r, &s, half);
	close(half);
	while (rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN).h.flags != SMOL_VSOCK_SHUT_BOTH)
		;
	clock_forward(50000);
	assert_true(rig_quiet(r));
	clock_forward(11000);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
}

/* ---- readers that pause (pitfall 27) ---- */

static const unsigned pauses[] = {200, 1000, 30000};
static struct linux_sock sock;

/* Nothing happens for so long, and nobody is awake for it. */
static void pause_for(struct rig *r, unsigned ms, size_t bound)
{
	for (unsigned at = 0; at < ms; at += 100) {
		clock_forward(100);
		rig_pump(r);
		linux_take(r, &sock);
		rig_pump(r);
		assert_true(at % 5000 || rig_idle(r));
	}
	assert_true(rig_resident(r) <= bound);
}

/* 8 MiB are under way to a program on the host that pauses, again and again. */
static void host_pauses(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	static uint8_t buf[65536], in[65536];
	const size_t total = 8 * MIB;
	size_t sent = 0, got = 0, base;
	int fd;

	(void)state;
	sock = (struct linux_sock){.rule = LINUX_6_12_94};
	fd = rig_connect(r, &sock.s, 5000);
	base = rig_resident(r);
	for (unsigned i = 0; got < total; i++) {
		size_t stop = got + MIB;
		bool stuck = false;

		assert_true(i < 1000);

		while (!stuck) {
			size_t n = total - sent < sizeof(buf) ? total - sent : sizeof(buf);

			linux_take(r, &sock);
			stuck = n == 0 || player_room(&sock.s) < n;
			if (stuck)
				break;
			rig_fill(buf, n, sent);
			rig_guest_write(r, &sock.s, buf, (uint32_t)n);
			sent += n;
		}
		pause_for(r, pauses[i % 3], base + SMOL_CONN_BUF);
		while (got < stop && got < sent) {
			size_t n = rig_read(r, fd, in, sent - got < 9999 ? sent - got : 9999);

			for (size_t k = 0; k < n; k++)
				assert_int_equal(in[k], rig_byte(got + k));
			got += n;
		}
	}
	assert_true(rig_idle(r));
	close(fd);
	rig_free(r);
}

/* The same with a program in the guest. Nothing of it is kept in the device at all. */
static void guest_pauses(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	static uint8_t buf[65536];
	const size_t total = 8 * MIB;
	size_t sent = 0, base;
	int fd;

	(void)state;
	sock = (struct linux_sock){.rule = LINUX_6_12_92};
	fd = rig_connect(r, &sock.s, 5000);
	base = rig_resident(r);
	for (unsigned i = 0; sock.read < total; i++) {
		uint64_t stop = sock.read + MIB;
		ssize_t k = 0;

		assert_true(i < 1000);
		/* all that fits into socket and guest */
		for (unsigned full = 0; full < 3 && sent < total; full += k <= 0) {
			size_t n = total - sent < sizeof(buf) ? total - sent : sizeof(buf);

			rig_fill(buf, n, sent);
			k = write(fd, buf, n);
			sent += k > 0 ? (size_t)k : 0;
			rig_pump(r);
			linux_take(r, &sock);
		}
		pause_for(r, pauses[i % 3], base);
		for (unsigned idle = 0; sock.read < stop && sock.read < sent; idle++) {
			if (linux_read(r, &sock, 9999))
				idle = 0;
			assert_true(idle < 100);
			clock_forward(20);
			rig_pump(r);
			linux_take(r, &sock);
		}
	}
	assert_int_equal(sock.refused, 0);
	close(fd);
	rig_free(r);
}

/* Many guests' sockets at once fill all that they were promised: so much, no more, and it is given
 * back when it was taken, or when there is nobody who would. */
#define MANY 40u

static struct player_sock many[MANY];
static int many_fd[MANY];

/* The guest sends what it may on all of them, and is told how much more. */
static void fill_all(struct rig *r)
{
	static uint8_t buf[65536];
	struct player_packet pkt;

	for (unsigned i = 0; i < MANY; i++) {
		if (player_room(&many[i]) >= sizeof(buf))
			rig_guest_write(r, &many[i], buf, sizeof(buf));
	}
	while (player_rx_next(&r->p, &pkt)) {
		for (unsigned i = 0; i < MANY; i++) {
			if (pkt.h.dst_port == many[i].guest_port)
				player_sock_saw(&r->p, &many[i], &pkt.h);
		}
		player_rx_done(&r->p, &pkt);
	}
	player_kick(&r->p, PLAYER_RX);
}

static void memory_is_bounded(void **state)
{
	static char buf[65536];

	(void)state;
	for (unsigned closes = 0; closes < 3; closes++) {
		struct rig *r = rig_new(&(struct rig_config){0});
		size_t base, full;

		for (unsigned i = 0; i < MANY; i++) {
			many[i] = (struct player_sock){0};
			many_fd[i] = rig_connect(r, &many[i], 5000 + i);
		}
		base = rig_resident(r);
		for (unsigned round = 0; round < 30; round++)
			fill_all(r);
		full = rig_resident(r);
		assert_in_range(full - base, MANY * SMOL_CONN_BUF / 2, MANY * SMOL_CONN_BUF);
		for (unsigned i = 0; i < MANY; i++) {
			while (!closes && read(many_fd[i], buf, sizeof(buf)) > 0)
				rig_pump(r);
			if (closes)
				close(many_fd[i]);
		}
		rig_pump(r);
		/* the same places for others, before the system has its pages back */
		for (unsigned i = 0; closes == 2 && i < MANY; i++)
			player_op(&r->p, &many[i], SMOL_VSOCK_OP_RST, 0);
		while (closes == 2 && !rig_quiet(r))
			;
		for (unsigned i = 0; closes == 2 && i < MANY; i++)
			many_fd[i] = rig_connect(r, &many[i], 5000 + i);
		clock_forward(SMOL_VSOCKD_TRIM_MS);
		rig_pump(r);
		/* the guest has not answered, or there are others: they are still there */
		assert_int_equal(r->dev.conns.used, MANY);
		assert_int_equal(rig_resident(r), base);
		for (unsigned i = 0; closes != 1 && i < MANY; i++)
			close(many_fd[i]);
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(descriptors_run_out),
	    cmocka_unit_test(system_runs_out),
	    cmocka_unit_test(not_watched_again),
	    cmocka_unit_test(a_guests_turn),
	    cmocka_unit_test(busy_listener),
	    cmocka_unit_test(patience),
	    cmocka_unit_test(host_pauses),
	    cmocka_unit_test(guest_pauses),
	    cmocka_unit_test(memory_is_bounded),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
