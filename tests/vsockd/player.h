/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guest player: plays a vhost-user front end and a guest's two rings, so that the device can be
 * tested, measured and fuzzed without a virtual machine.
 *
 * Memory is a memfd that the device maps too. Receive buffers are single descriptors, as Linux
 * posts them; a packet to be sent is a chain of header and payload, direct or indirect. pump, when
 * set, is called instead of sleeping: it runs a device that lives in the same process. Functions
 * fail by abort(), since every failure is a failed test.
 */
#ifndef SMOL_TESTS_VSOCKD_PLAYER_H
#define SMOL_TESTS_VSOCKD_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "vsockd/packet.h"
#include "vsockd/vring.h"

#define PLAYER_GPA	 0x100000u
#define PLAYER_MEM	 (40u << 20)
#define PLAYER_RX	 0u
#define PLAYER_TX	 1u
#define PLAYER_TX_STRIDE 0x11000u /* header and 64 KiB */
#define PLAYER_SPARE	 0x3f000u /* 4 KiB of guest memory that tests may use as they like */

/* flags of a descriptor */
#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u

struct player_config {
	unsigned num;	 /* entries of each ring; 0: 256 */
	unsigned rx_buf; /* bytes of a receive buffer; 0: 4096 */
	bool event_idx;
	bool indirect;
	void (*pump)(void *arg);
	void *arg;
};

struct player_ring {
	struct smol_vring_desc *desc;
	struct smol_vring_avail *avail;
	struct smol_vring_used *used;
	uint16_t avail_idx, kicked, last_used;
	int kick, call;
};

struct player {
	struct player_config cfg;
	int vhost, memfd;
	uint8_t *mem;
	struct player_ring ring[2];
	uint64_t guest_cid, features, protocol;
	unsigned tx_slots, tx_free_n;
	uint16_t tx_free[SMOL_VRING_MAX];
	uint64_t kicks, calls; /* eventfd writes, eventfd reads */
	uint16_t base[2];      /* as the device gave them when its rings were stopped */
};

/* A packet the guest received; data is good until player_rx_done(). */
struct player_packet {
	struct smol_vsock_hdr h;
	uint8_t *data;
	uint32_t used_len;
	uint16_t id;
};

/* fd is the front end's side of the vhost-user connection. */
void player_open(struct player *p, int fd, const struct player_config *cfg);
void player_close(struct player *p);

/* ---- front end ---- */

/* Requests of the vhost-user protocol. */
enum {
	PLAYER_GET_FEATURES = 1,
	PLAYER_SET_FEATURES = 2,
	PLAYER_SET_OWNER = 3,
	PLAYER_RESET_OWNER = 4,
	PLAYER_SET_MEM_TABLE = 5,
	PLAYER_SET_VRING_NUM = 8,
	PLAYER_SET_VRING_ADDR = 9,
	PLAYER_SET_VRING_BASE = 10,
	PLAYER_GET_VRING_BASE = 11,
	PLAYER_SET_VRING_KICK = 12,
	PLAYER_SET_VRING_CALL = 13,
	PLAYER_SET_VRING_ERR = 14,
	PLAYER_GET_PROTOCOL_FEATURES = 15,
	PLAYER_SET_PROTOCOL_FEATURES = 16,
	PLAYER_SET_VRING_ENABLE = 18,
	PLAYER_GET_CONFIG = 24,
	PLAYER_SET_CONFIG = 25,
};

void player_message(struct player *p, uint32_t request, uint32_t flags, const void *payload,
    uint32_t size, const int *fds, unsigned nfds);
/* Wait for an answer to request; its size. */
uint32_t player_answer(struct player *p, uint32_t request, void *payload, uint32_t max);
/* A message with REPLY_ACK: 0 when the device carried it out. */
uint64_t player_acked(struct player *p, uint32_t request, const void *payload, uint32_t size,
    const int *fds, unsigned nfds);
void player_negotiate(struct player *p);
/* Send the memory table (anew). */
void player_memory(struct player *p);
/* Rings from scratch, as a driver that just started. */
void player_rings_clear(struct player *p);
void player_start(struct player *p, uint16_t rx_base, uint16_t tx_base);
/* As QEMU does when the guest is reset or stopped; fills base[]. */
void player_stop(struct player *p);

/* ---- guest, receiving ---- */
void player_rx_fill(struct player *p);
bool player_rx_next(struct player *p, struct player_packet *pkt);
void player_rx_done(struct player *p, const struct player_packet *pkt);
/* Wait for the next packet, at most ms; false: none came. */
bool player_rx_wait(struct player *p, struct player_packet *pkt, int ms);

/* ---- guest, sending ---- */
/* A free slot, or -1; its payload area. */
int player_tx_slot(struct player *p);
uint8_t *player_tx_data(struct player *p, int slot);
/* Put the packet of a slot into the ring (no kick yet). */
void player_tx_put(struct player *p, int slot, const struct smol_vsock_hdr *h);
void player_send(struct player *p, const struct smol_vsock_hdr *h, const void *data);
/* Put a chain of the test's own making into the ring: its head. */
void player_tx_head(struct player *p, unsigned ring, uint16_t head);
/* Chains given back since the last call (at most one at a time); false: none. */
bool player_tx_used(struct player *p, struct smol_vring_used_elem *e);

/* ---- both ---- */
void player_kick(struct player *p, unsigned ring);
/* Sleep (or pump) until something is used on any ring, at most ms; false: nothing was. */
bool player_wait(struct player *p, int ms);
uint64_t player_gpa(const struct player *p, const void *mem);

/* ---- a guest's socket, as much as tests need of it ---- */
struct player_sock {
	uint32_t guest_port, host_port;
	uint32_t buf_alloc; /* what the guest promises */
	uint32_t fwd, received, told;
	uint32_t sent, peer_fwd, peer_alloc;
	uint32_t host_shut;
	bool reset;
};
struct smol_vsock_hdr player_hdr(
    const struct player *p, const struct player_sock *s, enum smol_vsock_op op);
void player_op(struct player *p, struct player_sock *s, enum smol_vsock_op op, uint32_t flags);
/* Take what a packet says of credit and shutdown into account; answer a CREDIT_REQUEST. */
void player_sock_saw(struct player *p, struct player_sock *s, const struct smol_vsock_hdr *h);
/* Wait for a REQUEST from the host and accept it. */
void player_accept(struct player *p, struct player_sock *s, uint32_t guest_port);
uint32_t player_room(const struct player_sock *s);

#endif
