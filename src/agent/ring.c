/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last output of a stream: see ring.h. */
#include "agent/ring.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"

#define FIRST	 (8 * 1024)   /* bytes of memory that a ring begins with */
#define MAPPED	 (128 * 1024) /* from so many on memory is a mapping: it goes back for certain */
#define WORTH_IT 4096	      /* a smaller read is put off where more room will come */

static char *take_memory(size_t n)
{
	char *p;

	if (n < MAPPED)
		return smol_alloc(n);
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		abort(); /* as where any memory is short */
	return p;
}

static void give_memory(struct smol_ring *r)
{
	if (r->cap < MAPPED)
		free(r->data);
	else
		munmap(r->data, r->cap);
}

void smol_ring_free(struct smol_ring *r)
{
	give_memory(r);
	*r = (struct smol_ring){0};
}

int smol_ring_pieces(const struct smol_ring *r, uint64_t at, size_t n, struct iovec v[2])
{
	size_t off = r->cap ? (size_t)(at % r->cap) : 0, first = r->cap - off;

	v[0] = (struct iovec){r->data + off, n < first ? n : first};
	if (n <= first)
		return 1;
	v[1] = (struct iovec){r->data, n - first};
	return 2;
}

void smol_ring_copy(const struct smol_ring *r, uint64_t at, char *to, size_t n)
{
	struct iovec v[2];
	int pieces = n ? smol_ring_pieces(r, at, n, v) : 0;

	for (int i = 0; i < pieces; i++) {
		memcpy(to, v[i].iov_base, v[i].iov_len);
		to += v[i].iov_len;
	}
}

static void resize(struct smol_ring *r, size_t cap)
{
	struct smol_ring next = {.data = take_memory(cap), .cap = cap};
	size_t held = (size_t)(r->head - r->tail), done = 0;
	struct iovec v[2];
	int pieces = held ? smol_ring_pieces(r, r->tail, held, v) : 0;

	for (int i = 0; i < pieces; i++) {
		struct iovec to[2];
		int n = smol_ring_pieces(&next, r->tail + done, v[i].iov_len, to);

		memcpy(to[0].iov_base, v[i].iov_base, to[0].iov_len);
		if (n == 2)
			memcpy(
			    to[1].iov_base, (char *)v[i].iov_base + to[0].iov_len, to[1].iov_len);
		done += v[i].iov_len;
	}
	give_memory(r);
	r->data = next.data;
	r->cap = cap;
}

size_t smol_ring_room(struct smol_ring *r, size_t want, size_t max, uint64_t keep)
{
	size_t need = SMOL_FRAME_HEADER + want, room;
	struct smol_frame f;

	while (r->cap - (r->head - r->tail) < need && r->cap < max) {
		size_t next = r->cap ? r->cap * 2 : FIRST;

		resize(r, next < max ? next : max);
	}
	while (r->cap - (r->head - r->tail) < need && r->tail < keep &&
	       smol_ring_frame(r, r->tail, &f))
		r->tail += SMOL_FRAME_HEADER + f.length;
	room = r->cap - (size_t)(r->head - r->tail);
	room = room > SMOL_FRAME_HEADER ? room - SMOL_FRAME_HEADER : 0;
	if (room >= want)
		return want;
	return room < WORTH_IT ? 0 : room;
}

bool smol_ring_has_room(const struct smol_ring *r, size_t max, uint64_t keep)
{
	return r->head - keep + SMOL_FRAME_HEADER + WORTH_IT <= (r->cap > max ? r->cap : max);
}

int smol_ring_payload(const struct smol_ring *r, size_t n, struct iovec v[2])
{
	return smol_ring_pieces(r, r->head + SMOL_FRAME_HEADER, n, v);
}

void smol_ring_commit(struct smol_ring *r, const struct smol_frame *f)
{
	unsigned char h[SMOL_FRAME_HEADER];
	struct iovec v[2];
	size_t done = 0;
	int pieces = smol_ring_pieces(r, r->head, sizeof(h), v);

	smol_frame_encode(f, h);
	for (int i = 0; i < pieces; i++) {
		memcpy(v[i].iov_base, h + done, v[i].iov_len);
		done += v[i].iov_len;
	}
	r->head += SMOL_FRAME_HEADER + f->length;
}

bool smol_ring_frame(const struct smol_ring *r, uint64_t at, struct smol_frame *f)
{
	unsigned char h[SMOL_FRAME_HEADER];

	if (at >= r->head)
		return false;
	smol_ring_copy(r, at, (char *)h, sizeof(h));
	return smol_frame_decode(h, f, NULL) == 0;
}

void smol_ring_fit(struct smol_ring *r)
{
	size_t held = (size_t)(r->head - r->tail);

	if (!held)
		give_memory(r), r->data = NULL, r->cap = 0;
	else if (held < r->cap / 2 || r->cap - held >= MAPPED / 2)
		resize(r, held);
}
