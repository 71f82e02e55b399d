/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams: integrity at odd sizes, half-closes, credit, pauses on either side, ends of all kinds.
 */
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

#include "../vsockd/rig.h"

static const size_t sizes[] = {
    0, 1, 43, 44, 45, 4095, 4096, 4097, 32767, 32768, 32769, 65535, 65536, 65537, 1 << 20};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* Let the guest take what is there; a SHUTDOWN ends it. Returns the bytes so far. */
static size_t guest_takes(struct rig *r, struct player_sock *s, size_t have, bool reads)
{
	struct player_packet pkt;

	while (player_rx_next(&r->p, &pkt)) {
		player_sock_saw(&r->p, s, &pkt.h);
		for (uint32_t i = 0; i < pkt.h.len; i++)
			assert_int_equal(pkt.data[i], rig_byte(have + i));
		have += pkt.h.len;
		if (reads)
			s->fwd += pkt.h.len;
		player_rx_done(&r->p, &pkt);
		if (s->buf_alloc - (s->fwd - s->told) < 65536)
			player_op(&r->p, s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
	}
	player_kick(&r->p, PLAYER_RX);
	return have;
}

/* Host to guest, then the host's half-close; the guest answers afterwards. */
static void host_sends(size_t n, unsigned rx_buf, bool no_event_idx)
{
	struct rig *r =
	    rig_new(&(struct rig_config){.rx_buf = rx_buf, .no_event_idx = no_event_idx});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	uint8_t *buf = malloc(n + 1);
	size_t sent = 0, got = 0;
	bool shut = false;
	char ans[3];

	rig_fill(buf, n, 0);
	for (unsigned i = 0; i < 100000 && !s.host_shut; i++) {
		ssize_t k = sent < n ? write(fd, buf + sent, n - sent) : 0;

		if (k > 0)
			sent += (size_t)k;
		if (sent == n && !shut) {
			shut = true;
			shutdown(fd, SHUT_WR);
		}
		rig_pump(r);
		got = guest_takes(r, &s, got, true);
	}
	assert_int_equal(got, n);
	/* only its own direction is closed (pitfall 26) */
	assert_int_equal(s.host_shut, SMOL_VSOCK_SHUT_SEND);
	rig_guest_write(r, &s, "bye", 3);
	assert_int_equal(rig_read(r, fd, ans, 3), 3);
	assert_memory_equal(ans, "bye", 3);
	free(buf);
	close(fd);
	rig_free(r);
}

static void host_to_guest(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZES; i++) {
		host_sends(sizes[i], 4096, false);
		host_sends(sizes[i], 64, true);
		host_sends(sizes[i], 70000, false);
	}
}

/* Guest to host with pieces of the given size, then the guest's half-close. */
static void guest_sends(size_t n, size_t piece, bool indirect)
{
	struct rig *r = rig_new(&(struct rig_config){.no_indirect = !indirect});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	uint8_t *buf = malloc(65536), *in = malloc(n + 1);
	size_t sent = 0, got = 0;

	while (got < n) {
		while (sent < n && player_room(&s) >= piece) {
			size_t k = n - sent < piece ? n - sent : piece;

			rig_fill(buf, k, sent);
			rig_guest_write(r, &s, buf, (uint32_t)k);
			sent += k;
		}
		if (sent == n && n) {
			player_op(&r->p, &s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_SEND);
			n = sent;
		}
		got += rig_read(r, fd, in + got, sent - got);
		guest_takes(r, &s, 0, true);
		assert_int_equal(got, sent);
	}
	if (n == 0)
		player_op(&r->p, &s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_SEND);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(in[i], rig_byte(i));
	assert_true(rig_closed(r, fd));
	/* the other direction is still open */
	assert_int_equal(write(fd, "still", 5), 5);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_RW).h.len, 5);
	free(buf);
	free(in);
	close(fd);
	rig_free(r);
}

static void guest_to_host(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZES; i++) {
		guest_sends(sizes[i], 65536, true);
		guest_sends(sizes[i], 65536, false);
		guest_sends(sizes[i], 1000, true);
	}
}

/* Many packets of odd sizes with one kick, to a host that now reads and now does not: a write that
 * takes some of them ends in the middle of any. */
static void in_batches(void **state)
{
	static uint8_t in[300000];
	const size_t total = 6 << 20;

	(void)state;
	for (unsigned direct = 0; direct < 2; direct++) {
		struct rig *r = rig_new(&(struct rig_config){.no_indirect = direct});
		struct player_sock s = {0};
		int fd = rig_connect(r, &s, 5000);
		size_t sent = 0, got = 0;

		for (unsigned i = 0; got < total; i++) {
			unsigned packets = 1 + i * 7 % 120;

			while (packets-- > 0 && sent < total) {
				struct smol_vsock_hdr h = player_hdr(&r->p, &s, SMOL_VSOCK_OP_RW);
				int slot;

				h.len = (uint32_t)(1 + (sent * 31 + i) % (i % 5 ? 3000 : 50000));
				h.len = total - sent < h.len ? (uint32_t)(total - sent) : h.len;
				if (player_room(&s) < h.len || (slot = player_tx_slot(&r->p)) < 0)
					break;
				rig_fill(player_tx_data(&r->p, slot), h.len, sent);
				player_tx_put(&r->p, slot, &h);
				s.sent += h.len;
				sent += h.len;
			}
			player_kick(&r->p, PLAYER_TX);
			rig_pump(r);
			guest_takes(r, &s, 0, true);
			if (i % 3) {
				ssize_t k = read(fd, in, 1 + i * 7919 % sizeof(in));

				for (ssize_t b = 0; b < k; b++)
					assert_int_equal(in[b], rig_byte(got + (size_t)b));
				got += k > 0 ? (size_t)k : 0;
			}
			assert_true(i < 100000);
		}
		close(fd);
		rig_free(r);
	}
}

/* The host does not read: the guest is stopped by credit, memory stays within the bound, nothing
 * is lost and the stream goes on (pitfall 27). */
static void host_pauses(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	uint8_t *buf = malloc(65536), *in = malloc(8 << 20);
	size_t sent = 0, got = 0, n = 8 << 20, last = 0;

	(void)state;
	for (unsigned i = 0; i < 2000 && sent < n; i++) {
		if (player_room(&s) >= 65536) {
			rig_fill(buf, 65536, sent);
			rig_guest_write(r, &s, buf, 65536);
			sent += 65536;
		}
		rig_pump(r);
		guest_takes(r, &s, 0, true);
		last = sent;
	}
	assert_true(last < n);
	assert_true(smol_conn_buffered(&r->dev.conns.c[0]) <= SMOL_CONN_BUF);
	while (got < n) {
		ssize_t k;

		while (sent < n && player_room(&s) >= 65536) {
			rig_fill(buf, 65536, sent);
			rig_guest_write(r, &s, buf, 65536);
			sent += 65536;
		}
		k = read(fd, in + got, 50000);
		if (k > 0)
			got += (size_t)k;
		rig_pump(r);
		guest_takes(r, &s, 0, true);
		assert_true(k > 0 || sent - got <= 8 << 20);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(in[i], rig_byte(i));
	free(buf);
	free(in);
	close(fd);
	rig_free(r);
}

/* The guest does not read: never more than its credit is sent, then it goes on. */
static void guest_pauses(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {.buf_alloc = 100000};
	int fd = rig_connect(r, &s, 5000);
	size_t sent = 0, got = 0, n = 2 << 20;
	uint8_t *buf = malloc(n);

	(void)state;
	rig_fill(buf, n, 0);
	for (unsigned i = 0; i < 50; i++) {
		ssize_t k = write(fd, buf + sent, n - sent);

		if (k > 0)
			sent += (size_t)k;
		rig_pump(r);
		got = guest_takes(r, &s, got, false);
	}
	assert_true(got > 50000 && got <= 100000);
	s.fwd = (uint32_t)got;
	player_op(&r->p, &s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
	while (got < n) {
		ssize_t k = sent < n ? write(fd, buf + sent, n - sent) : 0;

		if (k > 0)
			sent += (size_t)k;
		rig_pump(r);
		got = guest_takes(r, &s, got, true);
	}
	free(buf);
	close(fd);
	rig_free(r);
}

/* The guest closes with bytes the host has not read: they arrive, and the RST comes at once. */
static void guest_closes_early(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	uint8_t *buf = malloc(65536), *in = malloc(1 << 20);
	size_t sent = 0;

	(void)state;
	while (player_room(&s) >= 65536 && sent < 1 << 20) {
		rig_fill(buf, 65536, sent);
		rig_guest_write(r, &s, buf, 65536);
		sent += 65536;
		guest_takes(r, &s, 0, true);
	}
	player_op(&r->p, &s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_BOTH);
	while (!s.reset) {
		rig_pump(r);
		guest_takes(r, &s, 0, true);
	}
	/* nobody would read it */
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(rig_read(r, fd, in, 1 << 20), sent);
	for (size_t i = 0; i < sent; i++)
		assert_int_equal(in[i], rig_byte(i));
	assert_true(rig_closed(r, fd));
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, 0);
	free(buf);
	free(in);
	close(fd);
	rig_free(r);
}

/* The same, of a connection that the guest made; and it makes another one with the same ports at
 * once, while the first one's bytes are still to be read. */
static void ports_again(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	static uint8_t buf[65536];
	struct player_sock s = {0};
	int l, fd[2];
	char path[128], c;

	(void)state;
	snprintf(path, sizeof(path), "%s_6000", r->path);
	l = rig_listen(path);
	for (unsigned i = 0; i < 2; i++) {
		s = (struct player_sock){.guest_port = 700, .host_port = 6000, .buf_alloc = 65536};
		player_op(&r->p, &s, SMOL_VSOCK_OP_REQUEST, 0);
		s.peer_alloc = rig_expect(r, SMOL_VSOCK_OP_RESPONSE).h.buf_alloc;
		fd[i] = accept4(l, NULL, NULL, SOCK_NONBLOCK);
		assert_true(fd[i] >= 0);
		while (i == 0 && player_room(&s) >= sizeof(buf)) {
			rig_guest_write(r, &s, buf, sizeof(buf));
			guest_takes(r, &s, 0, true);
		}
		if (i == 1)
			rig_guest_write(r, &s, "2", 1);
		player_op(&r->p, &s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_BOTH);
		rig_expect(r, SMOL_VSOCK_OP_RST);
		assert_true(i == 1 || smol_conn_buffered(&r->dev.conns.c[0]) > 0);
	}
	assert_int_equal(rig_read(r, fd[1], &c, 1), 1);
	assert_int_equal(c, '2');
	assert_true(rig_closed(r, fd[1]));
	assert_int_equal(rig_read(r, fd[0], buf, sizeof(buf)), sizeof(buf));
	close(fd[0]);
	close(fd[1]);
	close(l);
	unlink(path);
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
}

static void host_closes(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	struct player_packet pkt;

	(void)state;
	assert_int_equal(write(fd, "last", 4), 4);
	close(fd);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_RW).h.len, 4);
	do
		pkt = rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN);
	while (pkt.h.flags != SMOL_VSOCK_SHUT_BOTH);
	/* what the guest still sends is taken and dropped, its credit kept right */
	rig_guest_write(r, &s, "too late", 8);
	assert_int_equal(r->dev.conns.c[0].forwarded, 8);
	player_op(&r->p, &s, SMOL_VSOCK_OP_RST, 0);
	assert_true(rig_quiet(r));
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
}

/* The guest reads slowly what a host left that has gone. Returns the bytes that came before the
 * end was told. */
static size_t after_the_host(struct rig *r, struct player_sock *s)
{
	size_t got = 0;

	for (unsigned i = 0; i < 10000 && s->host_shut != SMOL_VSOCK_SHUT_BOTH; i++) {
		rig_pump(r);
		got = guest_takes(r, s, got, true);
	}
	assert_int_equal(s->host_shut, SMOL_VSOCK_SHUT_BOTH);
	player_op(&r->p, s, SMOL_VSOCK_OP_RST, 0);
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, 0);
	return got;
}

/* A host fills its socket and closes it, has read nothing of what the guest sent or all of it, was
 * answered or not: what it wrote arrives, in a buffer much smaller than that. */
static void host_leaves_much(void **state)
{
	static uint8_t buf[1 << 20];

	(void)state;
	for (unsigned how = 0; how < 4; how++) {
		struct rig *r = rig_new(&(struct rig_config){0});
		struct player_sock s = {.buf_alloc = 20000};
		bool unread = how & 1, early = how & 2;
		int fd = early ? rig_client(r) : rig_connect(r, &s, 5000);
		ssize_t n;

		s.buf_alloc = 20000;
		if (early)
			assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
		else if (unread)
			rig_guest_write(r, &s, "nobody reads this", 17);
		rig_fill(buf, sizeof(buf), 0);
		n = write(fd, buf, sizeof(buf));
		assert_true(n > 50000);
		close(fd);
		rig_pump(r);
		if (early)
			player_accept(&r->p, &s, 5000);
		assert_int_equal(after_the_host(r, &s), n);
		rig_free(r);
	}
}

/* A guest that never resets after the host closed is reset itself. */
static void linger(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);

	(void)state;
	close(fd);
	while (rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN).h.flags != SMOL_VSOCK_SHUT_BOTH)
		;
	r->dev.conns.c[0].deadline = r->dev.next_deadline = 1;
	rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
}

/* The guest will not receive any more: the host's writes fail, its reads go on. */
static void guest_deaf(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	char buf[4];

	(void)state;
	player_op(&r->p, &s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_RCV);
	rig_pump(r);
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	rig_guest_write(r, &s, "data", 4);
	assert_int_equal(rig_read(r, fd, buf, 4), 4);
	/* the host's end is told all the same, and the guest's RST is the last word */
	close(fd);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN).h.flags, SMOL_VSOCK_SHUT_BOTH);
	player_op(&r->p, &s, SMOL_VSOCK_OP_RST, 0);
	assert_true(rig_quiet(r));
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
}

/* Descriptors that a client passes are dropped; bytes around them arrive. */
static void passed_descriptors(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	unsigned before = rig_open_files();
	size_t got = 0;

	(void)state;
	assert_int_equal(write(fd, "a", 1), 1);
	rig_pass(fd, 'b', fd);
	assert_int_equal(write(fd, "cd", 2), 2);
	while (got < 4)
		got += rig_expect(r, SMOL_VSOCK_OP_RW).h.len;
	assert_int_equal(rig_open_files(), before);
	close(fd);
	rig_free(r);
}

/* An urgent byte is none of the stream's; the ones behind it are, though a read ends before it. */
static void urgent_byte(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	size_t got = 0;

	(void)state;
	assert_int_equal(write(fd, "abc", 3), 3);
	/* not every system has them */
	if (send(fd, "!", 1, MSG_OOB) < 0)
		assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(write(fd, "def", 3), 3);
	while (got < 6)
		got += rig_expect(r, SMOL_VSOCK_OP_RW).h.len;
	assert_int_equal(got, 6);
	close(fd);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(host_to_guest),
	    cmocka_unit_test(guest_to_host),
	    cmocka_unit_test(in_batches),
	    cmocka_unit_test(host_pauses),
	    cmocka_unit_test(guest_pauses),
	    cmocka_unit_test(guest_closes_early),
	    cmocka_unit_test(ports_again),
	    cmocka_unit_test(host_closes),
	    cmocka_unit_test(host_leaves_much),
	    cmocka_unit_test(linger),
	    cmocka_unit_test(guest_deaf),
	    cmocka_unit_test(passed_descriptors),
	    cmocka_unit_test(urgent_byte),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
