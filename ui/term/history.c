/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines that are kept: see history.h. A line is its length in 16 bits and then runs: attributes,
 * the kinds of both colours (and, in the first, FULL), what the kinds need, the length of the text
 * in 16 bits, text. In the text a mark stands before a character of two columns, and before each
 * that joins the one before it.
 */
#include "ui/term/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ui/term/look.h"

#define MARK_WIDE  1
#define MARK_JOIN  2
#define FULL	   0x80			      /* the line reached its last column */
#define BLOCK	   (64 * 1024 - 64)	      /* with what malloc adds, still whole pages */
#define LINE_MAX   (BLOCK - sizeof(uint16_t)) /* with its length it is in one block */
#define RUN_HEAD   10 /* at most: two bytes, two colours of three, a length */
#define CELL_BYTES (1 + 5 * VTERM_MAX_CHARS_PER_CELL)
#define RING_FIRST 64

struct block {
	struct block *next, *before;
	int lines;
	uint32_t used;
	char data[BLOCK];
};

struct smol_history {
	struct block *first, *last;
	size_t blocks;
	char **ring; /* where lines begin; size is a power of two */
	int size, head, count, limit;
	int64_t total;	      /* pushed and not popped */
	struct smol_buf line; /* the one that is made */
	size_t text;	      /* of its run: where the length is to be written */
	uint64_t look;	      /* of its run */
};

struct smol_history *smol_history_new(int lines)
{
	struct smol_history *h = smol_alloc(sizeof(*h));

	h->limit = lines < 1 ? 1 : lines;
	return h;
}

void smol_history_free(struct smol_history *h)
{
	if (!h)
		return;
	while (h->first) {
		struct block *b = h->first;

		h->first = b->next;
		free(b);
	}
	free(h->ring);
	smol_buf_free(&h->line);
	free(h);
}

int smol_history_count(const struct smol_history *h)
{
	return h->count;
}

int smol_history_room(const struct smol_history *h)
{
	return h->limit - h->count;
}

int64_t smol_history_total(const struct smol_history *h)
{
	return h->total;
}

static void drop_oldest(struct smol_history *h)
{
	struct block *b = h->first;

	h->head = (h->head + 1) & (h->size - 1);
	h->count--;
	if (--b->lines || b == h->last)
		return;
	h->first = b->next;
	h->first->before = NULL;
	h->blocks--;
	free(b);
}

static size_t bytes_limit(const struct smol_history *h)
{
	size_t bytes = (size_t)h->limit * SMOL_HISTORY_BYTES;

	return bytes < 4 * (size_t)BLOCK ? 4 * (size_t)BLOCK : bytes;
}

void smol_history_limit(struct smol_history *h, int lines)
{
	h->limit = lines < 1 ? 1 : lines;
	while (h->count > h->limit || (h->count > 1 && h->blocks * BLOCK > bytes_limit(h)))
		drop_oldest(h);
}

/* ---- lines that are made ---- */

static void begin_line(struct smol_history *h)
{
	smol_buf_clear(&h->line);
	h->text = 0;
}

static void end_run(struct smol_history *h)
{
	uint16_t n;

	if (!h->text)
		return;
	n = (uint16_t)(smol_buf_len(&h->line) - h->text - sizeof(n));
	memcpy(smol_buf_head(&h->line) + h->text, &n, sizeof(n));
}

static size_t put_color(char *to, uint64_t look, int which)
{
	uint32_t value = smol_look_value(look, which);
	size_t n = 0;

	if (smol_look_kind(look, which) == SMOL_LOOK_RGB) {
		to[n++] = (char)(value >> 16);
		to[n++] = (char)(value >> 8);
	}
	if (smol_look_kind(look, which) != SMOL_LOOK_DEFAULT)
		to[n++] = (char)value;
	return n;
}

/* Room for so many bytes of text that look so; false: the line is full. */
static char *room(struct smol_history *h, uint64_t look, size_t bytes)
{
	if (smol_buf_len(&h->line) + RUN_HEAD + bytes > LINE_MAX)
		return NULL;
	if (!h->text || look != h->look) {
		char *to = smol_buf_reserve(&h->line, RUN_HEAD);
		size_t n = 2;

		end_run(h);
		to[0] = (char)(look >> 52);
		to[1] = (char)(smol_look_kind(look, SMOL_LOOK_FG) |
			       (unsigned)smol_look_kind(look, SMOL_LOOK_BG) << 2);
		n += put_color(to + n, look, SMOL_LOOK_FG);
		n += put_color(to + n, look, SMOL_LOOK_BG);
		smol_buf_commit(&h->line, n + sizeof(uint16_t));
		h->text = smol_buf_len(&h->line) - sizeof(uint16_t);
		h->look = look;
	}
	return smol_buf_reserve(&h->line, bytes);
}

static void new_block(struct smol_history *h)
{
	struct block *b = malloc(sizeof(*b));

	if (!b)
		abort();
	b->next = NULL;
	b->before = h->last;
	b->lines = 0;
	b->used = 0;
	if (h->last)
		h->last->next = b;
	else
		h->first = b;
	h->last = b;
	h->blocks++;
}

static void grow_ring(struct smol_history *h)
{
	int size = h->size ? 2 * h->size : RING_FIRST;
	char **ring = smol_alloc((size_t)size * sizeof(*ring));

	for (int i = 0; i < h->count; i++)
		ring[i] = h->ring[(h->head + i) & (h->size - 1)];
	free(h->ring);
	h->ring = ring;
	h->head = 0;
	h->size = size;
}

static void end_line(struct smol_history *h, bool full)
{
	uint16_t n = (uint16_t)smol_buf_len(&h->line);
	char *at;

	end_run(h);
	if (full && n)
		smol_buf_head(&h->line)[1] |= (char)FULL;
	/* All its lines were popped: behind another block it would never be dropped. */
	if (h->last && !h->last->lines)
		h->last->used = 0;
	if (!h->last || h->last->used + sizeof(n) + n > BLOCK)
		new_block(h);
	if (h->count == h->size)
		grow_ring(h);
	at = h->last->data + h->last->used;
	memcpy(at, &n, sizeof(n));
	if (n)
		memcpy(at + sizeof(n), smol_buf_head(&h->line), n);
	h->last->used += (uint32_t)sizeof(n) + n;
	h->last->lines++;
	h->total++;
	h->ring[(h->head + h->count++) & (h->size - 1)] = at;
	smol_history_limit(h, h->limit);
}

uint32_t smol_cell_char(uint32_t c)
{
	return c == 0 ? ' ' : c < ' ' || (c >= 0x7f && c < 0xa0) || c > 0x10ffff ? 0xfffd : c;
}

static bool is_blank(uint32_t c, uint64_t look)
{
	return (c == 0 || c == ' ') && !smol_look_shows(look);
}

static size_t put_cell(char *to, const VTermScreenCell *c)
{
	size_t n = 0;

	if (c->width == 2)
		to[n++] = MARK_WIDE;
	n += smol_utf8_put(to + n, smol_cell_char(c->chars[0]));
	for (int i = 1; i < VTERM_MAX_CHARS_PER_CELL && c->chars[i] && c->chars[0]; i++) {
		to[n++] = MARK_JOIN;
		n += smol_utf8_put(to + n, smol_cell_char(c->chars[i]));
	}
	return n;
}

void smol_history_push(struct smol_history *h, const VTermScreenCell *cells, int cols)
{
	int width = cols;

	begin_line(h);
	while (cols > 0 && is_blank(cells[cols - 1].chars[0], smol_look_of_cell(&cells[cols - 1])))
		cols--;
	for (int i = 0; i < cols; i++) {
		char *to;

		if (cells[i].chars[0] == SMOL_CELL_OFF)
			continue;
		to = room(h, smol_look_of_cell(&cells[i]), CELL_BYTES);
		if (!to)
			break;
		smol_buf_commit(&h->line, put_cell(to, &cells[i]));
	}
	end_line(h, cols == width);
}

void smol_history_push_text(
    struct smol_history *h, const uint32_t *chars, const uint64_t *looks, int cols)
{
	int width = cols;

	begin_line(h);
	while (cols > 0 && is_blank(chars[cols - 1], looks[cols - 1]))
		cols--;
	for (int i = 0; i < cols;) {
		uint64_t look = looks[i];
		int end = i + 1;
		size_t n = 0;
		char *to;

		while (end < cols && looks[end] == look)
			end++;
		to = room(h, look, 4 * (size_t)(end - i));
		if (!to)
			break;
		for (; i < end; i++) {
			if (chars[i] < 0x80)
				to[n++] = chars[i] ? (char)chars[i] : ' ';
			else
				n += smol_utf8_put(to + n, smol_cell_char(chars[i]));
		}
		smol_buf_commit(&h->line, n);
	}
	end_line(h, cols == width);
}

void smol_history_pop(struct smol_history *h)
{
	struct block *b = h->last;
	char *at = h->ring[(h->head + --h->count) & (h->size - 1)];

	h->total--;
	b->used = (uint32_t)(at - b->data);
	if (--b->lines || b == h->first)
		return;
	h->last = b->before;
	h->last->next = NULL;
	h->blocks--;
	free(b);
}

/* ---- lines that are read ---- */

struct reader {
	const char *at, *end, *run_end;
	uint64_t look;
};

static bool begin_reading(const struct smol_history *h, int back, struct reader *r)
{
	uint16_t n;

	if (back < 1 || back > h->count)
		return false;
	r->at = h->ring[(h->head + h->count - back) & (h->size - 1)];
	memcpy(&n, r->at, sizeof(n));
	r->at += sizeof(n);
	r->end = r->at + n;
	r->run_end = r->at;
	return true;
}

static uint64_t get_color(const char **at, unsigned kind, int which)
{
	uint64_t value = 0;
	int bytes = kind == SMOL_LOOK_RGB ? 3 : kind == SMOL_LOOK_INDEX ? 1 : 0;

	while (bytes--)
		value = value << 8 | (unsigned char)*(*at)++;
	return (value | (uint64_t)kind << SMOL_LOOK_KIND) << which;
}

/* At a character: at is there, look is its look. False: the line's end. */
static bool next_char(struct reader *r)
{
	unsigned kinds;
	uint16_t n;

	if (r->at < r->run_end)
		return true;
	if (r->at >= r->end)
		return false;
	r->look = (uint64_t)(unsigned char)r->at[0] << 52;
	kinds = (unsigned char)r->at[1];
	r->at += 2;
	r->look |= get_color(&r->at, kinds & 3, SMOL_LOOK_FG);
	r->look |= get_color(&r->at, kinds >> 2 & 3, SMOL_LOOK_BG);
	memcpy(&n, r->at, sizeof(n));
	r->at += sizeof(n);
	r->run_end = r->at + n;
	return n > 0;
}

void smol_cells_blank(VTermScreenCell *cells, int from, int cols)
{
	for (int i = from; i < cols; i++) {
		cells[i] = (VTermScreenCell){.width = 1};
		smol_look_to_cell(SMOL_LOOK_PLAIN, &cells[i]);
	}
}

bool smol_history_cells(const struct smol_history *h, int back, VTermScreenCell *cells, int cols)
{
	struct reader r;
	int at = 0;

	if (!begin_reading(h, back, &r))
		return false;
	while (at < cols && next_char(&r)) {
		VTermScreenCell *c = &cells[at];

		memset(c, 0, sizeof(*c));
		c->width = 1;
		if (*r.at == MARK_WIDE) {
			c->width = 2;
			r.at++;
		}
		r.at += smol_utf8_get(r.at, &c->chars[0]);
		for (int i = 1; r.at < r.run_end && *r.at == MARK_JOIN; i++)
			r.at += 1 + smol_utf8_get(r.at + 1, &c->chars[i]);
		smol_look_to_cell(r.look, c);
		if (c->width == 2 && at + 1 < cols) {
			cells[at + 1] = *c;
			cells[at + 1].chars[0] = SMOL_CELL_OFF;
			cells[at + 1].width = 1;
		} else if (c->width == 2) {
			/* Half of it would stand beyond the edge. */
			c->chars[0] = 0;
			c->width = 1;
		}
		at += c->width;
	}
	smol_cells_blank(cells, at, cols);
	return true;
}

/* A character with its bytes, which belong to a column. */
static size_t take_char(const char *from, char *to, uint16_t *cols, uint16_t col)
{
	uint32_t c;
	size_t n = smol_utf8_get(from, &c);

	memcpy(to, from, n);
	for (size_t i = 0; cols && i < n; i++)
		memcpy(&cols[i], &col, sizeof(col));
	return n;
}

bool smol_history_text(
    const struct smol_history *h, int back, struct smol_buf *out, struct smol_buf *at, bool *full)
{
	struct reader r;
	uint16_t col = 0, *cols = NULL;
	size_t n = 0;
	char *to;

	if (!begin_reading(h, back, &r))
		return false;
	if (full)
		*full = r.at < r.end && (r.at[1] & FULL);
	to = smol_buf_reserve(out, (size_t)(r.end - r.at));
	if (at)
		cols = (uint16_t *)(void *)smol_buf_reserve(at, 2 * (size_t)(r.end - r.at));
	while (next_char(&r)) {
		int width = *r.at == MARK_WIDE ? 2 : 1;
		size_t len;

		r.at += width - 1;
		do {
			r.at += *r.at == MARK_JOIN;
			len = take_char(r.at, to + n, cols ? cols + n : NULL, col);
			r.at += len;
			n += len;
		} while (r.at < r.run_end && *r.at == MARK_JOIN);
		col = (uint16_t)(col + width);
	}
	while (n && to[n - 1] == ' ')
		n--;
	smol_buf_commit(out, n);
	if (at)
		smol_buf_commit(at, n * sizeof(*cols));
	return true;
}

struct smol_history *smol_history_copy(const struct smol_history *h, int more)
{
	struct smol_history *c = smol_history_new(h->limit + more);
	int i = 0;

	c->total = h->total;
	for (const struct block *b = h->first; b; b = b->next) {
		new_block(c);
		c->last->used = b->used;
		c->last->lines = b->lines;
		memcpy(c->last->data, b->data, b->used);
		for (int k = 0; k < b->lines; k++, i++) {
			if (i == c->size)
				grow_ring(c);
			c->ring[i] =
			    c->last->data + (h->ring[(h->head + i) & (h->size - 1)] - b->data);
			c->count++;
		}
	}
	return c;
}
