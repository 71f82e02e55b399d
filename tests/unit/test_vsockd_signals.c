/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kicks and signals: who is woken for what, with EVENT_IDX and without, where the indices go round
 * too (virtio 1.2, 2.7.7 and 2.7.10). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/rig.h"

#define NUM 64u

/* Rings whose indices begin at `from`. */
static struct rig *begin_at(uint16_t from, bool no_event_idx)
{
	struct rig *r = rig_new(&(struct rig_config){
	    .num = NUM, .rx_buf = 256, .no_event_idx = no_event_idx, .no_start = true});

	for (unsigned i = 0; i < 2; i++) {
		struct player_ring *q = &r->p.ring[i];

		q->avail->idx = q->used->idx = from;
		q->avail_idx = q->kicked = q->last_used = from;
	}
	player_rx_fill(&r->p);
	player_start(&r->p, from, from);
	return r;
}

/* The guest was called on this ring since the last look. */
static bool called(struct rig *r, unsigned ring)
{
	uint64_t v;

	return read(r->p.ring[ring].call, &v, 8) == 8;
}

static void used_event(struct rig *r, unsigned ring, uint16_t event)
{
	__atomic_store_n(&r->p.ring[ring].avail->ring[NUM], event, __ATOMIC_SEQ_CST);
}

/* One packet to the guest, which takes it and gives the buffer back. */
static void deliver(struct rig *r, struct player_sock *s, int fd)
{
	struct player_packet pkt;

	assert_int_equal(write(fd, "x", 1), 1);
	rig_pump(r);
	assert_true(player_rx_next(&r->p, &pkt));
	assert_int_equal(pkt.h.op, SMOL_VSOCK_OP_RW);
	player_rx_done(&r->p, &pkt);
	player_kick(&r->p, PLAYER_RX);
	s->fwd++;
	player_op(&r->p, s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
	rig_pump(r);
	while (player_rx_next(&r->p, &pkt))
		player_rx_done(&r->p, &pkt);
}

/* Through a whole ring of starts near the point where 16 bits go round: a guest that waits for the
 * next entry is called for each, one that waits for the fifth is called once in five, one that
 * waits for what is far away is not called. */
static void event_index(void **state)
{
	static const uint16_t from[] = {0, 1, UINT16_MAX, UINT16_MAX - 1, UINT16_MAX - 30,
	    UINT16_MAX - NUM, UINT16_MAX - 2 * NUM, 32768 - 20};

	(void)state;
	for (unsigned k = 0; k < sizeof(from) / sizeof(from[0]); k++) {
		struct rig *r = begin_at(from[k], false);
		struct player_ring *q = &r->p.ring[PLAYER_RX];
		struct player_sock s = {0};
		int fd = rig_connect(r, &s, 5000);
		unsigned calls = 0;

		while (!rig_quiet(r))
			;
		for (unsigned i = 0; i < 150; i++) {
			used_event(r, PLAYER_RX, q->last_used);
			called(r, PLAYER_RX);
			deliver(r, &s, fd);
			assert_true(called(r, PLAYER_RX));
		}
		used_event(r, PLAYER_RX, (uint16_t)(q->last_used + 4));
		for (unsigned i = 0; i < 50; i++) {
			deliver(r, &s, fd);
			if (!called(r, PLAYER_RX))
				continue;
			calls++;
			used_event(r, PLAYER_RX, (uint16_t)(q->last_used + 4));
		}
		assert_int_equal(calls, 10);
		used_event(r, PLAYER_RX, (uint16_t)(q->last_used + 1000));
		for (unsigned i = 0; i < 50; i++) {
			deliver(r, &s, fd);
			assert_false(called(r, PLAYER_RX));
		}
		close(fd);
		rig_free(r);
	}
}

/* Without EVENT_IDX a flag decides. */
static void no_interrupt_flag(void **state)
{
	struct rig *r = begin_at(UINT16_MAX - 20, true);
	struct player_ring *q = &r->p.ring[PLAYER_RX];
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);

	(void)state;
	while (!rig_quiet(r))
		;
	for (unsigned i = 0; i < 60; i++) {
		q->avail->flags = i % 3 ? 1 : 0;
		called(r, PLAYER_RX);
		deliver(r, &s, fd);
		assert_int_equal(called(r, PLAYER_RX), i % 3 == 0);
	}
	close(fd);
	rig_free(r);
}

/* What was sent is given back with one signal for many, or a moment later. */
static void sent_packets(void **state)
{
	struct rig *r = begin_at(UINT16_MAX - 20, false);
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	struct smol_vring_used_elem e;

	(void)state;
	while (!rig_quiet(r))
		;
	for (unsigned i = 0; i < 100; i++) {
		while (player_tx_used(&r->p, &e))
			;
		r->dev.signal_at = r->dev.signal_at ? 1 : 0;
		rig_pump(r);
		called(r, PLAYER_TX);
		used_event(r, PLAYER_TX, r->p.ring[PLAYER_TX].last_used);
		/* few: the guest has them back, but is not woken for them until later */
		rig_guest_write(r, &s, "y", 1);
		assert_true(player_tx_used(&r->p, &e));
		assert_false(called(r, PLAYER_TX));
		assert_true(r->dev.signal_at > 0);
		r->dev.signal_at = 1;
		rig_pump(r);
		assert_true(called(r, PLAYER_TX));
	}
	used_event(r, PLAYER_TX, r->p.ring[PLAYER_TX].last_used);
	for (unsigned i = 0; i < NUM / 8; i++)
		rig_guest_write(r, &s, "y", 1);
	assert_true(called(r, PLAYER_TX));
	/* nor is it told later when the ring has stopped: then it is told at once */
	used_event(r, PLAYER_TX, r->p.ring[PLAYER_TX].used->idx);
	rig_guest_write(r, &s, "y", 1);
	assert_false(called(r, PLAYER_TX));
	player_stop(&r->p);
	assert_true(called(r, PLAYER_TX));
	close(fd);
	rig_free(r);
}

/* A device that sleeps asks for a kick on the very next chain of both rings, wherever the index is;
 * and what the player, which kicks only when it is asked to, sends is seen. */
static void asks_for_kicks(void **state)
{
	(void)state;
	for (unsigned plain = 0; plain < 2; plain++) {
		struct rig *r = begin_at(UINT16_MAX - 10, plain);
		struct player_sock s = {0};
		int fd = rig_connect(r, &s, 5000);

		while (!rig_quiet(r))
			;
		for (unsigned i = 0; i < 40; i++) {
			struct player_ring *q = &r->p.ring[PLAYER_TX];
			uint64_t before = r->p.kicks;
			char c;

			/* kicks are asked for where it would sleep, and only there */
			smol_vsockd_turn(&r->dev, 1);
			if (plain)
				assert_int_equal(q->used->flags, 0);
			else
				assert_int_equal((uint16_t)q->used->ring[NUM].id, q->avail_idx);
			rig_guest_write(r, &s, "z", 1);
			assert_int_equal(r->p.kicks, before + 1);
			assert_int_equal(rig_read(r, fd, &c, 1), 1);
		}
		close(fd);
		rig_free(r);
	}
}

/* The guest has no buffer for what is due: one kick, when it has, sets it going. */
static void kick_for_buffers(void **state)
{
	(void)state;
	for (unsigned plain = 0; plain < 2; plain++) {
		struct rig *r = begin_at(UINT16_MAX - 40, plain);
		struct player_sock s = {0};
		int fd = rig_connect(r, &s, 5000);
		struct player_packet pkt[NUM];
		unsigned n = 0;
		uint64_t before;

		while (!rig_quiet(r))
			;
		for (unsigned i = 0; i < 2 * NUM; i++) {
			assert_int_equal(write(fd, "x", 1), 1);
			rig_pump(r);
			if (n < NUM && player_rx_next(&r->p, &pkt[n]))
				n++;
		}
		assert_true(rig_idle(r));
		assert_true(r->dev.rx_empty);
		before = r->p.kicks;
		player_rx_done(&r->p, &pkt[0]);
		player_kick(&r->p, PLAYER_RX);
		assert_int_equal(r->p.kicks, before + 1);
		rig_pump(r);
		assert_true(player_rx_next(&r->p, &pkt[0]));
		assert_true(pkt[0].h.len > 0);
		close(fd);
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(event_index),
	    cmocka_unit_test(no_interrupt_flag),
	    cmocka_unit_test(sent_packets),
	    cmocka_unit_test(asks_for_kicks),
	    cmocka_unit_test(kick_for_buffers),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
