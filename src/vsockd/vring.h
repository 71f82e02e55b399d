/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One split virtqueue (virtio 1.2, section 2.7), the device's side.
 *
 * The driver may change any byte of it at any time. So: the size is fixed while the ring runs; an
 * index is loaded once and then used; a descriptor is copied once; every walk is bounded. Chains
 * are given back in the order in which they were taken, hence after smol_vring_untake() of what was
 * taken and not used, last_avail equals used_idx and a later device can go on from there.
 */
#ifndef SMOL_VSOCKD_VRING_H
#define SMOL_VSOCKD_VRING_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vsockd/guest_mem.h"

#define SMOL_VRING_MAX 1024u
/* Pieces a chain can have: its hops, and each region boundary may cut one of them once. */
#define SMOL_VRING_IOV (SMOL_VRING_MAX + SMOL_GM_MAX)

struct smol_vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};
struct smol_vring_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};
struct smol_vring_used_elem {
	uint32_t id;
	uint32_t len;
};
struct smol_vring_used {
	uint16_t flags;
	uint16_t idx;
	struct smol_vring_used_elem ring[];
};

struct smol_vring {
	/* as told by the front end */
	uint16_t num;
	uint16_t last_avail; /* SET_VRING_BASE, then how far chains were taken */
	uint64_t desc_user, avail_user, used_user;
	int kick_fd, call_fd, err_fd; /* owned; -1 where there is none */
	bool has_addr, enabled;
	/* while running */
	bool active;
	bool broken; /* the driver broke the rules: not looked at until it is set up anew */
	bool event_idx, indirect;
	bool kicks_off;	     /* without EVENT_IDX: NO_NOTIFY is set */
	uint16_t seen_avail; /* newest avail index loaded */
	uint16_t used_idx;   /* next used entry to write */
	uint16_t told_used;  /* used index at the last look at the driver's used_event */
	bool told_valid;
	const struct smol_vring_desc *desc;
	struct smol_vring_avail *avail;
	struct smol_vring_used *used;
};

struct smol_vchain {
	uint16_t head;
	bool bad;      /* breaks a rule: give it back with length 0 */
	unsigned niov; /* pieces found, also of a bad chain */
	uint64_t len;  /* bytes in them */
};

void smol_vring_init(struct smol_vring *vr);
/* Find the ring's three parts in guest memory; -1 when they are not there or not aligned. */
int smol_vring_map(struct smol_vring *vr, const struct smol_guest_mem *gm, struct smol_err *err);
/* Begin to run with the features given; the ring is mapped. */
void smol_vring_start(struct smol_vring *vr, bool event_idx, bool indirect);
void smol_vring_stop(struct smol_vring *vr);

/* Take the next chain; its descriptors must all be device-writable (writable) or none. Returns 1
 * with *c and iov[0..niov) filled, 0 when there is none, -1 when the ring broke (vr->broken). */
int smol_vring_take(struct smol_vring *vr, const struct smol_guest_mem *gm, bool writable,
    struct iovec *iov, unsigned max, struct smol_vchain *c);
/* Put back the last n chains taken, which must be unused. */
void smol_vring_untake(struct smol_vring *vr, unsigned n);
/* Give a chain back with len bytes written; seen by the driver after smol_vring_publish(). */
void smol_vring_give(struct smol_vring *vr, uint16_t head, uint32_t len);
void smol_vring_publish(struct smol_vring *vr);
/* Signal the driver if it wants to hear of what was published since the last call (2.7.7). */
void smol_vring_signal(struct smol_vring *vr);
/* Chains given back since the last smol_vring_signal(). */
static inline uint16_t smol_vring_unsignalled(const struct smol_vring *vr)
{
	return vr->active ? (uint16_t)(vr->used_idx - vr->told_used) : 0;
}
/* Is there a chain to take? A look only: it may be wrong about a ring that the driver breaks. */
static inline bool smol_vring_pending(const struct smol_vring *vr)
{
	return vr->active && !vr->broken &&
	       le16toh(__atomic_load_n(&vr->avail->idx, __ATOMIC_RELAXED)) != vr->last_avail;
}
/* Ask for a kick on the next chain. True: there is one already, look again. */
bool smol_vring_want_kick(struct smol_vring *vr);
/* No kicks are needed while the ring is being looked at. */
void smol_vring_no_kick(struct smol_vring *vr);

#endif
