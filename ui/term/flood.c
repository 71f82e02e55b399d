/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Much text: see flood.h. What is not known to take one column for sure, and every sequence but
 * colours and "erase to the end of the line", makes a line one for libvterm.
 */
#include "ui/term/flood.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "ui/term/look.h"

#define SEQ_MAX 64 /* of a sequence */

/* Characters of one column that join nothing, for libvterm and everybody else. */
static const struct {
	uint32_t from, to;
} single[] = {
    {0xa0, 0xac},     /* Latin-1 … */
    {0xae, 0x2ff},    /* … Latin, IPA */
    {0x370, 0x373},   /* Greek */
    {0x384, 0x482},   /* Greek, Cyrillic */
    {0x48a, 0x52f},   /* Cyrillic */
    {0x1e00, 0x1eff}, /* Latin */
    {0x2010, 0x2027}, /* dashes, quotation marks, dots */
    {0x2030, 0x205e}, /* more of them */
    {0x20a0, 0x20bf}, /* currencies */
    {0x2190, 0x22ff}, /* arrows, mathematics */
    {0x2500, 0x25fc}, /* boxes, blocks, shapes */
    {0x2713, 0x2718}, /* check marks */
    {0xfffd, 0xfffd},
};

static bool is_single(uint32_t c)
{
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		if (c <= single[i].to)
			return c >= single[i].from;
	return false;
}

static bool is_ascii(char c)
{
	return c >= ' ' && c < 0x7f;
}

/* The bytes of a sequence behind ESC that may be in such a line; 0: another one. Its end is 'm' or
 * 'K', its parameters are between. */
static size_t sequence(const char *p, const char *end)
{
	const char *from = p;

	if (p >= end || *p++ != '[')
		return 0;
	if (end - p > SEQ_MAX)
		end = p + SEQ_MAX;
	while (p < end && ((*p >= '0' && *p <= ';')))
		p++;
	if (p >= end)
		return 0;
	if (*p == 'm' || (*p == 'K' && (p == from + 1 || (p == from + 2 && from[1] == '0'))))
		return (size_t)(p + 1 - from);
	return 0;
}

/* The end of the line that begins there; NULL: it is none of ours. Sets *seen where it has a
 * character. */
static const char *line_end(const char *p, const char *end, bool *seen)
{
	const char *from = p;

	if (end - p > SMOL_FLOOD_LINE)
		end = p + SMOL_FLOOD_LINE;
	while (p < end) {
		unsigned char c = (unsigned char)*p;
		size_t n = 1;

		if (is_ascii(*p)) {
			*seen = true;
			while (p < end && is_ascii(*p))
				p++;
			continue;
		}
		if (c == '\n')
			return p == from || p[-1] == '\r' ? p + 1 : NULL;
		if (c == '\033') {
			n = 1 + sequence(p + 1, end);
			if (n == 1)
				return NULL;
		} else if (c >= 0x80) {
			uint32_t ch;

			n = smol_utf8_len(p, (size_t)(end - p));
			if (!n || (smol_utf8_get(p, &ch), !is_single(ch)))
				return NULL;
			*seen = true;
		} else if (c != '\r' && c != '\t' && c != '\b') {
			return NULL;
		}
		p += n;
	}
	return NULL;
}

struct smol_flood smol_flood_find(const char *bytes, size_t n, int keep)
{
	const char *end = bytes + n, *p = bytes, *next;
	struct smol_flood f = {0};
	bool seen = false;
	int lines = 0;

	while ((next = line_end(p, end, &seen)) != NULL) {
		p = next;
		lines++;
	}
	f.bytes = (size_t)(p - bytes);
	if (lines < 2 * keep) {
		/* The line that ended it is for libvterm, too. */
		next = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		f.bytes = next ? (size_t)(next + 1 - bytes) : n;
		return f;
	}
	for (int i = 0; i < keep; i++) {
		next = memrchr(bytes, '\n', (size_t)(p - 1 - bytes));
		p = next ? next + 1 : bytes;
	}
	/* libvterm remembers the last character; let that be one that it sees. */
	seen = false;
	for (next = p; next && !seen; next = line_end(next, bytes + f.bytes, &seen))
		;
	if (seen)
		f.body = (size_t)(p - bytes);
	return f;
}

/* ---- the line on which all is written ---- */

struct line {
	uint32_t *chars;
	uint64_t *looks, look;
	int cols, at;
	bool full; /* the next character goes to the next line */
	struct smol_history *history;
};

static void erase(struct line *l, int from)
{
	memset(l->chars + from, 0, (size_t)(l->cols - from) * sizeof(*l->chars));
	for (int i = from; i < l->cols; i++)
		l->looks[i] = l->look;
}

static void next_line(struct line *l)
{
	smol_history_push_text(l->history, l->chars, l->looks, l->cols);
	erase(l, 0);
}

static void wrap(struct line *l)
{
	if (!l->full)
		return;
	next_line(l);
	l->at = 0;
	l->full = false;
}

static void move_to(struct line *l, int at)
{
	if (at != l->at)
		l->full = false;
	l->at = at;
}

/* As much as there is room for; returns how much. */
static size_t put_ascii(struct line *l, const char *p, size_t n)
{
	wrap(l);
	if (n > (size_t)(l->cols - l->at))
		n = (size_t)(l->cols - l->at);
	for (size_t i = 0; i < n; i++) {
		l->chars[(size_t)l->at + i] = (unsigned char)p[i];
		l->looks[(size_t)l->at + i] = l->look;
	}
	l->at += (int)n;
	if (l->at == l->cols) {
		l->at--;
		l->full = true;
	}
	return n;
}

static size_t put_char(struct line *l, const char *p)
{
	uint32_t c;
	size_t n = smol_utf8_get(p, &c);

	put_ascii(l, "?", 1);
	l->chars[l->at - !l->full] = c;
	return n;
}

static size_t put_sequence(struct line *l, const char *p, const char *end)
{
	size_t n = sequence(p + 1, end);
	const char *params = p + 2, *last = p + n;
	struct smol_sgr g;

	if (*last == 'K') {
		erase(l, l->at);
		return n + 1;
	}
	while (params) {
		params = smol_sgr_next(params, last, &g);
		l->look = smol_sgr_apply(l->look, &g);
	}
	return n + 1;
}

static void put_tab(struct line *l)
{
	int to = (l->at / 8 + 1) * 8;

	move_to(l, to < l->cols ? to : l->cols - 1);
}

uint64_t smol_flood_keep(const char *p, size_t n, uint32_t *chars, uint64_t *looks, int cols,
    uint64_t look, struct smol_history *h)
{
	struct line l = {.chars = chars, .looks = looks, .look = look, .cols = cols, .history = h};

	for (const char *end = p + n; p < end;) {
		const char *run = p;

		while (run < end && is_ascii(*run))
			run++;
		if (run > p) {
			p += put_ascii(&l, p, (size_t)(run - p));
			continue;
		}
		switch (*p) {
		case '\n':
			next_line(&l);
			p++;
			break;
		case '\r':
			move_to(&l, 0);
			p++;
			break;
		case '\b':
			move_to(&l, l.at > 0 ? l.at - 1 : 0);
			p++;
			break;
		case '\t':
			put_tab(&l);
			p++;
			break;
		case '\033':
			p += put_sequence(&l, p, end);
			break;
		default:
			p += put_char(&l, p);
		}
	}
	return l.look;
}
