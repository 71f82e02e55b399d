/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal in a pane: see term.h. */
#include "ui/term/term.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "ui/term/flood.h"
#include "ui/term/history.h"
#include "ui/term/look.h"
#include "ui/term/wash.h"

#define PIECE 1024	 /* what is drawn, or pasted, in one go */
#define WRITE (4 * 1024) /* libvterm takes four times that of the stack */

struct smol_term {
	VTerm *vt; /* NULL: a copy, whose screen lies at the end of its history */
	VTermScreen *screen;
	smol_term_say say;
	void *ctx;
	int rows, cols;
	bool cursor_hidden, alternate;
	enum smol_term_mouse mouse;
	struct smol_history *history;
	struct smol_wash wash;
	struct smol_buf washed;
	size_t slow; /* so many of the bytes to come are for libvterm */
	uint64_t undrawn;
	int mute; /* so many of the lines that it will push are not to be kept */
};

static int clamp(int n, int least)
{
	return n < least ? least : n > SMOL_TERM_MAX ? SMOL_TERM_MAX : n;
}

static int within(int n, int count)
{
	return n < 0 ? 0 : n < count ? n : count - 1;
}

/* ---- what libvterm tells ---- */

static int on_push(int cols, const VTermScreenCell *cells, void *user)
{
	struct smol_term *t = user;

	if (t->mute)
		t->mute--;
	else
		smol_history_push(t->history, cells, cols);
	return 1;
}

static int on_pop(int cols, VTermScreenCell *cells, void *user)
{
	struct smol_term *t = user;

	if (!smol_history_cells(t->history, 1, cells, cols))
		return 0;
	smol_history_pop(t->history);
	return 1;
}

static enum smol_term_mouse mouse_of(int asked)
{
	switch (asked) {
	case VTERM_PROP_MOUSE_CLICK:
		return SMOL_TERM_MOUSE_CLICK;
	case VTERM_PROP_MOUSE_DRAG:
		return SMOL_TERM_MOUSE_DRAG;
	case VTERM_PROP_MOUSE_MOVE:
		return SMOL_TERM_MOUSE_MOVE;
	default:
		return SMOL_TERM_MOUSE_NONE;
	}
}

static int on_prop(VTermProp prop, VTermValue *val, void *user)
{
	struct smol_term *t = user;

	if (prop == VTERM_PROP_CURSORVISIBLE)
		t->cursor_hidden = !val->boolean;
	else if (prop == VTERM_PROP_ALTSCREEN)
		t->alternate = val->boolean;
	else if (prop == VTERM_PROP_MOUSE)
		t->mouse = mouse_of(val->number);
	return 1;
}

static const VTermScreenCallbacks callbacks = {
    .settermprop = on_prop,
    .sb_pushline = on_push,
    .sb_popline = on_pop,
};

struct smol_term *smol_term_new(int rows, int cols, smol_term_say say, void *ctx)
{
	struct smol_term *t = smol_alloc(sizeof(*t));

	t->say = say;
	t->ctx = ctx;
	t->rows = t->wash.rows = clamp(rows, 1);
	t->cols = t->wash.cols = clamp(cols, 2);
	t->history = smol_history_new(SMOL_TERM_HISTORY);
	t->vt = vterm_new(t->rows, t->cols);
	vterm_set_utf8(t->vt, 1);
	vterm_output_set_callback(t->vt, say, ctx);
	t->screen = vterm_obtain_screen(t->vt);
	vterm_screen_set_callbacks(t->screen, &callbacks, t);
	vterm_screen_enable_altscreen(t->screen, 1);
	vterm_screen_reset(t->screen, 1);
	return t;
}

void smol_term_free(struct smol_term *t)
{
	if (!t)
		return;
	if (t->vt)
		vterm_free(t->vt);
	smol_history_free(t->history);
	smol_buf_free(&t->washed);
	free(t);
}

static VTermPos where(const struct smol_term *t)
{
	VTermPos at;

	vterm_state_get_cursorpos(vterm_obtain_state(t->vt), &at);
	return at;
}

/* To libvterm, washed bytes or our own. A long text is cut where a line or a sequence begins. */
static void feed(struct smol_term *t, const char *bytes, size_t n)
{
	while (n) {
		size_t part = n;

		if (part > WRITE) {
			part = WRITE;
			while (part > WRITE / 2 && bytes[part] != '\n' && bytes[part] != '\033')
				part--;
		}
		vterm_input_write(t->vt, bytes, part);
		bytes += part;
		n -= part;
	}
	vterm_screen_flush_damage(t->screen);
}

static void feed_washed(struct smol_term *t)
{
	feed(t, smol_buf_head(&t->washed), smol_buf_len(&t->washed));
	smol_buf_clear(&t->washed);
}

void smol_term_resize(struct smol_term *t, int rows, int cols)
{
	VTermPos at = where(t);

	rows = clamp(rows, 1);
	cols = clamp(cols, 2);
	if (rows == t->rows && cols == t->cols)
		return;
	/* libvterm keeps a scrolling region that is not within the new size. */
	if (t->wash.odd & (SMOL_WASH_REGION | SMOL_WASH_ORIGIN)) {
		smol_buf_printf(&t->washed, "\033[?6l\033[r\033[%d;%dH", at.row + 1, at.col + 1);
		feed_washed(t);
		t->wash.odd &= ~(unsigned)(SMOL_WASH_REGION | SMOL_WASH_ORIGIN);
	}
	t->rows = t->wash.rows = rows;
	t->cols = t->wash.cols = cols;
	vterm_set_size(t->vt, rows, cols);
	/* No query, but it brings the cursor into the grid. */
	feed(t, "\033[0n", 4);
}

/* ---- output ---- */

/* The line that the cursor is at, if it is blank. */
static bool blank_line(const struct smol_term *t, uint32_t *chars, uint64_t *looks)
{
	VTermScreenCell c;

	for (int i = 0; i < t->cols; i++) {
		vterm_screen_get_cell(t->screen, (VTermPos){.row = t->rows - 1, .col = i}, &c);
		if (c.chars[0])
			return false;
		chars[i] = 0;
		looks[i] = smol_look_of_cell(&c);
	}
	return true;
}

/*
 * Lines that only scroll through. All that is on the screen goes up into the history, then they do,
 * and libvterm gets those behind them, which fill the screen; the blank lines that it pushes up
 * meanwhile are not kept. The cursor is at the beginning of the last line, so nothing is
 * left of the one before it. Returns the bytes taken; 0: this is nothing of the kind.
 */
static size_t take_flood(struct smol_term *t, const char *bytes, size_t n)
{
	uint32_t chars[SMOL_TERM_MAX];
	uint64_t looks[SMOL_TERM_MAX], look;
	VTermPos at = where(t);
	struct smol_flood f;

	if (t->slow || t->wash.odd || t->alternate || !smol_wash_idle(&t->wash) || t->rows < 2 ||
	    t->cols < SMOL_FLOOD_COLS_MIN || at.row != t->rows - 1 || at.col != 0 ||
	    !blank_line(t, chars, looks))
		return 0;
	f = smol_flood_find(bytes, n, t->rows - 1);
	if (!f.body) {
		t->slow = f.bytes;
		return 0;
	}
	look = smol_look_of_pen(vterm_obtain_state(t->vt));
	for (int i = 1; i < t->rows; i++)
		smol_buf_append(&t->washed, "\n", 1);
	feed_washed(t);
	look = smol_flood_keep(bytes, f.body, chars, looks, t->cols, look, t->history);
	t->mute = t->rows;
	smol_look_put(look, &t->washed);
	smol_buf_append(&t->washed, "\n", 1);
	smol_wash(&t->wash, bytes + f.body, f.bytes - f.body, &t->washed);
	feed_washed(t);
	t->mute = 0;
	t->undrawn += f.body;
	return f.bytes;
}

uint64_t smol_term_undrawn(const struct smol_term *t)
{
	return t->undrawn;
}

size_t smol_term_take(struct smol_term *t, const char *bytes, size_t n)
{
	size_t part = take_flood(t, bytes, n);
	const char *line;

	if (part)
		return part;
	part = n < PIECE ? n : PIECE;
	if (t->slow && part > t->slow)
		part = t->slow;
	/* At a line's beginning it may become fast again. */
	line = memrchr(bytes, '\n', part);
	if (line)
		part = (size_t)(line + 1 - bytes);
	t->slow -= part < t->slow ? part : t->slow;
	smol_wash(&t->wash, bytes, part, &t->washed);
	feed_washed(t);
	return part;
}

void smol_term_write(struct smol_term *t, const char *bytes, size_t n)
{
	while (n) {
		size_t part = smol_term_take(t, bytes, n);

		bytes += part;
		n -= part;
	}
}

void smol_term_reset(struct smol_term *t)
{
	/* Out of a full-screen program, a new line, plain colours, cursor shown, no modes. */
	static const char plainly[] =
	    "\033[?1;5;1000;1002;1003;1005;1006;1015;2004l\033[?7;25h\033[4;20l\033(B\033)B\017"
	    "\0337\033[?6l\033[r\0338\033[m";

	smol_wash_cut(&t->wash);
	/* 1049 would move the cursor where there is nothing to leave. */
	if (t->alternate)
		smol_term_write(t, "\033[?1049l", 8);
	smol_term_write(t, plainly, sizeof(plainly) - 1);
	if (where(t).col > 0)
		smol_term_write(t, "\r\n", 2);
}

void smol_term_set_history(struct smol_term *t, int lines)
{
	smol_history_limit(t->history, lines);
}

int smol_term_room(const struct smol_term *t)
{
	return smol_history_room(t->history);
}

int smol_term_rows(const struct smol_term *t)
{
	return t->rows;
}

int smol_term_cols(const struct smol_term *t)
{
	return t->cols;
}

/* Lines of the screen that are in the history: a copy's are. */
static int still_rows(const struct smol_term *t)
{
	return t->vt ? 0 : t->rows;
}

int smol_term_history(const struct smol_term *t)
{
	return t->alternate ? 0 : smol_history_count(t->history) - still_rows(t);
}

int64_t smol_term_origin(const struct smol_term *t)
{
	return smol_history_total(t->history) - still_rows(t);
}

bool smol_term_line(const struct smol_term *t, int row, VTermScreenCell *cells, int cols)
{
	if (row >= t->rows)
		return false;
	if (row < still_rows(t))
		return smol_history_cells(t->history, still_rows(t) - row, cells, cols);
	for (int i = 0; i < cols && i < t->cols; i++)
		vterm_screen_get_cell(t->screen, (VTermPos){.row = row, .col = i}, &cells[i]);
	smol_cells_blank(cells, t->cols < cols ? t->cols : cols, cols);
	return true;
}

struct smol_term *smol_term_still(const struct smol_term *t)
{
	struct smol_term *c = smol_alloc(sizeof(*c));
	VTermScreenCell *cells = smol_alloc((size_t)t->cols * sizeof(*cells));

	c->rows = t->rows;
	c->cols = t->cols;
	c->alternate = t->alternate;
	c->history = smol_history_copy(t->history, t->rows);
	for (int row = 0; row < t->rows; row++) {
		smol_term_line(t, row, cells, t->cols);
		smol_history_push(c->history, cells, t->cols);
	}
	free(cells);
	return c;
}

/* A line of the screen. */
static void read_screen(
    const struct smol_term *t, int row, struct smol_buf *b, struct smol_buf *at, bool *full)
{
	for (int i = 0; i < t->cols; i++) {
		char *to = smol_buf_reserve(b, 4 * VTERM_MAX_CHARS_PER_CELL);
		uint16_t col = (uint16_t)i;
		VTermScreenCell c;
		size_t n = 0;

		vterm_screen_get_cell(t->screen, (VTermPos){.row = row, .col = i}, &c);
		if (c.chars[0] == SMOL_CELL_OFF)
			continue;
		n += smol_utf8_put(to, smol_cell_char(c.chars[0]));
		for (int k = 1; k < VTERM_MAX_CHARS_PER_CELL && c.chars[0] && c.chars[k]; k++)
			n += smol_utf8_put(to + n, smol_cell_char(c.chars[k]));
		smol_buf_commit(b, n);
		for (size_t k = 0; at && k < n; k++)
			smol_buf_append(at, &col, sizeof(col));
	}
	if (full)
		*full = smol_buf_len(b) && b->data[b->end - 1] != ' ';
	while (smol_buf_len(b) && b->data[b->end - 1] == ' ') {
		b->end--;
		if (at)
			at->end -= sizeof(uint16_t);
	}
}

bool smol_term_read(
    const struct smol_term *t, int row, struct smol_buf *text, struct smol_buf *at, bool *full)
{
	smol_buf_clear(text);
	if (at)
		smol_buf_clear(at);
	if (row >= t->rows)
		return false;
	if (row < still_rows(t))
		return smol_history_text(t->history, still_rows(t) - row, text, at, full);
	read_screen(t, row, text, at, full);
	return true;
}

char *smol_term_text(const struct smol_term *t, int row)
{
	smol_auto_buf struct smol_buf b = {0};

	return smol_term_read(t, row, &b, NULL, NULL) ? smol_buf_take(&b) : NULL;
}

bool smol_term_cursor(const struct smol_term *t, int *row, int *col)
{
	VTermPos at = where(t);

	*row = within(at.row, t->rows);
	*col = within(at.col, t->cols);
	return !t->cursor_hidden;
}

bool smol_term_alternate(const struct smol_term *t)
{
	return t->alternate;
}

enum smol_term_mouse smol_term_mouse(const struct smol_term *t)
{
	return t->mouse;
}

void smol_term_mouse_event(
    struct smol_term *t, int row, int col, int button, bool pressed, VTermModifier mod)
{
	if (t->mouse == SMOL_TERM_MOUSE_NONE)
		return;
	vterm_mouse_move(t->vt, within(row, t->rows), within(col, t->cols), mod);
	if (button >= 1 && button <= 5)
		vterm_mouse_button(t->vt, button, pressed, mod);
}

void smol_term_key(struct smol_term *t, VTermKey key, VTermModifier mod)
{
	vterm_keyboard_key(t->vt, key, mod);
}

void smol_term_char(struct smol_term *t, uint32_t c, VTermModifier mod)
{
	vterm_keyboard_unichar(t->vt, c, mod);
}

void smol_term_paste(struct smol_term *t, const char *text, size_t n)
{
	char piece[PIECE];
	size_t len = 0;

	vterm_keyboard_start_paste(t->vt);
	/* What could end the paste, and run what follows, is taken out. */
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '\033')
			piece[len++] = text[i];
		if (len && piece[len - 1] == '\n')
			piece[len - 1] = '\r';
		if (len == sizeof(piece) || (len && i + 1 == n)) {
			t->say(piece, len, t->ctx);
			len = 0;
		}
	}
	vterm_keyboard_end_paste(t->vt);
}
