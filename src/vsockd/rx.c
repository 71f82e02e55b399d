/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: packets to the guest (virtio 1.2, 5.10.6).
 *
 * Receive buffers are taken from the ring ahead of need and kept as slots in ring order. One
 * readv() fills the payload parts of as many slots as credit allows; headers are put in front
 * afterwards. Connections that have something due stand in a queue and get one turn per round.
 *
 * Invariant: slots are given back in the order they were taken; smol_rx_return() puts unused ones
 * back into the ring, so that its base is exact whenever the ring is stopped.
 */
#include <errno.h>
#include <sys/socket.h>

#include "vsockd/device.h"
#include "vsockd/log.h"

#define READ_BYTES   (128u * 1024u)
/* Until a read was filled: few pieces make a short system call. */
#define READ_FIRST   (12u * 1024u)
#define READ_SMALL   4096u
#define READ_IOV     1024u /* IOV_MAX */
#define ROUNDS	     8u
/* A window smaller than this is not used while more is on its way: it would make tiny packets. */
#define SMALL_WINDOW 2048u
#define ASK_EVERY    64u
#define ASK_FIRST_MS 5u
#define ASK_LAST_MS  1000u

/* ---- slots ---- */

static struct smol_rx_slot *slot_at(struct smol_vsockd *d, uint32_t i)
{
	return &d->slot[(d->slot_first + i) % SMOL_VSOCKD_SLOTS];
}

/* Split a chain's pieces into those of the header and those of the payload. False: they need the
 * big area and another slot has it. */
static bool split(struct smol_vsockd *d, struct smol_rx_slot *s, unsigned niov)
{
	struct iovec *iov = d->chain, *out;
	size_t left = SMOL_VSOCK_HDR_LEN;
	unsigned i = 0;

	/* one piece may have to be cut in two */
	if (niov + 1 > SMOL_VSOCKD_SLOT_IOV && d->big_used)
		return false;
	out = niov + 1 > SMOL_VSOCKD_SLOT_IOV ? d->big : s->in;
	d->big_used |= out == d->big;
	s->iov = out;
	s->nh = s->n = 0;
	while (left > 0) {
		size_t take = iov[i].iov_len < left ? iov[i].iov_len : left;

		out[s->nh++] = (struct iovec){.iov_base = iov[i].iov_base, .iov_len = take};
		iov[i].iov_base = (uint8_t *)iov[i].iov_base + take;
		iov[i].iov_len -= take;
		left -= take;
		if (iov[i].iov_len == 0)
			i++;
	}
	for (; i < niov; i++)
		out[s->nh + s->n++] = iov[i];
	return true;
}

/* Take buffers until the slots are full or the ring is empty. */
static void refill(struct smol_vsockd *d)
{
	struct smol_vring *vr = &d->vq[SMOL_VSOCKD_RX];

	while (d->slot_n < SMOL_VSOCKD_SLOTS) {
		struct smol_rx_slot *s = slot_at(d, d->slot_n);
		struct smol_vchain ch;
		int r = smol_vring_take(vr, &d->gm, true, d->chain, SMOL_VRING_IOV, &ch);

		if (r < 0 && d->slot_n == 0 && !d->rx_empty &&
		    smol_vsockd_seldom(&d->stats.broken_rings))
			smol_vsockd_log(
			    "the guest broke its receive ring: ignored until it is set up anew");
		if (r <= 0)
			return;
		s->head = ch.head;
		s->iov = s->in;
		s->nh = s->n = 0;
		s->cap = 0;
		/* No room for a header: it will be given back with length 0 when its turn comes. */
		if (!ch.bad && ch.len >= SMOL_VSOCK_HDR_LEN) {
			uint64_t cap = ch.len - SMOL_VSOCK_HDR_LEN;

			if (!split(d, s, ch.niov)) {
				smol_vring_untake(vr, 1);
				return;
			}
			s->cap =
			    cap > SMOL_VSOCK_MAX_PAYLOAD ? SMOL_VSOCK_MAX_PAYLOAD : (uint32_t)cap;
		}
		d->slot_n++;
	}
}

static void pop_slot(struct smol_vsockd *d, uint32_t used_len)
{
	struct smol_rx_slot *s = slot_at(d, 0);

	smol_vring_give(&d->vq[SMOL_VSOCKD_RX], s->head, used_len);
	if (s->iov == d->big)
		d->big_used = false;
	d->slot_first = (d->slot_first + 1) % SMOL_VSOCKD_SLOTS;
	d->slot_n--;
}

/* A slot that can take a header and, if data is to follow, at least one byte. False: none, or too
 * many of another kind: a guest may post those without end. */
static bool have_slot(struct smol_vsockd *d, bool for_data)
{
	for (unsigned n = 0; n <= SMOL_VSOCKD_SLOTS; n++) {
		if (d->slot_n == 0)
			refill(d);
		if (d->slot_n == 0)
			return false;
		if (slot_at(d, 0)->nh && (!for_data || slot_at(d, 0)->cap))
			return true;
		/* a chain that is bad or too short goes back with length 0 */
		if (!slot_at(d, 0)->nh && smol_vsockd_seldom(&d->stats.bad_chains))
			smol_vsockd_log(
			    "a receive buffer of the guest cannot be used (%llu so far)",
			    (unsigned long long)d->stats.bad_chains);
		pop_slot(d, 0);
	}
	return false;
}

void smol_rx_return(struct smol_vsockd *d)
{
	smol_vring_untake(&d->vq[SMOL_VSOCKD_RX], d->slot_n);
	d->slot_n = 0;
	d->big_used = false;
}

/* Write the header into the first slot and give it back with its payload. */
static void emit(struct smol_vsockd *d, const struct smol_vsock_hdr *h)
{
	struct smol_rx_slot *s = slot_at(d, 0);
	uint8_t raw[SMOL_VSOCK_HDR_LEN];
	size_t at = 0;

	smol_vsock_hdr_put(raw, h);
	for (unsigned i = 0; i < s->nh; i++) {
		memcpy(s->iov[i].iov_base, raw + at, s->iov[i].iov_len);
		at += s->iov[i].iov_len;
	}
	pop_slot(d, SMOL_VSOCK_HDR_LEN + h->len);
}

static void emit_conn(
    struct smol_vsockd *d, struct smol_conn *c, enum smol_vsock_op op, uint32_t flags, uint32_t len)
{
	struct smol_vsock_hdr h = {
	    .src_cid = SMOL_VSOCK_CID_HOST,
	    .dst_cid = d->guest_cid,
	    .src_port = c->host_port,
	    .dst_port = c->guest_port,
	    .len = len,
	    .type = SMOL_VSOCK_TYPE_STREAM,
	    .op = op,
	    .flags = flags,
	    .buf_alloc = SMOL_CONN_BUF,
	    .fwd_cnt = c->forwarded,
	};

	emit(d, &h);
	/* every packet carries it: a CREDIT_UPDATE that was due is done (5.10.6.3) */
	c->told_forwarded = c->forwarded;
	c->due &= (uint8_t)~SMOL_DUE_CREDIT;
}

static bool emit_stray(struct smol_vsockd *d)
{
	const struct smol_stray *s = &d->stray[d->stray_first];
	struct smol_vsock_hdr h;

	if (!have_slot(d, false))
		return false;
	h = (struct smol_vsock_hdr){
	    .src_cid = s->cid,
	    .dst_cid = d->guest_cid,
	    .src_port = s->host_port,
	    .dst_port = s->guest_port,
	    .type = s->type,
	    .op = SMOL_VSOCK_OP_RST,
	};
	emit(d, &h);
	d->stray_first = (d->stray_first + 1) % SMOL_VSOCKD_STRAYS;
	d->stray_n--;
	return true;
}

/* ---- a connection's turn ---- */

enum turn { TURN_DONE, TURN_AGAIN, TURN_NO_SLOT };

/* No credit. A guest tells by itself only when its buffer was nearly full, so if it is not, it has
 * to be asked, and asked again, since it answers at once, read or not. Nor does a Linux before 6.7
 * that has made its buffer smaller than what was in it: it takes a negative rest for a large one.
 */
static void blocked(struct smol_vsockd *d, struct smol_conn *c)
{
	uint32_t flight = c->sent - c->peer_fwd;

	if (c->deadline || flight == 0)
		return;
	if (flight <= c->peer_alloc && c->peer_alloc - flight < SMOL_VSOCK_MAX_PAYLOAD)
		return;
	if (c->ask_wait == 0)
		c->due |= SMOL_DUE_ASK_CREDIT;
	c->ask_wait = c->ask_wait == 0 ? ASK_FIRST_MS : c->ask_wait * 2;
	if (c->ask_wait > ASK_LAST_MS)
		c->ask_wait = ASK_LAST_MS;
	smol_vsockd_deadline(d, c, c->ask_wait);
}

/* Many small packets: ask for news before the window is closed by their cost, which no guest tells
 * by itself. */
static void ask_ahead(struct smol_conn *c)
{
	if (c->packets * SMOL_PACKET_COST > c->peer_alloc / 4 && c->since_ask >= ASK_EVERY)
		c->due |= SMOL_DUE_ASK_CREDIT;
}

/* Choose the pieces one read may fill: as many slots as window and READ_BYTES allow. */
static unsigned gather(struct smol_vsockd *d, uint32_t window, uint32_t left, uint32_t *sum)
{
	unsigned n = 0;

	if (d->slot_n < SMOL_VSOCKD_SLOTS / 2)
		refill(d);
	for (uint32_t i = 0; i < d->slot_n && window > 0 && left > 0; i++) {
		const struct smol_rx_slot *s = slot_at(d, i);
		uint32_t take = s->cap < window ? s->cap : window;

		/* an unusable slot in between ends the batch: order is kept */
		if (take == 0)
			break;
		take = take < left ? take : left;
		left -= take;
		window -= take;
		window = window > SMOL_PACKET_COST ? window - SMOL_PACKET_COST : 0;
		for (unsigned k = s->nh; take > 0 && n < READ_IOV; k++) {
			size_t len = s->iov[k].iov_len < take ? s->iov[k].iov_len : take;

			d->rx_iov[n++] =
			    (struct iovec){.iov_base = s->iov[k].iov_base, .iov_len = len};
			take -= (uint32_t)len;
			*sum += (uint32_t)len;
		}
		if (n == READ_IOV)
			break;
	}
	return n;
}

static void host_ended(struct smol_conn *c)
{
	c->readable = false;
	c->host_end = true;
	c->shut_due |= SMOL_VSOCK_SHUT_SEND;
}

static ssize_t read_some(struct smol_vsockd *d, struct smol_conn *c, unsigned n, bool *cut)
{
	struct msghdr mh = {.msg_iov = d->rx_iov, .msg_iovlen = n};
	ssize_t got;

	do
		got = recvmsg(c->fd, &mh, 0);
	while (got < 0 && errno == EINTR);
	/* descriptors a client passes end a read early; they are dropped, as there is no guest
	 * they could reach */
	*cut = got > 0 && (mh.msg_flags & MSG_CTRUNC);
	return got;
}

static enum turn data_turn(struct smol_vsockd *d, struct smol_conn *c)
{
	uint32_t window = smol_conn_window(c), asked = 0, left, len = 0;
	bool cut;
	unsigned n;
	ssize_t got;

	if (c->packets && window < SMALL_WINDOW && window < c->peer_alloc / 8)
		window = 0;
	if (window == 0) {
		blocked(d, c);
		return TURN_DONE;
	}
	if (!have_slot(d, true))
		return TURN_NO_SLOT;
	n = gather(d, window, c->bulk ? READ_BYTES : READ_FIRST, &asked);
	got = read_some(d, c, n, &cut);
	if (got < 0 && errno == EAGAIN) {
		c->readable = false;
		return TURN_DONE;
	}
	if (got < 0 && errno == EFAULT) {
		d->memory_gone = true;
		return TURN_DONE;
	}
	if (got < 0)
		smol_vsockd_deaf(d, c); /* ECONNRESET: it closed without reading all */
	if (got <= 0) {
		host_ended(c);
		return TURN_DONE;
	}
	/* the same cuts as gather() made */
	for (left = (uint32_t)got; left > 0; left -= len) {
		len = slot_at(d, 0)->cap < left ? slot_at(d, 0)->cap : left;
		emit_conn(d, c, SMOL_VSOCK_OP_RW, 0, len);
		smol_conn_sent(c, len);
	}
	d->moved += (uint32_t)got;
	d->way |= SMOL_WAY_GUEST;
	ask_ahead(c);
	c->bulk = (uint32_t)got == asked || (c->bulk && (uint32_t)got >= READ_SMALL);
	/* A short read of little has emptied the socket: what comes later is a new edge. */
	if ((uint32_t)got < asked && (uint32_t)got < READ_SMALL && !cut && !c->read_up)
		c->readable = false;
	return c->readable ? TURN_AGAIN : TURN_DONE;
}

/* Packets that go before data. */
static enum turn head_turn(struct smol_vsockd *d, struct smol_conn *c)
{
	if (!(c->due & (SMOL_DUE_RST | SMOL_DUE_REQUEST | SMOL_DUE_RESPONSE)))
		return TURN_DONE;
	if (!have_slot(d, false))
		return TURN_NO_SLOT;
	if (c->due & SMOL_DUE_RST) {
		emit_conn(d, c, SMOL_VSOCK_OP_RST, 0, 0);
		c->due = 0;
		if (c->state == SMOL_CONN_CLOSING)
			smol_vsockd_drop(d, c);
		else
			smol_conn_unhash(&d->conns, c);
	} else if (c->due & SMOL_DUE_REQUEST) {
		emit_conn(d, c, SMOL_VSOCK_OP_REQUEST, 0, 0);
		c->due = 0;
		c->request_sent = true;
	} else {
		emit_conn(d, c, SMOL_VSOCK_OP_RESPONSE, 0, 0);
		c->due &= (uint8_t)~SMOL_DUE_RESPONSE;
	}
	return TURN_DONE;
}

/* Packets that go behind data: the end of the stream above all. */
static enum turn tail_turn(struct smol_vsockd *d, struct smol_conn *c)
{
	if (c->shut_due & ~c->shut_told) {
		if (!have_slot(d, false))
			return TURN_NO_SLOT;
		c->shut_told |= c->shut_due;
		emit_conn(d, c, SMOL_VSOCK_OP_SHUTDOWN, c->shut_told, 0);
		if (c->shut_told == SMOL_VSOCK_SHUT_BOTH) {
			smol_vsockd_deaf(d, c);
			smol_conn_close_fd(c);
			smol_vsockd_deadline(d, c, SMOL_VSOCKD_LINGER_MS);
		}
	}
	if (c->due & SMOL_DUE_ASK_CREDIT) {
		if (!have_slot(d, false))
			return TURN_NO_SLOT;
		c->due &= (uint8_t)~SMOL_DUE_ASK_CREDIT;
		c->since_ask = 0;
		emit_conn(d, c, SMOL_VSOCK_OP_CREDIT_REQUEST, 0, 0);
	}
	if (c->due & SMOL_DUE_CREDIT) {
		if (!have_slot(d, false))
			return TURN_NO_SLOT;
		emit_conn(d, c, SMOL_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	}
	return TURN_DONE;
}

static enum turn conn_turn(struct smol_vsockd *d, struct smol_conn *c)
{
	enum turn t = head_turn(d, c), data = TURN_DONE;

	if (t != TURN_DONE || c->state != SMOL_CONN_OPEN)
		return t;
	if (c->readable && c->fd >= 0)
		data = data_turn(d, c);
	if (data == TURN_NO_SLOT)
		return data;
	t = tail_turn(d, c);
	return t == TURN_DONE ? data : t;
}

/* ---- rounds ---- */

bool smol_rx_ready(const struct smol_vsockd *d)
{
	const struct smol_vring *vr = &d->vq[SMOL_VSOCKD_RX];

	return vr->active && !vr->broken && !d->rx_empty &&
	       (d->stray_n > 0 || d->queue_first != SMOL_CONN_NONE);
}

/* The ring has no buffer: have the guest tell when there is one. */
static void out_of_slots(struct smol_vsockd *d)
{
	struct smol_vring *vr = &d->vq[SMOL_VSOCKD_RX];

	smol_vring_publish(vr);
	if (d->slot_n == 0 && !smol_vring_want_kick(vr))
		d->rx_empty = true;
}

static void requeue_front(struct smol_vsockd *d, uint32_t i)
{
	struct smol_conn *c = &d->conns.c[i];

	c->queued = true;
	c->queue_next = d->queue_first;
	d->queue_first = i;
	if (d->queue_last == SMOL_CONN_NONE)
		d->queue_last = i;
	d->queue_n++;
}

/* One turn for each connection in the queue. False: no buffer was left. */
static bool round_of_turns(struct smol_vsockd *d)
{
	for (uint32_t n = d->queue_n; n > 0; n--) {
		uint32_t i = d->queue_first;
		struct smol_conn *c = &d->conns.c[i];
		enum turn t;

		d->queue_first = c->queue_next;
		if (d->queue_first == SMOL_CONN_NONE)
			d->queue_last = SMOL_CONN_NONE;
		d->queue_n--;
		c->queued = false;
		if (c->state == SMOL_CONN_FREE || c->state == SMOL_CONN_HANDSHAKE)
			continue;
		t = conn_turn(d, c);
		if (t == TURN_NO_SLOT) {
			if (!c->queued)
				requeue_front(d, i);
			return false;
		}
		if (t == TURN_AGAIN)
			smol_vsockd_queue(d, c);
	}
	return true;
}

void smol_rx_run(struct smol_vsockd *d)
{
	struct smol_vring *vr = &d->vq[SMOL_VSOCKD_RX];

	if (!smol_rx_ready(d))
		return;
	smol_vring_no_kick(vr);
	for (unsigned r = 0; r < ROUNDS && smol_rx_ready(d); r++) {
		bool more = true;

		while (more && d->stray_n > 0)
			more = emit_stray(d);
		if (more)
			more = round_of_turns(d);
		smol_vring_publish(vr);
		/* The guest is told before the next read, which may well find nothing. */
		smol_vring_signal(vr);
		if (!more)
			out_of_slots(d);
	}
}
