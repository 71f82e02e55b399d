/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: records, hash, buffers and credit of connections; invariants in conn.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vsockd/conn.h"

/* Ports we give to the host's end: far above what programs listen on. */
#define PORT_FIRST 0x40000000u
#define PORT_LAST  0x7fffffffu

static size_t page_up(size_t n)
{
	return (n + 4095) & ~(size_t)4095;
}

int smol_conns_init(struct smol_conns *t, uint32_t max, struct smol_err *err)
{
	size_t recs, hash;
	uint32_t buckets = 64;
	uint8_t *p;

	if (max == 0 || max > SMOL_CONN_MAX)
		return smol_err_set(err, SMOL_E_INVALID,
		    "between 1 and %u connections are possible", SMOL_CONN_MAX);
	while (buckets < 2 * max)
		buckets *= 2;
	recs = page_up(max * sizeof(struct smol_conn));
	hash = page_up(buckets * sizeof(uint32_t));
	*t = (struct smol_conns){.max = max, .buckets = buckets, .free_head = SMOL_CONN_NONE};
	t->map_len = recs + hash + (size_t)max * SMOL_CONN_BUF;
	p = mmap(NULL, t->map_len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return smol_err_errno(
		    err, SMOL_E_IO, errno, "cannot reserve buffers for %u connections", max);
	t->map = p;
	t->c = (struct smol_conn *)(void *)p;
	t->bucket = (uint32_t *)(void *)(p + recs);
	t->buffers = p + recs + hash;
	/* A huge page for a few bytes would break the bound on resident memory. */
	madvise(p, t->map_len, MADV_NOHUGEPAGE);
	if (getrandom(&t->key, sizeof(t->key), 0) != sizeof(t->key))
		return smol_err_errno(err, SMOL_E_IO, errno, "no random numbers");
	/* A guest may still have sockets of an earlier device: begin where it hardly did. */
	t->next_port = PORT_FIRST + (uint32_t)(t->key >> 40);
	return 0;
}

int smol_conns_notes(struct smol_conns *t, int fd, struct smol_err *err)
{
	size_t len = page_up(t->max * sizeof(*t->note));
	struct stat st;

	if (fstat(fd, &st) < 0 || (st.st_size < (off_t)len && ftruncate(fd, (off_t)len) < 0))
		return smol_err_errno(
		    err, SMOL_E_IO, errno, "cannot size the table of connections");
	t->note = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (t->note == MAP_FAILED) {
		t->note = NULL;
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot map the table of connections");
	}
	for (uint32_t i = 0; i < t->max; i++) {
		struct smol_conn_note n = t->note[i];
		struct smol_conn *c;

		t->note[i] = (struct smol_conn_note){0};
		if (!n.live || smol_conn_find(t, n.guest_port, n.host_port))
			continue;
		/* its index is at most i: no note that is still to be read is written over */
		c = smol_conn_new(t, -1);
		c->state = SMOL_CONN_CLOSING;
		c->due = SMOL_DUE_RST;
		smol_conn_hash(t, c, n.guest_port, n.host_port);
	}
	return 0;
}

void smol_conns_destroy(struct smol_conns *t)
{
	for (uint32_t i = 0; i < t->high; i++)
		smol_conn_close_fd(&t->c[i]);
	if (t->note)
		munmap(t->note, page_up(t->max * sizeof(*t->note)));
	if (t->map)
		munmap(t->map, t->map_len);
	*t = (struct smol_conns){.free_head = SMOL_CONN_NONE};
}

struct smol_conn *smol_conn_new(struct smol_conns *t, int fd)
{
	struct smol_conn *c;
	uint32_t gen;
	bool queued, dirty;
	uint32_t queue_next;

	if (t->free_head != SMOL_CONN_NONE) {
		c = &t->c[t->free_head];
		t->free_head = c->next;
	} else if (t->high < t->max) {
		c = &t->c[t->high++];
	} else {
		return NULL;
	}
	/* A record may still be linked in the queue of its earlier use; that link stays good. */
	gen = c->gen + 1;
	queued = c->queued;
	queue_next = c->queue_next;
	dirty = c->dirty;
	*c = (struct smol_conn){.state = SMOL_CONN_HANDSHAKE,
	    .fd = fd,
	    .gen = gen,
	    .next = SMOL_CONN_NONE,
	    .queued = queued,
	    .queue_next = queue_next,
	    .dirty = dirty,
	    .writable = true};
	t->used++;
	return c;
}

void smol_conn_close_fd(struct smol_conn *c)
{
	if (c->state != SMOL_CONN_FREE && c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void smol_conn_free(struct smol_conns *t, struct smol_conn *c)
{
	smol_conn_close_fd(c);
	smol_conn_unhash(t, c);
	c->state = SMOL_CONN_FREE;
	c->deadline = 0;
	c->buf_in = c->buf_out = 0;
	c->next = t->free_head;
	t->free_head = smol_conn_index(t, c);
	t->used--;
}

static uint32_t slot(const struct smol_conns *t, uint32_t guest_port, uint32_t host_port)
{
	uint64_t x = (((uint64_t)guest_port << 32) | host_port) ^ t->key;

	/* the finaliser of splitmix64: every bit of x reaches every bit of the slot */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)(x ^ (x >> 31)) & (t->buckets - 1);
}

struct smol_conn *smol_conn_find(
    const struct smol_conns *t, uint32_t guest_port, uint32_t host_port)
{
	/* buckets hold index + 1, so that untouched memory is an empty table */
	uint32_t i = t->bucket[slot(t, guest_port, host_port)];

	while (i != 0) {
		struct smol_conn *c = &t->c[i - 1];

		if (c->guest_port == guest_port && c->host_port == host_port)
			return c;
		i = c->next;
	}
	return NULL;
}

void smol_conn_hash(
    struct smol_conns *t, struct smol_conn *c, uint32_t guest_port, uint32_t host_port)
{
	uint32_t *b = &t->bucket[slot(t, guest_port, host_port)];

	c->guest_port = guest_port;
	c->host_port = host_port;
	c->next = *b;
	*b = smol_conn_index(t, c) + 1;
	c->hashed = true;
	if (t->note)
		t->note[smol_conn_index(t, c)] =
		    (struct smol_conn_note){guest_port, host_port, 1, 0};
}

void smol_conn_unhash(struct smol_conns *t, struct smol_conn *c)
{
	uint32_t *p = &t->bucket[slot(t, c->guest_port, c->host_port)];
	uint32_t me = smol_conn_index(t, c) + 1;

	if (!c->hashed)
		return;
	while (*p != me)
		p = &t->c[*p - 1].next;
	*p = c->next;
	c->next = SMOL_CONN_NONE;
	c->hashed = false;
	if (t->note)
		t->note[me - 1].live = 0;
}

uint32_t smol_conn_port(struct smol_conns *t, uint32_t guest_port)
{
	uint32_t port;

	/* ends: there are more ports than records */
	do {
		port = t->next_port;
		t->next_port = port == PORT_LAST ? PORT_FIRST : port + 1;
	} while (smol_conn_find(t, guest_port, port));
	return port;
}

static uint8_t *buffer_of(const struct smol_conns *t, const struct smol_conn *c)
{
	return t->buffers + (size_t)smol_conn_index(t, c) * SMOL_CONN_BUF;
}

void smol_conn_buffer(struct smol_conns *t, struct smol_conn *c, const void *data, uint32_t len)
{
	uint8_t *buf = buffer_of(t, c);
	uint32_t at = c->buf_in % SMOL_CONN_BUF;
	uint32_t first = SMOL_CONN_BUF - at < len ? SMOL_CONN_BUF - at : len;

	memcpy(buf + at, data, first);
	memcpy(buf, (const uint8_t *)data + first, len - first);
	c->buf_in += len;
	c->dirty = true;
}

unsigned smol_conn_pieces(
    const struct smol_conns *t, const struct smol_conn *c, struct iovec iov[2])
{
	uint8_t *buf = buffer_of(t, c);
	uint32_t have = smol_conn_buffered(c), at = c->buf_out % SMOL_CONN_BUF;
	uint32_t first = SMOL_CONN_BUF - at < have ? SMOL_CONN_BUF - at : have;

	if (have == 0)
		return 0;
	iov[0] = (struct iovec){.iov_base = buf + at, .iov_len = first};
	iov[1] = (struct iovec){.iov_base = buf, .iov_len = have - first};
	return have > first ? 2 : 1;
}

void smol_conn_consume(struct smol_conn *c, uint32_t len)
{
	c->buf_out += len;
	/* Start over at the front: a stream that buffers little touches few pages. */
	if (c->buf_out == c->buf_in)
		c->buf_out = c->buf_in = 0;
}

void smol_conns_trim(struct smol_conns *t)
{
	for (uint32_t i = 0; i < t->high; i++) {
		struct smol_conn *c = &t->c[i];

		if (!c->dirty || smol_conn_buffered(c))
			continue;
		madvise(buffer_of(t, c), SMOL_CONN_BUF, MADV_DONTNEED);
		c->dirty = false;
	}
}

void smol_conn_credit(struct smol_conn *c, uint32_t buf_alloc, uint32_t fwd_cnt)
{
	uint32_t flight = c->sent - c->peer_fwd, ack = fwd_cnt - c->peer_fwd;

	c->peer_alloc = buf_alloc;
	/* It cannot have taken what was not sent; an older count that comes late is no news. */
	if (ack > flight)
		return;
	c->peer_fwd = fwd_cnt;
	if (ack)
		c->ask_wait = 0;
	while (c->mark_n) {
		const struct smol_conn_mark *m = &c->mark[c->mark_first];

		/* taken up to m->end or past it: modulo 2^32, seen from the end of the stream */
		if (c->sent - m->end < c->sent - c->peer_fwd)
			break;
		c->packets -= m->packets;
		c->mark_first = (uint8_t)((c->mark_first + 1) % SMOL_CONN_MARKS);
		c->mark_n--;
	}
}

uint32_t smol_conn_window(const struct smol_conn *c)
{
	uint32_t flight = c->sent - c->peer_fwd, room;
	uint64_t cost = (uint64_t)c->packets * SMOL_PACKET_COST;

	/* A guest may shrink its buffer below what is in flight. */
	if (flight >= c->peer_alloc)
		return 0;
	room = c->peer_alloc - flight;
	/* A buffer that no packet and its cost fit into belongs to a guest that does not count so.
	 */
	if (c->packets == 0 && room <= SMOL_PACKET_COST)
		return room;
	return cost + SMOL_PACKET_COST >= room ? 0 : (uint32_t)(room - cost - SMOL_PACKET_COST);
}

void smol_conn_sent(struct smol_conn *c, uint32_t len)
{
	struct smol_conn_mark *m;
	uint32_t step = c->peer_alloc / SMOL_CONN_MARKS;

	c->sent += len;
	c->packets++;
	c->since_ask++;
	/* Extend the last mark until it spans a sixteenth of the guest's buffer; the newest takes
	 * all when there is no room for another. */
	if (c->mark_n) {
		m = &c->mark[(c->mark_first + c->mark_n - 1) % SMOL_CONN_MARKS];
		if (c->mark_n == SMOL_CONN_MARKS || m->cost < step) {
			m->end = c->sent;
			m->packets++;
			m->cost += len + SMOL_PACKET_COST;
			return;
		}
	}
	m = &c->mark[(c->mark_first + c->mark_n) % SMOL_CONN_MARKS];
	*m = (struct smol_conn_mark){.end = c->sent, .packets = 1, .cost = len + SMOL_PACKET_COST};
	c->mark_n++;
}
