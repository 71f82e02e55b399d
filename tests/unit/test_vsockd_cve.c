/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What went wrong in other devices, played against this one: each test is named for a CVE of
 * theirs, and its comment says which class of defect it plays. The racing guest, which has a thread
 * of its own, is in test_vsockd_race.c.
 */
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

#include "../vsockd/rig.h"

/*
 * Firecracker: the driver wrote a queue's registers after activation and so got past the checks
 * made then (division by a size of zero, writes behind the queue). Class: a ring's shape changed
 * while it runs.
 */
static void cve_2026_5747_shape_of_a_running_ring(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);

	(void)state;
	for (uint32_t ring = 0; ring < 2; ring++) {
		static const uint32_t sizes[] = {0, 1, 128, 512, 1024, 32768};
		struct smol_vring was = r->dev.vq[ring];
		uint32_t m[10] = {ring};
		uint64_t features = r->p.features ^ (1ull << 29);

		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			m[1] = sizes[i];
			assert_int_not_equal(
			    player_acked(&r->p, PLAYER_SET_VRING_NUM, m, 8, NULL, 0), 0);
			assert_int_not_equal(
			    player_acked(&r->p, PLAYER_SET_VRING_BASE, m, 8, NULL, 0), 0);
		}
		m[1] = 0;
		assert_int_not_equal(player_acked(&r->p, PLAYER_SET_VRING_ADDR, m, 40, NULL, 0), 0);
		assert_int_not_equal(
		    player_acked(&r->p, PLAYER_SET_FEATURES, &features, 8, NULL, 0), 0);
		assert_int_equal(r->dev.vq[ring].num, was.num);
		assert_ptr_equal(r->dev.vq[ring].desc, was.desc);
		assert_ptr_equal(r->dev.vq[ring].avail, was.avail);
		assert_ptr_equal(r->dev.vq[ring].used, was.used);
		assert_int_equal(r->dev.vq[ring].event_idx, was.event_idx);
		rig_lives(r, &s, fd);
	}
	close(fd);
	rig_free(r);
}

/* One region that ends inside a page; the bytes behind it are mapped, but are not the guest's. */
#define SHORT (PLAYER_MEM - 5000u)

static void check_canary(const struct rig *r)
{
	for (unsigned i = SHORT; i < PLAYER_MEM; i++)
		assert_int_equal(r->p.mem[i], 0xa5);
}

/*
 * Firecracker: the start of a packet's buffer was checked, its end was not, and what lay behind the
 * region was read and written. Class: bound of a region.
 */
static void cve_2019_18960_buffer_over_the_end(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	const struct smol_gm_desc d = {PLAYER_GPA, SHORT, (uintptr_t)r->p.mem, 0};
	const uint64_t end = PLAYER_GPA + SHORT;
	struct smol_vring_desc *rx = r->p.ring[PLAYER_RX].desc, *tx = r->p.ring[PLAYER_TX].desc;
	struct player_sock s = {0};
	struct smol_vring_used_elem e;
	char ok[32];
	int fd;

	(void)state;
	assert_true(rig_memory(r, &d, 1));
	memset(r->p.mem + SHORT, 0xa5, PLAYER_MEM - SHORT);
	/* to be written: the end is passed by one byte, by a header, by all but a byte */
	rx[0] = (struct smol_vring_desc){end - 4095, 4096, DESC_WRITE, 0};
	rx[1] = (struct smol_vring_desc){end - 43, 44, DESC_WRITE, 0};
	rx[2] = (struct smol_vring_desc){end - 1, 4096, DESC_WRITE, 0};
	rx[3] = (struct smol_vring_desc){end, 4096, DESC_WRITE, 0};
	for (uint16_t i = 0; i < 4; i++)
		player_tx_head(&r->p, PLAYER_RX, i);
	player_start(&r->p, 0, 0);
	fd = rig_client(r);
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	rig_pump(r);
	for (uint16_t i = 0; i < 4; i++) {
		e = r->p.ring[PLAYER_RX].used->ring[i];
		assert_int_equal(e.id, i);
		assert_int_equal(e.len, 0);
	}
	check_canary(r);
	/* to be read: a packet whose payload ends behind the region resets its connection */
	player_stop(&r->p);
	player_rings_clear(&r->p);
	player_rx_fill(&r->p);
	player_start(&r->p, 0, 0);
	player_accept(&r->p, &s, 5000);
	assert_int_equal(rig_read(r, fd, ok, 3), 3);
	tx[200] = (struct smol_vring_desc){
	    rig_spare_header(r, &s, SMOL_VSOCK_OP_RW, 100), 44, DESC_NEXT, 201};
	tx[201] = (struct smol_vring_desc){end - 99, 100, 0, 0};
	rig_chain(r, 200);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	/* nothing but the rest of the OK line */
	assert_true(rig_read(r, fd, ok, sizeof(ok)) < sizeof(ok));
	assert_true(rig_closed(r, fd));
	close(fd);
	rig_free(r);
}

/*
 * DPDK vhost: a guest address was translated by its first byte, and the range was then taken for
 * contiguous in the host. Class: a range over two regions. Here they adjoin for the guest and have
 * 4 MiB between them in the host.
 */
#define SEAM 0x2000000u
#define FAR  0x2400000u

static void cve_2018_1059_range_over_two_regions(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	uint8_t *mem = r->p.mem, data[1000], in[1000], gap[4096];
	struct smol_gm_desc d[2] = {{PLAYER_GPA, SEAM, (uintptr_t)mem, 0},
	    {PLAYER_GPA + SEAM, 0x100000, (uintptr_t)mem + FAR, FAR}};
	struct smol_vring_desc *tx = r->p.ring[PLAYER_TX].desc;
	struct player_sock s = {0};
	int fd;

	(void)state;
	assert_true(rig_memory(r, d, 2));
	fd = rig_connect(r, &s, 5000);
	rig_fill(data, sizeof(data), 0);
	memcpy(mem + SEAM - 400, data, 400);
	memcpy(mem + FAR, data + 400, 600);
	memset(mem + SEAM, 0xa5, sizeof(gap));
	memset(gap, 0xa5, sizeof(gap));
	tx[200] = (struct smol_vring_desc){
	    rig_spare_header(r, &s, SMOL_VSOCK_OP_RW, 1000), 44, DESC_NEXT, 201};
	tx[201] = (struct smol_vring_desc){PLAYER_GPA + SEAM - 400, 1000, 0, 0};
	rig_chain(r, 200);
	assert_int_equal(rig_read(r, fd, in, 1000), 1000);
	assert_memory_equal(in, data, 1000);
	/* the other way: each receive buffer lies across the seam */
	for (unsigned i = 0; i < r->p.cfg.num; i++)
		r->p.ring[PLAYER_RX].desc[i].addr = PLAYER_GPA + SEAM - 400;
	smol_rx_return(&r->dev);
	assert_int_equal(write(fd, data, 1000), 1000);
	rig_pump(r);
	assert_memory_equal(mem + SEAM - 400 + 44, data, 356);
	assert_memory_equal(mem + FAR, data + 356, 644);
	assert_memory_equal(mem + SEAM, gap, sizeof(gap));
	/* a page that is no memory lies between them: no packet */
	d[1].gpa += 4096;
	assert_true(rig_memory(r, d, 2));
	rig_chain(r, 200);
	assert_int_equal(rig_read(r, fd, in, 1), 0);
	close(fd);
	rig_free(r);
}

/*
 * DPDK vhost: descriptors that came with messages about in-flight buffers, more than they have use
 * for, stayed open until there were none left. Class: descriptors leaked by messages; so every
 * request there is, known or not, brings too many.
 */
static void cve_2022_0669_descriptors_in_messages(void **state)
{
	unsigned before = rig_open_files();
	int many[16];

	(void)state;
	for (uint32_t request = 0; request < 48; request++) {
		struct rig *r = rig_new(&(struct rig_config){0});
		uint64_t payload[8] = {0};
		unsigned own = rig_open_files();

		for (unsigned i = 0; i < 16; i++)
			many[i] = r->p.memfd;
		/* the last ones are more than the device takes: the kernel may drop them, it must
		 */
		for (unsigned n = 1; n <= 16 && r->last == SMOL_TURN_OK; n += 5)
			player_message(&r->p, request, 0, payload, sizeof(payload), many, n);
		if (request == 31 || request == 32)
			assert_int_equal(r->last, SMOL_TURN_BAD);
		/* an ERR descriptor is new; KICK and CALL replace what was there */
		assert_true(rig_open_files() <= own + 1);
		rig_free(r);
		assert_int_equal(rig_open_files(), before);
	}
}

/*
 * Linux: buf_alloc - (tx_cnt - fwd_cnt) went below zero when the peer made its buffer smaller than
 * what was on its way, and was then nearly 4 GiB of credit. Class: credit that underflows.
 */
static void cve_2026_23069_credit_underflow(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {.buf_alloc = 100000};
	int fd = rig_connect(r, &s, 5000);
	static uint8_t data[1 << 20];
	struct player_packet pkt;
	size_t got = 0, sent = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		ssize_t k = write(fd, data, sizeof(data) - sent);

		sent += k > 0 ? (size_t)k : 0;
		rig_pump(r);
		while (player_rx_next(&r->p, &pkt)) {
			got += pkt.h.len;
			player_rx_done(&r->p, &pkt);
		}
		player_kick(&r->p, PLAYER_RX);
	}
	assert_true(got > 50000 && got <= 100000);
	/* smaller, and nothing of it taken; then by a little more than was taken; to nothing */
	for (unsigned i = 0; i < 3; i++) {
		s.buf_alloc = (uint32_t[]){1000, (uint32_t)got - 20001, 0}[i];
		s.fwd = i ? 20000 : 0;
		player_op(&r->p, &s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
		rig_pump(r);
		while (player_rx_next(&r->p, &pkt)) {
			assert_int_not_equal(pkt.h.op, SMOL_VSOCK_OP_RW);
			player_rx_done(&r->p, &pkt);
		}
	}
	/* it took all, and says so: as much as the small buffer holds comes, and no more */
	s.buf_alloc = 5000;
	s.fwd = (uint32_t)got;
	player_op(&r->p, &s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
	rig_pump(r);
	got = 0;
	while (player_rx_next(&r->p, &pkt)) {
		got += pkt.h.len;
		player_rx_done(&r->p, &pkt);
	}
	assert_true(got > 0 && got <= 5000);
	close(fd);
	rig_free(r);
}

/*
 * Linux: what was queued for a peer was bounded by the size of buffer that the peer said it had.
 * Class: a queue bounded by the peer's word. 4 GiB are promised and nothing is read: what waits,
 * waits in the host's socket.
 */
static void cve_2026_23086_promise_of_4_gib(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {.buf_alloc = UINT32_MAX};
	int fd = rig_connect(r, &s, 5000);
	static uint8_t data[65536];
	size_t before = rig_resident(r);
	struct player_packet pkt;
	unsigned stuck = 0, i;

	(void)state;
	/* a ring of buffers is filled and then no more is taken, whatever was promised */
	for (i = 0; i < 2000 && stuck < 20; i++) {
		stuck = write(fd, data, sizeof(data)) < 0 ? stuck + 1 : 0;
		rig_pump(r);
	}
	assert_true(stuck == 20 && i < 1000);
	assert_true(rig_idle(r));
	assert_int_equal(rig_resident(r), before);
	/* the guest empties its ring but never says that it has read: still nothing is kept here */
	for (i = 0; i < 500; i++) {
		while (player_rx_next(&r->p, &pkt))
			player_rx_done(&r->p, &pkt);
		player_kick(&r->p, PLAYER_RX);
		if (write(fd, data, sizeof(data)) < 0)
			assert_int_equal(errno, EAGAIN);
		rig_pump(r);
	}
	assert_int_equal(rig_resident(r), before);
	close(fd);
	rig_free(r);
}

/* The same class: RSTs that are owed to a guest that has no buffer for them. */
static void strays_are_bounded(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_sock s = {.guest_port = 9, .host_port = 10};
	struct player_packet pkt;
	unsigned sent = 0, got = 0;

	(void)state;
	player_start(&r->p, 0, 0);
	for (unsigned i = 0; i < 10; i++) {
		int slot;

		while ((slot = player_tx_slot(&r->p)) >= 0) {
			struct smol_vsock_hdr h = player_hdr(&r->p, &s, SMOL_VSOCK_OP_RW);

			player_tx_put(&r->p, slot, &h);
			sent++;
		}
		player_kick(&r->p, PLAYER_TX);
		rig_pump(r);
		assert_true(r->dev.stray_n <= SMOL_VSOCKD_RSTS);
	}
	/* the ring is full and stays so, and nobody turns in vain */
	assert_true(sent > SMOL_VSOCKD_RSTS && sent < 1000 && rig_idle(r));
	player_rx_fill(&r->p);
	for (unsigned i = 0; i < 20; i++) {
		rig_pump(r);
		while (player_rx_next(&r->p, &pkt)) {
			assert_int_equal(pkt.h.op, SMOL_VSOCK_OP_RST);
			got++;
			player_rx_done(&r->p, &pkt);
		}
		player_kick(&r->p, PLAYER_RX);
	}
	assert_int_equal(got, sent);
	rig_free(r);
}

/* An RST for s, and no answer to it. */
static void rst_is_final(struct rig *r, struct player_sock *s)
{
	for (unsigned i = 0; i < 3; i++) {
		player_op(&r->p, s, SMOL_VSOCK_OP_RST, 0);
		assert_true(rig_quiet(r));
	}
}

/*
 * Nothing public says what this one was; it stands for the class "RST answered with RST", which
 * two devices pass to each other for ever, and with which a port that was used again is reset. An
 * RST comes in each state a connection can have.
 */
static void cve_2026_86566_rst_for_rst(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.max_connections = 2});
	struct player_sock s = {.guest_port = 9, .host_port = 10};
	static uint8_t data[65536];
	struct player_packet pkt;
	int fd;

	(void)state;
	/* nobody's; of another type and op, whatever it calls itself */
	rst_is_final(r, &s);
	/* asked for, not answered yet */
	fd = rig_client(r);
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	pkt = rig_expect(r, SMOL_VSOCK_OP_REQUEST);
	s = (struct player_sock){.guest_port = 5000, .host_port = pkt.h.src_port};
	rst_is_final(r, &s);
	assert_true(rig_closed(r, fd));
	close(fd);
	/* open; the host's side still has to take what was sent */
	s = (struct player_sock){0};
	fd = rig_connect(r, &s, 5001);
	for (unsigned i = 0; i < 6; i++)
		rig_guest_write(r, &s, data, 40000);
	while (player_rx_next(&r->p, &pkt))
		player_rx_done(&r->p, &pkt);
	rst_is_final(r, &s);
	close(fd);
	/* both ends at once: the guest's RST is on its way when ours becomes due; with nothing that
	 * the host has still to take, and with much of it */
	for (unsigned full = 0; full < 2; full++) {
		struct smol_vsock_hdr h;
		int slot, slot2;

		s = (struct player_sock){0};
		fd = rig_connect(r, &s, 5002 + full);
		while (full && player_room(&s) >= sizeof(data)) {
			rig_guest_write(r, &s, data, sizeof(data));
			rig_take(r, &s);
		}
		h = player_hdr(&r->p, &s, SMOL_VSOCK_OP_RESPONSE);
		/* one batch: a packet that violates, and the RST */
		slot = player_tx_slot(&r->p);
		slot2 = player_tx_slot(&r->p);
		player_tx_put(&r->p, slot, &h);
		h.op = SMOL_VSOCK_OP_RST;
		player_tx_put(&r->p, slot2, &h);
		player_kick(&r->p, PLAYER_TX);
		assert_true(rig_quiet(r));
		assert_true(!full || smol_vsockd_left(&r->dev) > 0);
		close(fd);
		rig_pump(r);
	}
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cve_2026_5747_shape_of_a_running_ring),
	    cmocka_unit_test(cve_2019_18960_buffer_over_the_end),
	    cmocka_unit_test(cve_2018_1059_range_over_two_regions),
	    cmocka_unit_test(cve_2022_0669_descriptors_in_messages),
	    cmocka_unit_test(cve_2026_23069_credit_underflow),
	    cmocka_unit_test(cve_2026_23086_promise_of_4_gib),
	    cmocka_unit_test(strays_are_bounded),
	    cmocka_unit_test(cve_2026_86566_rst_for_rst),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
