/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The device: a virtio socket device (virtio 1.2, section 5.10) behind vhost-user, whose host side
 * is a Unix socket that speaks the `CONNECT port` protocol.
 *
 * One thread, one epoll. A turn of the loop (loop.c) gathers events, takes packets from the guest
 * (tx.c), fills the guest's buffers (rx.c), then signals each ring at most once per batch. What
 * rings and connections do when they begin and end is in device.c. Sockets are watched
 * edge-triggered and what is known of them is kept in the connection, so that a socket that nobody
 * can serve yet causes no wake-ups.
 *
 * struct smol_vsockd is large and meant to be static; it owns every descriptor in it. After
 * smol_vsockd_init() nothing here allocates memory.
 */
#ifndef SMOL_VSOCKD_DEVICE_H
#define SMOL_VSOCKD_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vsockd/conn.h"
#include "vsockd/guest_mem.h"
#include "vsockd/packet.h"
#include "vsockd/vhost_user.h"
#include "vsockd/vring.h"

#define SMOL_VSOCKD_UDS_MAX 96u /* leaves room for "_4294967295" in sun_path */
#define SMOL_VSOCKD_RX	    0u	/* queue the guest receives from */
#define SMOL_VSOCKD_TX	    1u

#define SMOL_VSOCKD_SLOTS    64u
#define SMOL_VSOCKD_SLOT_IOV 6u
#define SMOL_VSOCKD_RSTS     256u /* with so many due no more packets are taken, … */
#define SMOL_VSOCKD_STRAYS   (SMOL_VSOCKD_RSTS + SMOL_VRING_MAX) /* but for a ring's last ones */

#define SMOL_VSOCKD_HANDSHAKE_MS 10000u /* for the CONNECT line, then again for the answer */
#define SMOL_VSOCKD_LINGER_MS	 60000u /* for the guest's RST after a full SHUTDOWN */
#define SMOL_VSOCKD_TRIM_MS	 1000u
#define SMOL_VSOCKD_SIGNAL_MS	 20u /* longest delay of a transmit ring's signal */

#define SMOL_WAY_GUEST 1u
#define SMOL_WAY_HOST  2u

struct smol_vsockd_config {
	int notes_fd; /* smol_conns_notes(), -1 for none; stays the caller's */
	uint32_t guest_cid;
	uint32_t max_connections;
	const char *uds_path; /* copied */
	int listen_fd;	      /* taken over */
};

/* A guest receive buffer that was taken from the ring and not yet filled. */
struct smol_rx_slot {
	uint16_t head;
	uint16_t nh, n; /* pieces for the header, pieces for the payload */
	uint32_t cap;	/* bytes the payload pieces hold */
	struct iovec *iov;
	struct iovec in[SMOL_VSOCKD_SLOT_IOV];
};

/* An RST for packets that belong to no connection. */
struct smol_stray {
	uint64_t cid; /* the host address the guest spoke to */
	uint32_t guest_port, host_port;
	uint16_t type;
};

/* Where a ring stood when it was stopped: going on from there is a pause, anything else a reset. */
struct smol_ring_mark {
	bool valid;
	uint16_t num, base;
	uint64_t desc_user, avail_user, used_user;
};

struct smol_vsockd_stats {
	uint64_t bad_chains, bad_packets, strays, refused, resets, broken_rings, bad_messages;
	uint64_t drivers; /* of the guest, that began anew */
	uint64_t opened;  /* connections that both sides have agreed to */
};

struct smol_vsockd {
	uint32_t guest_cid;
	char uds_path[SMOL_VSOCKD_UDS_MAX + 1];
	int epfd, listen_fd, reserve_fd;
	bool listening;		/* listen_fd is watched */
	uint64_t listen_again;	/* when it is to be watched again, 0 */
	uint64_t next_deadline; /* no connection's deadline is earlier; 0 when there is none */
	uint64_t trim_at;
	uint64_t signal_at; /* the transmit ring has an unsent signal */
	struct smol_guest_mem gm;
	struct smol_vring vq[2];
	struct smol_ring_mark mark[2];
	struct smol_vu vu;
	struct smol_conns conns;
	struct smol_vsockd_stats stats;
	bool memory_gone; /* a system call met guest memory without a file behind it */
	bool tx_kick;	  /* the guest's packets are to be looked at */
	/* What tells a talk from a stream, see wait_events(): */
	uint8_t quick;	       /* how many of the last waits were short */
	uint8_t way, last_way; /* where payload went since the last wait, and before: SMOL_WAY_… */
	uint32_t moved;	       /* bytes of it */
	bool rx_empty;	       /* there was no buffer for what is due */
	/* connections that have something for the guest */
	uint32_t queue_first, queue_last, queue_n;
	struct smol_stray stray[SMOL_VSOCKD_STRAYS];
	uint32_t stray_first, stray_n;
	/* receive buffers at hand */
	struct smol_rx_slot slot[SMOL_VSOCKD_SLOTS];
	uint32_t slot_first, slot_n;
	bool big_used;
	struct iovec big[SMOL_VRING_IOV + 2]; /* pieces of the one slot too scattered for in[] */
	struct iovec chain[SMOL_VRING_IOV];
	struct iovec rx_iov[1024];
	/* payload of consecutive packets of one connection, not yet written */
	struct smol_conn *batch;
	uint32_t batch_n, batch_len;
	struct iovec batch_iov[2 * SMOL_VRING_IOV];
};

int smol_vsockd_init(
    struct smol_vsockd *d, const struct smol_vsockd_config *cfg, struct smol_err *err);
void smol_vsockd_destroy(struct smol_vsockd *d);

/* Serve the front end connected on fd, which is taken over. */
int smol_vsockd_attach(struct smol_vsockd *d, int fd, struct smol_err *err);
/* The front end is gone: rings, memory and connections of its guest go too. What the guest had sent
 * is still passed on (smol_vsockd_turn()). */
void smol_vsockd_detach(struct smol_vsockd *d);
/* No more clients. */
void smol_vsockd_close_listener(struct smol_vsockd *d);
/* Bytes of connections that have ended for the guest, which the host has not taken yet. */
uint64_t smol_vsockd_left(const struct smol_vsockd *d);

enum smol_vsockd_turn {
	SMOL_TURN_OK,
	SMOL_TURN_GONE,	  /* the front end closed its end */
	SMOL_TURN_BAD,	  /* the front end sent what cannot be carried out (logged) */
	SMOL_TURN_OTHER,  /* the descriptor added by smol_vsockd_watch() is readable */
	SMOL_TURN_FAILED, /* the loop itself cannot go on; errno tells why */
};
/* One turn of the loop: waits at most max_wait ms (-1: for ever) unless there is work. */
enum smol_vsockd_turn smol_vsockd_turn(struct smol_vsockd *d, int max_wait);
/* Have smol_vsockd_turn() report when fd is readable (level-triggered). */
int smol_vsockd_watch(struct smol_vsockd *d, int fd, struct smol_err *err);

/* ---- between the device's own files ---- */

/* What an epoll event is about: bits 60…63; a connection's has gen and index below. */
enum smol_vsockd_tag {
	SMOL_TAG_CONN = 0,
	SMOL_TAG_VHOST,
	SMOL_TAG_LISTEN,
	SMOL_TAG_KICK_RX,
	SMOL_TAG_KICK_TX,
	SMOL_TAG_OTHER
};
#define SMOL_TAG_SHIFT 60
#define SMOL_GEN_MASK  0x0fffffffu

static inline uint64_t smol_vsockd_token(enum smol_vsockd_tag tag)
{
	return (uint64_t)tag << SMOL_TAG_SHIFT;
}
/* Have the loop hear of events on fd; as epoll_ctl() returns. */
int smol_vsockd_add(struct smol_vsockd *d, int fd, uint32_t events, uint64_t token);

/* Start each ring that has all it needs and does not run (called after each message). */
int smol_vsockd_rings_start(struct smol_vsockd *d, unsigned i, struct smol_err *err);
void smol_vsockd_ring_stop(struct smol_vsockd *d, unsigned i);
/* The same for a running ring whose memory is gone: it is not touched any more. */
void smol_vsockd_ring_lost(struct smol_vsockd *d, unsigned i);

uint64_t smol_vsockd_now(void);
void smol_vsockd_deadline(struct smol_vsockd *d, struct smol_conn *c, uint32_t ms);
int smol_vsockd_watch_conn(struct smol_vsockd *d, struct smol_conn *c);
void smol_vsockd_want_out(struct smol_vsockd *d, struct smol_conn *c, bool want);
/* The connection has something for the guest, or may have. */
void smol_vsockd_queue(struct smol_vsockd *d, struct smol_conn *c);
/* Free the record (and note that its buffer may be given back). */
void smol_vsockd_drop(struct smol_vsockd *d, struct smol_conn *c);
/* End it for the guest, with an RST or because it sent one; bytes the host has not taken yet are
 * still passed on. May free the record. */
void smol_vsockd_retire(struct smol_vsockd *d, struct smol_conn *c, bool rst);
/* After bytes were passed on: tell the guest of room where that frees a waiting sender. */
void smol_vsockd_told_room(struct smol_vsockd *d, struct smol_conn *c);
/* The host takes no more bytes. */
void smol_vsockd_deaf(struct smol_vsockd *d, struct smol_conn *c);
/* Write buffered bytes; ends a draining connection, passes the guest's end of stream on. May free
 * the record. */
void smol_vsockd_drain(struct smol_vsockd *d, struct smol_conn *c);

/* tx.c: take the guest's packets until there are none or it is others' turn; last: however many
 * RSTs are due */
void smol_tx_run(struct smol_vsockd *d, bool last);
/* rx.c: fill the guest's buffers while there are some and something is due */
void smol_rx_run(struct smol_vsockd *d);
/* true when smol_rx_run() would make progress now */
bool smol_rx_ready(const struct smol_vsockd *d);
/* put the receive buffers at hand back into the ring */
void smol_rx_return(struct smol_vsockd *d);

#endif
