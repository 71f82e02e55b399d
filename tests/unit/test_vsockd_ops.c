/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each operation in each state of a connection; strays; and how the two halves of a stream end. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/clock.h"
#include "../vsockd/rig.h"

/* ---- operations ---- */

enum answer { NOTHING, RST, CREDIT, BOTH_ENDS /* taken, and it ends the stream */ };

/* What an operation does to a connection that is asked for and to one that is open (5.10.6.6). */
static const struct {
	uint16_t op;
	uint32_t flags;
	enum answer requested, open;
} ops[] = {
    {SMOL_VSOCK_OP_INVALID, 0, RST, RST},
    {SMOL_VSOCK_OP_REQUEST, 0, RST, RST},
    {SMOL_VSOCK_OP_RESPONSE, 0, NOTHING, RST},
    {SMOL_VSOCK_OP_RST, 0, BOTH_ENDS, BOTH_ENDS},
    {SMOL_VSOCK_OP_SHUTDOWN, 3, RST, RST},
    {SMOL_VSOCK_OP_SHUTDOWN, 0, RST, NOTHING},
    {SMOL_VSOCK_OP_SHUTDOWN, 1, RST, NOTHING},
    {SMOL_VSOCK_OP_SHUTDOWN, 2, RST, NOTHING},
    {SMOL_VSOCK_OP_SHUTDOWN, 0xfffffffc, RST, NOTHING},
    {SMOL_VSOCK_OP_RW, 0, RST, NOTHING},
    {SMOL_VSOCK_OP_CREDIT_UPDATE, 0, NOTHING, NOTHING},
    {SMOL_VSOCK_OP_CREDIT_REQUEST, 0, NOTHING, CREDIT},
    {8, 0, RST, RST},
    {255, 0, RST, RST},
    {256 + SMOL_VSOCK_OP_RW, 0, RST, RST},
    {UINT16_MAX, 3, RST, RST},
};

static void answered(struct rig *r, int fd, enum answer a)
{
	struct player_packet pkt;

	if (a == RST)
		pkt = rig_expect(r, SMOL_VSOCK_OP_RST);
	if (a == CREDIT) {
		pkt = rig_expect(r, SMOL_VSOCK_OP_CREDIT_UPDATE);
		assert_int_equal(pkt.h.buf_alloc, SMOL_CONN_BUF);
	}
	assert_true(rig_quiet(r));
	assert_int_equal(r->dev.conns.used, a == NOTHING || a == CREDIT);
	if (a == RST || a == BOTH_ENDS)
		assert_true(rig_closed(r, fd));
	close(fd);
}

static void each_operation(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct rig *r = rig_new(&(struct rig_config){0});
		struct player_sock s = {0};
		struct player_packet pkt;
		int fd = rig_client(r);

		assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
		pkt = rig_expect(r, SMOL_VSOCK_OP_REQUEST);
		s = (struct player_sock){
		    .guest_port = 5000, .host_port = pkt.h.src_port, .buf_alloc = 65536};
		player_op(&r->p, &s, (enum smol_vsock_op)ops[i].op, ops[i].flags);
		answered(r, fd, ops[i].requested);
		rig_free(r);

		r = rig_new(&(struct rig_config){0});
		s = (struct player_sock){0};
		fd = rig_connect(r, &s, 5000);
		while (!rig_quiet(r))
			;
		player_op(&r->p, &s, (enum smol_vsock_op)ops[i].op, ops[i].flags);
		answered(r, fd, ops[i].open);
		rig_free(r);
	}
}

/* A guest that guesses the port answers before it was asked. */
static void answer_before_the_question(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_sock s = {.guest_port = 5000, .buf_alloc = 65536};
	int fd = rig_client(r);

	(void)state;
	player_start(&r->p, 0, 0);
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	rig_pump(r);
	s.host_port = r->dev.conns.c[0].host_port;
	player_op(&r->p, &s, SMOL_VSOCK_OP_RESPONSE, 0);
	assert_true(rig_closed(r, fd));
	player_rx_fill(&r->p);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_true(rig_quiet(r));
	assert_int_equal(r->dev.conns.used, 0);
	close(fd);
	rig_free(r);
}

/* What belongs to no connection is answered by an RST, but for an RST; a type that was not offered
 * is nobody's, also on ports that are somebody's; what another guest could have sent is ignored. */
static void strays(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {.guest_port = 9, .host_port = 10}, open = {0};
	struct smol_vsock_hdr h;
	struct player_packet pkt;
	int fd;
	char c;

	(void)state;
	for (unsigned op = 0; op < 300; op++) {
		player_op(&r->p, &s, (enum smol_vsock_op)op, 3);
		if (op != SMOL_VSOCK_OP_RST) {
			pkt = rig_expect(r, SMOL_VSOCK_OP_RST);
			assert_int_equal(pkt.h.dst_port, 9);
			assert_int_equal(pkt.h.src_port, 10);
		}
		assert_true(rig_quiet(r));
	}
	fd = rig_connect(r, &open, 5000);
	for (unsigned type = 0; type < 4; type++) {
		h = player_hdr(&r->p, &open, SMOL_VSOCK_OP_SHUTDOWN);
		h.flags = 3;
		h.type = (uint16_t)type;
		if (type == SMOL_VSOCK_TYPE_STREAM)
			continue;
		player_send(&r->p, &h, NULL);
		pkt = rig_expect(r, SMOL_VSOCK_OP_RST);
		assert_int_equal(pkt.h.type, type);
		h.op = SMOL_VSOCK_OP_RST;
		player_send(&r->p, &h, NULL);
		assert_true(rig_quiet(r));
	}
	/* to a host that this is not: refused; from a guest that this is not: no packet at all */
	h = player_hdr(&r->p, &open, SMOL_VSOCK_OP_RST);
	h.dst_cid = 1;
	player_send(&r->p, &h, NULL);
	h = player_hdr(&r->p, &open, SMOL_VSOCK_OP_RST);
	h.src_cid = 99;
	player_send(&r->p, &h, NULL);
	h.src_cid = r->p.guest_cid | 1ull << 32;
	player_send(&r->p, &h, NULL);
	assert_true(rig_quiet(r));
	rig_guest_write(r, &open, "y", 1);
	assert_int_equal(rig_read(r, fd, &c, 1), 1);
	close(fd);
	rig_free(r);
}

/* ---- the two halves ---- */

static void say(struct rig *r, struct player_sock *s, int fd)
{
	assert_int_equal(write(fd, "h", 1), 1);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_RW).h.len, 1);
	s->fwd++;
}

static void hear(struct rig *r, struct player_sock *s, int fd)
{
	char c = 0;

	rig_guest_write(r, s, "g", 1);
	assert_int_equal(rig_read(r, fd, &c, 1), 1);
	assert_int_equal(c, 'g');
}

static void host_ends(int fd)
{
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

static void guest_ends(struct rig *r, struct player_sock *s, int fd)
{
	player_op(&r->p, s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_SEND);
	assert_true(rig_closed(r, fd));
}

/* One half ends and then the other, in either order; in between the open one works, and at the end
 * the connection is closed once, by either side (pitfall 26). */
static void halves(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 4; how++) {
		struct rig *r = rig_new(&(struct rig_config){0});
		struct player_sock s = {0};
		int fd = rig_connect(r, &s, 5000);
		struct player_packet pkt;

		while (!rig_quiet(r))
			;
		say(r, &s, fd);
		hear(r, &s, fd);
		if (how & 1) {
			host_ends(fd);
			pkt = rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN);
			assert_int_equal(pkt.h.flags, SMOL_VSOCK_SHUT_SEND);
			for (unsigned i = 0; i < 10; i++)
				hear(r, &s, fd);
			guest_ends(r, &s, fd);
		} else {
			guest_ends(r, &s, fd);
			assert_true(rig_quiet(r));
			for (unsigned i = 0; i < 10; i++)
				say(r, &s, fd);
			host_ends(fd);
		}
		/* nothing can come any more: the device says so, and the guest's end is the last
		 * word */
		pkt = rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN);
		assert_int_equal(pkt.h.flags, SMOL_VSOCK_SHUT_BOTH);
		if (how & 2) {
			player_op(&r->p, &s, SMOL_VSOCK_OP_RST, 0);
		} else {
			player_op(&r->p, &s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_BOTH);
			rig_expect(r, SMOL_VSOCK_OP_RST);
		}
		assert_true(rig_quiet(r));
		assert_int_equal(r->dev.conns.used, 0);
		close(fd);
		rig_free(r);
	}
}

/* The guest ends its half with much that the host has not read: all of it comes, and then the end.
 */
static void end_waits_for_data(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	static uint8_t buf[65536], in[1 << 20];
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	size_t sent = 0;

	(void)state;
	while (player_room(&s) >= sizeof(buf) && sent < sizeof(in)) {

		rig_fill(buf, sizeof(buf), sent);
		rig_guest_write(r, &s, buf, sizeof(buf));
		sent += sizeof(buf);
		rig_take(r, &s);
	}
	/* some of it is kept in the device */
	assert_true(smol_conn_buffered(&r->dev.conns.c[0]) > 0);
	player_op(&r->p, &s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_SEND);
	rig_pump(r);
	assert_int_equal(rig_read(r, fd, in, sizeof(in)), sent);
	for (size_t i = 0; i < sent; i++)
		assert_int_equal(in[i], rig_byte(i));
	assert_true(rig_closed(r, fd));
	while (!rig_quiet(r))
		;
	say(r, &s, fd);
	close(fd);
	rig_free(r);
}

/* Data after the guest's own end of stream is against the rules. */
static void data_after_the_end(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);

	(void)state;
	while (!rig_quiet(r))
		;
	guest_ends(r, &s, fd);
	rig_guest_write(r, &s, "x", 1);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_int_equal(r->dev.conns.used, 0);
	close(fd);
	rig_free(r);
}

/* ---- a client ends, in whatever way, at whatever point ---- */

enum point {
	NOTHING_SAID,
	HALF_A_LINE,
	ASKED, /* the guest has not answered */
	IS_OPEN,
	GUEST_FULL,   /* the client's bytes wait for credit */
	HOST_FULL,    /* the guest's bytes wait for the client */
	GUEST_CLOSED, /* so they do, and their connection has ended */
	GUEST_SAID_ALL,
	GUEST_DEAF,
	POINTS
};

static int client_at(struct rig *r, struct player_sock *s, enum point at)
{
	static uint8_t buf[65536];
	struct player_packet pkt;
	int fd;

	*s = (struct player_sock){.buf_alloc = at == GUEST_FULL ? 100 : 0};
	if (at > ASKED) {
		fd = rig_connect(r, s, 5000);
	} else {
		fd = rig_client(r);
		if (at > NOTHING_SAID)
			assert_true(write(fd, "CONNECT 5000\n", at == ASKED ? 13 : 7) > 0);
		rig_pump(r);
	}
	if (at == ASKED) {
		pkt = rig_expect(r, SMOL_VSOCK_OP_REQUEST);
		*s = (struct player_sock){.guest_port = 5000, .host_port = pkt.h.src_port};
	} else if (at == GUEST_FULL) {
		assert_int_equal(write(fd, buf, 1000), 1000);
	} else if (at == GUEST_SAID_ALL || at == GUEST_DEAF) {
		player_op(&r->p, s, SMOL_VSOCK_OP_SHUTDOWN, at == GUEST_DEAF ? 1 : 2);
	}
	while ((at == HOST_FULL || at == GUEST_CLOSED) && player_room(s) >= sizeof(buf)) {
		rig_guest_write(r, s, buf, sizeof(buf));
		rig_take(r, s);
	}
	if (at == GUEST_CLOSED)
		player_op(&r->p, s, SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_SHUT_BOTH);
	while (!rig_quiet(r))
		;
	return fd;
}

/* Nobody turns in vain over it; when the guest has ended its side, too, nothing is left. */
static void ends_at_each_point(void **state)
{
	static const int hows[] = {SHUT_WR, SHUT_RD, SHUT_RDWR, -1};
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s;

	(void)state;
	for (unsigned i = 0; i < 4 * POINTS; i++) {
		unsigned files = rig_open_files();
		enum point at = i / 4;
		int fd = client_at(r, &s, at), how = hows[i % 4];

		if (how < 0)
			close(fd);
		else
			shutdown(fd, how);
		while (!rig_quiet(r))
			;
		clock_forward(2 * SMOL_VSOCKD_SIGNAL_MS);
		rig_pump(r);
		if (!rig_idle(r))
			fail_msg("point %u, end %d: not idle", at, how);
		if (at > HALF_A_LINE && at != GUEST_CLOSED)
			player_op(&r->p, &s, SMOL_VSOCK_OP_RST, 0);
		rig_pump(r);
		if (how >= 0)
			close(fd);
		if (!rig_quiet(r) || r->dev.conns.used || rig_open_files() != files)
			fail_msg("point %u, end %d: something is left", at, how);
	}
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_operation),
	    cmocka_unit_test(answer_before_the_question),
	    cmocka_unit_test(strays),
	    cmocka_unit_test(halves),
	    cmocka_unit_test(end_waits_for_data),
	    cmocka_unit_test(data_after_the_end),
	    cmocka_unit_test(ends_at_each_point),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
