/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest with a second processor: while the device works, a thread changes descriptors, indirect
 * tables, packet headers and heads under its eyes. What was read twice would be two things. Or it
 * gives the device work faster than that is done.
 *
 * The thread writes through the player's mapping and the device reads through its own, so there is
 * nothing here for a thread sanitizer to see; ASan sees what the device does with what it read.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/rig.h"

#define NUM	  16u
#define ROUNDS	  30000u
#define PORT	  5000u
/* The guest has memory up to here, in the middle of a page; what follows must stay as it is. */
#define SHORT	  (PLAYER_MEM - 5000u)
/* Where the racer's packets are: a header and 64 KiB for each of eight. */
#define PACKET(i) (0x1800000u + ((i)&7u) * 0x11000u)
#define TABLE(i)  (0x1900000u + ((i)&7u) * 0x1000u)

struct racer {
	struct rig *r;
	atomic_bool stop;
	atomic_uint turns;
	uint32_t x;
};

static uint32_t rnd(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static uint64_t some_address(uint32_t x)
{
	const uint64_t end = PLAYER_GPA + SHORT;
	const uint64_t t[] = {PLAYER_GPA + PACKET(x), PLAYER_GPA + PACKET(x) + 44,
	    PLAYER_GPA + TABLE(x), end - 1, end - 44, end - 4096, end, PLAYER_GPA, 0,
	    UINT64_MAX - 43, PLAYER_GPA + PLAYER_SPARE, PLAYER_GPA + PACKET(x >> 3)};

	return t[(x >> 8) % (sizeof(t) / sizeof(t[0]))];
}

static uint32_t some_length(uint32_t x)
{
	static const uint32_t t[] = {0, 1, 16, 43, 44, 45, 144, 4096, 65536, 65580, 65581, 1u << 20,
	    UINT32_MAX, 16 * 1024, 32, 64};

	return t[(x >> 12) % (sizeof(t) / sizeof(t[0]))];
}

/* Be something else for a moment. */
#define FLIP(p, v)                                                                                 \
	do {                                                                                       \
		__typeof__(p) at_ = (p);                                                           \
		__typeof__(*at_) was_ = __atomic_load_n(at_, __ATOMIC_RELAXED);                    \
		__atomic_store_n(at_, (__typeof__(*at_))(v), __ATOMIC_RELAXED);                    \
		for (unsigned k_ = 0; k_ < (x & 63); k_++)                                         \
			__atomic_signal_fence(__ATOMIC_SEQ_CST);                                   \
		__atomic_store_n(at_, was_, __ATOMIC_RELAXED);                                     \
	} while (0)

static void disturb(struct smol_vring_desc *d, uint32_t x)
{
	switch (x & 7) {
	case 0:
		FLIP(&d->addr, some_address(x));
		break;
	case 1:
		FLIP(&d->len, some_length(x));
		break;
	case 2:
		FLIP(&d->flags, x >> 9 & 7);
		break;
	case 3:
		FLIP(&d->next, (x >> 9) % (NUM + 2));
		break;
	default: /* a piece that is shorter than it was */
		FLIP(&d->len, x >> 9 & 63);
	}
}

static void *race(void *arg)
{
	struct racer *a = arg;
	struct player *p = &a->r->p;

	while (!atomic_load(&a->stop)) {
		uint32_t x = rnd(&a->x), y = rnd(&a->x), i = x >> 16 & (NUM - 1);
		uint8_t *packet = p->mem + PACKET(i);

		switch (x & 15) {
		case 0: /* a head that does not exist breaks the ring: not often */
			FLIP(&p->ring[x >> 4 & 1].avail->ring[i], y % (y & 0xff00 ? NUM : NUM + 1));
			break;
		case 1: /* len, op, buf_alloc and all the others */
			FLIP((uint32_t *)(void *)(packet + (y & 40)),
			    y & 64 ? some_length(y) : y >> 24);
			break;
		case 4:
		case 5:
		case 6:
			disturb((struct smol_vring_desc *)(void *)(p->mem + TABLE(i)) + (y & 1), y);
			break;
		case 7:
		case 8:
			disturb(&p->ring[PLAYER_RX].desc[i], y);
			break;
		default:
			disturb(&p->ring[PLAYER_TX].desc[i], y);
		}
		atomic_fetch_add(&a->turns, 1);
	}
	return NULL;
}

/* ---- the guest's other processor, which plays by the rules ---- */

static void send_packet(struct rig *r, const struct player_sock *s, uint32_t x)
{
	/* seven slots of two descriptors; the last is that of the RESPONSE */
	static unsigned next;
	unsigned slot = next++ % 7;
	struct player_ring *q = &r->p.ring[PLAYER_TX];
	uint16_t head = (uint16_t)(2 * slot);
	struct smol_vring_desc *table = (void *)(r->p.mem + TABLE(slot));
	uint64_t at = PLAYER_GPA + PACKET(slot);
	struct smol_vsock_hdr h = player_hdr(&r->p, s, SMOL_VSOCK_OP_RW);

	if ((uint16_t)(q->avail_idx - q->used->idx) >= 7)
		return;
	h.len = 100 + (x >> 8) % 1000;
	if ((x & 0xff000) == 0)
		h.op = (enum smol_vsock_op)(x >> 20 & 7);
	smol_vsock_hdr_put(r->p.mem + PACKET(slot), &h);
	if (x & 0x10000) {
		q->desc[head] = (struct smol_vring_desc){PLAYER_GPA + TABLE(slot), 32, 4, 0};
		table[0] = (struct smol_vring_desc){at, 44, 1, 1};
		table[1] = (struct smol_vring_desc){at + 44, h.len, 0, 0};
	} else {
		q->desc[head] = (struct smol_vring_desc){at, 44, 1, (uint16_t)(head + 1)};
		q->desc[head + 1] = (struct smol_vring_desc){at + 44, h.len, 0, 0};
	}
	player_tx_head(&r->p, PLAYER_TX, head);
}

/* Take what came, whatever it is; a REQUEST is answered. */
static void receive(struct rig *r, struct player_sock *s)
{
	struct player_ring *q = &r->p.ring[PLAYER_RX];

	while (q->last_used != q->used->idx) {
		uint32_t id = q->used->ring[q->last_used++ % NUM].id;
		struct smol_vsock_hdr h;
		uint8_t *buf = r->p.mem + 0x1200000u + (size_t)id * 4096;

		assert_true(id < NUM);
		smol_vsock_hdr_get(&h, buf);
		if (h.op == SMOL_VSOCK_OP_REQUEST && h.dst_port == PORT) {
			*s = (struct player_sock){
			    .guest_port = PORT, .host_port = h.src_port, .buf_alloc = 256 * 1024};
			h = player_hdr(&r->p, s, SMOL_VSOCK_OP_RESPONSE);
			smol_vsock_hdr_put(r->p.mem + PACKET(7), &h);
			r->p.ring[PLAYER_TX].desc[14] =
			    (struct smol_vring_desc){PLAYER_GPA + PACKET(7), 44, 0, 0};
			player_tx_head(&r->p, PLAYER_TX, 14);
		}
		q->desc[id] = (struct smol_vring_desc){player_gpa(&r->p, buf), 4096, 2, 0};
		player_tx_head(&r->p, PLAYER_RX, (uint16_t)id);
	}
	/* credit, so that the stream from the host goes on */
	s->fwd = r->dev.conns.high ? r->dev.conns.c[0].sent : 0;
}

static void begin_anew(struct rig *r)
{
	player_stop(&r->p);
	player_rings_clear(&r->p);
	player_rx_fill(&r->p);
	player_start(&r->p, 0, 0);
}

/* What must hold whatever a guest does. */
static void check(const struct rig *r)
{
	const struct smol_conns *t = &r->dev.conns;
	uint32_t used = 0;

	for (uint32_t i = 0; i < t->high; i++) {
		const struct smol_conn *c = &t->c[i];

		used += c->state != SMOL_CONN_FREE;
		assert_true(smol_conn_buffered(c) <= SMOL_CONN_BUF);
		/* each byte that was counted was passed on or is kept */
		if (c->state == SMOL_CONN_OPEN && !c->host_deaf)
			assert_int_equal(c->received - c->forwarded, smol_conn_buffered(c));
	}
	assert_int_equal(used, t->used);
	assert_null(r->dev.batch);
}

static void check_canary(const struct rig *r)
{
	for (unsigned i = SHORT; i < PLAYER_MEM; i++)
		assert_int_equal(r->p.mem[i], 0xa5);
}

/* A client that connects again when its connection was lost. Bytes that came. */
static size_t client(struct rig *r, int *fd)
{
	static uint8_t buf[65536];
	ssize_t k = *fd < 0 ? 0 : read(*fd, buf, sizeof(buf));

	if (k == 0 || (k < 0 && errno != EAGAIN)) {
		if (*fd >= 0)
			close(*fd);
		*fd = rig_client(r);
		assert_int_equal(write(*fd, "CONNECT 5000\n", 13), 13);
		return 0;
	}
	if (write(*fd, buf, 3000) < 0 && errno != EAGAIN)
		assert_int_equal(errno, EPIPE);
	return k > 0 ? (size_t)k : 0;
}

/*
 * CVE-2026-86562. Nothing public says what it was; it stands here for the class "descriptors read
 * twice": what was checked at the first look is something else at the second.
 */
static void cve_2026_86562_descriptors_change(void **state)
{
	struct rig *r =
	    rig_new(&(struct rig_config){.num = NUM, .max_connections = 8, .no_start = true});
	const struct smol_gm_desc d = {PLAYER_GPA, SHORT, (uintptr_t)r->p.mem, 0};
	struct racer a = {.r = r, .x = 2463534242u};
	struct player_sock s = {0};
	uint32_t x = 88172645u;
	pthread_t thread;
	size_t got = 0;
	int fd = -1;
	char c[3];

	(void)state;
	assert_true(rig_memory(r, &d, 1));
	memset(r->p.mem + SHORT, 0xa5, PLAYER_MEM - SHORT);
	player_rx_fill(&r->p);
	player_start(&r->p, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, race, &a), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned before = atomic_load(&a.turns);

		for (unsigned k = 0; k < 7; k++)
			send_packet(r, &s, rnd(&x));
		/* it must have had its part; on a busy machine each wait is long */
		while (i % 64 == 0 && atomic_load(&a.turns) == before)
			sched_yield();
		for (unsigned q = 0; q < 2; q++)
			assert_int_equal(write(r->p.ring[q].kick, &(uint64_t){1}, 8), 8);
		rig_pump(r);
		receive(r, &s);
		got += client(r, &fd);
		check(r);
		if (i % 64 == 0)
			check_canary(r);
		if (r->dev.vq[0].broken || r->dev.vq[1].broken)
			begin_anew(r);
	}
	atomic_store(&a.stop, true);
	pthread_join(thread, NULL);
	check(r);
	check_canary(r);
	/* it did both: refuse, and carry what was sound */
	assert_true(r->dev.stats.bad_chains > 0 && got > 0);
	close(fd);
	begin_anew(r);
	while (!rig_quiet(r))
		;
	begin_anew(r);
	s = (struct player_sock){0};
	fd = rig_connect(r, &s, 5001);
	rig_guest_write(r, &s, "end", 3);
	assert_int_equal(rig_read(r, fd, c, 3), 3);
	close(fd);
	rig_free(r);
}

/* ---- a guest that is never done ---- */

#define FED 30000u

static struct player *fed;	 /* whose guest posts each chain of a ring again … */
static unsigned fed_ring, meals; /* … so often */

void __real_smol_vring_give(struct smol_vring *vr, uint16_t head, uint32_t len);
void __wrap_smol_vring_give(struct smol_vring *vr, uint16_t head, uint32_t len);
/* As soon as the device has given one back, and before it says so, there is another. */
void __wrap_smol_vring_give(struct smol_vring *vr, uint16_t head, uint32_t len)
{
	__real_smol_vring_give(vr, head, len);
	if (fed && meals < FED) {
		meals++;
		player_tx_head(fed, fed_ring, head);
	}
}

/* Buffers that no byte of a stream fits into, without end: others have their turn all the same. */
static void useless_buffers(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.num = 1024, .rx_buf = 44});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);

	(void)state;
	rig_pump(r);
	assert_int_equal(r->dev.vq[0].used_idx, r->p.ring[PLAYER_RX].avail_idx);
	for (unsigned i = 0; i < r->p.cfg.num; i++)
		player_tx_head(&r->p, PLAYER_RX, (uint16_t)i);
	player_kick(&r->p, PLAYER_RX);
	assert_int_equal(write(fd, "data", 4), 4);
	fed = &r->p;
	fed_ring = PLAYER_RX;
	meals = 0;
	assert_int_equal(smol_vsockd_turn(&r->dev, 0), SMOL_TURN_OK);
	fed = NULL;
	assert_in_range(meals, 1, FED / 10);
	close(fd);
	rig_free(r);
}

/* A ring that is to stop and fills again and again is heard for its size. */
static void ring_without_end(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock nobody = {.guest_port = 9, .host_port = 10};
	struct smol_vsock_hdr h = player_hdr(&r->p, &nobody, SMOL_VSOCK_OP_RST);

	(void)state;
	player_tx_put(&r->p, player_tx_slot(&r->p), &h);
	fed = &r->p;
	fed_ring = PLAYER_TX;
	meals = 0;
	smol_vsockd_ring_stop(&r->dev, PLAYER_TX);
	fed = NULL;
	/* and a turn's packets at most, in which it was filled again */
	assert_in_range(meals, r->p.cfg.num, 3 * r->p.cfg.num);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cve_2026_86562_descriptors_change),
	    cmocka_unit_test(useless_buffers),
	    cmocka_unit_test(ring_without_end),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
