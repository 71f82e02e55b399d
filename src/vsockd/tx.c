/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: packets from the guest (virtio 1.2, 5.10.6).
 *
 * The payload of consecutive packets of one connection is written straight from guest memory with
 * one writev(); only what the socket does not take is copied into the connection's buffer. Used
 * entries are made visible after that, since until then the guest must not reuse the memory.
 *
 * Invariant: buffered + batched <= SMOL_CONN_BUF for each connection; a guest that exceeds the
 * credit it was given is reset (5.10.6.3).
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsockd/device.h"
#include "vsockd/log.h"
#include "vsockd/uds.h"

#define BATCH_BYTES SMOL_CONN_BUF /* the most one guest socket may have under way */
#define BATCH_IOV   1024u	  /* IOV_MAX */
#define TURN_CHAINS 256u
#define TURN_BYTES  (256u * 1024u)

/* ---- payload ---- */

static void keep(
    struct smol_vsockd *d, struct smol_conn *c, struct iovec *iov, unsigned n, size_t skip)
{
	for (unsigned i = 0; i < n; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		smol_conn_buffer(&d->conns, c, (uint8_t *)iov[i].iov_base + skip,
		    (uint32_t)(iov[i].iov_len - skip));
		skip = 0;
	}
}

static void flush(struct smol_vsockd *d)
{
	struct smol_conn *c = d->batch;
	uint32_t done = 0;

	if (!c)
		return;
	d->batch = NULL;
	if (c->fd >= 0 && !c->host_deaf && c->writable) {
		ssize_t w;

		do
			w = writev(c->fd, d->batch_iov,
			    (int)(d->batch_n < BATCH_IOV ? d->batch_n : BATCH_IOV));
		while (w < 0 && errno == EINTR);
		if (w >= 0)
			done = (uint32_t)w;
		else if (errno == EFAULT)
			d->memory_gone = true;
		else if (errno != EAGAIN)
			smol_vsockd_deaf(d, c);
	}
	if (c->fd < 0 || c->host_deaf || d->memory_gone)
		done = d->batch_len;
	c->forwarded += done;
	if (done < d->batch_len) {
		keep(d, c, d->batch_iov, d->batch_n, done);
		c->writable = false;
		smol_vsockd_want_out(d, c, true);
	}
	d->moved += d->batch_len;
	d->way |= SMOL_WAY_HOST;
	d->batch_n = d->batch_len = 0;
	smol_vsockd_told_room(d, c);
}

static void add_payload(
    struct smol_vsockd *d, struct smol_conn *c, const struct iovec *iov, unsigned n, uint32_t len)
{
	if (d->batch && (d->batch_n + n > BATCH_IOV || d->batch_len + len > BATCH_BYTES))
		flush(d);
	d->batch = c;
	d->batch_len += len;
	c->received += len;
	/* pieces hold at least len bytes: smol_tx_packet() has checked that */
	for (unsigned i = 0; len > 0 && i < n; i++) {
		size_t take = iov[i].iov_len < len ? iov[i].iov_len : len;

		d->batch_iov[d->batch_n++] =
		    (struct iovec){.iov_base = iov[i].iov_base, .iov_len = take};
		len -= (uint32_t)take;
	}
}

/* ---- packets ---- */

/* 5.10.6.4.1: what belongs to no connection is answered with an RST, but never an RST. */
static void stray(struct smol_vsockd *d, const struct smol_vsock_hdr *h)
{
	struct smol_stray *s;

	d->stats.strays++;
	if (h->op == SMOL_VSOCK_OP_RST || d->stray_n == SMOL_VSOCKD_STRAYS)
		return;
	s = &d->stray[(d->stray_first + d->stray_n++) % SMOL_VSOCKD_STRAYS];
	*s = (struct smol_stray){.cid = h->dst_cid,
	    .guest_port = h->src_port,
	    .host_port = h->dst_port,
	    .type = h->type};
}

static void violated(struct smol_vsockd *d, struct smol_conn *c, const char *what)
{
	if (smol_vsockd_seldom(&d->stats.bad_packets))
		smol_vsockd_log("connection reset: %s (%llu so far)", what,
		    (unsigned long long)d->stats.bad_packets);
	smol_vsockd_retire(d, c, true);
}

static void on_request(struct smol_vsockd *d, const struct smol_vsock_hdr *h)
{
	struct smol_conn *c = smol_conn_new(&d->conns, -1);

	if (!c) {
		stray(d, h);
		return;
	}
	c->state = SMOL_CONN_DIALLING;
	smol_conn_hash(&d->conns, c, h->src_port, h->dst_port);
	smol_conn_credit(c, h->buf_alloc, h->fwd_cnt);
	smol_uds_dial(d, c);
}

static void on_response(struct smol_vsockd *d, struct smol_conn *c)
{
	if (c->state != SMOL_CONN_REQUESTED || !c->request_sent) {
		violated(d, c, "a RESPONSE nobody waits for");
		return;
	}
	c->state = SMOL_CONN_OPEN;
	d->stats.opened++;
	c->deadline = 0;
	/* A client that has gone already may still have sent something: that is delivered. */
	if (smol_uds_ok(c) < 0)
		smol_vsockd_deaf(d, c);
	if (smol_vsockd_watch_conn(d, c) < 0) {
		smol_vsockd_retire(d, c, true);
		return;
	}
	/* also if it was seen to go before there was anybody to tell */
	if (c->host_deaf)
		c->shut_due |= SMOL_VSOCK_SHUT_RCV;
	smol_vsockd_queue(d, c);
}

static void on_shutdown(struct smol_vsockd *d, struct smol_conn *c, uint32_t flags)
{
	c->guest_shut |= flags & SMOL_VSOCK_SHUT_BOTH;
	if (c->guest_shut == SMOL_VSOCK_SHUT_BOTH) {
		/* The RST tells the guest that its close is complete (5.10.6.5); the host still
		 * gets what is in the buffer. */
		smol_vsockd_retire(d, c, true);
		return;
	}
	if ((c->guest_shut & SMOL_VSOCK_SHUT_RCV) && !c->host_end) {
		c->host_end = true;
		c->readable = false;
		if (c->fd >= 0)
			shutdown(c->fd, SHUT_RD);
	}
	if ((c->guest_shut & SMOL_VSOCK_SHUT_SEND) && !smol_conn_buffered(c))
		smol_vsockd_drain(d, c);
}

static void on_rw(struct smol_vsockd *d, struct smol_conn *c, const struct smol_vsock_hdr *h,
    const struct iovec *iov, unsigned n)
{
	uint32_t held = c->received - c->forwarded;

	if (c->state != SMOL_CONN_OPEN || (c->guest_shut & SMOL_VSOCK_SHUT_SEND)) {
		flush(d);
		violated(d, c, "data outside of an open stream");
	} else if (h->len > SMOL_CONN_BUF - held) {
		flush(d);
		violated(d, c, "more data than credit");
	} else if (h->len > 0) {
		add_payload(d, c, iov, n, h->len);
	}
}

static void on_packet(struct smol_vsockd *d, struct smol_conn *c, const struct smol_vsock_hdr *h,
    const struct iovec *iov, unsigned n)
{
	if (c->state == SMOL_CONN_DRAINING || c->state == SMOL_CONN_CLOSING) {
		/* Our RST is on its way. If the guest's own is here, ours would be an answer to it.
		 */
		if (h->op == SMOL_VSOCK_OP_RST) {
			c->due = 0;
			if (c->state == SMOL_CONN_CLOSING)
				smol_vsockd_drop(d, c);
			else
				smol_conn_unhash(&d->conns, c);
		}
		return;
	}
	smol_conn_credit(c, h->buf_alloc, h->fwd_cnt);
	if (c->readable && c->state == SMOL_CONN_OPEN)
		smol_vsockd_queue(d, c);
	switch (h->op) {
	case SMOL_VSOCK_OP_RW:
		on_rw(d, c, h, iov, n);
		break;
	case SMOL_VSOCK_OP_CREDIT_UPDATE:
		break;
	case SMOL_VSOCK_OP_CREDIT_REQUEST:
		if (c->state == SMOL_CONN_OPEN) {
			/* answered even when there is no news: it was asked for */
			c->due |= SMOL_DUE_CREDIT;
			smol_vsockd_queue(d, c);
		}
		break;
	case SMOL_VSOCK_OP_RESPONSE:
		on_response(d, c);
		break;
	case SMOL_VSOCK_OP_SHUTDOWN:
		if (c->state == SMOL_CONN_OPEN)
			on_shutdown(d, c, h->flags);
		else
			smol_vsockd_retire(d, c, true);
		break;
	case SMOL_VSOCK_OP_RST:
		smol_vsockd_retire(d, c, false);
		break;
	default: /* REQUEST on a connection there is, or an op nobody knows */
		violated(d, c, "a packet that does not fit its connection");
		break;
	}
}

/* Read the header, once; iov then begins with the payload. False: the chain is too short. */
static bool take_header(struct iovec *iov, unsigned *n, struct smol_vsock_hdr *h)
{
	uint8_t raw[SMOL_VSOCK_HDR_LEN];
	size_t have = 0;
	unsigned i = 0;

	while (have < sizeof(raw) && i < *n) {
		size_t want = sizeof(raw) - have;
		size_t take = iov[i].iov_len < want ? iov[i].iov_len : want;

		memcpy(raw + have, iov[i].iov_base, take);
		have += take;
		iov[i].iov_base = (uint8_t *)iov[i].iov_base + take;
		iov[i].iov_len -= take;
		if (iov[i].iov_len == 0)
			i++;
	}
	if (have < sizeof(raw))
		return false;
	*n -= i;
	memmove(iov, iov + i, *n * sizeof(*iov));
	smol_vsock_hdr_get(h, raw);
	return true;
}

static void bad_chain(struct smol_vsockd *d)
{
	if (smol_vsockd_seldom(&d->stats.bad_chains))
		smol_vsockd_log("a packet from the guest cannot be read (%llu so far)",
		    (unsigned long long)d->stats.bad_chains);
}

static void on_chain(struct smol_vsockd *d, const struct smol_vchain *ch)
{
	struct smol_vsock_hdr h;
	unsigned n = ch->niov;
	struct smol_conn *c;
	bool bad = ch->bad;

	if (!take_header(d->chain, &n, &h)) {
		bad_chain(d);
		return;
	}
	/* 5.10.6.2: packets that are not from this guest are none */
	if (h.src_cid != d->guest_cid) {
		d->stats.strays++;
		return;
	}
	if (h.op != SMOL_VSOCK_OP_RW)
		h.len = 0;
	if (h.len > SMOL_VSOCK_MAX_PAYLOAD || h.len > ch->len - SMOL_VSOCK_HDR_LEN)
		bad = true;
	c = NULL;
	if (h.dst_cid == SMOL_VSOCK_CID_HOST && h.type == SMOL_VSOCK_TYPE_STREAM)
		c = smol_conn_find(&d->conns, h.src_port, h.dst_port);
	if (d->batch && (d->batch != c || h.op != SMOL_VSOCK_OP_RW || bad))
		flush(d);
	/* a flush can end no connection's record, only make it deaf: c is still good */
	if (bad) {
		bad_chain(d);
		if (c && c->state != SMOL_CONN_CLOSING && c->state != SMOL_CONN_DRAINING)
			smol_vsockd_retire(d, c, true);
	} else if (c) {
		on_packet(d, c, &h, d->chain, n);
	} else if (h.op == SMOL_VSOCK_OP_REQUEST && h.dst_cid == SMOL_VSOCK_CID_HOST &&
		   h.type == SMOL_VSOCK_TYPE_STREAM && h.dst_port != SMOL_VSOCK_PORT_ANY) {
		on_request(d, &h);
	} else {
		stray(d, &h);
	}
}

void smol_tx_run(struct smol_vsockd *d, bool last)
{
	struct smol_vring *vr = &d->vq[SMOL_VSOCKD_TX];
	uint32_t moved = d->moved;
	unsigned n = 0;

	if (!d->tx_kick || !vr->active)
		return;
	smol_vring_no_kick(vr);
	/* With no room for strays the guest waits until it took some: 5.10.6.1.1 allows that. */
	while (n < TURN_CHAINS && d->moved - moved < TURN_BYTES &&
	       (last || d->stray_n < SMOL_VSOCKD_RSTS)) {
		struct smol_vchain ch;
		int r = smol_vring_take(vr, &d->gm, false, d->chain, SMOL_VRING_IOV, &ch);

		if (r > 0) {
			on_chain(d, &ch);
			smol_vring_give(vr, ch.head, 0);
			n++;
			continue;
		}
		if (r < 0) {
			if (d->tx_kick && smol_vsockd_seldom(&d->stats.broken_rings))
				smol_vsockd_log("the guest broke its transmit ring: ignored until "
						"it is set up anew");
			d->tx_kick = false;
			break;
		}
		flush(d);
		smol_vring_publish(vr);
		if (smol_vring_pending(vr))
			continue;
		/* kicks are asked for before the loop sleeps */
		d->tx_kick = false;
		break;
	}
	flush(d);
	smol_vring_publish(vr);
	/* A guest that sends little does not wait for its buffers back: one signal for many of
	 * them, or a moment later, spares it an interrupt for each. */
	if (smol_vring_unsignalled(vr) >= vr->num / 8u)
		smol_vring_signal(vr);
	else if (smol_vring_unsignalled(vr) && !d->signal_at)
		d->signal_at = smol_vsockd_now() + SMOL_VSOCKD_SIGNAL_MS;
}
