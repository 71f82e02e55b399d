/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: the guest player; see player.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "player.h"

#define RING_AREA 0x20000u
#define AVAIL_AT  0x8000u
#define USED_AT	  0x10000u
#define TABLES_AT 0x40000u /* indirect tables, 32 bytes a slot */
#define TX_AT	  0x100000u
#define RX_AT	  0x1200000u

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "player: %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #x,  \
			    errno);                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t player_gpa(const struct player *p, const void *mem)
{
	return PLAYER_GPA + (uint64_t)((const uint8_t *)mem - p->mem);
}

void player_open(struct player *p, int fd, const struct player_config *cfg)
{
	*p = (struct player){.cfg = *cfg, .vhost = fd};
	if (!p->cfg.num)
		p->cfg.num = 256;
	if (!p->cfg.rx_buf)
		p->cfg.rx_buf = 4096;
	p->memfd = memfd_create("guest", MFD_CLOEXEC);
	CHECK(p->memfd >= 0 && ftruncate(p->memfd, PLAYER_MEM) == 0);
	p->mem = mmap(NULL, PLAYER_MEM, PROT_READ | PROT_WRITE, MAP_SHARED, p->memfd, 0);
	CHECK(p->mem != MAP_FAILED);
	for (unsigned i = 0; i < 2; i++) {
		p->ring[i].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		p->ring[i].call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		CHECK(p->ring[i].kick >= 0 && p->ring[i].call >= 0);
	}
	player_rings_clear(p);
}

void player_close(struct player *p)
{
	for (unsigned i = 0; i < 2; i++) {
		close(p->ring[i].kick);
		close(p->ring[i].call);
	}
	if (p->vhost >= 0)
		close(p->vhost);
	munmap(p->mem, PLAYER_MEM);
	close(p->memfd);
}

void player_rings_clear(struct player *p)
{
	p->tx_slots = p->cfg.indirect ? p->cfg.num : p->cfg.num / 2;
	p->tx_free_n = 0;
	for (unsigned i = p->tx_slots; i > 0; i--)
		p->tx_free[p->tx_free_n++] = (uint16_t)(i - 1);
	for (unsigned i = 0; i < 2; i++) {
		struct player_ring *r = &p->ring[i];
		uint8_t *at = p->mem + i * RING_AREA;

		memset(at, 0, RING_AREA - 0x1000);
		r->desc = (void *)at;
		r->avail = (void *)(at + AVAIL_AT);
		r->used = (void *)(at + USED_AT);
		r->avail_idx = r->kicked = r->last_used = 0;
	}
}

/* ---- front end ---- */

void player_message(struct player *p, uint32_t request, uint32_t flags, const void *payload,
    uint32_t size, const int *fds, unsigned nfds)
{
	uint32_t hdr[3] = {request, 1 | flags, size};
	struct iovec iov[2] = {{hdr, sizeof(hdr)}, {(void *)(uintptr_t)payload, size}};
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};

	if (nfds) {
		struct cmsghdr *c;

		mh.msg_control = ctl;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	CHECK(sendmsg(p->vhost, &mh, MSG_NOSIGNAL) == (ssize_t)(sizeof(hdr) + size));
	if (p->cfg.pump)
		p->cfg.pump(p->cfg.arg);
}

static void recv_all(struct player *p, void *buf, size_t n)
{
	uint64_t end = now_ms() + 5000;
	size_t have = 0;

	while (have < n) {
		ssize_t r = recv(p->vhost, (uint8_t *)buf + have, n - have, MSG_DONTWAIT);

		if (r > 0) {
			have += (size_t)r;
			continue;
		}
		CHECK(r < 0 && errno == EAGAIN && now_ms() < end);
		if (p->cfg.pump)
			p->cfg.pump(p->cfg.arg);
		else
			poll(&(struct pollfd){.fd = p->vhost, .events = POLLIN}, 1, 100);
	}
}

uint32_t player_answer(struct player *p, uint32_t request, void *payload, uint32_t max)
{
	uint32_t hdr[3];

	recv_all(p, hdr, sizeof(hdr));
	CHECK(hdr[0] == request && (hdr[1] & 7) == 5 && hdr[2] <= max);
	recv_all(p, payload, hdr[2]);
	return hdr[2];
}

uint64_t player_acked(struct player *p, uint32_t request, const void *payload, uint32_t size,
    const int *fds, unsigned nfds)
{
	uint64_t rc = 0;

	player_message(p, request, 8, payload, size, fds, nfds);
	CHECK(player_answer(p, request, &rc, sizeof(rc)) == sizeof(rc));
	return rc;
}

static uint64_t ask_u64(struct player *p, uint32_t request)
{
	uint64_t v = 0;

	player_message(p, request, 0, NULL, 0, NULL, 0);
	CHECK(player_answer(p, request, &v, sizeof(v)) == sizeof(v));
	return v;
}

void player_negotiate(struct player *p)
{
	uint64_t offered = ask_u64(p, PLAYER_GET_FEATURES), want;
	struct {
		uint32_t offset, size, flags;
		uint8_t cid[8];
	} __attribute__((packed)) cfg = {0, 8, 0, {0}};

	CHECK(offered & (1ull << 32));
	want = (1ull << 32) | (1ull << 30);
	if (p->cfg.event_idx)
		want |= 1ull << 29;
	if (p->cfg.indirect)
		want |= 1ull << 28;
	p->features = want & offered;
	/* a peer that does not offer indirect descriptors gets direct ones */
	p->cfg.indirect = (p->features >> 28) & 1;
	p->cfg.event_idx = (p->features >> 29) & 1;
	player_rings_clear(p);
	p->protocol = ask_u64(p, PLAYER_GET_PROTOCOL_FEATURES) & ((1ull << 9) | (1ull << 3));
	player_message(p, PLAYER_SET_PROTOCOL_FEATURES, 0, &p->protocol, 8, NULL, 0);
	player_message(p, PLAYER_SET_OWNER, 0, NULL, 0, NULL, 0);
	player_message(p, PLAYER_GET_CONFIG, 0, &cfg, sizeof(cfg), NULL, 0);
	CHECK(player_answer(p, PLAYER_GET_CONFIG, &cfg, sizeof(cfg)) == sizeof(cfg));
	memcpy(&p->guest_cid, cfg.cid, 8);
	player_message(p, PLAYER_SET_FEATURES, 0, &p->features, 8, NULL, 0);
}

void player_memory(struct player *p)
{
	struct {
		uint32_t n, pad;
		uint64_t gpa, size, user, offset;
	} m = {1, 0, PLAYER_GPA, PLAYER_MEM, (uintptr_t)p->mem, 0};

	if (p->protocol & 8)
		CHECK(player_acked(p, PLAYER_SET_MEM_TABLE, &m, sizeof(m), &p->memfd, 1) == 0);
	else
		player_message(p, PLAYER_SET_MEM_TABLE, 0, &m, sizeof(m), &p->memfd, 1);
}

void player_start(struct player *p, uint16_t rx_base, uint16_t tx_base)
{
	const uint16_t base[2] = {rx_base, tx_base};

	for (uint32_t i = 0; i < 2; i++) {
		struct player_ring *r = &p->ring[i];
		uint32_t num[2] = {i, p->cfg.num}, from[2] = {i, base[i]}, on[2] = {i, 1};
		uint64_t index = i;
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} a = {i, 0, (uintptr_t)r->desc, (uintptr_t)r->used, (uintptr_t)r->avail, 0};

		player_message(p, PLAYER_SET_VRING_NUM, 0, num, 8, NULL, 0);
		player_message(p, PLAYER_SET_VRING_BASE, 0, from, 8, NULL, 0);
		player_message(p, PLAYER_SET_VRING_ADDR, 0, &a, sizeof(a), NULL, 0);
		player_message(p, PLAYER_SET_VRING_KICK, 0, &index, 8, &r->kick, 1);
		player_message(p, PLAYER_SET_VRING_CALL, 0, &index, 8, &r->call, 1);
		player_message(p, PLAYER_SET_VRING_ENABLE, 0, on, 8, NULL, 0);
	}
}

void player_stop(struct player *p)
{
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t off[2] = {i, 0}, st[2] = {i, 0};

		player_message(p, PLAYER_SET_VRING_ENABLE, 0, off, 8, NULL, 0);
		player_message(p, PLAYER_GET_VRING_BASE, 0, st, 8, NULL, 0);
		CHECK(player_answer(p, PLAYER_GET_VRING_BASE, st, 8) == 8 && st[0] == i);
		p->base[i] = (uint16_t)st[1];
	}
}

/* ---- rings ---- */

static void put_avail(struct player_ring *r, unsigned num, uint16_t head)
{
	r->avail->ring[r->avail_idx & (num - 1)] = head;
	__atomic_store_n(&r->avail->idx, ++r->avail_idx, __ATOMIC_RELEASE);
}

void player_tx_head(struct player *p, unsigned ring, uint16_t head)
{
	put_avail(&p->ring[ring], p->cfg.num, head);
}

void player_kick(struct player *p, unsigned ring)
{
	struct player_ring *r = &p->ring[ring];
	uint16_t old = r->kicked;
	uint64_t one = 1;

	if (old == r->avail_idx)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r->kicked = r->avail_idx;
	if (p->cfg.event_idx) {
		uint16_t ev = __atomic_load_n(
		    (uint16_t *)(void *)&r->used->ring[p->cfg.num], __ATOMIC_RELAXED);

		if ((uint16_t)(r->avail_idx - ev - 1) >= (uint16_t)(r->avail_idx - old))
			return;
	} else if (__atomic_load_n(&r->used->flags, __ATOMIC_RELAXED) & 1) {
		return;
	}
	p->kicks++;
	CHECK(write(r->kick, &one, 8) == 8);
}

static bool has_used(const struct player_ring *r)
{
	return __atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE) != r->last_used;
}

/* Ask to be called for the next used entry of either ring; true: there is one already. */
static bool arm(struct player *p)
{
	for (unsigned i = 0; i < 2; i++)
		__atomic_store_n(
		    &p->ring[i].avail->ring[p->cfg.num], p->ring[i].last_used, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return has_used(&p->ring[0]) || has_used(&p->ring[1]);
}

bool player_wait(struct player *p, int ms)
{
	uint64_t end = now_ms() + (uint64_t)ms;

	while (!arm(p)) {
		struct pollfd pf[2] = {{.fd = p->ring[0].call, .events = POLLIN},
		    {.fd = p->ring[1].call, .events = POLLIN}};
		uint64_t now = now_ms(), v;

		if (now >= end)
			return false;
		if (p->cfg.pump) {
			p->cfg.pump(p->cfg.arg);
			continue;
		}
		if (poll(pf, 2, (int)(end - now)) <= 0)
			continue;
		for (unsigned i = 0; i < 2; i++) {
			if (pf[i].revents && read(pf[i].fd, &v, 8) == 8)
				p->calls++;
		}
	}
	return true;
}

/* ---- receiving ---- */

static uint8_t *rx_buf(const struct player *p, unsigned id)
{
	return p->mem + RX_AT + (size_t)id * p->cfg.rx_buf;
}

void player_rx_fill(struct player *p)
{
	struct player_ring *r = &p->ring[PLAYER_RX];

	CHECK(RX_AT + (size_t)p->cfg.num * p->cfg.rx_buf <= PLAYER_MEM);
	for (unsigned i = 0; i < p->cfg.num; i++) {
		r->desc[i] = (struct smol_vring_desc){
		    .addr = player_gpa(p, rx_buf(p, i)), .len = p->cfg.rx_buf, .flags = DESC_WRITE};
		put_avail(r, p->cfg.num, (uint16_t)i);
	}
	player_kick(p, PLAYER_RX);
}

bool player_rx_next(struct player *p, struct player_packet *pkt)
{
	struct player_ring *r = &p->ring[PLAYER_RX];
	struct smol_vring_used_elem e;

	if (!has_used(r))
		return false;
	e = r->used->ring[r->last_used & (p->cfg.num - 1)];
	r->last_used++;
	CHECK(e.id < p->cfg.num);
	pkt->id = (uint16_t)e.id;
	pkt->used_len = e.len;
	pkt->data = rx_buf(p, e.id) + SMOL_VSOCK_HDR_LEN;
	memset(&pkt->h, 0, sizeof(pkt->h));
	if (e.len >= SMOL_VSOCK_HDR_LEN) {
		smol_vsock_hdr_get(&pkt->h, rx_buf(p, e.id));
		CHECK(e.len == SMOL_VSOCK_HDR_LEN + pkt->h.len);
		CHECK(pkt->h.src_cid == 2 && pkt->h.dst_cid == p->guest_cid);
	}
	return true;
}

void player_rx_done(struct player *p, const struct player_packet *pkt)
{
	put_avail(&p->ring[PLAYER_RX], p->cfg.num, pkt->id);
}

bool player_rx_wait(struct player *p, struct player_packet *pkt, int ms)
{
	uint64_t end = now_ms() + (uint64_t)ms;

	for (;;) {
		struct smol_vring_used_elem e;
		uint64_t now;

		if (player_rx_next(p, pkt))
			return true;
		/* what was sent and is done would keep player_wait() from waiting */
		while (player_tx_used(p, &e))
			;
		player_kick(p, PLAYER_RX);
		now = now_ms();
		if (now >= end || !player_wait(p, (int)(end - now)))
			return player_rx_next(p, pkt);
	}
}

/* ---- sending ---- */

bool player_tx_used(struct player *p, struct smol_vring_used_elem *e)
{
	struct player_ring *r = &p->ring[PLAYER_TX];

	if (!has_used(r))
		return false;
	*e = r->used->ring[r->last_used & (p->cfg.num - 1)];
	r->last_used++;
	p->tx_free[p->tx_free_n++] = (uint16_t)(p->cfg.indirect ? e->id : e->id / 2);
	return true;
}

int player_tx_slot(struct player *p)
{
	struct smol_vring_used_elem e;

	while (p->tx_free_n == 0 && player_tx_used(p, &e))
		;
	return p->tx_free_n ? p->tx_free[--p->tx_free_n] : -1;
}

static uint8_t *tx_buf(const struct player *p, int slot)
{
	return p->mem + TX_AT + (size_t)(slot & 0xff) * PLAYER_TX_STRIDE;
}

uint8_t *player_tx_data(struct player *p, int slot)
{
	return tx_buf(p, slot) + SMOL_VSOCK_HDR_LEN;
}

void player_tx_put(struct player *p, int slot, const struct smol_vsock_hdr *h)
{
	struct player_ring *r = &p->ring[PLAYER_TX];
	struct smol_vring_desc *d;
	uint64_t gpa = player_gpa(p, tx_buf(p, slot));
	uint16_t head = (uint16_t)slot;

	smol_vsock_hdr_put(tx_buf(p, slot), h);
	if (p->cfg.indirect) {
		d = (void *)(p->mem + TABLES_AT + (size_t)slot * 32);
		r->desc[slot] = (struct smol_vring_desc){
		    .addr = player_gpa(p, d), .len = h->len ? 32 : 16, .flags = DESC_INDIRECT};
		d[0].next = 1;
	} else {
		head = (uint16_t)(2 * slot);
		d = &r->desc[head];
		d[0].next = (uint16_t)(head + 1);
	}
	d[0].addr = gpa;
	d[0].len = SMOL_VSOCK_HDR_LEN;
	d[0].flags = h->len ? DESC_NEXT : 0;
	d[1] = (struct smol_vring_desc){.addr = gpa + SMOL_VSOCK_HDR_LEN, .len = h->len};
	put_avail(r, p->cfg.num, head);
}

void player_send(struct player *p, const struct smol_vsock_hdr *h, const void *data)
{
	int slot = player_tx_slot(p);
	uint64_t end = now_ms() + 5000;

	while (slot < 0) {
		CHECK(now_ms() < end);
		player_wait(p, 10);
		slot = player_tx_slot(p);
	}
	if (h->len)
		memcpy(player_tx_data(p, slot), data, h->len);
	player_tx_put(p, slot, h);
	player_kick(p, PLAYER_TX);
}

/* ---- sockets ---- */

struct smol_vsock_hdr player_hdr(
    const struct player *p, const struct player_sock *s, enum smol_vsock_op op)
{
	return (struct smol_vsock_hdr){
	    .src_cid = p->guest_cid,
	    .dst_cid = SMOL_VSOCK_CID_HOST,
	    .src_port = s->guest_port,
	    .dst_port = s->host_port,
	    .type = SMOL_VSOCK_TYPE_STREAM,
	    .op = op,
	    .buf_alloc = s->buf_alloc,
	    .fwd_cnt = s->fwd,
	};
}

void player_op(struct player *p, struct player_sock *s, enum smol_vsock_op op, uint32_t flags)
{
	struct smol_vsock_hdr h = player_hdr(p, s, op);

	h.flags = flags;
	s->told = s->fwd;
	player_send(p, &h, NULL);
}

void player_sock_saw(struct player *p, struct player_sock *s, const struct smol_vsock_hdr *h)
{
	s->peer_alloc = h->buf_alloc;
	s->peer_fwd = h->fwd_cnt;
	if (h->op == SMOL_VSOCK_OP_SHUTDOWN)
		s->host_shut |= h->flags;
	if (h->op == SMOL_VSOCK_OP_RST)
		s->reset = true;
	if (h->op == SMOL_VSOCK_OP_RW)
		s->received += h->len;
	if (h->op == SMOL_VSOCK_OP_CREDIT_REQUEST)
		player_op(p, s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
}

void player_accept(struct player *p, struct player_sock *s, uint32_t guest_port)
{
	struct player_packet pkt;

	CHECK(player_rx_wait(p, &pkt, 5000));
	CHECK(pkt.h.op == SMOL_VSOCK_OP_REQUEST && pkt.h.dst_port == guest_port);
	*s = (struct player_sock){.guest_port = guest_port,
	    .host_port = pkt.h.src_port,
	    .buf_alloc = s->buf_alloc ? s->buf_alloc : 256 * 1024};
	player_sock_saw(p, s, &pkt.h);
	player_rx_done(p, &pkt);
	player_op(p, s, SMOL_VSOCK_OP_RESPONSE, 0);
}

uint32_t player_room(const struct player_sock *s)
{
	return s->peer_alloc - (s->sent - s->peer_fwd);
}
