/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a confused or hostile front end can do: messages, features, memory tables, rings' addresses
 * and descriptors. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../vsockd/rig.h"

#define PROTOCOL_FEATURES (1ull << 30)

/* ---- what tests here share ---- */

static bool takes(struct rig *r, uint32_t request, const void *payload, uint32_t size)
{
	return player_acked(&r->p, request, payload, size, NULL, 0) == 0;
}

static bool takes_u64(struct rig *r, uint32_t request, uint64_t v)
{
	return takes(r, request, &v, sizeof(v));
}

static bool takes_state(struct rig *r, uint32_t request, uint32_t ring, uint32_t num)
{
	const uint32_t state[2] = {ring, num};

	return takes(r, request, state, sizeof(state));
}

/* KICK, CALL or ERR of the transmit ring, with a descriptor unless it is -1. */
static bool takes_fd(struct rig *r, uint32_t request, int fd)
{
	uint64_t v = PLAYER_TX;

	return player_acked(&r->p, request, &v, sizeof(v), &fd, fd >= 0) == 0;
}

struct addresses {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

static struct addresses addresses_of(struct rig *r)
{
	const struct player_ring *q = &r->p.ring[PLAYER_TX];

	return (struct addresses){
	    PLAYER_TX, 0, (uintptr_t)q->desc, (uintptr_t)q->used, (uintptr_t)q->avail, 0};
}

/* ---- messages ---- */

/* Messages that are none end the session. */
static void bad_messages(void **state)
{
	static const uint32_t bad[][3] = {
	    {0, 1, 0}, {6, 1, 8}, {999, 1, 0}, {UINT32_MAX, 1, 0}, /* unknown */
	    {2, 1, 4}, {9, 1, 8},				   /* too short */
	    {1, 0, 0}, {1, 2, 0}, {1, 5, 0},			   /* version, reply flag */
	    {1, 1, 100000}, {1, 1, UINT32_MAX},			   /* too long */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rig *r = rig_new(&(struct rig_config){0});
		uint8_t payload[8] = {0};

		assert_int_equal(write(r->p.vhost, bad[i], 12), 12);
		if (bad[i][2] <= 8)
			assert_int_equal(write(r->p.vhost, payload, bad[i][2]), bad[i][2]);
		rig_pump(r);
		assert_int_equal(r->last, SMOL_TURN_BAD);
		rig_free(r);
	}
}

/* A message that comes in pieces is one message. */
static void split_message(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	uint8_t m[12] = {1, 0, 0, 0, 1};
	uint64_t v;

	(void)state;
	for (unsigned i = 0; i < sizeof(m); i++) {
		assert_int_equal(write(r->p.vhost, m + i, 1), 1);
		rig_pump(r);
	}
	assert_int_equal(player_answer(&r->p, PLAYER_GET_FEATURES, &v, 8), 8);
	assert_true(v & (1ull << 32));
	rig_free(r);
}

/* A front end that never stops talking leaves others their turn. */
static void flood(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	uint32_t hdr[3] = {3, 1, 0}, all[3 * 200];
	int fd = rig_client(r);
	struct player_sock s = {0};
	int left = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		memcpy(all + 3 * i, hdr, sizeof(hdr));
	assert_int_equal(write(r->p.vhost, all, sizeof(all)), sizeof(all));
	assert_int_equal(smol_vsockd_turn(&r->dev, 0), SMOL_TURN_OK);
	assert_int_equal(ioctl(r->dev.vu.fd, FIONREAD, &left), 0);
	assert_true(left > 0 && left < (int)sizeof(all));
	rig_pump(r);
	assert_int_equal(ioctl(r->dev.vu.fd, FIONREAD, &left), 0);
	assert_int_equal(left, 0);
	/* and nothing was lost */
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	player_accept(&r->p, &s, 5000);
	close(fd);
	rig_free(r);
}

/* Descriptors that come unasked are closed, with good messages and bad ones. */
static void stray_descriptors(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	uint64_t v = r->p.features;
	int many[16];
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		many[i] = r->p.memfd;
	before = rig_open_files();
	assert_int_equal(player_acked(&r->p, PLAYER_SET_FEATURES, &v, 8, many, 8), 0);
	/* more than there is room for */
	assert_int_equal(player_acked(&r->p, PLAYER_SET_FEATURES, &v, 8, many, 16), 0);
	/* none is wanted, as the message says */
	v = 1 | 0x100;
	assert_int_equal(player_acked(&r->p, PLAYER_SET_VRING_ERR, &v, 8, many, 3), 0);
	assert_int_equal(rig_open_files(), before);
	v = 1;
	assert_int_equal(player_acked(&r->p, PLAYER_SET_VRING_CALL, &v, 8, many, 8), 0);
	assert_int_equal(player_acked(&r->p, PLAYER_SET_VRING_ERR, &v, 8, many, 1), 0);
	v = 7;
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_VRING_ERR, &v, 8, many, 1), 0);
	/* call was replaced, err is new */
	assert_int_equal(rig_open_files(), before + 1);
	/* a message in two pieces, and too many with each */
	{
		uint32_t hdr[3] = {PLAYER_SET_FEATURES, 1, 8};
		unsigned i;

		for (i = 0; i < 12; i++)
			rig_pass(r->p.vhost, ((char *)hdr)[i], r->p.memfd);
		rig_pump(r);
		assert_int_equal(r->dev.vu.nfds, SMOL_VU_FDS);
		for (i = 0; i < 8; i++)
			rig_pass(r->p.vhost, ((char *)&r->p.features)[i], r->p.memfd);
		rig_pump(r);
	}
	assert_int_equal(r->last, SMOL_TURN_OK);
	assert_int_equal(rig_open_files(), before + 1);
	rig_free(r);
}

/* ---- features ---- */

/* Nothing that was not offered, and no change under a ring that runs. */
static void features(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);

	(void)state;
	assert_false(takes_u64(r, PLAYER_SET_FEATURES, r->p.features | 1));
	assert_false(takes_u64(r, PLAYER_SET_FEATURES, r->p.features & ~(1ull << 29)));
	assert_true(takes_u64(r, PLAYER_SET_FEATURES, r->p.features));
	assert_false(takes_u64(r, PLAYER_SET_PROTOCOL_FEATURES, r->p.protocol | 1ull << 13));
	assert_int_equal(r->dev.vu.features, r->p.features);
	assert_int_equal(r->dev.vu.protocol, r->p.protocol);
	rig_lives(r, &s, fd);
	assert_false(takes_state(r, PLAYER_SET_VRING_ENABLE, PLAYER_TX, 2));
	assert_false(takes_state(r, PLAYER_SET_VRING_ENABLE, 2, 1));
	rig_lives(r, &s, fd);
	/* nor is there anything to configure */
	assert_false(takes(r, PLAYER_SET_CONFIG, (uint32_t[5]){0, 8}, 20));
	close(fd);
	rig_free(r);
}

/* A front end that knows no protocol features has no ENABLE: its rings begin with their kick. */
static void without_protocol_features(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.no_start = true});
	struct addresses a = addresses_of(r);

	(void)state;
	assert_false(takes_u64(r, PLAYER_SET_FEATURES, r->p.features | 1));
	assert_true(takes_u64(r, PLAYER_SET_FEATURES, r->p.features & ~PROTOCOL_FEATURES));
	assert_true(takes_state(r, PLAYER_SET_VRING_NUM, PLAYER_TX, 256));
	assert_true(takes(r, PLAYER_SET_VRING_ADDR, &a, sizeof(a)));
	assert_false(r->dev.vq[PLAYER_TX].active);
	assert_true(takes_fd(r, PLAYER_SET_VRING_KICK, r->p.ring[PLAYER_TX].kick));
	assert_true(r->dev.vq[PLAYER_TX].active);
	rig_free(r);
}

static void configuration(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct {
		uint32_t offset, size, flags;
		uint8_t b[256];
	} c = {4, 4, 0, {0}};

	(void)state;
	player_message(&r->p, PLAYER_GET_CONFIG, 0, &c, 16, NULL, 0);
	assert_int_equal(player_answer(&r->p, PLAYER_GET_CONFIG, &c, sizeof(c)), 16);
	c.offset = 8;
	c.size = 1;
	player_message(&r->p, PLAYER_GET_CONFIG, 0, &c, 16, NULL, 0);
	assert_int_equal(player_answer(&r->p, PLAYER_GET_CONFIG, &c, sizeof(c)), 0);
	/* more than the message has room for */
	c.offset = 0;
	c.size = 8;
	player_message(&r->p, PLAYER_GET_CONFIG, 0, &c, 19, NULL, 0);
	assert_int_equal(player_answer(&r->p, PLAYER_GET_CONFIG, &c, sizeof(c)), 0);
	c.offset = 0;
	c.size = UINT32_MAX;
	player_message(&r->p, PLAYER_GET_CONFIG, 0, &c, 20, NULL, 0);
	assert_int_equal(player_answer(&r->p, PLAYER_GET_CONFIG, &c, sizeof(c)), 0);
	c.offset = UINT32_MAX;
	c.size = 2;
	player_message(&r->p, PLAYER_GET_CONFIG, 0, &c, 16, NULL, 0);
	assert_int_equal(player_answer(&r->p, PLAYER_GET_CONFIG, &c, sizeof(c)), 0);
	rig_free(r);
}

/* ---- memory ---- */

/* Mappings of the guest's memory in this process: the player's and the device's. */
static unsigned mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "/memfd:guest") != NULL;
	fclose(f);
	return n;
}

/* A new memory table while rings run: mapped anew, streams go on; one without the rings stops them.
 */
static void memory_changes(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	int fd = rig_connect(r, &s, 5000);
	struct {
		uint32_t n, pad;
		struct smol_gm_desc d[2];
	} m;
	int two[2] = {r->p.memfd, r->p.memfd};
	unsigned before = mappings();

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		player_memory(&r->p);
		rig_lives(r, &s, fd);
	}
	assert_int_equal(mappings(), before);
	/* of two regions the second is longer than its file */
	m.n = 2;
	m.d[0] = (struct smol_gm_desc){PLAYER_GPA, 0x101000, (uintptr_t)r->p.mem, 0};
	m.d[1] = (struct smol_gm_desc){
	    PLAYER_GPA + 0x101000, PLAYER_MEM, (uintptr_t)r->p.mem + 0x101000, 0x101000};
	assert_false(rig_memory(r, m.d, 2));
	assert_int_equal(mappings(), before);
	/* the same memory as two regions: a buffer that crosses the seam is cut */
	m.n = 2;
	m.d[0] = (struct smol_gm_desc){PLAYER_GPA, 0x101000, (uintptr_t)r->p.mem, 0};
	m.d[1] = (struct smol_gm_desc){
	    PLAYER_GPA + 0x101000, PLAYER_MEM - 0x101000, (uintptr_t)r->p.mem + 0x101000, 0x101000};
	assert_int_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 64, two, 2), 0);
	for (unsigned i = 0; i < 300; i++) {
		uint8_t big[9000], in[9000];

		rig_fill(big, sizeof(big), i);
		rig_guest_write(r, &s, big, sizeof(big));
		assert_int_equal(rig_read(r, fd, in, sizeof(in)), sizeof(in));
		assert_memory_equal(big, in, sizeof(in));
		rig_take(r, &s);
	}
	/* as many descriptors as regions, none of which is of no size */
	m.n = 1;
	m.d[0] = (struct smol_gm_desc){PLAYER_GPA, PLAYER_MEM, (uintptr_t)r->p.mem, 0};
	assert_false(takes(r, PLAYER_SET_MEM_TABLE, &m, 8 + 32));
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 32, two, 2), 0);
	m.d[0] = (struct smol_gm_desc){PLAYER_GPA, 0, (uintptr_t)r->p.mem, 8};
	assert_false(rig_memory(r, m.d, 1));
	rig_lives(r, &s, fd);
	m.n = 2;
	m.d[0] = (struct smol_gm_desc){PLAYER_GPA, 0x101000, (uintptr_t)r->p.mem, 0};
	/* overlapping, wrapping and too long regions are refused, and the old table stands */
	m.d[1].gpa = PLAYER_GPA + 0x100fff;
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 64, two, 2), 0);
	m.n = 1;
	m.d[0] = (struct smol_gm_desc){PLAYER_GPA, PLAYER_MEM + 1, (uintptr_t)r->p.mem, 0};
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 32, two, 1), 0);
	m.d[0] = (struct smol_gm_desc){UINT64_MAX - 100, 4096, (uintptr_t)r->p.mem, 0};
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 32, two, 1), 0);
	m.d[0] = (struct smol_gm_desc){PLAYER_GPA, 4096, (uintptr_t)r->p.mem, UINT64_MAX - 4095};
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 32, two, 1), 0);
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 32, two, 2), 0);
	m.n = 100;
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 32, two, 1), 0);
	rig_lives(r, &s, fd);
	m.n = 1;
	m.d[0] = (struct smol_gm_desc){
	    PLAYER_GPA + 0x200000, 0x100000, (uintptr_t)r->p.mem + 0x200000, 0x200000};
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_MEM_TABLE, &m, 8 + 32, two, 1), 0);
	assert_false(r->dev.vq[0].active || r->dev.vq[1].active);
	close(fd);
	rig_free(r);
}

/* ---- rings ---- */

/* A ring keeps its shape while it runs (CVE-2026-5747), and has a shape that can be served. */
static void ring_shape(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	static const uint32_t bad[] = {0, 3, 255, 2048, 32768, 65536, UINT32_MAX};
	uint32_t num[2] = {1, 128};
	uint32_t addr[10] = {1};

	(void)state;
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_VRING_NUM, num, 8, NULL, 0), 0);
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_VRING_BASE, num, 8, NULL, 0), 0);
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_VRING_ADDR, addr, 40, NULL, 0), 0);
	assert_int_equal(r->dev.vq[1].num, 256);
	player_stop(&r->p);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		num[1] = bad[i];
		assert_int_not_equal(player_acked(&r->p, PLAYER_SET_VRING_NUM, num, 8, NULL, 0), 0);
	}
	num[0] = 2;
	num[1] = 128;
	assert_int_not_equal(player_acked(&r->p, PLAYER_SET_VRING_NUM, num, 8, NULL, 0), 0);
	rig_free(r);
}

/* Where a ring cannot be: it does not start there, and starts where it can be. */
static void ring_addresses(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	const uint64_t first = (uintptr_t)r->p.mem, end = first + PLAYER_MEM;
	const struct addresses good = addresses_of(r);
	struct addresses bad[12];
	struct player_sock s = {0};
	int fd;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		bad[i] = good;
	/* not aligned; "negative"; before, behind and over the ends of memory */
	bad[0].desc += 8;
	bad[1].avail += 1;
	bad[2].used += 2;
	bad[3].desc = UINT64_MAX - 15;
	bad[4].avail = UINT64_MAX - 1;
	bad[5].used = UINT64_MAX - 3;
	bad[6].desc = first - 16;
	bad[7].used = end;
	bad[8].desc = end - 256 * 16 + 16;
	bad[9].avail = end - (6 + 256 * 2) + 2;
	bad[10].used = (end - (6 + 256 * 8)) / 4 * 4 + 4;
	bad[11].desc = 0;
	player_stop(&r->p);
	for (unsigned i = 0; i < 12; i++) {
		assert_true(takes(r, PLAYER_SET_VRING_ADDR, &bad[i], sizeof(bad[i])));
		assert_true(takes_fd(r, PLAYER_SET_VRING_KICK, r->p.ring[PLAYER_TX].kick));
		if (takes_state(r, PLAYER_SET_VRING_ENABLE, PLAYER_TX, 1))
			fail_msg("address %u was taken", i);
		assert_false(r->dev.vq[PLAYER_TX].active);
		/* else each further message would try again */
		assert_true(takes_state(r, PLAYER_SET_VRING_ENABLE, PLAYER_TX, 0));
	}
	/* as near to the end as can be */
	bad[8].desc -= 16;
	bad[8].avail = bad[9].avail - 2;
	bad[8].used = bad[10].used - 4;
	assert_true(takes(r, PLAYER_SET_VRING_ADDR, &bad[8], sizeof(bad[8])));
	assert_true(takes_state(r, PLAYER_SET_VRING_ENABLE, PLAYER_TX, 1));
	assert_true(takes_state(r, PLAYER_SET_VRING_ENABLE, PLAYER_TX, 0));
	/* a log of what is written is not kept */
	bad[0] = good;
	bad[0].flags = 1;
	assert_false(takes(r, PLAYER_SET_VRING_ADDR, &bad[0], sizeof(bad[0])));
	player_start(&r->p, r->p.base[0], r->p.base[1]);
	fd = rig_connect(r, &s, 5000);
	rig_lives(r, &s, fd);
	close(fd);
	rig_free(r);
}

/* Memory that lies in its file so that a ring's parts are not aligned here, whatever their
 * addresses there. */
static void ring_in_odd_memory(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct smol_gm_desc odd = {PLAYER_GPA, PLAYER_MEM - 4096, (uintptr_t)r->p.mem, 1};

	(void)state;
	assert_false(rig_memory(r, &odd, 1));
	assert_false(r->dev.vq[0].active || r->dev.vq[1].active);
	odd.mmap_offset = 0;
	assert_true(rig_memory(r, &odd, 1));
	assert_true(r->dev.vq[0].active && r->dev.vq[1].active);
	rig_free(r);
}

/* Asked for its base twice a ring says the same, and lets go of its kick the first time. A base
 * that is none is refused. */
static void base_twice(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	struct player_sock s = {0};
	uint32_t base[2][2] = {{PLAYER_TX}, {PLAYER_TX}};
	int fd = rig_connect(r, &s, 5000);
	unsigned before = rig_open_files();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		player_message(&r->p, PLAYER_GET_VRING_BASE, 0, base[i], 8, NULL, 0);
		assert_int_equal(player_answer(&r->p, PLAYER_GET_VRING_BASE, base[i], 8), 8);
		assert_int_equal(rig_open_files(), before - 1);
	}
	assert_int_equal(base[0][1], r->p.ring[PLAYER_TX].used->idx);
	assert_int_equal(base[1][1], base[0][1]);
	assert_false(takes_state(r, PLAYER_SET_VRING_BASE, PLAYER_TX, 65536 + base[0][1]));
	assert_int_equal(r->dev.vq[PLAYER_TX].last_avail, base[0][1]);
	/* with another kick it goes on */
	assert_true(takes_fd(r, PLAYER_SET_VRING_KICK, r->p.ring[PLAYER_TX].kick));
	while (!rig_quiet(r))
		;
	rig_lives(r, &s, fd);
	/* a message of old that means nothing any more */
	assert_true(takes(r, PLAYER_RESET_OWNER, NULL, 0));
	rig_lives(r, &s, fd);
	close(fd);
	rig_free(r);
}

/* What is given for an event counter need not be one. */
static void odd_counters(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){0});
	int file = memfd_create("kick", MFD_CLOEXEC), fd, blocking = eventfd(0, EFD_CLOEXEC);
	int ends[2], taken;
	struct player_ring *q = &r->p.ring[PLAYER_TX];
	struct player_sock s = {0};
	uint64_t v;

	(void)state;
	fd = rig_connect(r, &s, 5000);
	/* none, or one that cannot be waited for: the ring does not run without */
	assert_false(takes_fd(r, PLAYER_SET_VRING_KICK, -1));
	assert_true(r->dev.vq[PLAYER_TX].active);
	/* nor is it one that an earlier message had, whoever has its number now */
	player_memory(&r->p);
	taken = dup(file);
	assert_false(takes_fd(r, PLAYER_SET_VRING_CALL, -1));
	assert_int_not_equal(fcntl(taken, F_GETFD), -1);
	close(taken);
	assert_false(takes_fd(r, PLAYER_SET_VRING_KICK, file));
	assert_false(r->dev.vq[PLAYER_TX].active);
	v = PLAYER_TX | 0x100;
	assert_false(takes_u64(r, PLAYER_SET_VRING_KICK, v));
	assert_true(takes_fd(r, PLAYER_SET_VRING_KICK, q->kick));
	rig_lives(r, &s, fd);
	/* a write to a full one would stop the device; a new one hears of what the old was told */
	assert_true(takes_fd(r, PLAYER_SET_VRING_CALL, blocking));
	assert_true(fcntl(blocking, F_GETFL) & O_NONBLOCK);
	assert_int_equal(read(blocking, &v, sizeof(v)), sizeof(v));
	v = UINT64_MAX - 1;
	assert_int_equal(write(blocking, &v, sizeof(v)), sizeof(v));
	rig_lives(r, &s, fd);
	/* a file will do, a pipe's wrong end too: what is written there is lost */
	assert_true(takes_fd(r, PLAYER_SET_VRING_CALL, file));
	rig_lives(r, &s, fd);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(takes_fd(r, PLAYER_SET_VRING_CALL, ends[0]));
	rig_lives(r, &s, fd);
	close(ends[0]);
	close(ends[1]);
	/* the front end hears of a ring that its guest broke */
	assert_true(takes_fd(r, PLAYER_SET_VRING_ERR, blocking));
	assert_int_equal(read(blocking, &v, sizeof(v)), sizeof(v));
	q->avail->idx = (uint16_t)(q->avail->idx + r->p.cfg.num + 1);
	assert_int_equal(write(q->kick, &(uint64_t){1}, 8), 8);
	rig_pump(r);
	assert_int_equal(read(blocking, &v, sizeof(v)), sizeof(v));
	close(blocking);
	close(file);
	close(fd);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_messages),
	    cmocka_unit_test(split_message),
	    cmocka_unit_test(flood),
	    cmocka_unit_test(stray_descriptors),
	    cmocka_unit_test(features),
	    cmocka_unit_test(without_protocol_features),
	    cmocka_unit_test(configuration),
	    cmocka_unit_test(memory_changes),
	    cmocka_unit_test(ring_shape),
	    cmocka_unit_test(ring_addresses),
	    cmocka_unit_test(ring_in_odd_memory),
	    cmocka_unit_test(base_twice),
	    cmocka_unit_test(odd_counters),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
