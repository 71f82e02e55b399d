/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The front end goes, as QEMU does when its guest has powered off or was killed: what the guest had
 * sent until then reaches its clients, whether it is in the ring, in a buffer of ours or in a
 * socket.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/process.h"
#include "../vsockd/rig.h"

#define PACKET 3000u

/* Packets from the guest, of which it does not tell: the stream from byte `from` on. */
static void put_quietly(struct player *p, struct player_sock *s, unsigned packets, uint64_t from)
{
	for (unsigned i = 0; i < packets; i++) {
		struct smol_vsock_hdr h = player_hdr(p, s, SMOL_VSOCK_OP_RW);
		int slot = player_tx_slot(p);

		assert_true(slot >= 0);
		h.len = PACKET;
		rig_fill(player_tx_data(p, slot), PACKET, from + (uint64_t)i * PACKET);
		player_tx_put(p, slot, &h);
	}
}

static void assert_stream(const uint8_t *got, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], rig_byte(i));
}

/* A ring that was filled and not kicked, with so many packets that belong to nobody before the
 * stream's; stop says how it stops. */
static void in_the_ring(void (*stop)(struct rig *r), unsigned strays)
{
	struct rig *r = rig_new(&(struct rig_config){.num = strays ? 1024 : 0});
	struct player_sock s = {0}, nobody = {.guest_port = 1, .host_port = 2};
	int fd = rig_connect(r, &s, 5000);
	uint8_t got[20 * PACKET];

	rig_pump(r);
	put_quietly(&r->p, &nobody, strays, 0);
	put_quietly(&r->p, &s, 20, 0);
	stop(r);
	assert_int_equal(rig_read(r, fd, got, sizeof(got)), sizeof(got));
	assert_stream(got, sizeof(got));
	close(fd);
	rig_free(r);
}

static void vanish(struct rig *r)
{
	smol_vsockd_detach(&r->dev);
}

/* GET_VRING_BASE: and what was taken is not there for the next one. */
static void stop_rings(struct rig *r)
{
	uint16_t before = r->p.ring[PLAYER_TX].avail_idx;

	player_stop(&r->p);
	assert_int_equal(r->p.base[PLAYER_TX], before);
}

static void ring_when_the_front_end_vanishes(void **state)
{
	(void)state;
	in_the_ring(vanish, 0);
}

static void ring_when_it_is_stopped(void **state)
{
	(void)state;
	in_the_ring(stop_rings, 0);
}

/* More of them than RSTs are kept for while the guest is there to take them. */
static void ring_behind_nonsense(void **state)
{
	(void)state;
	in_the_ring(vanish, 2 * SMOL_VSOCKD_RSTS);
	in_the_ring(stop_rings, 2 * SMOL_VSOCKD_RSTS);
}

/* A whole ring of packets that belong to nobody, more than RSTs are kept for: the end comes
 * all the same, and nothing is written behind it. */
static void ring_of_nonsense(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.num = 1024});
	struct player_sock nobody = {.guest_port = 1, .host_port = 2};

	(void)state;
	put_quietly(&r->p, &nobody, 1024, 0);
	smol_vsockd_detach(&r->dev);
	assert_int_equal(r->dev.conns.used, 0);
	assert_int_equal(smol_vsockd_left(&r->dev), 0);
	rig_free(r);
}

/* The front end goes, and before the device looks, a client that is not done with its line goes on:
 * what the loop hears of in one breath with the end counts, for it is not told again. */
static void line_with_the_end(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	int fd = rig_client(r);

	(void)state;
	rig_pump(r);
	assert_int_equal(r->dev.conns.c[0].state, SMOL_CONN_HANDSHAKE);
	close(r->p.vhost);
	r->p.vhost = -1;
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	assert_int_equal(smol_vsockd_turn(&r->dev, 0), SMOL_TURN_GONE);
	smol_vsockd_detach(&r->dev);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(smol_vsockd_turn(&r->dev, 0), SMOL_TURN_OK);
	/* it waits for the next guest */
	assert_int_equal(r->dev.conns.c[0].state, SMOL_CONN_REQUESTED);
	close(fd);
	rig_free(r);
}

/* Whoever gave us the connection kept a copy of it: its end is told once. */
static void end_is_told_once(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	int copy = dup(r->dev.vu.fd);

	(void)state;
	close(r->p.vhost);
	r->p.vhost = -1;
	assert_int_equal(smol_vsockd_turn(&r->dev, 0), SMOL_TURN_GONE);
	smol_vsockd_detach(&r->dev);
	assert_int_equal(smol_vsockd_turn(&r->dev, 0), SMOL_TURN_OK);
	close(copy);
	rig_free(r);
}

/* No more clients: whoever comes yet, to the socket that others hold as well, is none of ours. */
static void listener_closes(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	int copy = dup(r->dev.listen_fd), fd;

	(void)state;
	smol_vsockd_close_listener(&r->dev);
	fd = rig_client(r);
	rig_pump(r);
	assert_true(rig_idle(r));
	assert_int_equal(r->dev.conns.used, 0);
	close(fd);
	close(copy);
	rig_free(r);
}

/* ---- the process ---- */

static int connected(struct process *d, struct player_sock *s)
{
	int fd = process_client(d->path);
	char line[32] = "", want[32];

	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	player_accept(&d->p, s, 5000);
	snprintf(want, sizeof(want), "OK %u\n", s->host_port);
	assert_int_equal(recv(fd, line, strlen(want), MSG_WAITALL), strlen(want));
	return fd;
}

/* As fast as the device gives credit, which it does for what the socket has taken. */
static void send_all(struct process *d, struct player_sock *s, size_t all)
{
	for (size_t n = 0; n < all;) {
		struct player_packet pkt;

		if (player_room(s) >= PACKET) {
			put_quietly(&d->p, s, 1, n);
			s->sent += PACKET;
			n += PACKET;
			player_kick(&d->p, PLAYER_TX);
			continue;
		}
		assert_true(player_rx_wait(&d->p, &pkt, 5000));
		player_sock_saw(&d->p, s, &pkt.h);
		player_rx_done(&d->p, &pkt);
		player_kick(&d->p, PLAYER_RX);
	}
}

/* A client's socket holds a window at most, which the kernel counts twice, and two thirds of that
 * where each packet came by itself; the device has room for another window. */
static size_t more_than_a_socket(void)
{
	FILE *f = fopen("/proc/sys/net/core/wmem_max", "re");
	unsigned max = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &max), 1);
	fclose(f);
	max = max < SMOL_CONN_BUF ? max : SMOL_CONN_BUF;
	return (2 * max + SMOL_CONN_BUF / 8) / PACKET * PACKET;
}

/* More than a socket holds, for a client that reads only when its guest has gone: it gets all of
 * it, then its end, and the device ends with it. */
static void in_a_buffer(void **state)
{
	size_t n = 0, all = more_than_a_socket();
	uint8_t *got = malloc(all + 1);
	struct player_sock s = {0};
	struct process d;
	ssize_t k;
	int fd;

	(void)state;
	process_start(&d, NULL, NULL);
	process_rings(&d);
	fd = connected(&d, &s);
	send_all(&d, &s, all);
	close(d.p.vhost);
	d.p.vhost = -1;
	while ((k = read(fd, got + n, all + 1 - n)) > 0)
		n += (size_t)k;
	assert_int_equal(k, 0);
	assert_int_equal(n, all);
	assert_stream(got, n);
	assert_int_equal(process_wait(&d), 0);
	assert_null(strstr(d.said, "in time"));
	free(got);
	close(fd);
	process_clear(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ring_when_the_front_end_vanishes),
	    cmocka_unit_test(ring_when_it_is_stopped),
	    cmocka_unit_test(ring_behind_nonsense),
	    cmocka_unit_test(ring_of_nonsense),
	    cmocka_unit_test(line_with_the_end),
	    cmocka_unit_test(end_is_told_once),
	    cmocka_unit_test(listener_closes),
	    cmocka_unit_test(in_a_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
