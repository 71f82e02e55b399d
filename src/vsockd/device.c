/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: set-up and tear-down, the loop, events and deadlines; what a connection does when one
 * of its sides ends.
 *
 * Invariants: a connection whose buffer has bytes is not writable and waits for EPOLLOUT; an event
 * carries the generation of its record, so that one fetched before the record was freed is
 * dropped; next_deadline is never later than the earliest deadline.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vsockd/device.h"
#include "vsockd/log.h"
#include "vsockd/uds.h"

#define EVENTS	   128
#define POLL_NS	   50000u /* a wait below this is short */
#define POLL_BYTES 4096u  /* moved since the last wait; more is bulk */
#define POLL_FROM  8u
#define POLL_MAX   16u
#define POLL_MISS  4

/* What an epoll event is about: bits 60…63; a connection's has gen and index below. */
enum tag { TAG_CONN = 0, TAG_VHOST, TAG_LISTEN, TAG_KICK_RX, TAG_KICK_TX, TAG_OTHER };

#define GEN_MASK    0x0fffffffu
#define CONN_EVENTS (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

static uint64_t token(enum tag tag)
{
	return (uint64_t)tag << 60;
}

uint64_t smol_vsockd_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- set-up ---- */

static int watch(struct smol_vsockd *d, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return epoll_ctl(d->epfd, EPOLL_CTL_ADD, fd, &ev);
}

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
	    watch(d, d->listen_fd, EPOLLIN, token(TAG_LISTEN)) < 0)
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
	if (watch(d, fd, EPOLLIN, token(TAG_OTHER)) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot watch a descriptor");
	return 0;
}

int smol_vsockd_attach(struct smol_vsockd *d, int fd, struct smol_err *err)
{
	smol_vu_attach(&d->vu, fd);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || watch(d, fd, EPOLLIN, token(TAG_VHOST)) < 0)
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
	if (watch(d, vr->kick_fd, EPOLLIN | EPOLLET,
		token(i == SMOL_VSOCKD_RX ? TAG_KICK_RX : TAG_KICK_TX)) < 0)
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
 * it meanwhile is heard for its size once. */
static void take_the_rest(struct smol_vsockd *d)
{
	const struct smol_vring *vr = &d->vq[SMOL_VSOCKD_TX];
	uint16_t from = vr->last_avail, before;

	if (vr->broken)
		return;
	do {
		before = vr->last_avail;
		d->tx_kick = true;
		smol_tx_run(d);
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
	return ((uint64_t)(c->gen & GEN_MASK) << 32) | smol_conn_index(&d->conns, c);
}

int smol_vsockd_watch_conn(struct smol_vsockd *d, struct smol_conn *c)
{
	if (c->watched)
		return 0;
	c->watched = true;
	return watch(d, c->fd, CONN_EVENTS, conn_token(d, c));
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
	c->shut_due = c->shut_told;
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
	/* free space as the guest sees it */
	uint32_t seen = SMOL_CONN_BUF - (c->received - c->told_forwarded);
	uint32_t news = c->forwarded - c->told_forwarded;

	if (c->state != SMOL_CONN_OPEN || news == 0 || seen > SMOL_CONN_BUF / 2)
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

/* ---- events ---- */

static void conn_event(struct smol_vsockd *d, struct smol_conn *c, uint32_t events)
{
	uint32_t gen = c->gen;

	if (c->state == SMOL_CONN_HANDSHAKE) {
		smol_uds_handshake(d, c);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR)) {
		c->host_gone = true;
		smol_vsockd_deaf(d, c);
		if (c->state == SMOL_CONN_DRAINING) {
			drained(d, c);
			return;
		}
		if (c->host_end)
			c->shut_due = SMOL_VSOCK_SHUT_BOTH;
	}
	if (events & EPOLLOUT) {
		if (smol_conn_buffered(c))
			smol_vsockd_drain(d, c);
		else
			smol_vsockd_want_out(d, c, false);
		if (c->gen != gen || c->state == SMOL_CONN_FREE)
			return;
	}
	if (c->state != SMOL_CONN_OPEN && c->state != SMOL_CONN_REQUESTED)
		return;
	if (events & (EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR))
		c->read_up = true;
	if (!c->host_end)
		c->readable = true;
	if (c->state == SMOL_CONN_OPEN)
		smol_vsockd_queue(d, c);
}

static enum smol_vsockd_turn dispatch(struct smol_vsockd *d, const struct epoll_event *ev)
{
	uint64_t t = ev->data.u64;
	uint32_t i = (uint32_t)t;
	int rc;

	switch ((enum tag)(t >> 60)) {
	case TAG_VHOST:
		rc = smol_vu_run(d);
		if (rc < 0)
			return rc == SMOL_VU_GONE ? SMOL_TURN_GONE : SMOL_TURN_BAD;
		break;
	case TAG_LISTEN:
		smol_uds_accept(d);
		break;
	case TAG_KICK_RX:
		d->rx_empty = false;
		break;
	case TAG_KICK_TX:
		d->tx_kick = true;
		break;
	case TAG_OTHER:
		return SMOL_TURN_OTHER;
	case TAG_CONN:
		if (i < d->conns.high && d->conns.c[i].state != SMOL_CONN_FREE &&
		    (d->conns.c[i].gen & GEN_MASK) == (uint32_t)(t >> 32))
			conn_event(d, &d->conns.c[i], ev->events);
		break;
	}
	return SMOL_TURN_OK;
}

/* ---- deadlines ---- */

static void expired(struct smol_vsockd *d, struct smol_conn *c)
{
	c->deadline = 0;
	switch ((enum smol_conn_state)c->state) {
	case SMOL_CONN_HANDSHAKE:
		smol_vsockd_drop(d, c);
		break;
	case SMOL_CONN_REQUESTED:
		smol_vsockd_retire(d, c, c->request_sent);
		break;
	case SMOL_CONN_DIALLING:
		smol_uds_dial(d, c);
		break;
	case SMOL_CONN_OPEN:
		if (c->shut_told == SMOL_VSOCK_SHUT_BOTH) {
			smol_vsockd_retire(d, c, true);
			break;
		}
		c->due |= SMOL_DUE_ASK_CREDIT;
		smol_vsockd_queue(d, c);
		break;
	default:
		break;
	}
}

static void deadlines(struct smol_vsockd *d)
{
	uint64_t now, next = 0;

	if (!d->next_deadline && !d->trim_at && !d->listen_again && !d->signal_at)
		return;
	now = smol_vsockd_now();
	if (d->signal_at && now >= d->signal_at) {
		d->signal_at = 0;
		smol_vring_signal(&d->vq[SMOL_VSOCKD_TX]);
	}
	if (d->next_deadline && now >= d->next_deadline) {
		d->next_deadline = 0;
		for (uint32_t i = 0; i < d->conns.high; i++) {
			struct smol_conn *c = &d->conns.c[i];

			if (c->deadline && now >= c->deadline)
				expired(d, c);
			if (c->deadline && (!next || c->deadline < next))
				next = c->deadline;
		}
		d->next_deadline = next;
	}
	if (d->trim_at && now >= d->trim_at) {
		d->trim_at = 0;
		smol_conns_trim(&d->conns);
	}
	if (d->listen_again && now >= d->listen_again) {
		d->listen_again = 0;
		d->listening = watch(d, d->listen_fd, EPOLLIN, token(TAG_LISTEN)) == 0;
	}
}

static int timeout(const struct smol_vsockd *d, int max_wait)
{
	const uint64_t at[] = {d->next_deadline, d->trim_at, d->listen_again, d->signal_at};
	uint64_t first = 0, now;

	if (d->tx_kick && d->vq[SMOL_VSOCKD_TX].active && d->stray_n < SMOL_VSOCKD_RSTS)
		return 0;
	if (smol_rx_ready(d))
		return 0;
	for (unsigned i = 0; i < 4; i++) {
		if (at[i] && (!first || at[i] < first))
			first = at[i];
	}
	if (!first)
		return max_wait;
	now = smol_vsockd_now();
	first = first > now ? first - now : 0;
	if (max_wait >= 0 && first > (uint64_t)max_wait)
		return max_wait;
	return first > 3600000 ? 3600000 : (int)first;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A stream, not a talk: what was moved since the last wait went the way that it went before. */
static bool one_way(struct smol_vsockd *d)
{
	uint8_t way = d->way;

	if (!way)
		return false;
	d->way = 0;
	if (way != d->last_way || way == (SMOL_WAY_GUEST | SMOL_WAY_HOST)) {
		d->last_way = way;
		return false;
	}
	return true;
}

/* Sleep for events. While both sides talk in small words and answer at once, the next word is
 * awaited awake: waking up takes longer than that. Bulk is never awaited so, it has better uses for
 * the CPU; and a few waits that were long end it. */
static int wait_events(struct smol_vsockd *d, struct epoll_event *ev, int wait)
{
	struct smol_vring *tx = &d->vq[SMOL_VSOCKD_TX];
	uint64_t from = now_ns();
	/* else what is in the ring has to wait for something else, and so do we */
	bool looked_at = !d->tx_kick;
	int n = 0;

	if (d->quick >= POLL_FROM && looked_at) {
		do
			n = epoll_wait(d->epfd, ev, EVENTS, 0);
		while (n == 0 && !smol_vring_pending(tx) && now_ns() - from < POLL_NS);
	}
	if (n == 0 && looked_at && (smol_vring_pending(tx) || smol_vring_want_kick(tx)))
		wait = 0;
	if (n == 0)
		n = epoll_wait(d->epfd, ev, EVENTS, wait);
	if (d->moved > POLL_BYTES || one_way(d) || now_ns() - from >= POLL_NS)
		d->quick -= d->quick < POLL_MISS ? d->quick : POLL_MISS;
	else if (d->quick < POLL_MAX)
		d->quick++;
	d->moved = 0;
	return n;
}

/* The front end cut a file short, or there is no huge page for it. The rings may be in what is
 * missing: touching them would be SIGBUS, which ends the process. */
static enum smol_vsockd_turn memory_gone(struct smol_vsockd *d)
{
	d->memory_gone = false;
	smol_rx_return(d);
	for (unsigned i = 0; i < 2; i++) {
		if (d->vq[i].active)
			smol_vsockd_ring_lost(d, i);
	}
	smol_vsockd_log("guest memory went away");
	return SMOL_TURN_BAD;
}

static bool is_end(enum smol_vsockd_turn r)
{
	return r == SMOL_TURN_GONE || r == SMOL_TURN_BAD;
}

enum smol_vsockd_turn smol_vsockd_turn(struct smol_vsockd *d, int max_wait)
{
	struct epoll_event ev[EVENTS];
	enum smol_vsockd_turn result = SMOL_TURN_OK;
	int wait = timeout(d, max_wait), n;

	n = wait ? wait_events(d, ev, wait) : epoll_wait(d->epfd, ev, EVENTS, 0);
	if (n < 0 && errno != EINTR)
		return SMOL_TURN_FAILED;
	for (int i = 0; i < n; i++) {
		enum smol_vsockd_turn r = dispatch(d, &ev[i]);

		/* also behind the front end's last event: what clients did is not told again */
		if (r != SMOL_TURN_OK && !is_end(result))
			result = r;
	}
	if (is_end(result))
		return result;
	/* kicks are off while the loop is awake */
	d->tx_kick |= smol_vring_pending(&d->vq[SMOL_VSOCKD_TX]);
	smol_tx_run(d);
	smol_rx_run(d);
	deadlines(d);
	return d->memory_gone ? memory_gone(d) : result;
}
