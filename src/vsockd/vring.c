/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: access to a split virtqueue that an enemy may be writing to; invariants in vring.h. */
#include <endian.h>
#include <unistd.h>

#include "vsockd/vring.h"

#define DESC_F_NEXT	     1u
#define DESC_F_WRITE	     2u
#define DESC_F_INDIRECT	     4u
#define AVAIL_F_NO_INTERRUPT 1u
#define USED_F_NO_NOTIFY     1u

_Static_assert(sizeof(struct smol_vring_desc) == 16, "descriptors are 16 bytes");

void smol_vring_init(struct smol_vring *vr)
{
	*vr = (struct smol_vring){.kick_fd = -1, .call_fd = -1, .err_fd = -1};
}

int smol_vring_map(struct smol_vring *vr, const struct smol_guest_mem *gm, struct smol_err *err)
{
	uint64_t n = vr->num;
	void *desc, *avail, *used;

	if (n == 0 || !vr->has_addr)
		return smol_err_set(err, SMOL_E_PROTOCOL, "the ring has no size or no address");
	/* alignment as in 2.7; the two events behind the rings are part of them (2.7.6, 2.7.8) */
	if (vr->desc_user % 16 || vr->avail_user % 2 || vr->used_user % 4)
		return smol_err_set(err, SMOL_E_PROTOCOL, "a ring is not aligned");
	desc = smol_gm_user(gm, vr->desc_user, 16 * n);
	avail = smol_gm_user(gm, vr->avail_user, 6 + 2 * n);
	used = smol_gm_user(gm, vr->used_user, 6 + 8 * n);
	if (!desc || !avail || !used || (uintptr_t)desc % 16 || (uintptr_t)avail % 2 ||
	    (uintptr_t)used % 4)
		return smol_err_set(err, SMOL_E_PROTOCOL, "a ring is not in guest memory");
	vr->desc = desc;
	vr->avail = avail;
	vr->used = used;
	return 0;
}

void smol_vring_start(struct smol_vring *vr, bool event_idx, bool indirect)
{
	vr->active = true;
	vr->broken = false;
	vr->event_idx = event_idx;
	vr->indirect = indirect;
	vr->kicks_off = false;
	vr->seen_avail = vr->last_avail;
	vr->used_idx = le16toh(__atomic_load_n(&vr->used->idx, __ATOMIC_ACQUIRE));
	vr->told_used = vr->used_idx;
	vr->told_valid = false;
}

void smol_vring_stop(struct smol_vring *vr)
{
	vr->active = false;
	vr->desc = NULL;
	vr->avail = NULL;
	vr->used = NULL;
}

static int broke(struct smol_vring *vr)
{
	uint64_t one = 1;

	vr->broken = true;
	if (vr->err_fd >= 0 && write(vr->err_fd, &one, sizeof(one)) < 0)
		return -1;
	return -1;
}

/* The one read of a descriptor: two loads the compiler can neither repeat nor merge with later
 * ones, so that what was checked is what is used. */
static struct smol_vring_desc load_desc(const struct smol_vring_desc *p)
{
	const uint64_t *w = (const uint64_t *)p;
	uint64_t addr = __atomic_load_n(&w[0], __ATOMIC_RELAXED);
	uint64_t rest = le64toh(__atomic_load_n(&w[1], __ATOMIC_RELAXED));

	return (struct smol_vring_desc){
	    .addr = le64toh(addr),
	    .len = (uint32_t)rest,
	    .flags = (uint16_t)(rest >> 32),
	    .next = (uint16_t)(rest >> 48),
	};
}

/* Follow one chain (2.7.5). Direct descriptors may end in one indirect table, which may not
 * contain another. False: a rule was broken. */
static bool walk(const struct smol_vring *vr, const struct smol_guest_mem *gm, bool writable,
    struct iovec *iov, unsigned max, struct smol_vchain *c)
{
	const struct smol_vring_desc *table = vr->desc;
	uint32_t size = vr->num, i = c->head, hops = 0;
	bool inside = false;

	for (;;) {
		struct smol_vring_desc d;
		int n;

		if (i >= size || hops++ >= size)
			return false;
		d = load_desc(&table[i]);
		if (d.flags & DESC_F_INDIRECT) {
			if (inside || !vr->indirect || (d.flags & DESC_F_NEXT) || d.len == 0 ||
			    d.len % 16 || d.len / 16 > SMOL_VRING_MAX)
				return false;
			table = smol_gm_phys(gm, d.addr, d.len);
			if (!table || (uintptr_t)table % 8)
				return false;
			size = d.len / 16;
			inside = true;
			i = hops = 0;
			continue;
		}
		if (!!(d.flags & DESC_F_WRITE) != writable)
			return false;
		n = smol_gm_iov(gm, d.addr, d.len, iov + c->niov, max - c->niov);
		if (n < 0)
			return false;
		c->niov += (unsigned)n;
		c->len += d.len;
		if (!(d.flags & DESC_F_NEXT))
			return true;
		i = d.next;
	}
}

int smol_vring_take(struct smol_vring *vr, const struct smol_guest_mem *gm, bool writable,
    struct iovec *iov, unsigned max, struct smol_vchain *c)
{
	uint16_t head;

	if (!vr->active || vr->broken)
		return vr->broken ? -1 : 0;
	if (vr->seen_avail == vr->last_avail) {
		vr->seen_avail = le16toh(__atomic_load_n(&vr->avail->idx, __ATOMIC_ACQUIRE));
		/* A driver cannot have more chains out than the ring has entries. */
		if ((uint16_t)(vr->seen_avail - vr->last_avail) > vr->num) {
			vr->seen_avail = vr->last_avail;
			return broke(vr);
		}
		if (vr->seen_avail == vr->last_avail)
			return 0;
	}
	head = le16toh(
	    __atomic_load_n(&vr->avail->ring[vr->last_avail & (vr->num - 1)], __ATOMIC_RELAXED));
	/* There is no used entry that could give such a head back. */
	if (head >= vr->num)
		return broke(vr);
	vr->last_avail++;
	*c = (struct smol_vchain){.head = head};
	c->bad = !walk(vr, gm, writable, iov, max, c);
	return 1;
}

void smol_vring_untake(struct smol_vring *vr, unsigned n)
{
	vr->last_avail = (uint16_t)(vr->last_avail - n);
	/* With a driver that keeps the rules what was seen stays within num of last_avail; with
	 * another, entries are looked at twice. */
}

void smol_vring_give(struct smol_vring *vr, uint16_t head, uint32_t len)
{
	struct smol_vring_used_elem *e = &vr->used->ring[vr->used_idx & (vr->num - 1)];

	__atomic_store_n(&e->id, htole32(head), __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, htole32(len), __ATOMIC_RELAXED);
	vr->used_idx++;
}

void smol_vring_publish(struct smol_vring *vr)
{
	if (vr->active)
		__atomic_store_n(&vr->used->idx, htole16(vr->used_idx), __ATOMIC_RELEASE);
}

/* True when `event` lies in [old, now): 2.7.7.2 */
static bool passed(uint16_t event, uint16_t now, uint16_t old)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

void smol_vring_signal(struct smol_vring *vr)
{
	uint16_t old = vr->told_used;
	uint64_t one = 1;

	if (!vr->active || old == vr->used_idx)
		return;
	/* The used index must be visible before the driver's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	vr->told_used = vr->used_idx;
	if (vr->event_idx) {
		uint16_t event =
		    le16toh(__atomic_load_n(&vr->avail->ring[vr->num], __ATOMIC_RELAXED));

		if (vr->told_valid && !passed(event, vr->used_idx, old))
			return;
		vr->told_valid = true;
	} else {
		vr->told_valid = true;
		if (le16toh(__atomic_load_n(&vr->avail->flags, __ATOMIC_RELAXED)) &
		    AVAIL_F_NO_INTERRUPT)
			return;
	}
	/* A full counter already wakes whoever listens. */
	if (vr->call_fd >= 0 && write(vr->call_fd, &one, sizeof(one)) < 0)
		return;
}

bool smol_vring_want_kick(struct smol_vring *vr)
{
	uint16_t idx;

	if (!vr->active || vr->broken)
		return false;
	if (vr->event_idx) {
		uint16_t *event = (uint16_t *)(void *)&vr->used->ring[vr->num];

		__atomic_store_n(event, htole16(vr->last_avail), __ATOMIC_RELAXED);
	} else if (vr->kicks_off) {
		__atomic_store_n(&vr->used->flags, 0, __ATOMIC_RELAXED);
		vr->kicks_off = false;
	}
	/* The wish must be visible before the index is read again (2.7.10). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	idx = le16toh(__atomic_load_n(&vr->avail->idx, __ATOMIC_ACQUIRE));
	return idx != vr->last_avail;
}

void smol_vring_no_kick(struct smol_vring *vr)
{
	/* With EVENT_IDX an event index that is left behind is enough. */
	if (!vr->active || vr->event_idx || vr->kicks_off)
		return;
	__atomic_store_n(&vr->used->flags, htole16(USED_F_NO_NOTIFY), __ATOMIC_RELAXED);
	vr->kicks_off = true;
}
