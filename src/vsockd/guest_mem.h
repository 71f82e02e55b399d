/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guest's memory as the vhost-user front end shares it: up to eight regions, each a mapping of
 * a descriptor it sent.
 *
 * Invariants: regions never overlap in guest-physical space and no start + size wraps; every
 * region was backed by its file in full when it was mapped. Addresses from a guest are looked up,
 * then bounded by `len > size - off`, which cannot overflow.
 */
#ifndef SMOL_VSOCKD_GUEST_MEM_H
#define SMOL_VSOCKD_GUEST_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"

#define SMOL_GM_MAX 8u

/* One region as it travels in SET_MEM_TABLE (vhost-user, "Memory region description"). */
struct smol_gm_desc {
	uint64_t gpa;
	uint64_t size;
	uint64_t uaddr;
	uint64_t mmap_offset;
};

struct smol_gm_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t uaddr;
	uint8_t *host; /* where gpa is in this process */
	void *map;
	size_t map_len;
};

struct smol_guest_mem {
	unsigned n;
	struct smol_gm_region r[SMOL_GM_MAX];
};

/* Replace the table. fds stay the caller's. On failure the old table stands. */
int smol_gm_set(struct smol_guest_mem *gm, const struct smol_gm_desc *d, const int *fds, unsigned n,
    struct smol_err *err);
void smol_gm_clear(struct smol_guest_mem *gm);

/* len bytes at the front end's own address (rings), or NULL. */
void *smol_gm_user(const struct smol_guest_mem *gm, uint64_t uaddr, uint64_t len);
/* len bytes at a guest-physical address, wholly inside one region, or NULL. */
void *smol_gm_phys(const struct smol_guest_mem *gm, uint64_t gpa, uint64_t len);
/* The same as pieces where a range runs over neighbouring regions: the number of pieces, 0 for no
 * bytes, -1 when part of it is no memory or max pieces do not do. */
int smol_gm_iov(
    const struct smol_guest_mem *gm, uint64_t gpa, uint64_t len, struct iovec *iov, unsigned max);

#endif
