/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal in a pane: see term.h. */
#include "ui/term.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

/* In a kept line: the next character takes two columns; it belongs to the cell before. */
#define MARK_WIDE 1
#define MARK_JOIN 2

#define OFF_LINE ((uint32_t)-1) /* in the cell behind a wide one */

/* How the cells of a run look. */
struct look {
	VTermColor fg, bg;
	VTermScreenCellAttrs attrs;
};

/* Text of cells that look the same, behind a line's beginning and behind each other. */
struct run {
	struct look look;
	uint16_t bytes;
};

struct kept {
	uint32_t bytes; /* of what follows: runs with their text */
	char data[];
};

struct smol_term {
	VTerm *vt;
	VTermScreen *screen;
	smol_term_say say;
	void *ctx;
	int rows, cols;
	bool cursor_hidden, alternate;
	enum smol_term_mouse mouse;
	struct kept **history; /* a ring of SMOL_TERM_HISTORY */
	int first, count;
};

static int clamp(int n)
{
	return n < 1 ? 1 : n > SMOL_TERM_MAX ? SMOL_TERM_MAX : n;
}

static int within(int n, int count)
{
	return n < 0 ? 0 : n < count ? n : count - 1;
}

static bool same_look(const struct look *a, const struct look *b)
{
	return vterm_color_is_equal(&a->fg, &b->fg) && vterm_color_is_equal(&a->bg, &b->bg) &&
	       a->attrs.bold == b->attrs.bold && a->attrs.underline == b->attrs.underline &&
	       a->attrs.italic == b->attrs.italic && a->attrs.blink == b->attrs.blink &&
	       a->attrs.reverse == b->attrs.reverse && a->attrs.strike == b->attrs.strike;
}

static struct look look_of(const VTermScreenCell *c)
{
	return (struct look){.fg = c->fg, .bg = c->bg, .attrs = c->attrs};
}

static bool is_blank(const VTermScreenCell *c)
{
	return (c->chars[0] == 0 || c->chars[0] == ' ') && VTERM_COLOR_IS_DEFAULT_BG(&c->bg) &&
	       !c->attrs.reverse && !c->attrs.underline && !c->attrs.strike;
}

/* ---- lines that are kept ---- */

/* A program may have put anything into a cell; only what is a character is kept. */
static uint32_t plain(uint32_t c)
{
	return c == 0 ? ' ' : c < ' ' || (c >= 0x7f && c < 0xa0) || c > 0x10ffff ? 0xfffd : c;
}

static void put_cell(struct smol_buf *b, const VTermScreenCell *c)
{
	char *to = smol_buf_reserve(b, 1 + 5 * VTERM_MAX_CHARS_PER_CELL);
	size_t n = 0;

	if (c->width == 2)
		to[n++] = MARK_WIDE;
	n += smol_utf8_put(to + n, plain(c->chars[0]));
	for (int i = 1; i < VTERM_MAX_CHARS_PER_CELL && c->chars[i] && c->chars[0]; i++) {
		to[n++] = MARK_JOIN;
		n += smol_utf8_put(to + n, plain(c->chars[i]));
	}
	smol_buf_commit(b, n);
}

static struct kept *keep(const VTermScreenCell *cells, int cols)
{
	smol_auto_buf struct smol_buf b = {0};
	struct kept *k;

	while (cols > 0 && is_blank(&cells[cols - 1]))
		cols--;
	for (int i = 0; i < cols;) {
		struct run r = {.look = look_of(&cells[i])};
		size_t at = smol_buf_len(&b), begin;

		smol_buf_append(&b, &r, sizeof(r));
		begin = smol_buf_len(&b);
		for (; i < cols; i++) {
			struct look l = look_of(&cells[i]);

			if (cells[i].chars[0] == OFF_LINE)
				continue;
			if (!same_look(&l, &r.look) || smol_buf_len(&b) - begin > UINT16_MAX - 64)
				break;
			put_cell(&b, &cells[i]);
		}
		r.bytes = (uint16_t)(smol_buf_len(&b) - begin);
		memcpy(smol_buf_head(&b) + at, &r, sizeof(r));
	}
	k = malloc(sizeof(*k) + smol_buf_len(&b));
	if (!k)
		return NULL;
	k->bytes = (uint32_t)smol_buf_len(&b);
	if (k->bytes)
		memcpy(k->data, smol_buf_head(&b), k->bytes);
	return k;
}

static void blank(VTermScreenCell *cells, int from, int cols)
{
	for (int i = from; i < cols; i++) {
		cells[i] = (VTermScreenCell){.width = 1};
		cells[i].fg.type = VTERM_COLOR_DEFAULT_FG;
		cells[i].bg.type = VTERM_COLOR_DEFAULT_BG;
	}
}

static void recall(const struct kept *k, VTermScreenCell *cells, int cols)
{
	int at = 0;

	for (uint32_t pos = 0; k && pos < k->bytes && at < cols;) {
		const char *text = k->data + pos + sizeof(struct run), *end;
		struct run r;

		memcpy(&r, k->data + pos, sizeof(r));
		end = text + r.bytes;
		pos += (uint32_t)sizeof(r) + r.bytes;
		while (text < end && at < cols) {
			VTermScreenCell *c = &cells[at];

			memset(c, 0, sizeof(*c));
			c->width = 1;
			if (*text == MARK_WIDE) {
				c->width = 2;
				text++;
			}
			text += smol_utf8_get(text, &c->chars[0]);
			for (int i = 1; text < end && *text == MARK_JOIN; i++)
				text += 1 + smol_utf8_get(text + 1, &c->chars[i]);
			c->fg = r.look.fg;
			c->bg = r.look.bg;
			c->attrs = r.look.attrs;
			if (c->width == 2 && at + 1 < cols) {
				cells[at + 1] = *c;
				cells[at + 1].chars[0] = OFF_LINE;
				cells[at + 1].width = 1;
			}
			at += c->width;
		}
	}
	blank(cells, at < cols ? at : cols, cols);
}

/* ---- what libvterm tells ---- */

static int on_push(int cols, const VTermScreenCell *cells, void *user)
{
	struct smol_term *t = user;
	struct kept *k = keep(cells, cols);

	if (!k)
		return 0;
	if (t->count == SMOL_TERM_HISTORY) {
		free(t->history[t->first]);
		t->history[t->first] = k;
		t->first = (t->first + 1) % SMOL_TERM_HISTORY;
	} else {
		t->history[(t->first + t->count++) % SMOL_TERM_HISTORY] = k;
	}
	return 1;
}

static int on_pop(int cols, VTermScreenCell *cells, void *user)
{
	struct smol_term *t = user;
	struct kept **k;

	if (!t->count)
		return 0;
	k = &t->history[(t->first + --t->count) % SMOL_TERM_HISTORY];
	recall(*k, cells, cols);
	free(*k);
	*k = NULL;
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
	t->rows = clamp(rows);
	t->cols = clamp(cols);
	t->history = smol_alloc(SMOL_TERM_HISTORY * sizeof(*t->history));
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
	vterm_free(t->vt);
	for (int i = 0; i < SMOL_TERM_HISTORY; i++)
		free(t->history[i]);
	free(t->history);
	free(t);
}

void smol_term_resize(struct smol_term *t, int rows, int cols)
{
	rows = clamp(rows);
	cols = clamp(cols);
	if (rows == t->rows && cols == t->cols)
		return;
	t->rows = rows;
	t->cols = cols;
	vterm_set_size(t->vt, rows, cols);
}

void smol_term_write(struct smol_term *t, const char *bytes, size_t n)
{
	vterm_input_write(t->vt, bytes, n);
	vterm_screen_flush_damage(t->screen);
}

static VTermPos where(const struct smol_term *t)
{
	VTermPos at;

	vterm_state_get_cursorpos(vterm_obtain_state(t->vt), &at);
	return at;
}

void smol_term_reset(struct smol_term *t)
{
	/* Out of a full-screen program, a new line, plain colours, cursor shown, no modes. */
	static const char plainly[] = "\033[?1l\033[?25h\033[?2004l\033[?1000l"
				      "\033[?1002l\033[?1003l\0337\033[r\0338\033[m\033[4l\033[?7h";

	/* Whatever sequence is open ends; and 1049 would move the cursor where there is nothing to
	 * leave. */
	smol_term_write(t, "\030", 1);
	if (t->alternate)
		smol_term_write(t, "\033[?1049l", 8);
	smol_term_write(t, plainly, sizeof(plainly) - 1);
	if (where(t).col > 0)
		smol_term_write(t, "\r\n", 2);
}

int smol_term_history(const struct smol_term *t)
{
	return t->alternate ? 0 : t->count;
}

bool smol_term_line(const struct smol_term *t, int row, VTermScreenCell *cells, int cols)
{
	if (row < -t->count || row >= t->rows)
		return false;
	if (row < 0) {
		recall(t->history[(t->first + t->count + row) % SMOL_TERM_HISTORY], cells, cols);
		return true;
	}
	for (int i = 0; i < cols && i < t->cols; i++)
		vterm_screen_get_cell(t->screen, (VTermPos){.row = row, .col = i}, &cells[i]);
	blank(cells, t->cols < cols ? t->cols : cols, cols);
	return true;
}

char *smol_term_text(const struct smol_term *t, int row)
{
	VTermScreenCell *cells = smol_alloc((size_t)SMOL_TERM_MAX * sizeof(*cells));
	smol_auto_buf struct smol_buf b = {0};
	int n = SMOL_TERM_MAX;

	if (!smol_term_line(t, row, cells, n)) {
		free(cells);
		return NULL;
	}
	while (n > 0 && (cells[n - 1].chars[0] == 0 || cells[n - 1].chars[0] == ' '))
		n--;
	for (int i = 0; i < n; i++) {
		char *to = smol_buf_reserve(&b, 4 * VTERM_MAX_CHARS_PER_CELL);
		size_t len = 0;

		if (cells[i].chars[0] == OFF_LINE)
			continue;
		len += smol_utf8_put(to, plain(cells[i].chars[0]));
		for (int k = 1; k < VTERM_MAX_CHARS_PER_CELL && cells[i].chars[k]; k++)
			len += smol_utf8_put(to + len, plain(cells[i].chars[k]));
		smol_buf_commit(&b, len);
	}
	free(cells);
	return smol_buf_take(&b);
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
	vterm_keyboard_start_paste(t->vt);
	/* What could end the paste, and run what follows, is taken out. */
	for (size_t i = 0; i < n; i++)
		if (text[i] != '\033')
			t->say(text[i] == '\n' ? "\r" : &text[i], 1, t->ctx);
	vterm_keyboard_end_paste(t->vt);
}
