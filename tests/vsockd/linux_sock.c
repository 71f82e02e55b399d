/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: a guest's socket with Linux's accounting; see linux_sock.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "linux_sock.h"

static void tell(struct rig *r, struct linux_sock *l)
{
	l->told = l->s.fwd;
	player_op(&r->p, &l->s, SMOL_VSOCK_OP_CREDIT_UPDATE, 0);
}

static bool fits(const struct linux_sock *l, uint32_t len)
{
	uint64_t overhead = (uint64_t)(l->last - l->first + 1) * LINUX_OVERHEAD;
	uint64_t bytes = (uint64_t)l->used + len;

	if (l->rule == LINUX_6_12_92)
		return overhead + bytes <= l->s.buf_alloc;
	return bytes <= l->s.buf_alloc && overhead <= l->s.buf_alloc;
}

static void queue(struct linux_sock *l, const struct player_packet *pkt)
{
	uint32_t len = pkt->h.len;

	l->packets++;
	if (!fits(l, len)) {
		l->refused++;
		return;
	}
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(pkt->data[i], rig_byte(l->received + i));
	assert_true(l->last - l->first < LINUX_QUEUE);
	l->len[l->last++ % LINUX_QUEUE] = len;
	l->received += len;
	l->bytes += len;
	l->used += len;
	l->got += len;
}

void linux_take(struct rig *r, struct linux_sock *l)
{
	struct player_packet pkt;

	while (player_rx_next(&r->p, &pkt)) {
		l->s.peer_alloc = pkt.h.buf_alloc;
		l->s.peer_fwd = pkt.h.fwd_cnt;
		l->s.reset |= pkt.h.op == SMOL_VSOCK_OP_RST;
		if (pkt.h.op == SMOL_VSOCK_OP_SHUTDOWN)
			l->s.host_shut |= pkt.h.flags;
		if (pkt.h.op == SMOL_VSOCK_OP_RW)
			queue(l, &pkt);
		if (pkt.h.op == SMOL_VSOCK_OP_CREDIT_REQUEST) {
			l->asked++;
			tell(r, l);
		}
		player_rx_done(&r->p, &pkt);
	}
	player_kick(&r->p, PLAYER_RX);
}

uint32_t linux_read(struct rig *r, struct linux_sock *l, uint32_t n)
{
	uint32_t done = 0, room;

	while (done < n && l->first != l->last) {
		uint32_t len = l->len[l->first % LINUX_QUEUE];
		uint32_t take = len - l->offset < n - done ? len - l->offset : n - done;

		l->offset += take;
		l->bytes -= take;
		done += take;
		if (l->offset < len)
			break;
		l->offset = 0;
		l->first++;
		l->used -= len;
		l->s.fwd += len;
	}
	l->read += done;
	/* as the sender knows it; modulo 2^32, as there */
	room = l->s.buf_alloc - (l->got - l->told);
	if (l->s.fwd != l->told && (room < SMOL_VSOCK_MAX_PAYLOAD || l->bytes == 0))
		tell(r, l);
	return done;
}
