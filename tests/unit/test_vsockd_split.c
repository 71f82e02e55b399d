/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets cut in every way over descriptors, in both directions; indirect tables; largest packets.
 */
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

#define PAYLOAD 10u
#define PACKET	(SMOL_VSOCK_HDR_LEN + PAYLOAD)
#define HEAD	200u /* a chain of the test's own begins here */
/* Guest memory that the player does not use. */
#define TABLE	0x1400000u
#define PIECES	0x1500000u
#define LARGE	0x1600000u

/* Three pieces of one packet, far from each other: [0,i) [i,j) [j,PACKET), some of them empty. */
struct cut {
	unsigned at[4];
};

static struct cut cut_at(unsigned i, unsigned j)
{
	return (struct cut){{0, i, j, PACKET}};
}

static uint8_t *piece(const struct rig *r, unsigned k)
{
	return r->p.mem + PIECES + k * 0x1000 + 7 * k;
}

/* Fill descriptors d[0..3), which are numbered from first on, with the pieces. */
static void describe(
    const struct rig *r, struct smol_vring_desc *d, const struct cut *c, unsigned first, bool write)
{
	for (unsigned k = 0; k < 3; k++)
		d[k] = (struct smol_vring_desc){player_gpa(&r->p, piece(r, k)),
		    c->at[k + 1] - c->at[k],
		    (uint16_t)((k < 2 ? DESC_NEXT : 0) | (write ? DESC_WRITE : 0)),
		    (uint16_t)(first + k + 1)};
}

/* How the three are reached: as they are, by a table, the first as it is and the others by a table
 */
enum how { DIRECT, TABLED, MIXED, HOWS };

static void chain(struct rig *r, const struct cut *c, enum how how, bool write)
{
	struct smol_vring_desc *d = r->p.ring[write ? PLAYER_RX : PLAYER_TX].desc + HEAD;
	struct smol_vring_desc *t = (void *)(r->p.mem + TABLE);

	describe(r, d, c, HEAD, write);
	describe(r, t, c, 0, write);
	if (how == TABLED) {
		d[0] = (struct smol_vring_desc){PLAYER_GPA + TABLE, 48, DESC_INDIRECT, 0};
	} else if (how == MIXED) {
		t[1].next = 1;
		d[1] = (struct smol_vring_desc){PLAYER_GPA + TABLE + 16, 32, DESC_INDIRECT, 0};
	}
}

static void sent_in_pieces(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	uint8_t raw[PACKET], in[PAYLOAD];
	uint64_t n = 0;

	(void)state;
	for (unsigned i = 0; i <= PACKET; i++) {
		for (unsigned j = i; j <= PACKET; j++) {
			for (enum how how = DIRECT; how < HOWS; how++) {
				struct cut c = cut_at(i, j);
				struct smol_vsock_hdr h = player_hdr(&r->p, &s, SMOL_VSOCK_OP_RW);

				h.len = PAYLOAD;
				smol_vsock_hdr_put(raw, &h);
				rig_fill(raw + SMOL_VSOCK_HDR_LEN, PAYLOAD, n++);
				for (unsigned k = 0; k < 3; k++)
					memcpy(piece(r, k), raw + c.at[k], c.at[k + 1] - c.at[k]);
				chain(r, &c, how, false);
				rig_chain(r, HEAD);
				assert_int_equal(rig_read(r, fd, in, PAYLOAD), PAYLOAD);
				assert_memory_equal(in, raw + SMOL_VSOCK_HDR_LEN, PAYLOAD);
			}
		}
		/* credit comes by and by */
		while (!rig_quiet(r))
			;
	}
	assert_int_equal(r->dev.stats.bad_chains, 0);
	close(fd);
	rig_free(r);
}

/* A receive buffer is cut in the same ways. */
static void received_in_pieces(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_ring *q = &r->p.ring[PLAYER_RX];
	struct player_sock s = {0};
	struct player_packet pkt;
	uint8_t raw[PACKET], out[PAYLOAD];
	uint64_t n = 0;
	int fd;

	(void)state;
	player_rx_fill(&r->p);
	/* two buffers are enough to connect; the others were never made available */
	q->avail->idx = q->avail_idx = 2;
	player_start(&r->p, 0, 0);
	fd = rig_connect(r, &s, 5000);
	while (player_rx_next(&r->p, &pkt))
		;
	q->avail->idx = q->avail_idx = q->used->idx;
	smol_rx_return(&r->dev);
	r->dev.vq[PLAYER_RX].last_avail = r->dev.vq[PLAYER_RX].seen_avail = q->avail_idx;
	for (unsigned i = 0; i <= PACKET; i++) {
		for (unsigned j = i; j <= PACKET; j++) {
			for (enum how how = DIRECT; how < HOWS; how++) {
				struct cut c = cut_at(i, j);
				struct smol_vring_used_elem *e = &q->used->ring[q->used->idx % 256];

				chain(r, &c, how, true);
				player_tx_head(&r->p, PLAYER_RX, HEAD);
				player_kick(&r->p, PLAYER_RX);
				rig_fill(out, PAYLOAD, n++);
				assert_int_equal(write(fd, out, PAYLOAD), PAYLOAD);
				rig_pump(r);
				assert_int_equal(q->used->idx, q->avail_idx);
				assert_int_equal(e->id, HEAD);
				assert_int_equal(e->len, PACKET);
				for (unsigned k = 0; k < 3; k++)
					memcpy(raw + c.at[k], piece(r, k), c.at[k + 1] - c.at[k]);
				smol_vsock_hdr_get(&pkt.h, raw);
				assert_int_equal(pkt.h.op, SMOL_VSOCK_OP_RW);
				assert_int_equal(pkt.h.len, PAYLOAD);
				assert_memory_equal(raw + SMOL_VSOCK_HDR_LEN, out, PAYLOAD);
				q->last_used = q->used->idx;
				s.fwd += PAYLOAD;
				player_op(&r->p, &s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
			}
		}
	}
	close(fd);
	rig_free(r);
}

/* A packet of n bytes of payload in a table of pieces of a size, with some bytes behind it. */
static void send_large(struct rig *r, struct player_sock *s, uint32_t n, uint32_t size)
{
	struct smol_vring_desc *t = (void *)(r->p.mem + TABLE);
	struct smol_vsock_hdr h = player_hdr(&r->p, s, SMOL_VSOCK_OP_RW);
	uint32_t at = 0, k = 0, all = SMOL_VSOCK_HDR_LEN + n + 5;

	h.len = n;
	smol_vsock_hdr_put(r->p.mem + LARGE, &h);
	rig_fill(r->p.mem + LARGE + SMOL_VSOCK_HDR_LEN, n, n);
	for (; at < all; at += size, k++)
		t[k] = (struct smol_vring_desc){PLAYER_GPA + LARGE + at,
		    all - at < size ? all - at : size, DESC_NEXT, (uint16_t)(k + 1)};
	t[k - 1].flags = 0;
	r->p.ring[PLAYER_TX].desc[HEAD] =
	    (struct smol_vring_desc){PLAYER_GPA + TABLE, 16 * k, DESC_INDIRECT, 0};
	rig_chain(r, HEAD);
}

/* Up to 64 KiB in one descriptor or in as many as a table may have; one byte more is no packet. */
static void largest(void **state)
{
	static const uint32_t sizes[] = {65, 100, 1000, 4096, 4097, 65536, 70000};
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	uint8_t *in = malloc(65536), *want = malloc(65536);

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (uint32_t n = 65534; n <= 65536; n++) {
			rig_fill(want, n, n);
			send_large(r, &s, n, sizes[i]);
			assert_int_equal(rig_read(r, fd, in, n), n);
			assert_memory_equal(in, want, n);
			while (!rig_quiet(r))
				;
		}
	}
	/* the longest table, each piece a byte */
	send_large(r, &s, SMOL_VRING_MAX - SMOL_VSOCK_HDR_LEN - 5, 1);
	assert_int_equal(rig_read(r, fd, in, SMOL_VRING_MAX - SMOL_VSOCK_HDR_LEN - 5),
	    SMOL_VRING_MAX - SMOL_VSOCK_HDR_LEN - 5);
	assert_int_equal(r->dev.stats.bad_chains, 0);
	send_large(r, &s, 65537, 4096);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_int_equal(rig_read(r, fd, in, 1), 0);
	assert_int_equal(r->dev.stats.bad_chains, 1);
	free(in);
	free(want);
	close(fd);
	rig_free(r);
}

/* Several receive buffers in more pieces than the device has room for at hand: one after the other.
 */
static void many_in_many_pieces(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_ring *q = &r->p.ring[PLAYER_RX];
	struct player_sock nobody = {.guest_port = 1, .host_port = 2};

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		q->desc[i] = (struct smol_vring_desc){PLAYER_GPA + PLAYER_SPARE + 10 * i, 10,
		    DESC_WRITE | (i % 10 < 9 ? DESC_NEXT : 0), (uint16_t)(i + 1)};
	for (unsigned i = 0; i < 3; i++)
		player_tx_head(&r->p, PLAYER_RX, (uint16_t)(10 * i));
	player_start(&r->p, 0, 0);
	for (unsigned i = 0; i < 3; i++)
		player_op(&r->p, &nobody, SMOL_VSOCK_OP_RW, 0);
	rig_pump(r);
	assert_int_equal(q->used->idx, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(q->used->ring[i].id, 10 * i);
		assert_int_equal(q->used->ring[i].len, SMOL_VSOCK_HDR_LEN);
	}
	rig_free(r);
}

/* A receive buffer may be larger than any packet. */
static void received_in_large_buffers(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.num = 64, .rx_buf = 0x20000});
	struct player_sock s = {.buf_alloc = 1 << 20};
	int fd = rig_connect(r, &s, 5000);
	uint8_t *data = malloc(150000);
	size_t sent = 0, got = 0;

	(void)state;
	rig_fill(data, 150000, 0);
	for (unsigned i = 0; got < 150000; i++) {
		ssize_t n = write(fd, data + sent, 150000 - sent);
		struct player_packet pkt;

		assert_true(i < 100);
		sent += n > 0 ? (size_t)n : 0;
		rig_pump(r);
		while (player_rx_next(&r->p, &pkt)) {
			if (pkt.h.op != SMOL_VSOCK_OP_RW)
				continue;
			assert_in_range(pkt.h.len, 1, 65536);
			assert_memory_equal(pkt.data, data + got, pkt.h.len);
			got += pkt.h.len;
		}
	}
	free(data);
	close(fd);
	rig_free(r);
}

/* Indirect descriptors that were not agreed on are a bad chain. */
static void table_without_feature(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_indirect = true});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	struct cut c = cut_at(44, 50);
	struct smol_vsock_hdr h = player_hdr(&r->p, &s, SMOL_VSOCK_OP_RW);

	(void)state;
	h.len = PAYLOAD;
	smol_vsock_hdr_put(piece(r, 0), &h);
	chain(r, &c, TABLED, false);
	rig_chain(r, HEAD);
	assert_int_equal(r->dev.stats.bad_chains, 1);
	assert_true(rig_quiet(r));
	/* the header was read, then came a table: bad, and its connection is known */
	chain(r, &c, MIXED, false);
	rig_chain(r, HEAD);
	assert_int_equal(r->dev.stats.bad_chains, 2);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	close(fd);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sent_in_pieces),
	    cmocka_unit_test(received_in_pieces),
	    cmocka_unit_test(largest),
	    cmocka_unit_test(received_in_large_buffers),
	    cmocka_unit_test(many_in_many_pieces),
	    cmocka_unit_test(table_without_feature),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
