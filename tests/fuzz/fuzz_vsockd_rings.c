/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest that does as it likes with its rings, and programs on the host that come, write, read and
 * go. The input is a list of acts: bytes written anywhere near the rings, packets of any content in
 * any chain, buffers of any shape, a guest that plays along for a while, pauses, resets, memory
 * tables, time, failures of the host. What the device believes is checked after each turn, and at
 * the end it must come to rest.
 *
 * The clock hardly moves but for the acts that put it forward, and rings are set up without
 * messages, which have a target of their own: so one input is always the same run, and many fit
 * into a second.
 */
#include <poll.h>

#include "vsockd_host.h"

#define MEM	   (1u << 20)
#define USER	   0x7f0000000000ull
#define MAX_NUM	   16u
#define GUEST_PORT 5000u
#define HOST_PORT  0x40000000u /* what the device gives first */
#define DIAL_PORT  6000u

/* where things are in guest memory */
#define TX_TABLES 0x3000u /* one of 0x400 bytes for each second head */
#define RX_TABLES 0x5000u /* one for each head */
#define RINGS_END 0x9000u
#define RX_AT	  0x20000u
#define TX_AT	  0x40000u
#define PAYLOAD	  0xa0000u
#define DATA_AT	  0xc0000u /* packets with data, one at a time */

static uint8_t *mem;
static int memfd = -1, ev[4], dialled = -1, notes = -1;
static uint16_t num, avail[2], taken[2];
static uint64_t features;

/* What a guest wrote over a ring or moved in memory may be data of a stream too: from then on
 * streams are not compared. */
static bool to_guest_spoilt, to_host_spoilt;

/* ---- rings ---- */

static struct smol_vring_desc *desc_of(unsigned q)
{
	return (void *)(mem + q * 0x1000);
}
static uint16_t *avail_of(unsigned q)
{
	return (void *)(mem + q * 0x1000 + 0x400);
}
static struct smol_vring_used *used_of(unsigned q)
{
	return (void *)(mem + q * 0x1000 + 0x800);
}

static void put(unsigned q, uint16_t head)
{
	uint16_t *a = avail_of(q);

	a[2 + avail[q] % num] = head;
	__atomic_store_n(&a[1], ++avail[q], __ATOMIC_RELEASE);
}

static void start(uint16_t rx, uint16_t tx)
{
	for (unsigned q = 0; q < 2; q++) {
		struct smol_vring *vr = &fuzz_dev.vq[q];

		vr->num = num;
		vr->last_avail = q ? tx : rx;
		vr->desc_user = USER + q * 0x1000;
		vr->avail_user = vr->desc_user + 0x400;
		vr->used_user = vr->desc_user + 0x800;
		vr->has_addr = vr->enabled = true;
		if (vr->kick_fd < 0)
			vr->kick_fd = dup(ev[q]);
		if (vr->call_fd < 0)
			vr->call_fd = dup(ev[2 + q]);
		if (smol_vsockd_rings_start(&fuzz_dev, q, NULL) < 0)
			return;
	}
}

static void stop(void)
{
	for (unsigned q = 0; q < 2; q++)
		smol_vsockd_ring_stop(&fuzz_dev, q);
}

/* Rings from scratch, full of plain buffers. */
static void set_up(uint8_t how)
{
	static const uint16_t sizes[] = {16, 16, 8, 1};
	static const uint16_t bases[] = {0, UINT16_MAX - 3};
	uint16_t base = bases[how >> 4 & 1];

	num = sizes[how >> 2 & 3];
	features = (1ull << 32) | (1ull << 30) | (uint64_t)(how & 3) << 28;
	fuzz_dev.vu.features = features;
	memset(mem, 0, RINGS_END);
	for (unsigned q = 0; q < 2; q++) {
		avail[q] = taken[q] = base;
		avail_of(q)[1] = used_of(q)->idx = base;
	}
	for (uint16_t i = 0; i < num; i++) {
		desc_of(0)[i] = (struct smol_vring_desc){RX_AT + i * 0x1000u, 4096, 2, 0};
		put(0, i);
	}
	start(base, base);
}

static void first_time(void)
{
	stream_init();
	memfd = memfd_create("guest", MFD_CLOEXEC);
	if (memfd < 0 || ftruncate(memfd, MEM) < 0)
		abort();
	mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	for (unsigned i = 0; i < 4; i++)
		ev[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	dialled = fuzz_dialled(DIAL_PORT);
	notes = memfd_create("notes", MFD_CLOEXEC);
	/* a queue that is soon full */
	if (dialled < 0 || listen(dialled, 0) < 0 || notes < 0)
		abort();
}

/* ---- acts of the guest ---- */

/* Where a packet is: its header, and its data if that is not behind it. */
struct place {
	uint32_t header, data;
};

/* A chain for a packet of a head: one descriptor, a table of pieces, or two descriptors. */
static void chain(uint16_t head, struct place p, uint32_t len, uint8_t shape)
{
	static const uint32_t sizes[] = {1, 3, 43, 1000};
	const uint32_t table = TX_TABLES + head / 2u * 0x400u, all = 44 + len;
	struct smol_vring_desc *d = &desc_of(1)[head], *t = (void *)(mem + table);
	uint32_t size = sizes[shape >> 2 & 3], k, n = 0, piece;

	switch (shape & 3) {
	case 0:
		*d = (struct smol_vring_desc){p.header, all, 0, 0};
		return;
	case 1:
		for (k = 0; k < all; k += piece, n++) {
			piece = k < 44 ? size : shape & 16 ? len / 5 + 1 : len;
			if (k < 44 && piece > 44 - k)
				piece = 44 - k;
			if (piece > all - k)
				piece = all - k;
			t[n] = (struct smol_vring_desc){k < 44 ? p.header + k : p.data + k - 44,
			    piece, k + piece < all, (uint16_t)(n + 1)};
		}
		*d = (struct smol_vring_desc){table, 16 * n, 4, 0};
		return;
	default:
		*d = (struct smol_vring_desc){p.header, 44, 1, (uint16_t)((head + 1) % num)};
		if (num > 1)
			d[1] = (struct smol_vring_desc){p.data, shape & 4 ? 100 : len, 0, 0};
	}
}

static uint16_t next_head(void)
{
	return num > 1 ? (uint16_t)(2 * (avail[1] % (num / 2))) : 0;
}

static void send_at(struct place p, const struct smol_vsock_hdr *h, uint8_t shape)
{
	uint16_t head = next_head();

	smol_vsock_hdr_put(mem + p.header, h);
	chain(head, p, h->len, shape);
	put(1, head);
}

static void send_header(const struct smol_vsock_hdr *h, uint8_t shape)
{
	send_at((struct place){TX_AT + next_head() * 0x4000u, PAYLOAD}, h, shape);
}

/* What a guest that plays by the rules could say of its credit: some or all was taken. */
static uint32_t true_count(uint32_t guest_port, uint32_t host_port, uint8_t some)
{
	const struct smol_conn *c = smol_conn_find(&fuzz_dev.conns, guest_port, host_port);

	if (!c)
		return 0;
	return c->peer_fwd + (uint32_t)((uint64_t)(c->sent - c->peer_fwd) * some / 255);
}

/* A packet whose header is well-formed; ports are few, so that it often hits a connection. */
static void packet(struct fuzz_in *in)
{
	uint8_t b[8];
	struct smol_vsock_hdr h;

	fuzz_bytes(in, b, sizeof(b));
	h = (struct smol_vsock_hdr){
	    .src_cid = b[3] >> 4 == 15 ? 4 : 3,
	    .dst_cid = b[3] >> 4 == 14 ? 5 : 2,
	    .src_port = GUEST_PORT + (b[1] & 3),
	    .dst_port = b[1] & 0x80 ? DIAL_PORT + (b[1] >> 6 & 1) : HOST_PORT + (b[1] >> 2 & 7),
	    .len = (uint32_t)(b[2] << (b[3] & 15)),
	    .type = b[3] >> 4 == 13 ? 2 : 1,
	    .op = b[0] >> 4 == 15 ? 99 : b[0] & 7,
	    .flags = b[4] & 3,
	    .buf_alloc = b[5] == 255 ? UINT32_MAX : (uint32_t)b[5] << 10,
	};
	h.fwd_cnt =
	    b[0] & 8 ? (uint32_t)b[6] << (b[7] & 31) : true_count(h.src_port, h.dst_port, b[6]);
	/* a connection that it hits gets bytes that are not its stream's */
	to_host_spoilt |= h.op == SMOL_VSOCK_OP_RW && h.len > 0;
	send_header(&h, b[4] >> 2);
}

/* Not a byte more, less or in another place than the host has sent. */
static void arrived(const struct smol_vsock_hdr *h, const uint8_t *data)
{
	struct flow *f;

	if (h->op == SMOL_VSOCK_OP_REQUEST || h->op == SMOL_VSOCK_OP_RESPONSE)
		flow_begins(h->dst_port, h->src_port);
	f = flow_find(h->dst_port, h->src_port);
	if (h->op != SMOL_VSOCK_OP_RW || !f || to_guest_spoilt)
		return;
	if (memcmp(data, stream_at(f->at), h->len) != 0)
		abort();
	f->at += h->len;
}

/* Take what the device has put into the buffers; answer as a guest does; give the buffers back. */
static void play_along(uint8_t how)
{
	struct smol_vring_used *u = used_of(0);

	for (unsigned n = 0; n < num && taken[0] != u->idx; n++) {
		const struct smol_vring_used_elem e = u->ring[taken[0]++ % num];
		uint32_t id = e.id % num;
		struct smol_vsock_hdr h, a;

		if (e.len < SMOL_VSOCK_HDR_LEN) {
			put(0, (uint16_t)id);
			continue;
		}
		smol_vsock_hdr_get(&h, mem + RX_AT + id * 0x1000u);
		arrived(&h, mem + RX_AT + id * 0x1000u + SMOL_VSOCK_HDR_LEN);
		a = (struct smol_vsock_hdr){.src_cid = 3,
		    .dst_cid = 2,
		    .src_port = h.dst_port,
		    .dst_port = h.src_port,
		    .type = 1,
		    .buf_alloc = how & 1 ? 256u << 10 : 70u << 10,
		    .fwd_cnt = true_count(h.dst_port, h.src_port, how & 2 ? 255 : 0)};
		if (h.op == SMOL_VSOCK_OP_REQUEST)
			a.op = SMOL_VSOCK_OP_RESPONSE;
		else if (h.op == SMOL_VSOCK_OP_CREDIT_REQUEST ||
			 (h.op == SMOL_VSOCK_OP_RW && how & 2))
			a.op = SMOL_VSOCK_OP_CREDIT_UPDATE;
		else if (h.op == SMOL_VSOCK_OP_SHUTDOWN && h.flags == 3)
			a.op = SMOL_VSOCK_OP_RST;
		if (a.op && (uint16_t)(avail[1] - used_of(1)->idx) < (num + 1) / 2)
			send_header(&a, 0);
		put(0, (uint16_t)id);
	}
}

/* Packets with what comes next in a stream, once nobody needs the memory of the last any more. */
static void data(uint32_t at, const struct smol_vsock_hdr *h, unsigned n, uint8_t shape)
{
	if (used_of(1)->idx != avail[1])
		return;
	for (unsigned i = 0; i < n && i < (num + 1u) / 2; i++, at += h->len) {
		struct place p = {DATA_AT + i * 0x2000, PAYLOAD + i * 0x2000};

		memcpy(mem + p.data, stream_at(at), h->len);
		memcpy(mem + p.header + SMOL_VSOCK_HDR_LEN, stream_at(at), h->len);
		send_at(p, h, shape);
	}
}

/* A packet that fits a connection there is: data, up to a byte too much, or something else. */
static void fitting(uint8_t which, uint8_t how)
{
	static const uint32_t sizes[] = {1, 5000, 65536, 65537};
	static const uint8_t ops[] = {SMOL_VSOCK_OP_SHUTDOWN, SMOL_VSOCK_OP_CREDIT_REQUEST,
	    SMOL_VSOCK_OP_RST, SMOL_VSOCK_OP_RESPONSE};
	const struct smol_conn *c = &fuzz_dev.conns.c[which % 3];
	struct smol_vsock_hdr h = {.src_cid = 3,
	    .dst_cid = 2,
	    .src_port = c->guest_port,
	    .dst_port = c->host_port,
	    .type = 1,
	    .op = SMOL_VSOCK_OP_RW,
	    .len = sizes[how & 3],
	    .buf_alloc = 256u << 10,
	    .fwd_cnt = c->sent};

	if (how & 0x80) {
		h.op = ops[how >> 5 & 3];
		h.flags = h.len = how & 3;
	}
	if (!c->hashed)
		return;
	if (h.op == SMOL_VSOCK_OP_RW)
		data(c->received, &h, h.len == 5000 ? 1 + which / 4u : 1, how >> 2);
	else
		send_header(&h, how >> 2);
}

/* Another shape for a receive buffer. */
static void shape_buffer(uint8_t which, uint8_t how)
{
	static const uint32_t sizes[] = {4096, 44, 45, 43, 60, 65580, 0, 1};
	struct smol_vring_desc *d = &desc_of(0)[which % num];
	const uint32_t table = RX_TABLES + (uint32_t)(which % num) * 0x400u;
	struct smol_vring_desc *t = (void *)(mem + table);
	uint32_t at = RX_AT + (uint32_t)(which % num) * 0x1000u, n = how >> 3 & 15;

	*d = (struct smol_vring_desc){at, sizes[how & 7], 2, 0};
	/* it lies over others, or is not in one piece */
	to_guest_spoilt |= sizes[how & 7] > 4096 || (how & 0x84) == 0x84;
	if (!(how & 0x80))
		return;
	/* in pieces: one more of them than a slot has room for, or up to 60 */
	n = n < 8 ? n + 1 : n * 4;
	for (uint32_t i = 0; i < n; i++)
		t[i] = (struct smol_vring_desc){at + i * 13, how & 4 ? 1 : 13,
		    (uint16_t)(i + 1 < n ? 3 : 2), (uint16_t)(i + 1)};
	*d = (struct smol_vring_desc){table, 16 * n, 4, 0};
}

/* A new memory table by message, while rings run. */
static void memory_table(int front, uint8_t how)
{
	const uint64_t seam = how & 8 ? PAYLOAD + 0x100 : PAYLOAD, hole = how & 16 ? 0x1000 : 0;
	struct {
		uint32_t n, pad;
		struct smol_gm_desc d[SMOL_GM_MAX];
	} m = {1, 0, {{0, MEM, USER, 0}}};
	int fds[SMOL_GM_MAX];

	switch (how & 7) {
	case 1:
	case 2:
	case 3: /* two that adjoin, or have no memory between them */
		m.n = 2;
		m.d[0].size = seam;
		m.d[1] = (struct smol_gm_desc){
		    seam + hole, MEM - seam - hole, USER + seam + hole, seam + hole};
		break;
	case 4: /* the end is missing */
		m.d[0].size = seam;
		break;
	case 5: /* a ring is missing */
		m.d[0] = (struct smol_gm_desc){0x1000, MEM - 0x1000, USER + 0x1000, 0x1000};
		break;
	case 6: /* as many as there may be */
		m.n = SMOL_GM_MAX;
		for (unsigned i = 0; i < m.n; i++)
			m.d[i] = (struct smol_gm_desc){
			    i * (MEM / 8), MEM / 8, USER + i * (MEM / 8), i * (MEM / 8)};
		break;
	}
	for (unsigned i = 0; i < m.n; i++)
		fds[i] = memfd;
	fuzz_send(front, 5, 1, &m, 8 + 32 * m.n, fds, m.n);
}

/* ---- acts of the host ---- */

static void pass_descriptor(struct client *to)
{
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)(uintptr_t)stream_at(to->sent), 1};
	struct msghdr mh = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &memfd, sizeof(int));
	if (sendmsg(to->fd, &mh, MSG_NOSIGNAL) == 1)
		to->sent++;
}

/* A client comes, with its line, half of it or nothing, data behind it or none; or one that the
 * guest called is taken. */
static void come(struct client *c, uint8_t how)
{
	char line[40];
	int n = snprintf(line, sizeof(line), "CONNECT %u\n", GUEST_PORT + (how & 3));

	*c = (struct client){.fd = -1};
	if (how & 0x80) {
		c->fd = __real_accept4(dialled, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		return;
	}
	c->in_line = true;
	c->fd = fuzz_client();
	if ((how & 0x70) == 0x70)
		n = how & 8 ? 0 : 10;
	else if (!(how & 4)) {
		memcpy(line + n, stream_at(0), 5);
		c->sent = 5;
	}
	if (c->fd >= 0 && send(c->fd, line, (size_t)n + c->sent, MSG_NOSIGNAL) < 0)
		return;
}

static void client_act(struct fuzz_in *in, struct client *c)
{
	uint8_t how = fuzz_u8(in);

	if (c->fd < 0) {
		come(c, how);
		return;
	}
	switch (how & 7) {
	case 0:
		close(c->fd);
		c->fd = -1;
		break;
	case 1:
		shutdown(c->fd, how & 8 ? SHUT_RD : SHUT_WR);
		break;
	case 2:
		while (client_reads(c, MOST, !to_host_spoilt))
			;
		break;
	case 3:
		client_reads(c, 1u << (how >> 3 & 15), !to_host_spoilt);
		break;
	case 4:
		pass_descriptor(c);
		break;
	case 5:
	case 6:
		client_sends(c, MOST);
		break;
	default:
		client_sends(c, how);
	}
}

/* ---- what must hold ---- */

static void check_conn(const struct smol_conn *c)
{
	if (smol_conn_buffered(c) > SMOL_CONN_BUF)
		abort();
	if (c->hashed && smol_conn_find(&fuzz_dev.conns, c->guest_port, c->host_port) == NULL)
		abort();
	if (c->deadline && (!fuzz_dev.next_deadline || fuzz_dev.next_deadline > c->deadline))
		abort();
	/* what waits for the host is written when its socket says so */
	if (smol_conn_buffered(c) && (c->writable || !c->want_out || c->fd < 0))
		abort();
	if (c->state != SMOL_CONN_OPEN)
		return;
	if (c->received - c->forwarded > SMOL_CONN_BUF)
		abort();
	if (!c->host_deaf && c->received - c->forwarded != smol_conn_buffered(c))
		abort();
}

static void check(void)
{
	uint32_t used = 0, queued = 0, at, n = 0;

	for (uint32_t i = 0; i < fuzz_dev.conns.high; i++) {
		const struct smol_conn *c = &fuzz_dev.conns.c[i];

		queued += c->queued;
		if (c->state == SMOL_CONN_FREE)
			continue;
		used++;
		check_conn(c);
	}
	for (at = fuzz_dev.queue_first; at != SMOL_CONN_NONE; at = fuzz_dev.conns.c[at].queue_next)
		n++;
	if (used != fuzz_dev.conns.used || n != fuzz_dev.queue_n || n != queued || fuzz_dev.batch)
		abort();
	if (fuzz_dev.slot_n > SMOL_VSOCKD_SLOTS || fuzz_dev.stray_n > SMOL_VSOCKD_STRAYS)
		abort();
}

/* With nobody doing anything the device must come to rest: no busy loop is left by any of this. */
static void check_rest(int front)
{
	struct pollfd p = {.fd = fuzz_dev.epfd, .events = POLLIN};

	for (unsigned i = 0; i < 200; i++) {
		if (poll(&p, 1, 0) == 0 && !smol_rx_ready(&fuzz_dev) &&
		    !(fuzz_dev.tx_kick && fuzz_dev.vq[1].active &&
			fuzz_dev.stray_n < SMOL_VSOCKD_RSTS))
			return;
		if (fuzz_turn(1) != SMOL_TURN_OK)
			return;
		check();
		fuzz_drain(front);
	}
	abort();
}

/* A byte at a time to a guest that takes them and does not say so. */
static void trickle(struct client *c, unsigned n)
{
	uint64_t one = 1;

	for (unsigned i = 0; c->fd >= 0 && i < n; i++) {
		client_sends(c, 1);
		if (fuzz_turn(1) != SMOL_TURN_OK)
			return;
		play_along(0);
		/* the other ring is looked at in any case */
		if (fuzz_dev.rx_empty && write(ev[0], &one, 8) < 0)
			return;
	}
}

/* What an earlier device has left, or a table of nonsense. */
static void leave_notes(struct fuzz_in *in)
{
	struct smol_conn_note n[3] = {{0}};

	for (unsigned i = 0; i < 3; i++) {
		uint8_t b = fuzz_u8(in);

		n[i] = (struct smol_conn_note){
		    GUEST_PORT + (b & 3), HOST_PORT + (b >> 2 & 3), b >> 4 & 1, b >> 5};
	}
	if (pwrite(notes, n, sizeof(n), 0) < 0)
		abort();
}

/* The guest's memory, whole. */
static void all_memory(void)
{
	struct smol_gm_desc all = {0, MEM, USER, 0};

	if (smol_gm_set(&fuzz_dev.gm, &all, &memfd, 1, NULL) < 0)
		abort();
}

/* The front end goes, and another one comes with a guest that begins anew. */
static void other_front(int *front, uint8_t how)
{
	fuzz_in_device = true;
	smol_vsockd_detach(&fuzz_dev);
	fuzz_in_device = false;
	close(*front);
	check();
	*front = fuzz_attach();
	all_memory();
	set_up(how);
}

static void act(struct fuzz_in *in, int *front)
{
	static const uint16_t steps[] = {1, 5, 20, 100, 1000, 10000, 60000, 65000};
	static const int errors[] = {EMFILE, ENFILE, EAGAIN, ECONNABORTED};
	uint8_t what = fuzz_u8(in), more = what >> 4, b[3];
	uint64_t one = 1;
	uint16_t at;

	switch (what & 15) {
	case 0: /* anything, anywhere near the rings */
		fuzz_bytes(in, b, 3);
		memcpy(&at, b, 2);
		fuzz_bytes(in, mem + at % RINGS_END, b[2] & 31);
		to_guest_spoilt = to_host_spoilt = true;
		break;
	case 1:
		to_guest_spoilt = to_host_spoilt = true;
		put(more & 1, fuzz_u8(in) % (num + 1));
		break;
	case 2:
		stop();
		start(fuzz_dev.vq[0].last_avail, fuzz_dev.vq[1].last_avail);
		break;
	case 3:
		if (more & 8) {
			other_front(front, fuzz_u8(in));
			break;
		}
		stop();
		set_up(fuzz_u8(in));
		break;
	case 4:
		fuzz_now_ns += steps[more & 7] * 1000000ull;
		break;
	case 5:
		to_guest_spoilt = to_host_spoilt = true;
		memory_table(*front, fuzz_u8(in));
		break;
	case 6:
		shape_buffer(more, fuzz_u8(in));
		break;
	case 7:
		accept_error = errors[more & 3];
		break;
	case 8:
	case 9:
	case 10:
		client_act(in, &client[more & (CLIENTS - 1)]);
		break;
	case 11:
		play_along(more);
		break;
	case 12:
		fitting(more, fuzz_u8(in));
		break;
	case 13:
		trickle(&client[more & (CLIENTS - 1)], more & 8 ? 120 : 10);
		break;
	default:
		packet(in);
	}
	for (unsigned q = 0; q < 2; q++) {
		if (write(ev[q], &one, 8) < 0)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	uint8_t how = fuzz_u8(&in);
	int front;

	if (memfd < 0)
		first_time();
	small_sockets = !(how & 0x80);
	accept_error = 0;
	fuzz_notes = how & 0x40 ? notes : -1;
	if (how & 0x40)
		leave_notes(&in);
	front = fuzz_begin(3);
	/* ports that packets can hit: see packet() */
	fuzz_dev.conns.next_port = HOST_PORT;
	all_memory();
	for (unsigned i = 0; i < CLIENTS; i++)
		client[i].fd = -1;
	memset(flows, 0, sizeof(flows));
	to_guest_spoilt = to_host_spoilt = false;
	set_up(how);
	for (unsigned i = 0; i < 200 && in.n > 0; i++) {
		act(&in, &front);
		if (fuzz_turn(1) != SMOL_TURN_OK)
			break;
		check();
	}
	check_rest(front);
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (client[i].fd >= 0)
			close(client[i].fd);
	}
	fuzz_end(front);
	while ((front = __real_accept4(dialled, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(front);
	return 0;
}
