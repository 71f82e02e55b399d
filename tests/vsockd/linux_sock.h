/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest's stream socket that accounts for what it receives as Linux does
 * (net/vmw_vsock/virtio_transport_common.c), each packet a buffer of its own: nothing is merged, so
 * this is the strictest Linux there can be.
 *
 * A packet is refused, and then bytes are lost or the connection is reset,
 *   6.12.92, 6.12.93: when its overhead, that of the packets queued, their bytes and its own pass
 *                     buf_alloc;
 *   6.12.94 on:       when bytes pass buf_alloc, or overhead alone does.
 * Credit is told when it is asked for, and after a read that emptied the queue or found less than
 * 64 KiB free as the sender knows it; a packet counts as read when its last byte was.
 */
#ifndef SMOL_TESTS_VSOCKD_LINUX_SOCK_H
#define SMOL_TESTS_VSOCKD_LINUX_SOCK_H

#include "rig.h"

#define LINUX_OVERHEAD 576u /* SKB_TRUESIZE(0) on 64 bits */
#define LINUX_QUEUE    16384u

enum linux_rule { LINUX_6_12_92, LINUX_6_12_94 };

struct linux_sock {
	struct player_sock s;
	enum linux_rule rule;
	uint32_t len[LINUX_QUEUE]; /* packets queued */
	uint32_t first, last;	   /* free-running */
	uint32_t offset;	   /* bytes read of the first of them */
	uint32_t bytes;		   /* queued and not read */
	uint32_t used;		   /* bytes of all packets queued */
	uint32_t got;		   /* bytes of all packets there were */
	uint32_t told;		   /* fwd_cnt as it was last sent */
	unsigned refused;	   /* packets: the test has failed */
	unsigned packets, asked;
	uint64_t received, read;
};

/* Take what is in the ring; bytes must be those of rig_byte(). */
void linux_take(struct rig *r, struct linux_sock *l);
/* The program in the guest reads up to n bytes; how many it got. */
uint32_t linux_read(struct rig *r, struct linux_sock *l, uint32_t n);

#endif
