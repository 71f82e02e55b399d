/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a hostile guest can do: chains, rings, drivers that begin anew. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/rig.h"

static void bad_chains(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct smol_vring_desc *d = r->p.ring[PLAYER_TX].desc;
	struct smol_vring_desc *table = (void *)(r->p.mem + PLAYER_SPARE + 1024);
	struct player_sock s = {.guest_port = 1, .host_port = 2};
	uint64_t at = rig_spare_header(r, &s, SMOL_VSOCK_OP_RW, 100);
	const struct {
		struct smol_vring_desc first, second, in[2];
	} t[] = {
	    /* outside of memory; at its very end; wrapping */
	    {.first = {0, 44, 0, 0}},
	    {.first = {PLAYER_GPA + PLAYER_MEM - 43, 44, 0, 0}},
	    {.first = {UINT64_MAX - 10, 44, 0, 0}},
	    {.first = {at, UINT32_MAX, 0, 0}},
	    /* too short for a header, or for its payload */
	    {.first = {at, 43, 0, 0}},
	    {.first = {at, 44, 0, 0}},
	    {.first = {at, 44 + 99, 0, 0}},
	    /* a loop; a next that does not exist; writable where it must not be */
	    {.first = {at, 44, DESC_NEXT, 200}},
	    {.first = {at, 44, DESC_NEXT, 65535}},
	    {.first = {at, 44, DESC_NEXT, 201}, .second = {at, 100, DESC_WRITE, 0}},
	    /* indirect: with DESC_NEXT, of odd length, empty, huge, outside, nested, endless */
	    {.first = {at + 1024, 32, DESC_INDIRECT | DESC_NEXT, 201}},
	    {.first = {at + 1024, 33, DESC_INDIRECT, 0}},
	    {.first = {at + 1024, 0, DESC_INDIRECT, 0}},
	    {.first = {at + 1024, 16 * 1025, DESC_INDIRECT, 0}},
	    {.first = {0x10, 32, DESC_INDIRECT, 0}},
	    {.first = {at + 1024, 32, DESC_INDIRECT, 0}, .in = {{at + 1024, 32, DESC_INDIRECT, 0}}},
	    {.first = {at + 1024, 32, DESC_INDIRECT, 0}, .in = {{at, 44, DESC_NEXT, 0}}},
	    {.first = {at + 1024, 32, DESC_INDIRECT, 0}, .in = {{at, 44, DESC_NEXT, 2}}},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		d[200] = t[i].first;
		d[201] = t[i].second;
		memcpy(table, t[i].in, sizeof(t[i].in));
		rig_chain(r, 200);
		if (r->dev.stats.bad_chains != i + 1)
			fail_msg("chain %u was taken", i);
	}
	/* a table that is all right, but between two descriptors' places */
	for (unsigned off = 0; off <= 4; off += 4) {
		const struct smol_vring_desc whole = {at, 44 + 100, 0, 0};
		uint64_t bad = r->dev.stats.bad_chains;

		memcpy((uint8_t *)table + off, &whole, sizeof(whole));
		d[200] = (struct smol_vring_desc){at + 1024 + off, 16, DESC_INDIRECT, 0};
		rig_chain(r, 200);
		assert_int_equal(r->dev.stats.bad_chains, bad + (off ? 1 : 0));
	}
	rig_free(r);
}

/* A packet whose chain lies about its length ends its connection, not the device. */
static void bad_packet_resets(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0}, s2 = {0};
	int fd = rig_connect(r, &s, 5000), fd2 = rig_connect(r, &s2, 5001);
	struct smol_vring_desc *d = r->p.ring[PLAYER_TX].desc;
	char c;

	(void)state;
	d[200] = (struct smol_vring_desc){
	    rig_spare_header(r, &s, SMOL_VSOCK_OP_RW, 65536), 44 + 10, 0, 0};
	rig_chain(r, 200);
	rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_true(rig_closed(r, fd));
	rig_guest_write(r, &s2, "y", 1);
	assert_int_equal(rig_read(r, fd2, &c, 1), 1);
	close(fd);
	close(fd2);
	rig_free(r);
}

/* Header and payload in 1-byte pieces, direct and indirect. */
static void scattered(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	struct smol_vring_desc *d = r->p.ring[PLAYER_TX].desc;
	struct smol_vring_desc *table = (void *)(r->p.mem + PLAYER_SPARE + 1024);
	uint64_t at = rig_spare_header(r, &s, SMOL_VSOCK_OP_RW, 10);
	char buf[10];

	(void)state;
	memcpy(r->p.mem + PLAYER_SPARE + 44, "0123456789", 10);
	for (unsigned i = 0; i < 54; i++) {
		d[100 + i] = (struct smol_vring_desc){
		    at + i, 1, i < 53 ? DESC_NEXT : 0, (uint16_t)(101 + i)};
		table[i] =
		    (struct smol_vring_desc){at + i, 1, i < 53 ? DESC_NEXT : 0, (uint16_t)(i + 1)};
	}
	rig_chain(r, 100);
	assert_int_equal(rig_read(r, fd, buf, 10), 10);
	assert_memory_equal(buf, "0123456789", 10);
	/* direct descriptors may end in an indirect table: here the payload's */
	d[100] = (struct smol_vring_desc){at, 44, DESC_NEXT, 101};
	d[101] = (struct smol_vring_desc){at + 1024 + 44 * 16, 160, DESC_INDIRECT, 0};
	for (unsigned i = 0; i < 10; i++)
		table[44 + i].next = (uint16_t)(i + 1);
	rig_chain(r, 100);
	assert_int_equal(rig_read(r, fd, buf, 10), 10);
	assert_memory_equal(buf, "0123456789", 10);
	close(fd);
	rig_free(r);
}

/* Receive buffers of every shape: too short, read-only, scattered, header only. */
static void receive_buffers(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_ring *q = &r->p.ring[PLAYER_RX];
	uint64_t at = PLAYER_GPA + PLAYER_SPARE;
	struct player_sock s = {0};
	struct player_packet pkt;
	uint8_t raw[64];
	int fd;

	(void)state;
	q->desc[0] = (struct smol_vring_desc){at, 43, DESC_WRITE, 0};
	q->desc[1] = (struct smol_vring_desc){at, 100, 0, 0};
	q->desc[2] = (struct smol_vring_desc){0, 100, DESC_WRITE, 0};
	for (unsigned i = 0; i < 60; i++)
		q->desc[10 + i] = (struct smol_vring_desc){
		    at + 64 + i, 1, DESC_WRITE | (i < 59 ? DESC_NEXT : 0), (uint16_t)(11 + i)};
	for (unsigned i = 0; i < 3; i++)
		player_tx_head(&r->p, PLAYER_RX, (uint16_t)i);
	player_tx_head(&r->p, PLAYER_RX, 10);
	player_start(&r->p, 0, 0);
	fd = rig_client(r);
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	rig_pump(r);
	/* the three that cannot be used come back empty, the request is in the fourth */
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(q->used->ring[i].id, i);
		assert_int_equal(q->used->ring[i].len, 0);
	}
	assert_int_equal(q->used->idx, 4);
	assert_int_equal(q->used->ring[3].id, 10);
	assert_int_equal(q->used->ring[3].len, 44);
	smol_vsock_hdr_get(&pkt.h, r->p.mem + PLAYER_SPARE + 64);
	assert_int_equal(pkt.h.op, SMOL_VSOCK_OP_REQUEST);
	/* answer it; data then wants more than a header's room */
	s = (struct player_sock){
	    .guest_port = 5000, .host_port = pkt.h.src_port, .buf_alloc = 65536};
	q->desc[3] = (struct smol_vring_desc){at, 44, DESC_WRITE, 0};
	player_tx_head(&r->p, PLAYER_RX, 3);
	player_tx_head(&r->p, PLAYER_RX, 10);
	player_kick(&r->p, PLAYER_RX);
	player_op(&r->p, &s, SMOL_VSOCK_OP_RESPONSE, 0);
	assert_int_equal(write(fd, "scatter", 7), 7);
	rig_pump(r);
	assert_int_equal(q->used->idx, 6);
	assert_int_equal(q->used->ring[5].len, 44 + 7);
	memcpy(raw, r->p.mem + PLAYER_SPARE + 64, 51);
	assert_memory_equal(raw + 44, "scatter", 7);
	close(fd);
	rig_free(r);
}

/* The driver claims more chains than the ring has entries, or a head that does not exist: the ring
 * is left alone, the device lives, a new set-up works. */
static void broken_rings(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_ring *q = &r->p.ring[PLAYER_TX];
	struct player_sock s = {0};
	int fd;

	(void)state;
	for (unsigned how = 0; how < 2; how++) {
		if (how == 0)
			q->avail->idx = (uint16_t)(q->avail->idx + r->p.cfg.num + 1);
		else
			player_tx_head(&r->p, PLAYER_TX, (uint16_t)r->p.cfg.num);
		assert_int_equal(write(q->kick, &(uint64_t){1}, 8), 8);
		rig_pump(r);
		assert_true(r->dev.vq[PLAYER_TX].broken);
		assert_int_equal(r->dev.stats.broken_rings, how + 1);
		/* no busy loop over it */
		assert_false(r->dev.tx_kick);
		player_stop(&r->p);
		player_rings_clear(&r->p);
		player_rx_fill(&r->p);
		player_start(&r->p, 0, 0);
		fd = rig_connect(r, &s, 5000);
		close(fd);
		while (!rig_quiet(r))
			;
	}
	rig_free(r);
}

/* QMP stop and cont: the rings come back where they were, streams go on. */
static void pause_and_go_on(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	char c;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		player_stop(&r->p);
		/* exact: nothing is held back, in the middle of taken buffers or not */
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(r->p.base[k], r->p.ring[k].used->idx);
		assert_int_equal(write(fd, "p", 1), 1);
		rig_pump(r);
		player_start(&r->p, r->p.base[0], r->p.base[1]);
		assert_int_equal(rig_expect(r, SMOL_VSOCK_OP_RW).h.len, 1);
		rig_guest_write(r, &s, "q", 1);
		assert_int_equal(rig_read(r, fd, &c, 1), 1);
	}
	close(fd);
	rig_free(r);
}

/* Guest reset: rings begin anew, what the guest knew is gone, clients it never saw are kept. */
static void reset(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000), waiting;

	(void)state;
	player_stop(&r->p);
	waiting = rig_client(r);
	assert_int_equal(write(waiting, "CONNECT 5001\n", 13), 13);
	rig_pump(r);
	player_rings_clear(&r->p);
	player_rx_fill(&r->p);
	player_start(&r->p, 0, 0);
	assert_true(rig_closed(r, fd));
	player_accept(&r->p, &s, 5001);
	rig_pump(r);
	assert_int_equal(r->dev.conns.used, 1);
	close(fd);
	close(waiting);
	rig_free(r);
}

/* What a driver is owed is not the next one's. */
static void strays_end_with_their_driver(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct player_sock s = {.guest_port = 1, .host_port = 2};

	(void)state;
	/* one buffer for two */
	r->p.ring[PLAYER_RX].desc[0] =
	    (struct smol_vring_desc){PLAYER_GPA + PLAYER_SPARE, 4096, DESC_WRITE, 0};
	player_tx_head(&r->p, PLAYER_RX, 0);
	player_start(&r->p, 0, 0);
	player_op(&r->p, &s, SMOL_VSOCK_OP_RW, 0);
	player_op(&r->p, &s, SMOL_VSOCK_OP_RW, 0);
	rig_pump(r);
	assert_int_equal(r->dev.stray_n, 1);
	player_stop(&r->p);
	player_rings_clear(&r->p);
	player_rx_fill(&r->p);
	player_start(&r->p, 0, 0);
	assert_true(rig_quiet(r));
	rig_free(r);
}

/* The device is killed and another one takes over: the guest's sockets of the first are reset, its
 * new connections work, a table of nonsense does no harm. */
static void takes_over(void **state)
{
	int fd = memfd_create("table", MFD_CLOEXEC);
	struct smol_conn_note *note;
	struct rig *r = rig_new(&(struct rig_config){.notes_fd = fd});
	struct player_sock s[3] = {0}, fresh = {0};
	int c[3], after;
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		c[i] = rig_connect(r, &s[i], 5000 + i);
	player_op(&r->p, &s[1], SMOL_VSOCK_OP_RST, 0);
	rig_pump(r);
	/* what is left when nothing can be tidied up */
	note = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(note[0].live && !note[1].live && note[2].live);
	{
		struct smol_conn_note left[64];
		memcpy(left, note, sizeof(left));
		rig_free(r);
		assert_int_equal(pwrite(fd, left, sizeof(left), 0), sizeof(left));
	}
	r = rig_new(&(struct rig_config){.notes_fd = fd});
	for (unsigned i = 0; i < 2; i++) {
		struct player_packet pkt = rig_expect(r, SMOL_VSOCK_OP_RST);

		for (unsigned k = 0; k < 3; k += 2)
			seen |=
			    pkt.h.dst_port == s[k].guest_port && pkt.h.src_port == s[k].host_port
				? 1u << k
				: 0;
	}
	assert_int_equal(seen, 5);
	assert_true(rig_quiet(r));
	after = rig_connect(r, &fresh, 5000);
	rig_free(r);
	for (unsigned i = 0; i < 64; i++) {
		struct smol_conn_note bad = {i / 2, UINT32_MAX, UINT32_MAX, i};

		assert_int_equal(pwrite(fd, &bad, sizeof(bad), i * 16), sizeof(bad));
	}
	r = rig_new(&(struct rig_config){.notes_fd = fd});
	for (seen = 0; seen < 32; seen++)
		rig_expect(r, SMOL_VSOCK_OP_RST);
	assert_true(rig_quiet(r));
	assert_int_equal(r->dev.conns.used, 0);
	rig_free(r);
	for (unsigned i = 0; i < 3; i++)
		close(c[i]);
	close(after);
	munmap(note, 4096);
	close(fd);
}

static unsigned lines_with(int fd, const char *what)
{
	char text[8192];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	unsigned n = 0;

	assert_true(len >= 0);
	text[len] = '\0';
	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* A guest whose driver begins anew without end does not fill the journal. */
static void drivers_without_end(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {.guest_port = 1, .host_port = 2};
	int journal = memfd_create("journal", MFD_CLOEXEC), err = dup(STDERR_FILENO);

	(void)state;
	assert_true(journal >= 0 && dup2(journal, STDERR_FILENO) >= 0);
	for (unsigned i = 0; i < 100; i++) {
		/* something is used, else it would be a pause */
		player_op(&r->p, &s, SMOL_VSOCK_OP_RST, 0);
		rig_pump(r);
		player_stop(&r->p);
		player_rings_clear(&r->p);
		player_rx_fill(&r->p);
		player_start(&r->p, 0, 0);
	}
	dup2(err, STDERR_FILENO);
	close(err);
	assert_in_range(lines_with(journal, "began anew"), 1, 8);
	close(journal);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_chains),
	    cmocka_unit_test(bad_packet_resets),
	    cmocka_unit_test(scattered),
	    cmocka_unit_test(receive_buffers),
	    cmocka_unit_test(broken_rings),
	    cmocka_unit_test(pause_and_go_on),
	    cmocka_unit_test(reset),
	    cmocka_unit_test(strays_end_with_their_driver),
	    cmocka_unit_test(takes_over),
	    cmocka_unit_test(drivers_without_end),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
