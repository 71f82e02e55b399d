/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: set-up and tear-down, rings that start and stop; what a connection does when one of its
 * sides ends. The loop is in loop.c.
 *
 * Invariants: a connection whose buffer has bytes is not writable and waits for EPOLLOUT;
 * next_deadline is never later than the earliest deadline.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsockd/device.h"
#include "vsockd/log.h"
#include "vsockd/uds.h"

#define CONN_EVENTS (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

/* ---- set-up ---- */

int smol_vsockd_init(
    struct smol_vsockd *d, const struct smol_vsockd_config *cfg, struct smol_err *err)
{
	memset(d, 0, sizeof(*d));
	d->epfd = d->reserve_fd = -1;
	d->listen_fd = cfg->listen_fd;
	smol_vu_init(&d->vu);
	for (unsigned i = 0; i < 2; i++)
		smol_vring_init(&d->vq[i]);
	d->queue_first = d->queue_last = SMOL_CONN_NONE;
	if (strlen(cfg->uds_path) > SMOL_VSOCKD_UDS_MAX)
		return smol_err_set(err, SMOL_E_INVALID, "%s: a vsock path has at most %u bytes",
		    cfg->uds_path, SMOL_VSOCKD_UDS_MAX);
	memcpy(d->uds_path, cfg->uds_path, strlen(cfg->uds_path) + 1);
	if (cfg->guest_cid < SMOL_VSOCK_CID_MIN || cfg->guest_cid > SMOL_VSOCK_CID_MAX)
		return smol_err_set(err, SMOL_E_INVALID, "a guest's CID lies between %u and %u",
		    SMOL_VSOCK_CID_MIN, SMOL_VSOCK_CID_MAX);
	d->guest_cid = cfg->guest_cid;
	if (smol_conns_init(&d->conns, cfg->max_connections, err) < 0)
		return -1;
	if (cfg->notes_fd >= 0 && smol_conns_notes(&d->conns, cfg->notes_fd, err) < 0)
		return -1;
	for (uint32_t i = 0; i < d->conns.high; i++)
		smol_vsockd_queue(d, &d->conns.c[i]);
	if (d->conns.used)
		smol_vsockd_log("info: reset, of an earlier device: %u connections", d->conns.used);
	d->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epfd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot make an epoll");
	d->reserve_fd = fcntl(d->epfd, F_DUPFD_CLOEXEC, 0);
	if (fcntl(d->listen_fd, F_SETFL, O_NONBLOCK) < 0 ||
	    smol_vsockd_add(d, d->listen_fd, EPOLLIN, smol_vsockd_token(SMOL_TAG_LISTEN)) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot watch the listening socket");
	d->listening = true;
	return 0;
}

void smol_vsockd_destroy(struct smol_vsockd *d)
{
	smol_vsockd_detach(d);
	smol_conns_destroy(&d->conns);
	for (unsigned i = 0; i < 3; i++) {
		int *fd = (int *[]){&d->epfd, &d->listen_fd, &d->reserve_fd}[i];

		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
}

int smol_vsockd_watch(struct smol_vsockd *d, int fd, struct smol_err *err)
{
	if (smol_vsockd_add(d, fd, EPOLLIN, smol_vsockd_token(SMOL_TAG_OTHER)) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot watch a descriptor");
	return 0;
}

int smol_vsockd_attach(struct smol_vsockd *d, int fd, struct smol_err *err)
{
	smol_vu_attach(&d->vu, fd);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    smol_vsockd_add(d, fd, EPOLLIN, smol_vsockd_token(SMOL_TAG_VHOST)) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot watch the vhost-user socket");
	return 0;
}

/* ---- rings ---- */

/* The guest began anew: what it knew of connections is gone. Clients it never heard of stay. */
static unsigned forget_connections(struct smol_vsockd *d)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < d->conns.high; i++) {
		struct smol_conn *c = &d->conns.c[i];

		if (c->state == SMOL_CONN_FREE || c->state == SMOL_CONN_HANDSHAKE ||
		    (c->state == SMOL_CONN_REQUESTED && !c->request_sent))
			continue;
		n++;
		c->due = 0;
		smol_vsockd_retire(d, c, false);
	}
	d->stray_n = 0;
	d->mark[0].valid = d->mark[1].valid = false;
	return n;
}

int smol_vsockd_rings_start(struct smol_vsockd *d, unsigned i, struct smol_err *err)
{
	struct smol_vring *vr = &d->vq[i];
	struct smol_ring_mark *m = &d->mark[i];

	if (vr->active || vr->kick_fd < 0 || !vr->enabled || d->gm.n == 0)
		return 0;
	if (smol_vring_map(vr, &d->gm, err) < 0)
		return -1;
	if (m->valid &&
	    (m->num != vr->num || m->base != vr->last_avail || m->desc_user != vr->desc_user ||
		m->avail_user != vr->avail_user || m->used_user != vr->used_user)) {
		unsigned n = forget_connections(d);

		/* a guest can do this without end, and a journal that is full of it says nothing */
		if (smol_vsockd_seldom(&d->stats.drivers))
			smol_vsockd_log("the guest's driver began anew: %u connections reset (%llu"
					" so far)",
			    n, (unsigned long long)d->stats.drivers);
	}
	/* Edge-triggered: each kick wakes us, and the counter need never be read. */
	if (smol_vsockd_add(d, vr->kick_fd, EPOLLIN | EPOLLET,
		smol_vsockd_token(i == SMOL_VSOCKD_RX ? SMOL_TAG_KICK_RX : SMOL_TAG_KICK_TX)) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot watch a ring's kicks");
	smol_vring_start(vr, smol_vu_has(&d->vu, SMOL_VIRTIO_F_EVENT_IDX),
	    smol_vu_has(&d->vu, SMOL_VIRTIO_F_INDIRECT_DESC));
	if (i == SMOL_VSOCKD_TX)
		d->tx_kick = true;
	else
		d->rx_empty = false;
	return 0;
}

/* What the guest had sent when its ring stops belongs to its connections. One that goes on filling
 * it meanwhile is heard for its size once. RSTs that are due do not stop it: there is room for a
 * ring of them beside those that do. */
static void take_the_rest(struct smol_vsockd *d)
{
	const struct smol_vring *vr = &d->vq[SMOL_VSOCKD_TX];
	uint16_t from = vr->last_avail, before;

	if (vr->broken)
		return;
	do {
		before = vr->last_avail;
		d->tx_kick = true;
		smol_tx_run(d, true);
	} while (!d->memory_gone && d->tx_kick && vr->last_avail != before &&
		 (uint16_t)(vr->last_avail - from) < vr->num);
}

void smol_vsockd_ring_stop(struct smol_vsockd *d, unsigned i)
{
	struct smol_vring *vr = &d->vq[i];

	if (!vr->active)
		return;
	if (i == SMOL_VSOCKD_RX)
		smol_rx_return(d);
	else
		take_the_rest(d);
	smol_vring_signal(vr);
	smol_vsockd_ring_lost(d, i);
}

void smol_vsockd_ring_lost(struct smol_vsockd *d, unsigned i)
{
	struct smol_vring *vr = &d->vq[i];

	smol_vring_stop(vr);
	epoll_ctl(d->epfd, EPOLL_CTL_DEL, vr->kick_fd, NULL);
	d->mark[i] = (struct smol_ring_mark){
	    .valid = true,
	    .num = vr->num,
	    .base = vr->last_avail,
	    .desc_user = vr->desc_user,
	    .avail_user = vr->avail_user,
	    .used_user = vr->used_user,
	};
}

void smol_vsockd_close_listener(struct smol_vsockd *d)
{
	/* Others may hold it, too: closing alone would leave it watched. */
	if (d->listening)
		epoll_ctl(d->epfd, EPOLL_CTL_DEL, d->listen_fd, NULL);
	if (d->listen_fd >= 0)
		close(d->listen_fd);
	d->listen_fd = -1;
	d->listening = false;
	d->listen_again = 0;
}

uint64_t smol_vsockd_left(const struct smol_vsockd *d)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < d->conns.high; i++)
		if (d->conns.c[i].state == SMOL_CONN_DRAINING)
			n += smol_conn_buffered(&d->conns.c[i]);
	return n;
}

void smol_vsockd_detach(struct smol_vsockd *d)
{
	for (unsigned i = 0; i < 2; i++)
		smol_vsockd_ring_stop(d, i);
	forget_connections(d);
	for (unsigned i = 0; i < 2; i++)
		smol_vu_ring_clear(&d->vq[i]);
	smol_gm_clear(&d->gm);
	d->memory_gone = false;
	/* Others may hold it, too: closing alone would leave it watched. */
	if (d->vu.fd >= 0)
		epoll_ctl(d->epfd, EPOLL_CTL_DEL, d->vu.fd, NULL);
	smol_vu_detach(&d->vu);
}

/* ---- connections ---- */

void smol_vsockd_deadline(struct smol_vsockd *d, struct smol_conn *c, uint32_t ms)
{
	c->deadline = smol_vsockd_now() + ms;
	if (!d->next_deadline || c->deadline < d->next_deadline)
		d->next_deadline = c->deadline;
}

static uint64_t conn_token(const struct smol_vsockd *d, const struct smol_conn *c)
{
	return ((uint64_t)(c->gen & SMOL_GEN_MASK) << 32) | smol_conn_index(&d->conns, c);
}

int smol_vsockd_watch_conn(struct smol_vsockd *d, struct smol_conn *c)
{
	if (c->watched)
		return 0;
	c->watched = true;
	return smol_vsockd_add(d, c->fd, CONN_EVENTS, conn_token(d, c));
}

void smol_vsockd_want_out(struct smol_vsockd *d, struct smol_conn *c, bool want)
{
	struct epoll_event ev = {
	    .events = CONN_EVENTS | (want ? EPOLLOUT : 0u),
	    .data.u64 = conn_token(d, c),
	};

	if (c->want_out == want || c->fd < 0)
		return;
	/* Changing the mask reports what is ready at once, so no edge is missed. */
	if (epoll_ctl(d->epfd, EPOLL_CTL_MOD, c->fd, &ev) == 0)
		c->want_out = want;
}

void smol_vsockd_queue(struct smol_vsockd *d, struct smol_conn *c)
{
	uint32_t i = smol_conn_index(&d->conns, c);

	if (c->queued)
		return;
	c->queued = true;
	c->queue_next = SMOL_CONN_NONE;
	if (d->queue_last == SMOL_CONN_NONE)
		d->queue_first = i;
	else
		d->conns.c[d->queue_last].queue_next = i;
	d->queue_last = i;
	d->queue_n++;
}

static void want_trim(struct smol_vsockd *d)
{
	if (!d->trim_at)
		d->trim_at = smol_vsockd_now() + SMOL_VSOCKD_TRIM_MS;
}

void smol_vsockd_drop(struct smol_vsockd *d, struct smol_conn *c)
{
	if (c->dirty)
		want_trim(d);
	smol_conn_free(&d->conns, c);
}

void smol_vsockd_retire(struct smol_vsockd *d, struct smol_conn *c, bool rst)
{
	c->deadline = 0;
	c->due = rst && c->hashed ? SMOL_DUE_RST : 0;
	if (!c->due)
		smol_conn_unhash(&d->conns, c);
	if (c->fd >= 0 && smol_conn_buffered(c) && !c->host_deaf) {
		/* nothing the guest has sent is lost; nothing more is taken for it */
		c->state = SMOL_CONN_DRAINING;
		shutdown(c->fd, SHUT_RD);
	} else {
		c->state = SMOL_CONN_CLOSING;
		smol_conn_close_fd(c);
		if (!c->due) {
			smol_vsockd_drop(d, c);
			return;
		}
	}
	if (c->due)
		smol_vsockd_queue(d, c);
}

void smol_vsockd_told_room(struct smol_vsockd *d, struct smol_conn *c)
{
	/* Free space as the guest sees it: since CVE-2026-23069 Linux sends no more ahead than its
	 * own socket would hold. */
	uint32_t most = c->peer_alloc < SMOL_CONN_BUF ? c->peer_alloc : SMOL_CONN_BUF;
	uint32_t flight = c->received - c->told_forwarded;
	uint32_t seen = flight < most ? most - flight : 0;
	uint32_t news = c->forwarded - c->told_forwarded;

	if (c->state != SMOL_CONN_OPEN || news == 0 || seen > most / 2)
		return;
	/* Less than a full packet fits: any news may free a sender. Otherwise wait for some. */
	if (seen >= SMOL_VSOCK_MAX_PAYLOAD && news < SMOL_VSOCK_MAX_PAYLOAD)
		return;
	c->due |= SMOL_DUE_CREDIT;
	smol_vsockd_queue(d, c);
}

void smol_vsockd_deaf(struct smol_vsockd *d, struct smol_conn *c)
{
	uint32_t lost = smol_conn_buffered(c);

	if (c->host_deaf)
		return;
	c->host_deaf = true;
	smol_conn_consume(c, lost);
	c->forwarded += lost;
	if (lost)
		want_trim(d);
	if (c->state == SMOL_CONN_OPEN) {
		c->shut_due |= SMOL_VSOCK_SHUT_RCV;
		smol_vsockd_queue(d, c);
	}
}

/* The buffer ran empty. */
static void drained(struct smol_vsockd *d, struct smol_conn *c)
{
	if (c->dirty)
		want_trim(d);
	if (c->state == SMOL_CONN_DRAINING) {
		if (c->due) {
			c->state = SMOL_CONN_CLOSING;
			smol_conn_close_fd(c);
		} else {
			smol_vsockd_drop(d, c);
		}
		return;
	}
	if ((c->guest_shut & SMOL_VSOCK_SHUT_SEND) && !c->out_shut && c->fd >= 0) {
		c->out_shut = true;
		shutdown(c->fd, SHUT_WR);
	}
	smol_vsockd_told_room(d, c);
}

void smol_vsockd_drain(struct smol_vsockd *d, struct smol_conn *c)
{
	struct iovec iov[2];
	unsigned n;

	while ((n = smol_conn_pieces(&d->conns, c, iov)) > 0) {
		ssize_t w = writev(c->fd, iov, (int)n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) {
			c->writable = false;
			smol_vsockd_want_out(d, c, true);
			smol_vsockd_told_room(d, c);
			return;
		}
		if (w < 0) {
			smol_vsockd_deaf(d, c);
			break;
		}
		smol_conn_consume(c, (uint32_t)w);
		c->forwarded += (uint32_t)w;
	}
	c->writable = true;
	drained(d, c);
}
