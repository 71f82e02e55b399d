/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last output of one stream of a job: whole frames, as they go over the wire, in a ring. It is
 * the only buffer between the command's pipe and the connection, so what a client follows live is
 * copied no more often than without it, and what it did not see can be had later.
 *
 * Positions count bytes put in since the beginning; [tail, head) is held and consists of whole
 * frames. Memory grows with what comes, up to a bound; beyond it the oldest frames go.
 */
#ifndef SMOL_AGENT_RING_H
#define SMOL_AGENT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "proto/frame.h"

struct smol_ring {
	char *data; /* owned; position p is at p % cap */
	size_t cap;
	uint64_t head, tail;
};

void smol_ring_free(struct smol_ring *r);
/*
 * Make room for a frame of at most `want` bytes behind head: memory up to max bytes, then by giving
 * up frames before the position `keep`. Gives how many bytes there is room for; 0: none worth it.
 */
size_t smol_ring_room(struct smol_ring *r, size_t want, size_t max, uint64_t keep);
/* Would there be any? */
bool smol_ring_has_room(const struct smol_ring *r, size_t max, uint64_t keep);
/* Where n bytes at a position are: one piece or two. */
int smol_ring_pieces(const struct smol_ring *r, uint64_t at, size_t n, struct iovec v[2]);
/* Where the payload of the next frame is to be put: n bytes, at most what there is room for. */
int smol_ring_payload(const struct smol_ring *r, size_t n, struct iovec v[2]);
/* That payload is there: its header is put before it. */
void smol_ring_commit(struct smol_ring *r, const struct smol_frame *f);
/* The frame that begins at a position; false at head. */
bool smol_ring_frame(const struct smol_ring *r, uint64_t at, struct smol_frame *f);
/* Copy n bytes at a position out. */
void smol_ring_copy(const struct smol_ring *r, uint64_t at, char *to, size_t n);
/* Nothing more will come: keep no more memory than is used. */
void smol_ring_fit(struct smol_ring *r);

#endif
