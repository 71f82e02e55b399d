/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Credit: counters that lie or go round, sockets that account as Linux does, who asks and when. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/clock.h"
#include "../vsockd/linux_sock.h"
#include "vsockd/uds.h"

/* Write as much of the stream as the socket takes. */
static void host_writes(int fd, size_t *sent, size_t to, size_t piece)
{
	static uint8_t buf[65536];

	while (*sent < to) {
		size_t n = to - *sent < piece ? to - *sent : piece;
		ssize_t k;

		rig_fill(buf, n, *sent);
		k = write(fd, buf, n);
		if (k < 0) {
			assert_int_equal(errno, EAGAIN);
			return;
		}
		*sent += (size_t)k;
		if ((size_t)k < n || piece < 4096)
			return;
	}
}

static struct linux_sock sock;

/* The guest reads nothing until the host can write no more, then in odd pieces: nothing is refused,
 * all arrives. */
static void to_linux(enum linux_rule rule, uint32_t alloc, size_t total, bool tiny, unsigned rx_buf)
{
	struct rig *r = rig_new(&(struct rig_config){.rx_buf = rx_buf});
	size_t sent = 0;
	unsigned still = 0, i;
	int fd;

	sock = (struct linux_sock){.rule = rule, .s = {.buf_alloc = alloc}};
	fd = rig_connect(r, &sock.s, 5000);
	sock.s.buf_alloc = alloc;
	for (i = 0; still < 20 && sent < total; i++) {
		size_t before = sent;

		host_writes(fd, &sent, total, tiny ? 1 + i * 7 % 300 : 60000);
		rig_pump(r);
		linux_take(r, &sock);
		still = sent == before ? still + 1 : 0;
	}
	for (i = 0; sock.read < total; i++) {
		uint64_t before = sock.read;

		assert_true(still < 100);
		linux_read(r, &sock, tiny ? 1 + i * 131 % 5000 : 1 + i * 7919 % 200000);
		host_writes(fd, &sent, total, tiny ? 1 + i * 7 % 300 : 60000);
		/* a guest that is asked answers; the longest wait between questions is a second */
		clock_forward(50);
		rig_pump(r);
		linux_take(r, &sock);
		assert_int_equal(sock.refused, 0);
		assert_false(sock.s.reset);
		still = sock.read == before ? still + 1 : 0;
	}
	assert_int_equal(sock.received, total);
	close(fd);
	rig_free(r);
}

/* Thousands of packets of 1 to 300 bytes (pitfall 29). */
static void tiny_to_linux(void **state)
{
	static const uint32_t alloc[] = {256 * 1024, 128 * 1024, 10000, 2000};

	(void)state;
	for (unsigned i = 0; i < sizeof(alloc) / sizeof(alloc[0]); i++) {
		for (enum linux_rule rule = LINUX_6_12_92; rule <= LINUX_6_12_94; rule++) {
			to_linux(rule, alloc[i], 600000, true, 4096);
			assert_true(sock.packets > 2000);
		}
	}
}

static void bulk_to_linux(void **state)
{
	static const uint32_t alloc[] = {256 * 1024, 65536, 5000, 2000};

	(void)state;
	for (unsigned i = 0; i < sizeof(alloc) / sizeof(alloc[0]); i++) {
		for (enum linux_rule rule = LINUX_6_12_92; rule <= LINUX_6_12_94; rule++) {
			size_t total = alloc[i] > 60000 ? 4 << 20 : 200000;

			to_linux(rule, alloc[i], total, false, 4096);
			to_linux(rule, alloc[i], total, false, 65536 + 44);
		}
	}
}

/* A guest that sends no more ahead than its own socket would hold, as Linux does since
 * CVE-2026-23069, hears in time that it may go on. */
static void sends_little_ahead(void **state)
{
	static const uint32_t alloc[] = {256 * 1024, 128 * 1024, 65536, 4096, 2000};
	static uint8_t data[65536], got[65536];

	(void)state;
	for (unsigned i = 0; i < sizeof(alloc) / sizeof(alloc[0]); i++) {
		struct rig *r = rig_new(&(struct rig_config){0});
		struct player_sock s = {.buf_alloc = alloc[i]};
		int fd = rig_connect(r, &s, 5000);

		for (uint32_t n; s.sent < 600000;) {
			uint32_t ahead = s.sent - s.peer_fwd;

			assert_true(ahead < alloc[i]);
			n = alloc[i] - ahead < sizeof(data) ? alloc[i] - ahead : sizeof(data);
			rig_guest_write(r, &s, data, n);
			assert_int_equal(rig_read(r, fd, got, n), n);
			rig_take(r, &s);
		}
		close(fd);
		rig_free(r);
	}
}

/* Nobody asks for credit more often than there is reason to. */
static void asks_seldom(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	size_t sent = 0;
	int fd;

	(void)state;
	sock = (struct linux_sock){.rule = LINUX_6_12_94};
	fd = rig_connect(r, &sock.s, 5000);
	for (unsigned i = 0; i < 2000; i++) {
		host_writes(fd, &sent, 1 << 20, 1);
		rig_pump(r);
		linux_take(r, &sock);
	}
	assert_true(sock.packets > 100 && sock.packets * LINUX_OVERHEAD < 256 * 1024);
	assert_true(sock.asked > 0 && sock.asked < 50);
	/* a reader that pauses for thirty seconds is asked about once a second */
	sock.asked = 0;
	for (unsigned i = 0; i < 300; i++) {
		clock_forward(100);
		rig_pump(r);
		linux_take(r, &sock);
		rig_pump(r);
		assert_true(i % 10 || rig_idle(r));
	}
	assert_true(sock.asked > 10 && sock.asked < 60);
	/* the next pause is another one, which may be short */
	linux_read(r, &sock, 1 << 20);
	rig_pump(r);
	linux_take(r, &sock);
	assert_int_equal(r->dev.conns.c[0].ask_wait, 0);
	close(fd);
	rig_free(r);
	/* one that is full tells by itself when it is not any more */
	r = rig_new(&(struct rig_config){0});
	sock = (struct linux_sock){.rule = LINUX_6_12_94};
	fd = rig_connect(r, &sock.s, 5000);
	sent = 0;
	for (unsigned i = 0; i < 300; i++) {
		host_writes(fd, &sent, 2 << 20, 60000);
		clock_forward(100);
		rig_pump(r);
		linux_take(r, &sock);
	}
	assert_true(sock.received > 192 * 1024);
	assert_int_equal(sock.asked, 0);
	close(fd);
	rig_free(r);
}

/* A guest that is sent many small packets is asked how far it is while there is room for more. */
static void asks_ahead(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	unsigned sent = 0;
	struct player_packet pkt = {0};

	(void)state;
	while (!rig_quiet(r))
		;
	for (; pkt.h.op != SMOL_VSOCK_OP_CREDIT_REQUEST; sent++) {
		assert_true(sent < 200);
		assert_int_equal(write(fd, "x", 1), 1);
		rig_expect(r, SMOL_VSOCK_OP_RW);
		if (player_rx_next(&r->p, &pkt))
			player_rx_done(&r->p, &pkt);
	}
	assert_true(smol_conn_window(&r->dev.conns.c[0]) > s.buf_alloc / 2);
	close(fd);
	rig_free(r);
}

/* ---- counters ---- */

/* Both counters of both directions stand just below 2^32, as after 4 GiB, and go past it. */
static void past_4_gib(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	static uint8_t buf[60000], in[60000];
	const uint32_t at = UINT32_MAX - 99999;
	size_t sent = 0, total = 3 << 20;
	struct smol_conn *c;
	int fd;

	(void)state;
	sock = (struct linux_sock){.rule = LINUX_6_12_94};
	fd = rig_connect(r, &sock.s, 5000);
	c = &r->dev.conns.c[0];
	c->sent = c->peer_fwd = c->received = c->forwarded = c->told_forwarded = at;
	sock.s.fwd = sock.told = sock.got = sock.s.sent = sock.s.peer_fwd = at;
	while (sock.read < total) {
		host_writes(fd, &sent, total, 60000);
		rig_pump(r);
		linux_take(r, &sock);
		linux_read(r, &sock, 50000);
	}
	assert_int_equal(c->sent, (uint32_t)(at + total));
	for (unsigned i = 0; i < 60; i++) {
		while (player_room(&sock.s) < sizeof(buf)) {
			rig_pump(r);
			linux_take(r, &sock);
		}
		rig_fill(buf, sizeof(buf), i);
		rig_guest_write(r, &sock.s, buf, sizeof(buf));
		assert_int_equal(rig_read(r, fd, in, sizeof(in)), sizeof(in));
		assert_memory_equal(buf, in, sizeof(in));
		linux_take(r, &sock);
	}
	assert_int_equal(c->forwarded, (uint32_t)(at + 60 * sizeof(buf)));
	close(fd);
	rig_free(r);
}

/* fwd_cnt goes back, or ahead of what was sent: neither is credit, and neither takes any away. */
static void counters_lie(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	static const int32_t lies[] = {1, 1000, INT32_MAX, -1, -50000, INT32_MIN};
	size_t sent = 0, total = 1 << 20, had;
	uint32_t fwd;
	int fd;

	(void)state;
	sock = (struct linux_sock){.rule = LINUX_6_12_94, .s = {.buf_alloc = 100000}};
	fd = rig_connect(r, &sock.s, 5000);
	for (unsigned i = 0; i < 20; i++) {
		host_writes(fd, &sent, total, 60000);
		rig_pump(r);
		linux_take(r, &sock);
	}
	linux_read(r, &sock, 60000);
	for (unsigned i = 0; i < 10; i++) {
		rig_pump(r);
		linux_take(r, &sock);
	}
	had = sock.received;
	fwd = sock.s.fwd;
	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		sock.s.fwd =
		    lies[i] > 0 ? (uint32_t)had + (uint32_t)lies[i] : fwd + (uint32_t)lies[i];
		player_op(&r->p, &sock.s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
		rig_pump(r);
		sock.s.fwd = fwd;
		linux_take(r, &sock);
		assert_int_equal(sock.received, had);
		assert_int_equal(sock.refused, 0);
	}
	while (sock.read < total) {
		host_writes(fd, &sent, total, 60000);
		linux_read(r, &sock, 50000);
		rig_pump(r);
		linux_take(r, &sock);
	}
	close(fd);
	rig_free(r);
}

/* A guest that sends more than it was allowed to is reset, whatever its counters say. */
static void credit_ignored(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	uint8_t *buf = calloc(1, 65536);
	bool reset = false;

	(void)state;
	for (unsigned i = 0; i < 40 && !reset; i++) {
		struct player_packet pkt;

		rig_guest_write(r, &s, buf, 65536);
		while (player_rx_next(&r->p, &pkt)) {
			reset |= pkt.h.op == SMOL_VSOCK_OP_RST;
			player_rx_done(&r->p, &pkt);
		}
	}
	assert_true(reset);
	free(buf);
	close(fd);
	rig_free(r);
}

/* A guest makes its buffer smaller than what lies in it, then reads all of that and tells nothing,
 * as Linux before 6.7 does: it is asked. */
static void shrinks(uint32_t alloc)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	size_t sent = 0, total = 1 << 20;
	uint32_t before;
	int fd;

	sock = (struct linux_sock){.rule = LINUX_6_12_94};
	fd = rig_connect(r, &sock.s, 5000);
	for (unsigned i = 0; i < 40; i++) {
		host_writes(fd, &sent, total, 60000);
		rig_pump(r);
		linux_take(r, &sock);
	}
	before = sock.got;
	assert_true(before > 200000);
	sock.s.buf_alloc = alloc;
	player_op(&r->p, &sock.s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
	rig_pump(r);
	linux_take(r, &sock);
	/* the answer to the next question tells of it */
	sock.first = sock.last;
	sock.bytes = sock.used = 0;
	sock.s.fwd = before;
	for (unsigned i = 0; i < 20 && sock.got == before; i++) {
		clock_forward(100);
		rig_pump(r);
		linux_take(r, &sock);
	}
	assert_true(sock.got > before);
	close(fd);
	rig_free(r);
}

static void buffer_shrinks(void **state)
{
	(void)state;
	shrinks(100000);
	shrinks(4096);
}

/* ---- before the answer ---- */

/* A connection that the guest has not answered is asked for no credit, however much waits. */
static void not_before_the_answer(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	static uint8_t data[100000];
	struct player_packet pkt;
	int fd = rig_client(r);

	(void)state;
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	pkt = rig_expect(r, SMOL_VSOCK_OP_REQUEST);
	for (unsigned i = 0; i < 90; i++) {
		clock_forward(100);
		assert_true(rig_quiet(r));
	}
	/* what it says of its buffer before the answer counts, and changes nothing in this */
	s = (struct player_sock){
	    .guest_port = 5000, .host_port = pkt.h.src_port, .buf_alloc = 100000};
	player_op(&r->p, &s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
	assert_true(rig_quiet(r));
	player_op(&r->p, &s, SMOL_VSOCK_OP_CREDIT_REQUEST, 0);
	assert_true(rig_quiet(r));
	s.buf_alloc = 1000;
	player_op(&r->p, &s, SMOL_VSOCK_OP_RESPONSE, 0);
	assert_true(rig_expect(r, SMOL_VSOCK_OP_RW).h.len <= 1000);
	close(fd);
	rig_free(r);
}

/* A client that has gone before the answer, and was seen to go: the guest is told at once that what
 * it sends reaches nobody, however long it takes to read what that client had to say. */
static void gone_before_the_answer(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {.guest_port = 5000, .buf_alloc = 100};
	static uint8_t data[1000];
	int fd = rig_client(r);

	(void)state;
	rig_pump(r);
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	s.host_port = rig_expect(r, SMOL_VSOCK_OP_REQUEST).h.src_port;
	close(fd);
	rig_pump(r);
	player_op(&r->p, &s, SMOL_VSOCK_OP_RESPONSE, 0);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_RW).h.len, 100);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN).h.flags, SMOL_VSOCK_SHUT_RCV);
	rig_free(r);
}

/* The same from the guest's side: the answer is the first packet it gets. */
static void answer_comes_first(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {.guest_port = 700, .host_port = 6000, .buf_alloc = 100};
	static uint8_t data[100000];
	char path[120];
	int l, fd;

	(void)state;
	snprintf(path, sizeof(path), "%s_6000", r->path);
	l = rig_listen(path);
	/* no receive buffer is free until the host's program has written much */
	while (r->p.ring[PLAYER_RX].avail_idx != r->p.ring[PLAYER_RX].used->idx) {
		struct player_sock stray = {.guest_port = 1, .host_port = 2};

		player_op(&r->p, &stray, SMOL_VSOCK_OP_RW, 0);
		rig_pump(r);
	}
	player_op(&r->p, &s, SMOL_VSOCK_OP_REQUEST, 0);
	rig_pump(r);
	fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fd >= 0);
	assert_true(write(fd, data, sizeof(data)) > 0);
	for (unsigned i = 0; i < 20; i++) {
		clock_forward(100);
		rig_pump(r);
	}
	for (unsigned i = 0; i < r->p.cfg.num; i++)
		rig_expect(r, SMOL_VSOCK_OP_RST);
	rig_expect(r, SMOL_VSOCK_OP_RESPONSE);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_RW).h.len, 100);
	close(fd);
	close(l);
	unlink(path);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tiny_to_linux),
	    cmocka_unit_test(bulk_to_linux),
	    cmocka_unit_test(sends_little_ahead),
	    cmocka_unit_test(asks_seldom),
	    cmocka_unit_test(asks_ahead),
	    cmocka_unit_test(past_4_gib),
	    cmocka_unit_test(counters_lie),
	    cmocka_unit_test(credit_ignored),
	    cmocka_unit_test(buffer_shrinks),
	    cmocka_unit_test(not_before_the_answer),
	    cmocka_unit_test(gone_before_the_answer),
	    cmocka_unit_test(answer_comes_first),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
