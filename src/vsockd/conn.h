/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of connections: fixed records, found by (guest port, host port), each with a buffer
 * for bytes the guest has sent and the host has not taken.
 *
 * Everything lives in one reservation made at start (MAP_NORESERVE): a record or a buffer that is
 * not in use costs address space only, and a buffer that ran empty is given back by
 * smol_conns_trim(). Records are named by index; gen changes with each use, so that an event for
 * an earlier use is recognised. The hash is keyed by a random number: a guest chooses ports freely
 * and must not choose the length of our chains with them.
 */
#ifndef SMOL_VSOCKD_CONN_H
#define SMOL_VSOCKD_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"

/* What we promise a guest for each connection, hence also the size of a buffer. */
#define SMOL_CONN_BUF	(256u * 1024u)
#define SMOL_CONN_MAX	65536u
#define SMOL_CONN_NONE	UINT32_MAX
#define SMOL_CONN_LINE	32u /* longest handshake line, newline included */
#define SMOL_CONN_MARKS 16u

enum smol_conn_state {
	SMOL_CONN_FREE = 0,
	SMOL_CONN_HANDSHAKE, /* a client that has not finished its CONNECT line */
	SMOL_CONN_REQUESTED, /* REQUEST is due or sent, no answer yet */
	SMOL_CONN_DIALLING,  /* the guest asked; the host's listener has no room yet */
	SMOL_CONN_OPEN,
	SMOL_CONN_DRAINING, /* gone for the guest; the host takes what is in the buffer */
	SMOL_CONN_CLOSING,  /* gone for the host; only an RST is due */
};

/* Packets that are due to the guest */
#define SMOL_DUE_REQUEST    0x01u
#define SMOL_DUE_RESPONSE   0x02u
#define SMOL_DUE_RST	    0x04u
#define SMOL_DUE_CREDIT	    0x08u
#define SMOL_DUE_ASK_CREDIT 0x10u

/* A point in the stream to the guest, and what was sent between the mark before and it. */
struct smol_conn_mark {
	uint32_t end;
	uint32_t packets;
	uint32_t cost; /* their bytes and SMOL_PACKET_COST for each */
};

struct smol_conn {
	uint8_t state;
	uint8_t due;
	uint8_t shut_due;   /* flags of SHUTDOWN the guest should have been told … */
	uint8_t shut_told;  /* … and those it was */
	uint8_t guest_shut; /* flags of SHUTDOWN the guest told us */
	bool hashed, queued;
	bool request_sent;
	bool readable; /* the socket may have bytes or an end for us */
	bool read_up;  /* epoll told of an end, or of an urgent byte that ends a read early */
	bool bulk;     /* reads have been filled: make them large */
	bool watched;  /* in the epoll */
	bool writable;
	bool want_out;	/* EPOLLOUT is asked for */
	bool host_end;	/* read() said end of file */
	bool host_deaf; /* the host takes no more: what the guest sends is dropped */
	bool out_shut;	/* shutdown(SHUT_WR) done */
	bool dirty;	/* the buffer has pages */
	uint8_t line_len;
	uint8_t mark_first, mark_n;
	int fd;
	uint32_t gen;
	uint32_t next; /* in the hash chain, or in the free list */
	uint32_t queue_next;
	uint32_t guest_port, host_port;
	/* to the guest: bytes sent, what it has taken of them, the size of its buffer */
	uint32_t sent, peer_fwd, peer_alloc;
	uint32_t packets;   /* sent, not yet taken (an upper bound) */
	uint32_t since_ask; /* packets sent since credit was last asked for */
	/* from the guest: bytes received, passed on, passed on as the guest knows */
	uint32_t received, forwarded, told_forwarded;
	/* the buffer: positions without bound, taken modulo its size */
	uint32_t buf_in, buf_out;
	uint32_t ask_wait; /* ms until the next CREDIT_REQUEST; doubles */
	uint32_t tries;	   /* attempts to reach the host's listener */
	uint64_t deadline; /* ms of CLOCK_MONOTONIC, 0 for none */
	char line[SMOL_CONN_LINE];
	struct smol_conn_mark mark[SMOL_CONN_MARKS];
};

/* A connection as it is noted outside of this process: all that is needed to reset it. */
struct smol_conn_note {
	uint32_t guest_port, host_port, live, unused;
};

struct smol_conns {
	struct smol_conn *c;
	struct smol_conn_note *note; /* one for each record, or NULL: see smol_conns_notes() */
	uint32_t *bucket;
	uint8_t *buffers;
	uint32_t max, buckets, used, free_head;
	uint32_t high; /* records ever used: no walk goes past it */
	uint32_t next_port;
	uint64_t key;
	void *map;
	size_t map_len;
};

int smol_conns_init(struct smol_conns *t, uint32_t max, struct smol_err *err);
void smol_conns_destroy(struct smol_conns *t);

/* Note each connection's ports in fd, a memfd that outlives this process (its size is set here).
 * What an earlier device left there becomes connections in state CLOSING, hashed and with an RST
 * due: the guest's sockets learn that their device died, and their ports are not used again before.
 * The notes are only ports, so it does not matter who wrote them. */
int smol_conns_notes(struct smol_conns *t, int fd, struct smol_err *err);

/* A fresh record in state HANDSHAKE with fd, which it owns from now on; NULL when full. */
struct smol_conn *smol_conn_new(struct smol_conns *t, int fd);
/* Close the socket, take the record out of the hash, free it. */
void smol_conn_free(struct smol_conns *t, struct smol_conn *c);
void smol_conn_close_fd(struct smol_conn *c);

struct smol_conn *smol_conn_find(
    const struct smol_conns *t, uint32_t guest_port, uint32_t host_port);
void smol_conn_hash(
    struct smol_conns *t, struct smol_conn *c, uint32_t guest_port, uint32_t host_port);
void smol_conn_unhash(struct smol_conns *t, struct smol_conn *c);
/* A host port for a connection to guest_port that no live connection has. */
uint32_t smol_conn_port(struct smol_conns *t, uint32_t guest_port);

static inline uint32_t smol_conn_index(const struct smol_conns *t, const struct smol_conn *c)
{
	return (uint32_t)(c - t->c);
}
static inline uint32_t smol_conn_buffered(const struct smol_conn *c)
{
	return c->buf_in - c->buf_out;
}
/* Append; the caller has checked that len fits. */
void smol_conn_buffer(struct smol_conns *t, struct smol_conn *c, const void *data, uint32_t len);
/* The buffered bytes as 0, 1 or 2 pieces. */
unsigned smol_conn_pieces(
    const struct smol_conns *t, const struct smol_conn *c, struct iovec iov[2]);
/* Drop len bytes from the front. */
void smol_conn_consume(struct smol_conn *c, uint32_t len);
/* Give the pages of empty buffers back to the system. */
void smol_conns_trim(struct smol_conns *t);

/*
 * Credit towards the guest (5.10.6.3). Linux 6.12.92 and later charge 576 bytes for each packet in
 * a socket's queue against the very buffer we are told the size of: 6.12.92 and .93 together with
 * its bytes, later ones by itself. Past it they drop bytes or reset the connection; the
 * specification has no field for that, so packets are counted too, in the stricter way.
 */
#define SMOL_PACKET_COST 640u
/* The guest told its buffer's size and how much it has taken. */
void smol_conn_credit(struct smol_conn *c, uint32_t buf_alloc, uint32_t fwd_cnt);
/* Bytes that may be sent in one packet now, each further packet costing SMOL_PACKET_COST more. */
uint32_t smol_conn_window(const struct smol_conn *c);
/* One packet of len bytes was sent. */
void smol_conn_sent(struct smol_conn *c, uint32_t len);

#endif
