/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking for text in a pane: see search.h. */
#include "ui/pane/search.h"

#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "base/auto.h"
#include "base/text.h"
#include "ui/pane/caret.h"

/* A reading of lines. */
struct scan {
	const struct smol_view *v;
	char *needle; /* small where capitals do not count; owned */
	size_t n;
	bool fold;
	struct smol_buf text, at;
};

/* Small letters, in their place: of those that take another number of bytes, the capital stays. */
static void fold(char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned char b = (unsigned char)s[i];
		char small[4];
		uint32_t c;
		size_t len;

		if (b < 0x80) {
			if (b >= 'A' && b <= 'Z')
				s[i] = (char)(b + 'a' - 'A');
			i++;
			continue;
		}
		len = smol_utf8_len(s + i, n - i);
		if (len && smol_utf8_get(s + i, &c) && iswupper((wint_t)c) &&
		    smol_utf8_put(small, (uint32_t)towlower((wint_t)c)) == len)
			memcpy(s + i, small, len);
		i += len ? len : 1;
	}
}

static bool has_capital(const char *s)
{
	for (size_t n = strlen(s), i = 0; i < n;) {
		size_t len = smol_utf8_len(s + i, n - i);
		uint32_t c;

		if (len && smol_utf8_get(s + i, &c) && iswupper((wint_t)c))
			return true;
		i += len ? len : 1;
	}
	return false;
}

static void scan_open(struct scan *s, const struct smol_view *v)
{
	*s = (struct scan){.v = v, .needle = smol_strdup(v->search.text)};
	s->n = strlen(s->needle);
	s->fold = !has_capital(s->needle);
	if (s->fold)
		fold(s->needle, s->n);
}

static void scan_close(struct scan *s)
{
	free(s->needle);
	smol_buf_free(&s->text);
	smol_buf_free(&s->at);
}

static bool scan_line(struct scan *s, int64_t line)
{
	if (!smol_view_read(s->v, line, &s->text, &s->at, NULL))
		return false;
	if (s->fold && smol_buf_len(&s->text))
		fold(s->text.data, smol_buf_len(&s->text));
	return true;
}

/* The next match in the line that was read, from *pos on, which goes behind it. */
static bool next_match(const struct scan *s, size_t *pos, struct smol_mark *m)
{
	const uint16_t *col = (const uint16_t *)(const void *)s->at.data;
	size_t len = smol_buf_len(&s->text), at;
	const char *found;

	if (*pos >= len)
		return false;
	found = memmem(s->text.data + *pos, len - *pos, s->needle, s->n);
	if (!found)
		return false;
	at = (size_t)(found - s->text.data);
	*pos = at + s->n;
	*m = (struct smol_mark){.from = col[at], .to = *pos < len ? col[*pos] - 1 : col[*pos - 1]};
	return true;
}

static bool precedes(struct smol_spot a, struct smol_spot b)
{
	return a.line < b.line || (a.line == b.line && a.col < b.col);
}

/* All lines once: the match that is wanted becomes the hit. */
static bool look(struct smol_view *v, struct smol_spot from, bool back)
{
	struct smol_spot other = {0}; /* where it goes on from the other end */
	struct smol_search *search = &v->search;
	struct smol_mark m;
	struct scan s;

	scan_open(&s, v);
	search->at = search->count = 0;
	for (int64_t line = smol_view_oldest(v); scan_line(&s, line); line++)
		for (size_t pos = 0; next_match(&s, &pos, &m);) {
			struct smol_spot spot = {.line = line, .col = m.from};
			bool before = precedes(spot, from);

			search->count++;
			if (back ? before : !before && !search->at) {
				search->hit = spot;
				search->at = search->count;
			}
			if (back || search->count == 1)
				other = spot;
		}
	scan_close(&s);
	if (!search->at && search->count) {
		search->hit = other;
		search->at = back ? search->count : 1;
	}
	return search->at;
}

static void go_to_hit(struct smol_view *v)
{
	struct smol_spot hit = v->search.hit;
	int64_t top = smol_view_top(v);

	if (hit.line < top || hit.line >= top + v->rows)
		smol_view_scroll(v, (int)(top - hit.line) + v->rows / 2);
	smol_view_reveal(v, hit);
	smol_view_hold(v);
	if (smol_view_frozen(v))
		smol_caret_put(v, hit);
}

bool smol_search(struct smol_view *v, const char *text, struct smol_spot from, bool back)
{
	char *copy = *text ? smol_strdup(text) : NULL;

	free(v->search.text);
	v->search = (struct smol_search){.text = copy, .back = back};
	if (!copy || !look(v, from, back))
		return false;
	go_to_hit(v);
	return true;
}

struct smol_spot smol_search_start(const struct smol_view *v, bool back)
{
	if (smol_view_frozen(v))
		return v->caret;
	return (struct smol_spot){.line = smol_view_top(v) + (back ? v->rows : 0)};
}

bool smol_search_step(struct smol_view *v, bool against)
{
	bool back = v->search.back != against;
	struct smol_spot from = v->search.hit;
	int64_t top = smol_view_top(v);

	if (!v->search.text)
		return false;
	if (smol_view_frozen(v))
		from = v->caret;
	else if (!v->search.at || from.line < top || from.line >= top + v->rows)
		from = smol_search_start(v, back);
	if (!back && v->search.at && from.line == v->search.hit.line &&
	    from.col == v->search.hit.col)
		from.col++;
	if (!look(v, from, back))
		return false;
	go_to_hit(v);
	return true;
}

int smol_search_marks(const struct smol_view *v, int64_t line, struct smol_mark marks[SMOL_MARKS])
{
	struct scan s;
	int n = 0;

	if (!v->search.text)
		return 0;
	scan_open(&s, v);
	if (scan_line(&s, line))
		for (size_t pos = 0; n < SMOL_MARKS && next_match(&s, &pos, &marks[n]); n++)
			marks[n].hit = v->search.at && v->search.hit.line == line &&
				       v->search.hit.col == marks[n].from;
	scan_close(&s);
	return n;
}
