/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packets of a virtio socket device (virtio 1.2, section 5.10.6), in host form.
 *
 * A header travels as 44 bytes, little-endian and packed. It is copied out of guest memory exactly
 * once into struct smol_vsock_hdr; nobody looks at the guest's copy again, so what has been checked
 * cannot change afterwards.
 */
#ifndef SMOL_VSOCKD_PACKET_H
#define SMOL_VSOCKD_PACKET_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define SMOL_VSOCK_HDR_LEN     44u
/* The largest payload Linux puts into one packet; a bigger one is a bad packet. */
#define SMOL_VSOCK_MAX_PAYLOAD (64u * 1024u)

#define SMOL_VSOCK_CID_HOST 2u
#define SMOL_VSOCK_CID_MIN  3u
#define SMOL_VSOCK_CID_MAX  0xfffffffeu
#define SMOL_VSOCK_PORT_ANY 0xffffffffu

#define SMOL_VSOCK_TYPE_STREAM 1u

enum smol_vsock_op {
	SMOL_VSOCK_OP_INVALID = 0,
	SMOL_VSOCK_OP_REQUEST = 1,
	SMOL_VSOCK_OP_RESPONSE = 2,
	SMOL_VSOCK_OP_RST = 3,
	SMOL_VSOCK_OP_SHUTDOWN = 4,
	SMOL_VSOCK_OP_RW = 5,
	SMOL_VSOCK_OP_CREDIT_UPDATE = 6,
	SMOL_VSOCK_OP_CREDIT_REQUEST = 7,
};

/* Flags of SHUTDOWN: the sender will not receive, or not send, any more. */
#define SMOL_VSOCK_SHUT_RCV  1u
#define SMOL_VSOCK_SHUT_SEND 2u
#define SMOL_VSOCK_SHUT_BOTH 3u

struct smol_vsock_hdr {
	uint64_t src_cid;
	uint64_t dst_cid;
	uint32_t src_port;
	uint32_t dst_port;
	uint32_t len; /* bytes of payload behind the header */
	uint16_t type;
	uint16_t op;
	uint32_t flags;
	uint32_t buf_alloc; /* size of the sender's receive buffer */
	uint32_t fwd_cnt;   /* bytes the sender has taken out of it, modulo 2^32 */
};

struct smol_vsock_wire {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct smol_vsock_wire) == SMOL_VSOCK_HDR_LEN, "vsock header is 44 bytes");

static inline void smol_vsock_hdr_get(struct smol_vsock_hdr *h, const void *raw)
{
	struct smol_vsock_wire w;

	memcpy(&w, raw, sizeof(w));
	h->src_cid = le64toh(w.src_cid);
	h->dst_cid = le64toh(w.dst_cid);
	h->src_port = le32toh(w.src_port);
	h->dst_port = le32toh(w.dst_port);
	h->len = le32toh(w.len);
	h->type = le16toh(w.type);
	h->op = le16toh(w.op);
	h->flags = le32toh(w.flags);
	h->buf_alloc = le32toh(w.buf_alloc);
	h->fwd_cnt = le32toh(w.fwd_cnt);
}

static inline void smol_vsock_hdr_put(void *raw, const struct smol_vsock_hdr *h)
{
	struct smol_vsock_wire w = {
	    .src_cid = htole64(h->src_cid),
	    .dst_cid = htole64(h->dst_cid),
	    .src_port = htole32(h->src_port),
	    .dst_port = htole32(h->dst_port),
	    .len = htole32(h->len),
	    .type = htole16(h->type),
	    .op = htole16(h->op),
	    .flags = htole32(h->flags),
	    .buf_alloc = htole32(h->buf_alloc),
	    .fwd_cnt = htole32(h->fwd_cnt),
	};

	memcpy(raw, &w, sizeof(w));
}

#endif
