/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest that does as it likes with its rings, and clients that come, write, read and go. The
 * input is a list of acts: bytes written anywhere in guest memory, well-formed packets with any
 * content, kicks, pauses, resets, deadlines. What the device believes is checked after each turn.
 */
#include "vsockd_common.h"

#define MEM	(1u << 20)
#define USER	0x7f0000000000ull
#define NUM	16u
#define CLIENTS 4

static uint8_t *mem;
static int memfd = -1, ev[4];
static uint16_t avail[2];

static struct smol_vring_desc *desc_of(unsigned q)
{
	return (void *)(mem + q * 0x1000);
}
static uint16_t *avail_of(unsigned q)
{
	return (void *)(mem + q * 0x1000 + 0x400);
}

static void put(unsigned q, uint16_t head)
{
	uint16_t *a = avail_of(q);

	a[2 + avail[q] % NUM] = head;
	__atomic_store_n(&a[1], ++avail[q], __ATOMIC_RELEASE);
}

static void start(int front, uint16_t rx, uint16_t tx)
{
	for (uint32_t q = 0; q < 2; q++) {
		uint32_t num[2] = {q, NUM}, base[2] = {q, q ? tx : rx}, on[2] = {q, 1};
		uint64_t index = q, at = USER + q * 0x1000;
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} a = {q, 0, at, at + 0x800, at + 0x400, 0};

		fuzz_send(front, 8, 1, num, 8, NULL, 0);
		fuzz_send(front, 10, 1, base, 8, NULL, 0);
		fuzz_send(front, 9, 1, &a, sizeof(a), NULL, 0);
		fuzz_send(front, 12, 1, &index, 8, &ev[q], 1);
		fuzz_send(front, 13, 1, &index, 8, &ev[2 + q], 1);
		fuzz_send(front, 18, 1, on, 8, NULL, 0);
	}
}

static void stop(int front)
{
	for (uint32_t q = 0; q < 2; q++) {
		uint32_t off[2] = {q, 0};

		fuzz_send(front, 18, 1, off, 8, NULL, 0);
		fuzz_send(front, 11, 1, off, 8, NULL, 0);
	}
}

static void set_up(int front, uint8_t how)
{
	uint64_t features = (1ull << 32) | (1ull << 30) | (uint64_t)(how & 3) << 28;
	struct {
		uint32_t n, pad;
		uint64_t gpa, size, user, offset;
	} m = {1, 0, 0, MEM, USER, 0};

	if (memfd < 0) {
		memfd = memfd_create("guest", MFD_CLOEXEC);
		if (memfd < 0 || ftruncate(memfd, MEM) < 0)
			abort();
		mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
		for (unsigned i = 0; i < 4; i++)
			ev[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	memset(mem, 0, 0x10000);
	avail[0] = avail[1] = 0;
	for (uint16_t i = 0; i < NUM; i++) {
		desc_of(0)[i] = (struct smol_vring_desc){0x20000u + i * 0x1000u, 4096, 2, 0};
		put(0, i);
	}
	fuzz_send(front, 2, 1, &features, 8, NULL, 0);
	fuzz_send(front, 5, 1, &m, sizeof(m), &memfd, 1);
	start(front, 0, 0);
}

/* A packet whose header is well-formed; ports are few, so that it often hits a connection. */
static void packet(struct fuzz_in *in, uint32_t host_port)
{
	uint8_t b[8];
	struct smol_vsock_hdr h;
	uint16_t head = (uint16_t)(2 * (avail[1] % (NUM / 2)));

	fuzz_bytes(in, b, sizeof(b));
	h = (struct smol_vsock_hdr){
	    .src_cid = 3,
	    .dst_cid = 2,
	    .src_port = 5000u + (b[1] & 3),
	    .dst_port = b[1] & 0x80 ? 6000 : host_port + (b[1] >> 2 & 3),
	    .len = (uint32_t)(b[2] << (b[3] & 15)),
	    .type = 1,
	    .op = b[0] & 7,
	    .flags = b[4],
	    .buf_alloc = (uint32_t)b[5] << 10,
	    .fwd_cnt = (uint32_t)b[6] << (b[7] & 15),
	};
	smol_vsock_hdr_put(mem + 0x40000 + head * 0x4000, &h);
	desc_of(1)[head] =
	    (struct smol_vring_desc){0x40000u + head * 0x4000u, 44, 1, (uint16_t)(head + 1)};
	desc_of(1)[head + 1] = (struct smol_vring_desc){0x50000, b[4] & 4 ? 100 : 0x10000, 0, 0};
	put(1, head);
}

static void check(void)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < fuzz_dev.conns.high; i++) {
		const struct smol_conn *c = &fuzz_dev.conns.c[i];

		if (c->state == SMOL_CONN_FREE)
			continue;
		used++;
		if (smol_conn_buffered(c) > SMOL_CONN_BUF)
			abort();
		if (c->hashed &&
		    smol_conn_find(&fuzz_dev.conns, c->guest_port, c->host_port) == NULL)
			abort();
		if (c->state == SMOL_CONN_OPEN && c->received - c->forwarded > SMOL_CONN_BUF)
			abort();
		if (c->state == SMOL_CONN_OPEN && !c->host_deaf &&
		    c->received - c->forwarded != smol_conn_buffered(c))
			abort();
	}
	if (used != fuzz_dev.conns.used || fuzz_dev.batch)
		abort();
}

static void client_act(struct fuzz_in *in, int *fd)
{
	static const char big[70000];
	uint8_t b[2];
	char line[20];

	fuzz_bytes(in, b, 2);
	if (*fd < 0) {
		*fd = fuzz_client();
		snprintf(line, sizeof(line), "CONNECT %u\n", 5000u + (b[0] & 3));
		if (*fd >= 0 && send(*fd, line, strlen(line), MSG_NOSIGNAL) < 0)
			return;
		return;
	}
	switch (b[0] & 7) {
	case 0:
		close(*fd);
		*fd = -1;
		break;
	case 1:
		shutdown(*fd, SHUT_WR);
		break;
	case 2:
		shutdown(*fd, SHUT_RD);
		break;
	case 3:
	case 4:
		fuzz_drain(*fd);
		break;
	case 5:
		if (send(*fd, big, sizeof(big), MSG_NOSIGNAL) < 0)
			return;
		break;
	default:
		if (send(*fd, big, b[1], MSG_NOSIGNAL) < 0)
			return;
	}
}

static void act(struct fuzz_in *in, int front, int client[CLIENTS])
{
	uint8_t what = fuzz_u8(in), b[6];
	uint64_t one = 1;
	uint16_t at;

	switch (what & 15) {
	case 0: /* anything, anywhere near the rings */
		fuzz_bytes(in, b, 3);
		memcpy(&at, b, 2);
		fuzz_bytes(in, mem + at % 0x3000, b[2] & 31);
		break;
	case 1:
		fuzz_bytes(in, b, 2);
		put(b[0] & 1, b[1] % (NUM + 1));
		break;
	case 2:
		stop(front);
		start(front, fuzz_dev.vq[0].used_idx, fuzz_dev.vq[1].used_idx);
		break;
	case 3:
		stop(front);
		set_up(front, what >> 4);
		break;
	case 4: /* all that can time out does */
		for (uint32_t i = 0; i < fuzz_dev.conns.high; i++) {
			if (fuzz_dev.conns.c[i].deadline)
				fuzz_dev.conns.c[i].deadline = fuzz_dev.next_deadline = 1;
		}
		if (fuzz_dev.trim_at)
			fuzz_dev.trim_at = 1;
		break;
	case 5: /* buffers for the device to fill */
		for (uint16_t i = 0; i < NUM; i++)
			put(0, i);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		client_act(in, &client[what >> 4 & (CLIENTS - 1)]);
		break;
	default:
		packet(in, 0x40000000);
	}
	for (unsigned q = 0; q < 2; q++) {
		if (write(ev[q], &one, 8) < 0)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	int client[CLIENTS] = {-1, -1, -1, -1}, front = fuzz_begin(3);

	/* ports that packets can hit: see packet() */
	fuzz_dev.conns.next_port = 0x40000000;
	set_up(front, fuzz_u8(&in));
	for (unsigned i = 0; i < 200 && in.n > 0; i++) {
		act(&in, front, client);
		if (smol_vsockd_turn(&fuzz_dev, 0) != SMOL_TURN_OK)
			break;
		check();
		fuzz_drain(front);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (client[i] >= 0)
			close(client[i]);
	}
	fuzz_end(front);
	return 0;
}
