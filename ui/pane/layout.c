/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things stand: see layout.h. */
#include "ui/pane/layout.h"

#include <stdint.h>

const char *const smol_arrangements[SMOL_ARRANGE__COUNT] = {
#define X(e, text) [SMOL_ARRANGE_##e] = text,
    SMOL_ARRANGEMENTS(X)
#undef X
};

/* The panes that are shown, in bands which follow one another in one way. */
struct bands {
	enum smol_way way;
	int n, shown;
	int count[SMOL_PANES]; /* of a band's panes */
	int which[SMOL_PANES]; /* band after band */
};

/* Those that share the room in one way: bands (by their first pane), or the panes of a band. */
struct group {
	enum smol_way way;
	int n;
	int pane[SMOL_PANES];
	int64_t usual[SMOL_PANES]; /* what is in proportion to others, before the user's share */
};

static int between(int n, int low, int high)
{
	return n > high ? high : n < low ? low : n;
}

static enum smol_way other(enum smol_way way)
{
	return way == SMOL_DOWN ? SMOL_ACROSS : SMOL_DOWN;
}

void smol_layout_init(struct smol_layout *l)
{
	*l = (struct smol_layout){0};
	for (int i = 0; i < SMOL_PANES; i++)
		l->order[i] = (i + 1) % SMOL_PANES; /* the session is the last */
	smol_layout_arrange(l, SMOL_ARRANGE_GRID, 0);
}

/* ---- who is shown, and in which bands ---- */

static int gather(const struct smol_layout *l, const bool there[SMOL_PANES], int which[SMOL_PANES])
{
	int n = 0;

	for (int i = 0; i < SMOL_PANES; i++)
		if (there[l->order[i]])
			which[n++] = l->order[i];
	return n;
}

/* Of n panes those that have room: the first `keep`, and of the others such as the chosen is among.
 */
static void choose(struct bands *b, const int *which, int n, int shown, int keep, int current)
{
	int first = 0;

	if (shown < 2)
		keep = 0;
	for (int i = shown; i < n; i++)
		if (which[i] == current)
			first = i - shown + 1;
	for (int i = 0; i < shown; i++)
		b->which[i] = which[i < keep ? i : i + first];
	b->shown = shown;
}

/* Rows of so many panes; the last one has what is left. */
static void in_rows(struct bands *b, int across)
{
	b->way = SMOL_DOWN;
	for (int left = b->shown; left > 0; left -= across)
		b->count[b->n++] = left < across ? left : across;
}

static void make_bands(const struct smol_layout *l, const struct smol_rect *r, const int *which,
    int n, int current, struct bands *b)
{
	int down = between(r->rows / SMOL_PANE_ROWS, 1, SMOL_PANES), rows;
	int beside = between((r->cols + 1) / (SMOL_PANE_COLS_MIN + 1), 1, SMOL_PANES);
	int across = between(r->cols / SMOL_PANE_COLS, 1, n);

	*b = (struct bands){0};
	switch (l->arrangement) {
	case SMOL_ARRANGE_COLUMNS:
		choose(b, which, n, between(n, 1, beside), 0, current);
		in_rows(b, b->shown);
		break;
	case SMOL_ARRANGE_MAIN:
		if (beside > 1) {
			choose(b, which, n, between(n, 1, 1 + down), 1, current);
			b->way = SMOL_ACROSS;
			b->n = b->shown > 1 ? 2 : 1;
			b->count[0] = 1;
			b->count[1] = b->shown - 1;
			break;
		}
		/* fall through */
	case SMOL_ARRANGE_ROWS:
		across = 1;
		/* fall through */
	default:
		choose(b, which, n, between(n, 1, down * across), 0, current);
		/* As even as that number of rows can be. */
		rows = (b->shown + across - 1) / across;
		in_rows(b, (b->shown + rows - 1) / rows);
	}
}

static void group_of_bands(const struct smol_layout *l, const struct bands *b, struct group *g)
{
	*g = (struct group){.way = b->way, .n = b->n};
	for (int i = 0, at = 0; i < b->n; at += b->count[i++]) {
		g->pane[i] = b->which[at];
		g->usual[i] = l->arrangement == SMOL_ARRANGE_MAIN && i == 0 ? 3 : 2;
	}
}

static void group_of_band(const struct bands *b, int band, struct group *g)
{
	int at = 0;

	for (int i = 0; i < band; i++)
		at += b->count[i];
	*g = (struct group){.way = other(b->way), .n = b->count[band]};
	for (int i = 0; i < g->n; i++) {
		g->pane[i] = b->which[at + i];
		g->usual[i] = 1;
	}
}

/* The group in which that pane, or its band, has neighbours that way; and its place in it. */
static int group_of_pane(const struct smol_layout *l, const struct bands *b, int pane,
    enum smol_way way, struct group *g)
{
	for (int band = 0; band < b->n; band++) {
		group_of_band(b, band, g);
		for (int i = 0; i < g->n; i++) {
			if (g->pane[i] != pane)
				continue;
			if (way != b->way)
				return i;
			group_of_bands(l, b, g);
			return band;
		}
	}
	g->n = 0;
	return -1;
}

/* ---- sizes ---- */

/* Panes side by side have a bar between them. */
static int gap(enum smol_way way)
{
	return way == SMOL_ACROSS;
}

static int smallest(enum smol_way way, int total, int n)
{
	int least = way == SMOL_ACROSS ? SMOL_PANE_COLS_MIN : SMOL_PANE_ROWS_MIN;

	return total / n < least ? total / n : least;
}

/* Where each of the group begins within so much room, and, as the last, where it ends. */
static void share_out(const struct smol_layout *l, const struct group *g, int room, int begin[])
{
	int total = room - (g->n - 1) * gap(g->way), least = smallest(g->way, total, g->n);
	int64_t sum = 0, upto = 0;
	int end = 0;

	for (int i = 0; i < g->n; i++)
		sum += g->usual[i] * l->share[g->way][g->pane[i]];
	for (int i = 0; i < g->n; i++) {
		begin[i] = end + i * gap(g->way);
		upto += g->usual[i] * l->share[g->way][g->pane[i]];
		end = between((int)((total * upto + sum / 2) / sum), end + least,
		    total - (g->n - 1 - i) * least);
	}
	begin[g->n] = end + g->n * gap(g->way);
}

/* That part of a rectangle, from one beginning to the next. */
static struct smol_rect part(const struct smol_rect *r, enum smol_way way, const int begin[2])
{
	struct smol_rect p = *r;

	if (way == SMOL_DOWN) {
		p.row += begin[0];
		p.rows = begin[1] - begin[0];
	} else {
		p.col += begin[0];
		p.cols = begin[1] - begin[0] - 1;
	}
	return p;
}

/* In front of that part. */
static void add_border(
    struct smol_places *at, const struct smol_rect *p, enum smol_way way, int second)
{
	struct smol_border *b = &at->borders[at->nborders++];

	*b = (struct smol_border){.at = *p, .way = way, .second = second};
	if (way == SMOL_DOWN) {
		b->at.rows = 1;
	} else {
		b->at.col--;
		b->at.cols = 1;
	}
}

static void place_bands(const struct smol_layout *l, const struct smol_rect *r,
    const struct bands *b, struct smol_places *at)
{
	int begin[SMOL_PANES + 1], inner[SMOL_PANES + 1];
	struct group bands, band;

	group_of_bands(l, b, &bands);
	share_out(l, &bands, b->way == SMOL_DOWN ? r->rows : r->cols, begin);
	for (int i = 0; i < b->n; i++) {
		struct smol_rect whole = part(r, b->way, begin + i);

		group_of_band(b, i, &band);
		if (i)
			add_border(at, &whole, b->way, band.pane[0]);
		share_out(l, &band, band.way == SMOL_DOWN ? whole.rows : whole.cols, inner);
		for (int k = 0; k < band.n; k++) {
			struct smol_rect p = part(&whole, band.way, inner + k);

			at->panes[band.pane[k]] = p;
			if (k)
				add_border(at, &p, band.way, band.pane[k]);
		}
	}
}

/* ---- the whole ---- */

static int list_within(const struct smol_layout_ask *ask, int cols)
{
	return between(cols, SMOL_LIST_COLS_MIN, ask->cols - 2 * (SMOL_PANE_COLS_MIN + 1));
}

static int list_cols(const struct smol_layout *l, const struct smol_layout_ask *ask)
{
	int64_t n = ((int64_t)l->list * ask->cols + SMOL_SHARE / 2) / SMOL_SHARE;

	return list_within(ask, l->list ? (int)n : ask->list_cols);
}

/* What the panes have; the list, too. False: nothing. */
static bool place_body(const struct smol_layout *l, const struct smol_layout_ask *ask,
    struct smol_places *at, struct smol_rect *body)
{
	bool wide = ask->cols >= SMOL_COLS_WIDE, list = ask->list || (wide && !ask->zoom);

	*at = (struct smol_places){.strip = !wide && !list};
	*body = (struct smol_rect){.row = 1, .rows = ask->rows - 4, .cols = ask->cols};
	body->row += at->strip;
	body->rows -= at->strip;
	at->body_rows = body->rows;
	if (!list)
		return true;
	at->list = *body;
	if (!wide || ask->zoom)
		return false;
	at->list.cols = list_cols(l, ask);
	body->col = at->list.cols + 1;
	body->cols -= body->col;
	add_border(at, body, SMOL_ACROSS, -1);
	return true;
}

/* The bands of those that are asked for, in what the panes have. */
static bool ask_bands(const struct smol_layout *l, const struct smol_layout_ask *ask,
    struct smol_places *at, struct smol_rect *body, struct bands *b)
{
	int which[SMOL_PANES], n = gather(l, ask->there, which);

	if (!place_body(l, ask, at, body) || !n)
		return false;
	if (ask->zoom || ask->cols < SMOL_COLS_WIDE) {
		if (ask->there[ask->current])
			which[0] = ask->current;
		n = 1;
	}
	make_bands(l, body, which, n, ask->current, b);
	return true;
}

void smol_layout_place(
    const struct smol_layout *l, const struct smol_layout_ask *ask, struct smol_places *at)
{
	struct smol_rect body;
	struct bands b;

	if (ask_bands(l, ask, at, &body, &b))
		place_bands(l, &body, &b, at);
}

/* ---- what the user changes ---- */

static int place_of(const struct smol_layout *l, int pane)
{
	for (int i = 0; i < SMOL_PANES; i++)
		if (l->order[i] == pane)
			return i;
	return 0;
}

void smol_layout_forget(struct smol_layout *l, int pane)
{
	l->share[SMOL_DOWN][pane] = l->share[SMOL_ACROSS][pane] = SMOL_SHARE;
}

void smol_layout_put_behind(struct smol_layout *l, int pane, int front)
{
	int from = place_of(l, pane), to;

	if (pane == front)
		return;
	for (int i = from; i < SMOL_PANES - 1; i++)
		l->order[i] = l->order[i + 1];
	l->order[SMOL_PANES - 1] = pane;
	to = place_of(l, front) + 1;
	for (int i = SMOL_PANES - 1; i > to; i--)
		l->order[i] = l->order[i - 1];
	l->order[to] = pane;
	smol_layout_forget(l, pane);
}

bool smol_layout_swap(struct smol_layout *l, const bool there[SMOL_PANES], int pane, int by)
{
	int which[SMOL_PANES], n = gather(l, there, which), at = -1, with;

	for (int i = 0; i < n; i++)
		if (which[i] == pane)
			at = i + by;
	if (at < 0 || at >= n)
		return false;
	with = which[at];
	at = place_of(l, with);
	l->order[place_of(l, pane)] = with;
	l->order[at] = pane;
	for (int way = 0; way < SMOL_WAYS; way++) {
		int share = l->share[way][pane];

		l->share[way][pane] = l->share[way][with];
		l->share[way][with] = share;
	}
	return true;
}

void smol_layout_arrange(struct smol_layout *l, enum smol_arrangement arrangement, int pane)
{
	l->arrangement = arrangement;
	for (int i = 0; i < SMOL_PANES; i++)
		smol_layout_forget(l, i);
	if (arrangement == SMOL_ARRANGE_MAIN) {
		int at = place_of(l, pane);

		for (; at > 0; at--)
			l->order[at] = l->order[at - 1];
		l->order[0] = pane;
	}
}

/* The border behind the group's i-th moves. */
static void move_border(
    struct smol_layout *l, const struct group *g, const struct smol_places *at, int i, int by)
{
	int size[SMOL_PANES] = {0}, total = 0, least;
	int64_t usual = 0;

	for (int k = 0; k < g->n; k++) {
		const struct smol_rect *r = &at->panes[g->pane[k]];

		size[k] = g->way == SMOL_DOWN ? r->rows : r->cols;
		total += size[k];
		usual += g->usual[k];
	}
	least = smallest(g->way, total, g->n);
	by = between(by, least - size[i], size[i + 1] - least);
	size[i] += by;
	size[i + 1] -= by;
	for (int k = 0; k < g->n && total > 0; k++)
		l->share[g->way][g->pane[k]] =
		    (int)(size[k] * usual * SMOL_SHARE / (total * g->usual[k]));
}

void smol_layout_grow_list(struct smol_layout *l, const struct smol_layout_ask *ask, int cols)
{
	int64_t n = list_within(ask, list_cols(l, ask) + cols);

	if (ask->cols >= SMOL_COLS_WIDE)
		l->list = (int)((n * SMOL_SHARE + ask->cols / 2) / ask->cols);
}

void smol_layout_drag(struct smol_layout *l, const struct smol_layout_ask *ask,
    const struct smol_border *border, int by)
{
	struct smol_places at;
	struct smol_rect body;
	struct bands b;
	struct group g;
	int i;

	if (border->second < 0) {
		smol_layout_grow_list(l, ask, by);
		return;
	}
	if (!ask_bands(l, ask, &at, &body, &b))
		return;
	place_bands(l, &body, &b, &at);
	i = group_of_pane(l, &b, border->second, border->way, &g);
	if (i > 0)
		move_border(l, &g, &at, i - 1, by);
}

void smol_layout_grow(
    struct smol_layout *l, const struct smol_layout_ask *ask, int pane, int rows, int cols)
{
	int by[SMOL_WAYS] = {[SMOL_DOWN] = rows, [SMOL_ACROSS] = cols};
	struct smol_places at;
	struct smol_rect body;
	struct bands b;
	struct group g;

	if (!ask_bands(l, ask, &at, &body, &b))
		return;
	place_bands(l, &body, &b, &at);
	for (int way = 0; way < SMOL_WAYS; way++) {
		int i = group_of_pane(l, &b, pane, (enum smol_way)way, &g);

		if (i >= 0 && i < g.n - 1)
			move_border(l, &g, &at, i, by[way]);
		else if (i > 0)
			move_border(l, &g, &at, i - 1, -by[way]);
	}
}
