/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connection table: hash, ports, buffers, and the arithmetic of credit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vsockd/conn.h"

static struct smol_conns table;

static void table_fills(void **state)
{
	struct smol_conn *c[100];

	(void)state;
	assert_int_equal(smol_conns_init(&table, 100, NULL), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 100; i++) {
			c[i] = smol_conn_new(&table, -1);
			assert_non_null(c[i]);
			smol_conn_hash(&table, c[i], i % 7, i);
		}
		assert_null(smol_conn_new(&table, -1));
		for (uint32_t i = 0; i < 100; i += 3)
			smol_conn_free(&table, c[i]);
		for (uint32_t i = 0; i < 100; i++)
			assert_ptr_equal(smol_conn_find(&table, i % 7, i), i % 3 ? c[i] : NULL);
		assert_null(smol_conn_find(&table, 99, 99));
		for (uint32_t i = 0; i < 100; i++) {
			if (i % 3)
				smol_conn_free(&table, c[i]);
		}
		assert_int_equal(table.used, 0);
	}
	smol_conns_destroy(&table);
}

/* A port is not given out while a connection to the same guest port has it. */
static void ports(void **state)
{
	struct smol_conn *c;
	uint32_t first;

	(void)state;
	assert_int_equal(smol_conns_init(&table, 4, NULL), 0);
	c = smol_conn_new(&table, -1);
	first = smol_conn_port(&table, 5000);
	smol_conn_hash(&table, c, 5000, first);
	table.next_port = first;
	assert_int_not_equal(smol_conn_port(&table, 5000), first);
	table.next_port = first;
	assert_int_equal(smol_conn_port(&table, 5001), first);
	table.next_port = 0x7fffffff;
	assert_int_equal(smol_conn_port(&table, 1), 0x7fffffff);
	assert_int_equal(smol_conn_port(&table, 1), 0x40000000);
	smol_conns_destroy(&table);
}

static void buffer(void **state)
{
	uint8_t *in = malloc(SMOL_CONN_BUF), *want = malloc(SMOL_CONN_BUF);
	struct smol_conn *c;
	uint32_t put = 0, got = 0;

	(void)state;
	assert_int_equal(smol_conns_init(&table, 2, NULL), 0);
	c = smol_conn_new(&table, -1);
	/* odd pieces, around the end many times */
	for (unsigned i = 0; i < 500; i++) {
		uint32_t n = (i * 7919) % 60000 + 1;
		struct iovec iov[2];
		unsigned k;

		if (n <= SMOL_CONN_BUF - smol_conn_buffered(c)) {
			for (uint32_t j = 0; j < n; j++)
				in[j] = (uint8_t)((put + j) * 131 >> 3);
			smol_conn_buffer(&table, c, in, n);
			put += n;
		}
		k = smol_conn_pieces(&table, c, iov);
		for (unsigned j = 0; j < k; j++) {
			size_t take = iov[j].iov_len / (i % 3 + 1);

			for (size_t b = 0; b < take; b++)
				assert_int_equal(((uint8_t *)iov[j].iov_base)[b],
				    (uint8_t)((got + b) * 131 >> 3));
			smol_conn_consume(c, (uint32_t)take);
			got += (uint32_t)take;
			if (take < iov[j].iov_len)
				break;
		}
	}
	smol_conn_consume(c, smol_conn_buffered(c));
	assert_true(c->dirty);
	smol_conns_trim(&table);
	assert_false(c->dirty);
	smol_conns_destroy(&table);
	free(in);
	free(want);
}

/* Counters go round at 2^32; a count from the past or the future changes nothing. */
static void credit(void **state)
{
	struct smol_conn *c;

	(void)state;
	assert_int_equal(smol_conns_init(&table, 2, NULL), 0);
	c = smol_conn_new(&table, -1);
	c->sent = c->peer_fwd = UINT32_MAX - 1000;
	smol_conn_credit(c, 262144, c->peer_fwd);
	assert_int_equal(smol_conn_window(c), 262144 - SMOL_PACKET_COST);
	smol_conn_sent(c, 4000);
	assert_int_equal(c->sent, 2999);
	assert_int_equal(smol_conn_window(c), 262144 - 4000 - 2 * SMOL_PACKET_COST);
	smol_conn_credit(c, 262144, UINT32_MAX - 2000); /* before what was taken */
	smol_conn_credit(c, 262144, 3000);		/* more than was sent */
	assert_int_equal(c->sent - c->peer_fwd, 4000);
	smol_conn_credit(c, 262144, 2999);
	assert_int_equal(smol_conn_window(c), 262144 - SMOL_PACKET_COST);
	assert_int_equal(c->packets, 0);
	/* a buffer that shrinks below what is on its way: no credit, no underflow */
	smol_conn_sent(c, 4000);
	smol_conn_credit(c, 100, 2999);
	assert_int_equal(smol_conn_window(c), 0);
	smol_conn_credit(c, 0, 6999);
	assert_int_equal(smol_conn_window(c), 0);
	/* buffers of hardly a packet: one with room for its cost too is taken for one that counts
	 * it */
	smol_conn_credit(c, SMOL_PACKET_COST + 1, 6999);
	assert_int_equal(smol_conn_window(c), 1);
	smol_conn_credit(c, SMOL_PACKET_COST, 6999);
	assert_int_equal(smol_conn_window(c), SMOL_PACKET_COST);
	smol_conns_destroy(&table);
}

/* The number of packets outstanding is an upper bound, and comes back to nothing. */
static void packets(void **state)
{
	struct smol_conn *c;
	uint32_t real[4096];
	unsigned head = 0, tail = 0;

	(void)state;
	assert_int_equal(smol_conns_init(&table, 2, NULL), 0);
	c = smol_conn_new(&table, -1);
	c->sent = c->peer_fwd = UINT32_MAX - 50000;
	smol_conn_credit(c, 262144, c->peer_fwd);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t n = (i * 7919) % (i % 100 < 50 ? 3000 : 9) + 1;

		if (n <= smol_conn_window(c)) {
			smol_conn_sent(c, n);
			real[tail++ % 4096] = c->sent;
		}
		assert_true(tail - head <= c->packets);
		assert_true((tail - head) * 576 + (c->sent - c->peer_fwd) <= 262144);
		if (i % 5 == 0 && head < tail) {
			head += (tail - head + 1) / 2;
			smol_conn_credit(c, 262144, real[(head - 1) % 4096]);
		}
	}
	smol_conn_credit(c, 262144, c->sent);
	assert_int_equal(c->packets, 0);
	assert_int_equal(c->mark_n, 0);
	smol_conns_destroy(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table_fills),
	    cmocka_unit_test(ports),
	    cmocka_unit_test(buffer),
	    cmocka_unit_test(credit),
	    cmocka_unit_test(packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
