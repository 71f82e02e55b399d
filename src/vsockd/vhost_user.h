/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The vhost-user protocol, back-end side: what QEMU says over the Unix socket to set the device up.
 *
 * Messages are gathered without blocking and handed, complete and with their size checked against
 * a table, to one handler each. Descriptors that a message has no use for are closed.
 */
#ifndef SMOL_VSOCKD_VHOST_USER_H
#define SMOL_VSOCKD_VHOST_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vsockd/guest_mem.h"
#include "vsockd/vring.h"

#define SMOL_VIRTIO_F_INDIRECT_DESC 28u
#define SMOL_VIRTIO_F_EVENT_IDX	    29u
#define SMOL_VIRTIO_F_VERSION_1	    32u

#define SMOL_VU_HDR	12u
#define SMOL_VU_PAYLOAD 512u /* the longest message known has 272 bytes */
#define SMOL_VU_FDS	8u

struct smol_vsockd;

struct smol_vu {
	int fd;		   /* the front end, -1 when there is none */
	uint64_t features; /* as negotiated */
	uint64_t protocol; /* protocol features as negotiated */
	uint64_t bad;	   /* messages refused */
	uint32_t have;	   /* bytes of the message being gathered */
	unsigned nfds;
	int fds[SMOL_VU_FDS]; /* came with it */
	_Alignas(8) uint8_t buf[SMOL_VU_HDR + 4 + SMOL_VU_PAYLOAD];
};

void smol_vu_init(struct smol_vu *vu);
void smol_vu_attach(struct smol_vu *vu, int fd);
void smol_vu_detach(struct smol_vu *vu);
/* Close a ring's descriptors and forget what was said about it; the ring is stopped. */
void smol_vu_ring_clear(struct smol_vring *vr);
#define SMOL_VU_GONE (-1)
#define SMOL_VU_BAD  (-2)
/* Read and carry out what has arrived: 0, or SMOL_VU_GONE at its end, or SMOL_VU_BAD (logged) when
 * the front end sent what ends the session. */
int smol_vu_run(struct smol_vsockd *d);

static inline bool smol_vu_has(const struct smol_vu *vu, unsigned feature)
{
	return (vu->features >> feature) & 1;
}

#endif
