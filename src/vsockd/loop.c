/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: the device's loop: waiting, events, deadlines.
 *
 * Invariant: an event carries the generation of its record, so that one fetched before the record
 * was freed is dropped.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "vsockd/device.h"
#include "vsockd/log.h"
#include "vsockd/uds.h"

#define EVENTS	   128
#define POLL_NS	   50000u /* a wait below this is short */
#define POLL_BYTES 4096u  /* moved since the last wait; more is bulk */
#define POLL_FROM  8u
#define POLL_MAX   16u
#define POLL_MISS  4

uint64_t smol_vsockd_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int smol_vsockd_add(struct smol_vsockd *d, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return epoll_ctl(d->epfd, EPOLL_CTL_ADD, fd, &ev);
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
		smol_vsockd_deaf(d, c);
		if (c->state == SMOL_CONN_DRAINING) {
			smol_vsockd_drain(d, c);
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

	switch ((enum smol_vsockd_tag)(t >> SMOL_TAG_SHIFT)) {
	case SMOL_TAG_VHOST:
		rc = smol_vu_run(d);
		if (rc < 0)
			return rc == SMOL_VU_GONE ? SMOL_TURN_GONE : SMOL_TURN_BAD;
		break;
	case SMOL_TAG_LISTEN:
		smol_uds_accept(d);
		break;
	case SMOL_TAG_KICK_RX:
		d->rx_empty = false;
		break;
	case SMOL_TAG_KICK_TX:
		d->tx_kick = true;
		break;
	case SMOL_TAG_OTHER:
		return SMOL_TURN_OTHER;
	case SMOL_TAG_CONN:
		if (i < d->conns.high && d->conns.c[i].state != SMOL_CONN_FREE &&
		    (d->conns.c[i].gen & SMOL_GEN_MASK) == (uint32_t)(t >> 32))
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
	if (d->listen_again && now >= d->listen_again)
		smol_uds_listen_again(d);
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
static bool one_way(const struct smol_vsockd *d)
{
	return d->way == d->last_way && (d->way == SMOL_WAY_GUEST || d->way == SMOL_WAY_HOST);
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
	if (d->way)
		d->last_way = d->way;
	d->way = 0;
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
	smol_tx_run(d, false);
	smol_rx_run(d);
	deadlines(d);
	return d->memory_gone ? memory_gone(d) : result;
}
