/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host's face: the CONNECT line in every shape, refusals, limits, deadlines, dialling out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/clock.h"
#include "../vsockd/rig.h"
#include "vsockd/uds.h"

static void say(int fd, const char *s)
{
	assert_int_equal(write(fd, s, strlen(s)), strlen(s));
}

static void parse(void **state)
{
	static const struct {
		const char *line;
		int64_t port;
	} t[] = {
	    {"CONNECT 5000", 5000},
	    {"CONNECT 0", 0},
	    {"CONNECT 4294967294", 4294967294},
	    {"CONNECT 4294967295", -1},
	    {"CONNECT 4294967296", -1},
	    {"CONNECT 99999999999", -1},
	    {"CONNECT 18446744073709551617", -1},
	    {"CONNECT ", -1},
	    {"CONNECT", -1},
	    {"CONNECT -1", -1},
	    {"CONNECT 5000 ", -1},
	    {"CONNECT  5000", -1},
	    {"CONNECT 5000\r", -1},
	    {"connect 5000", -1},
	    {"GET / HTTP/1.0", -1},
	    {"", -1},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(smol_uds_parse(t[i].line, (unsigned)strlen(t[i].line)), t[i].port);
	assert_int_equal(smol_uds_parse("CONNECT 1\0", 10), -1);
}

/* Data behind the newline in the same write: nothing of it is lost (pitfall 24). */
static void pipelined(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_client(r);
	struct player_packet pkt;
	char line[64];

	(void)state;
	say(fd, "CONNECT 5000\nhello, guest");
	player_accept(&r->p, &s, 5000);
	pkt = rig_expect(r, SMOL_VSOCK_OP_RW);
	assert_int_equal(pkt.h.len, 12);
	assert_memory_equal(pkt.data, "hello, guest", 12);
	assert_true(rig_read(r, fd, line, 3) == 3 && memcmp(line, "OK ", 3) == 0);
	close(fd);
	rig_free(r);
}

static void byte_by_byte(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_client(r);
	struct player_packet pkt;

	(void)state;
	for (const char *c = "CONNECT 5000\nab"; *c; c++) {
		assert_int_equal(write(fd, c, 1), 1);
		rig_pump(r);
	}
	player_accept(&r->p, &s, 5000);
	pkt = rig_expect(r, SMOL_VSOCK_OP_RW);
	assert_int_equal(pkt.h.len, 2);
	assert_memory_equal(pkt.data, "ab", 2);
	close(fd);
	rig_free(r);
}

static void garbage(void **state)
{
	static const char *bad[] = {"CONNECT 4294967296\n", "HELLO\n", "\n",
	    "CONNECT 00000000000000000000000000000001\n",
	    "CONNECT 5000 with much behind it and no end of it", "CONNECT x\n"};
	struct rig *r = rig_new(&(struct rig_config){0});

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = rig_client(r);

		say(fd, bad[i]);
		assert_true(rig_closed(r, fd));
		close(fd);
	}
	assert_true(rig_quiet(r));
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
}

/* A client that ends its line, or only its writing, before the guest has answered. */
static void ends_early(void **state)
{
	static const char *part[] = {"", "C", "CONNECT 5000"};
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	char buf[32];
	int fd;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		fd = rig_client(r);
		say(fd, part[i % 3]);
		rig_pump(r);
		if (i < 3)
			close(fd);
		else
			shutdown(fd, SHUT_WR);
		assert_true(rig_quiet(r));
		assert_int_equal(r->dev.conns.used, 0);
		if (i >= 3)
			close(fd);
	}
	/* after the line it is a half-close like any other */
	fd = rig_client(r);
	say(fd, "CONNECT 5000\n");
	shutdown(fd, SHUT_WR);
	rig_pump(r);
	player_accept(&r->p, &s, 5000);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN).h.flags, SMOL_VSOCK_SHUT_SEND);
	rig_guest_write(r, &s, "answer", 6);
	snprintf(buf, sizeof(buf), "OK %u\nanswer", s.host_port);
	{
		char got[32] = {0};

		assert_int_equal(rig_read(r, fd, got, strlen(buf)), strlen(buf));
		assert_string_equal(got, buf);
	}
	close(fd);
	rig_free(r);
}

/* A client that will not read even the answer: the guest is told that nobody takes what it sends,
 * and hears the client all the same. */
static void will_not_read(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_client(r);

	(void)state;
	say(fd, "CONNECT 5000\n");
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	player_accept(&r->p, &s, 5000);
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN).h.flags, SMOL_VSOCK_SHUT_RCV);
	say(fd, "x");
	assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_RW).h.len, 1);
	close(fd);
	rig_free(r);
}

/* The line fills the limit to the byte, and one byte more is too much. */
static void longest(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	char line[SMOL_CONN_LINE + 1];
	int fd = rig_client(r);

	(void)state;
	memset(line, '0', sizeof(line));
	memcpy(line, "CONNECT ", 8);
	assert_int_equal(write(fd, line, SMOL_CONN_LINE - 1), SMOL_CONN_LINE - 1);
	assert_false(rig_closed(r, fd));
	assert_int_equal(write(fd, "0", 1), 1);
	assert_true(rig_closed(r, fd));
	close(fd);
	rig_free(r);
}

static void refused(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	int fd = rig_client(r);
	struct player_sock s = {0};
	struct player_packet pkt;

	(void)state;
	say(fd, "CONNECT 4999\n");
	pkt = rig_expect(r, SMOL_VSOCK_OP_REQUEST);
	s.guest_port = 4999;
	s.host_port = pkt.h.src_port;
	player_op(&r->p, &s, SMOL_VSOCK_OP_RST, 0);
	assert_true(rig_closed(r, fd));
	/* an RST is not answered */
	assert_true(rig_quiet(r));
	assert_int_equal(r->dev.conns.used, 0);
	close(fd);
	rig_free(r);
}

static void silent_client(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	int fd = rig_client(r);

	(void)state;
	say(fd, "CONN");
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, 1);
	/* ten seconds later */
	r->dev.conns.c[0].deadline = r->dev.next_deadline = 1;
	assert_true(rig_closed(r, fd));
	assert_int_equal(r->dev.conns.used, 0);
	close(fd);
	rig_free(r);
}

/* A guest that never answers: the client is let go, the guest told. */
static void silent_guest(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	int fd = rig_client(r);

	(void)state;
	say(fd, "CONNECT 5000\n");
	rig_expect(r, SMOL_VSOCK_OP_REQUEST);
	r->dev.conns.c[0].deadline = r->dev.next_deadline = 1;
	rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_true(rig_closed(r, fd));
	assert_int_equal(r->dev.conns.used, 0);
	close(fd);
	rig_free(r);
}

/* A guest that is not there: what it was never asked for is not taken back either. */
static void absent_guest(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	int fd = rig_client(r);

	(void)state;
	player_start(&r->p, 0, 0);
	say(fd, "CONNECT 5000\n");
	rig_pump(r);
	clock_forward(SMOL_VSOCKD_HANDSHAKE_MS + 1000);
	assert_true(rig_closed(r, fd));
	player_rx_fill(&r->p);
	assert_true(rig_quiet(r));
	assert_int_equal(r->dev.conns.used, 0);
	close(fd);
	rig_free(r);
}

/* A client that writes all and goes before the guest has answered. */
static void hasty_client(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_client(r);
	struct player_packet pkt;

	(void)state;
	say(fd, "CONNECT 5000\nfire and forget");
	close(fd);
	rig_pump(r);
	player_accept(&r->p, &s, 5000);
	pkt = rig_expect(r, SMOL_VSOCK_OP_RW);
	assert_memory_equal(pkt.data, "fire and forget", 15);
	do
		pkt = rig_expect(r, SMOL_VSOCK_OP_SHUTDOWN);
	while (pkt.h.flags != SMOL_VSOCK_SHUT_BOTH);
	player_op(&r->p, &s, SMOL_VSOCK_OP_RST, 0);
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
}

static void beyond_max(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.max_connections = 3});
	struct player_sock s[3] = {0}, dials = {.guest_port = 700, .host_port = 6000};
	struct player_packet pkt;
	int fd[3], more;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		fd[i] = rig_connect(r, &s[i], 5000 + i);
	more = rig_client(r);
	assert_true(rig_closed(r, more));
	close(more);
	/* nor is there one for the guest */
	player_op(&r->p, &dials, SMOL_VSOCK_OP_REQUEST, 0);
	while ((pkt = rig_expect(r, SMOL_VSOCK_OP_RST)).h.dst_port != dials.guest_port)
		;
	/* those that are open are not harmed, and a place that becomes free is used */
	say(fd[1], "x");
	rig_expect(r, SMOL_VSOCK_OP_RW);
	player_op(&r->p, &s[0], SMOL_VSOCK_OP_RST, 0);
	rig_pump(r);
	more = rig_connect(r, &s[0], 6000);
	close(more);
	for (unsigned i = 0; i < 3; i++)
		close(fd[i]);
	rig_free(r);
}

static void guest_dials(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {.guest_port = 700, .host_port = 6000, .buf_alloc = 65536};
	char path[120], buf[8];
	int l, fd;

	(void)state;
	/* nobody there: an RST at once */
	player_op(&r->p, &s, SMOL_VSOCK_OP_REQUEST, 0);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	snprintf(path, sizeof(path), "%s_6000", r->path);
	l = rig_listen(path);
	assert_true(l >= 0);
	player_op(&r->p, &s, SMOL_VSOCK_OP_REQUEST, 0);
	rig_expect(r, SMOL_VSOCK_OP_RESPONSE);
	fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fd >= 0);
	rig_guest_write(r, &s, "ahoy", 4);
	assert_int_equal(rig_read(r, fd, buf, 4), 4);
	assert_memory_equal(buf, "ahoy", 4);
	close(fd);
	close(l);
	unlink(path);
	/* "any port" is none, whoever listens there */
	snprintf(path, sizeof(path), "%s_4294967295", r->path);
	l = rig_listen(path);
	s.guest_port = 701;
	s.host_port = SMOL_VSOCK_PORT_ANY;
	player_op(&r->p, &s, SMOL_VSOCK_OP_REQUEST, 0);
	while (rig_expect(r, SMOL_VSOCK_OP_RST).h.dst_port != 701)
		;
	close(l);
	unlink(path);
	rig_free(r);
}

/* ---- clients that mean no good ---- */

/* Descriptors come with the line, one with each byte: none stays, and the line counts. */
static void descriptors_in_the_line(void **state)
{
	static const char line[] = "CONNECT 5000\nx";
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	struct player_packet pkt;
	int fd = rig_client(r);
	unsigned before = rig_open_files();

	(void)state;
	for (unsigned i = 0; i < sizeof(line) - 1; i++) {
		rig_pass(fd, line[i], fd);
		rig_pump(r);
	}
	player_accept(&r->p, &s, 5000);
	pkt = rig_expect(r, SMOL_VSOCK_OP_RW);
	assert_true(pkt.h.len == 1 && pkt.data[0] == 'x');
	/* its own is all that the device has got */
	assert_int_equal(rig_open_files(), before + 1);
	close(fd);
	rig_free(r);
}

/* An urgent byte in the line, which is none of its bytes: whatever comes of that client, nobody
 * turns in vain over it, and others are served. */
static void urgent_in_the_line(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};

	(void)state;
	for (unsigned at = 0; at < 14; at++) {
		int fd = rig_client(r), other;

		if (write(fd, "CONNECT 5000\n", at) < 0 || send(fd, "\n", 1, MSG_OOB) < 0)
			skip();
		rig_pump(r);
		while (!rig_quiet(r))
			;
		clock_forward(2 * SMOL_VSOCKD_SIGNAL_MS);
		rig_pump(r);
		assert_true(rig_idle(r));
		other = rig_connect(r, &s, 5001 + at);
		close(other);
		close(fd);
		while (!rig_quiet(r))
			;
	}
	rig_free(r);
}

#define CROWD 300u

/* A crowd that says nothing, or half of what it should, has all places there are. Whoever was there
 * before is served, nobody turns in vain, and when patience ends the places are free. */
static void crowd(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.max_connections = CROWD});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000), many[CROWD], late;
	char c;

	(void)state;
	for (unsigned i = 0; i < CROWD; i++) {
		many[i] = rig_client(r);
		if (i % 2)
			say(many[i], "CONNECT");
		rig_pump(r);
	}
	assert_int_equal(r->dev.conns.used, CROWD);
	assert_true(rig_closed(r, many[CROWD - 1]));
	clock_forward(2 * SMOL_VSOCKD_SIGNAL_MS);
	rig_pump(r);
	assert_true(rig_idle(r));
	say(fd, "x");
	rig_expect(r, SMOL_VSOCK_OP_RW);
	rig_guest_write(r, &s, "y", 1);
	assert_int_equal(rig_read(r, fd, &c, 1), 1);
	/* more of the line buys no time */
	clock_forward(SMOL_VSOCKD_HANDSHAKE_MS - 1000);
	for (unsigned i = 1; i < CROWD - 1; i += 2)
		say(many[i], " ");
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, CROWD);
	clock_forward(2000);
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, 1);
	late = rig_connect(r, &s, 5001);
	close(late);
	for (unsigned i = 0; i < CROWD; i++)
		close(many[i]);
	close(fd);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parse),
	    cmocka_unit_test(pipelined),
	    cmocka_unit_test(byte_by_byte),
	    cmocka_unit_test(garbage),
	    cmocka_unit_test(ends_early),
	    cmocka_unit_test(will_not_read),
	    cmocka_unit_test(longest),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(silent_client),
	    cmocka_unit_test(silent_guest),
	    cmocka_unit_test(absent_guest),
	    cmocka_unit_test(hasty_client),
	    cmocka_unit_test(beyond_max),
	    cmocka_unit_test(guest_dials),
	    cmocka_unit_test(descriptors_in_the_line),
	    cmocka_unit_test(urgent_in_the_line),
	    cmocka_unit_test(crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
