/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest's bytes, washed: see wash.h. The sequences are those of ECMA-48 and of xterm's ctlseqs.
 * src/shell/filter_tty.c is its counterpart for a terminal that is not ours to draw on.
 */
#include "ui/term/wash.h"

#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "ui/term/look.h"

enum state { TEXT, UTF8, ESC, ESC_MORE, CSI, CSI_LONG, STRING, STRING_ESC };

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define NUMBER_MAX  9999
#define PARAMS	    16
/* A query that is no question here, but behind which libvterm brings the cursor into the grid. */
#define CLAMP	    "\033[0n"
#define SAVE	    "\0337"
#define RESTORE	    "\0338" CLAMP

/* DEC's private modes that there are, and what is odd when one is set. Wrapping is the other way
 * round. 47 is 1047, 1048 the saved cursor, 1049 both. */
static const struct {
	int mode;
	unsigned odd;
} modes[] = {
    {1, 0},
    {5, SMOL_WASH_REVERSE},
    {6, SMOL_WASH_ORIGIN},
    {7, SMOL_WASH_NO_WRAP},
    {12, 0},
    {25, 0},
    {47, SMOL_WASH_ALTERNATE},
    {1000, 0},
    {1002, 0},
    {1003, 0},
    {1004, 0},
    {1005, 0},
    {1006, 0},
    {1015, 0},
    {1047, SMOL_WASH_ALTERNATE},
    {1048, 0},
    {1049, SMOL_WASH_ALTERNATE},
    {2004, 0},
};

/* Cursor, erasing, inserting, deleting, scrolling, tabs: with at most two numbers. */
static const char plain_finals[] = "@ABCDEFGHIJKLMPSTXZ`adefgjk";

/* A CSI sequence taken apart. */
struct csi {
	char leader, between, final; /* 0: none */
	const char *params;
	size_t nparams;
	int v[PARAMS]; /* -1: not given */
	int n;
};

/* A number that is missing, or as it is. */
static int given(const struct csi *c, int i, int otherwise)
{
	return i < c->n && c->v[i] >= 0 ? c->v[i] : otherwise;
}

static void set_odd(struct smol_wash *w, unsigned bit, bool on)
{
	w->odd = on ? w->odd | bit : w->odd & ~bit;
}

static void restore_cursor(struct smol_wash *w, struct smol_buf *out)
{
	/* Where none was saved libvterm would hide it. */
	smol_buf_puts(out, w->saved ? RESTORE : "\033[m\033[H");
}

static void set_mode(struct smol_wash *w, int mode, bool on, struct smol_buf *out)
{
	size_t i = 0;

	while (i < SMOL_ARRAY_SIZE(modes) && modes[i].mode != mode)
		i++;
	if (i == SMOL_ARRAY_SIZE(modes))
		return;
	set_odd(w, modes[i].odd, mode == 7 ? !on : on);
	if (mode == 1048 && !on) {
		restore_cursor(w, out);
		return;
	}
	if (mode == 1049 && !on && !w->saved) {
		mode = 1047;
	} else if (mode == 1048 || mode == 1049) {
		w->saved = true;
	}
	smol_buf_printf(out, "\033[?%d%c", mode == 47 ? 1047 : mode, on ? 'h' : 'l');
	if (mode == 1049 && !on)
		smol_buf_puts(out, CLAMP);
}

static void set_ansi_mode(struct smol_wash *w, int mode, bool on, struct smol_buf *out)
{
	if (mode != 4 && mode != 20)
		return;
	set_odd(w, mode == 4 ? SMOL_WASH_INSERT : SMOL_WASH_NEWLINE, on);
	smol_buf_printf(out, "\033[%d%c", mode, on ? 'h' : 'l');
}

/* DECSTBM. A region that is none scrolls everything. */
static void set_region(struct smol_wash *w, const struct csi *c, struct smol_buf *out)
{
	int top = given(c, 0, 1), bottom = given(c, 1, w->rows);

	if (top < 1)
		top = 1;
	if (bottom > w->rows || bottom < 1)
		bottom = w->rows;
	if (top >= bottom || (top == 1 && bottom == w->rows)) {
		set_odd(w, SMOL_WASH_REGION, false);
		smol_buf_puts(out, "\033[r");
		return;
	}
	set_odd(w, SMOL_WASH_REGION, true);
	smol_buf_printf(out, "\033[%d;%dr", top, bottom);
}

static void put_sgr(const struct csi *c, struct smol_buf *out)
{
	const char *p = c->params, *end = p + c->nparams;
	struct smol_sgr g;

	while (p) {
		p = smol_sgr_next(p, end, &g);
		smol_sgr_put(&g, out);
	}
}

/* REP: as if the character were there again; behind anything else there is nothing to repeat. */
static void repeat(struct smol_wash *w, const struct csi *c, struct smol_buf *out)
{
	int n = given(c, 0, 1);

	if (n < 1)
		n = 1;
	for (int i = 0; i < n && i < w->cols; i++)
		smol_buf_append(out, w->last, w->nlast);
}

/* Without a leading '?' or the like, and nothing between numbers and the end. */
static void put_plain(struct smol_wash *w, const struct csi *c, struct smol_buf *out)
{
	switch (c->final) {
	case 'm':
		put_sgr(c, out);
		return;
	case 'b':
		repeat(w, c, out);
		return;
	case 'r':
		set_region(w, c, out);
		return;
	case 's':
		w->saved = true;
		smol_buf_puts(out, SAVE);
		return;
	case 'u':
		restore_cursor(w, out);
		return;
	case 'h':
	case 'l':
		for (int i = 0; i < c->n; i++)
			set_ansi_mode(w, c->v[i], c->final == 'h', out);
		return;
	case 'c':
		if (given(c, 0, 0) == 0)
			smol_buf_puts(out, "\033[c");
		return;
	case 'n':
		if (given(c, 0, 0) == 5 || given(c, 0, 0) == 6)
			smol_buf_printf(out, "\033[%dn", c->v[0]);
		return;
	default:
		break;
	}
	if (!strchr(plain_finals, c->final))
		return;
	if (c->final == 'g')
		set_odd(w, SMOL_WASH_TABS, true);
	smol_buf_puts(out, "\033[");
	for (int i = 0; i < c->n && i < 2; i++)
		if (c->v[i] >= 0)
			smol_buf_printf(out, "%s%d", i ? ";" : "", c->v[i]);
		else
			smol_buf_puts(out, i ? ";" : "");
	smol_buf_append(out, &c->final, 1);
}

static void put_private(struct smol_wash *w, const struct csi *c, struct smol_buf *out)
{
	switch (c->final) {
	case 'h':
	case 'l':
		for (int i = 0; i < c->n && !c->between; i++)
			set_mode(w, c->v[i], c->final == 'h', out);
		break;
	case 'J':
	case 'K':
		/* Selective, where nothing is protected: erasing. */
		if (!c->between)
			smol_buf_printf(out, "\033[%d%c", given(c, 0, 0), c->final);
		break;
	case 'n':
		if (!c->between && given(c, 0, 0) == 6)
			smol_buf_puts(out, "\033[?6n");
		break;
	case 'p':
		if (c->between == '$' && c->n == 1 && c->v[0] >= 0)
			smol_buf_printf(out, "\033[?%d$p", c->v[0]);
		break;
	default:
		break;
	}
}

/* seq holds what is between ESC [ and the end, and the end. */
static void put_csi(struct smol_wash *w, struct smol_buf *out)
{
	struct csi c = {.final = w->seq[w->n - 1], .params = w->seq, .nparams = w->n - 1};
	const char *p = w->seq, *end = w->seq + w->n - 1;

	if (p < end && *p >= '<' && *p <= '?') {
		c.leader = *p++;
		c.params = p;
	}
	if (p < end && end[-1] >= ' ' && end[-1] <= '/')
		c.between = *--end;
	c.nparams = (size_t)(end - p);
	for (const char *q = p; q < end; q++)
		if (!strchr("0123456789;:", *q))
			return;
	do {
		int n = -1;

		for (; p < end && *p != ';'; p++)
			if (*p != ':' && n < NUMBER_MAX)
				n = (n < 0 ? 0 : n * 10) + (*p - '0');
		if (c.n < PARAMS)
			c.v[c.n++] = n > NUMBER_MAX ? NUMBER_MAX : n;
	} while (p++ < end);
	if (!c.leader && !c.between)
		put_plain(w, &c, out);
	else if (c.leader == '?')
		put_private(w, &c, out);
	else if (c.leader == '>' && !c.between && c.final == 'c' && given(&c, 0, 0) == 0)
		smol_buf_puts(out, "\033[>c");
}

static void drop(struct smol_wash *w)
{
	w->state = TEXT;
	w->n = 0;
	w->nlast = 0;
}

bool smol_wash_idle(const struct smol_wash *w)
{
	return w->state == TEXT;
}

void smol_wash_cut(struct smol_wash *w)
{
	drop(w);
}

static void shift(struct smol_wash *w)
{
	set_odd(w, SMOL_WASH_CHARSET, w->graphics[w->shifted]);
}

/* A control acts wherever it stands, within a sequence, too. */
static void put_control(struct smol_wash *w, unsigned char c, struct smol_buf *out)
{
	if (c < '\b' || (c > 0x0f && c != 0x18 && c != 0x1a))
		return; /* NUL, ENQ, BEL and the like */
	if (c == 0x18 || c == 0x1a) {
		drop(w);
		return;
	}
	if (c == 0x0e || c == 0x0f) {
		w->shifted = c == 0x0e;
		shift(w);
		return;
	}
	w->nlast = 0;
	smol_buf_append(out, &c, 1);
}

/* Everything is as at the beginning; libvterm would leave these. */
static void reset(struct smol_wash *w, struct smol_buf *out)
{
	*w = (struct smol_wash){.rows = w->rows, .cols = w->cols};
	smol_buf_puts(out, "\033[?1047l\033[?5l\033[?1000l\033[?1006l\033c");
}

/* Behind ESC, and no intermediate. */
static void put_esc(struct smol_wash *w, unsigned char c, struct smol_buf *out)
{
	w->state = TEXT;
	w->n = 0;
	if (c != '[')
		w->nlast = 0;
	switch (c) {
	case '7':
		w->saved = true;
		smol_buf_puts(out, SAVE);
		break;
	case '8':
		restore_cursor(w, out);
		break;
	case 'c':
		reset(w, out);
		break;
	case 'H':
		set_odd(w, SMOL_WASH_TABS, true);
		smol_buf_puts(out, "\033H");
		break;
	case 'D':
	case 'E':
	case 'M':
	case '=':
	case '>':
		smol_buf_printf(out, "\033%c", c);
		break;
	case '[':
		w->state = CSI;
		break;
	case ']':
	case 'P':
	case '_':
	case '^':
	case 'X':
		w->state = STRING;
		w->string = 0;
		break;
	default:
		break;
	}
}

/* Behind ESC and intermediates. */
static void put_esc_more(struct smol_wash *w, unsigned char c, struct smol_buf *out)
{
	char first = w->seq[0];
	bool one = w->n == 1;

	drop(w);
	if (one && first == '#' && c == '8') {
		smol_buf_puts(out, "\033#8");
	} else if (one && (first == '(' || first == ')')) {
		/* Line drawing, or text. */
		w->graphics[first == ')'] = c == '0';
		shift(w);
	}
}

static void take_esc(struct smol_wash *w, unsigned char c, struct smol_buf *out)
{
	if (c < 0x20) {
		put_control(w, c, out);
	} else if (c >= 0x20 && c < 0x30) {
		w->state = ESC_MORE;
		w->seq[0] = (char)c;
		w->n += w->n < 2;
	} else if (c >= 0x7f) {
		drop(w);
	} else if (w->state == ESC_MORE) {
		put_esc_more(w, c, out);
	} else {
		put_esc(w, c, out);
	}
}

static void take_csi(struct smol_wash *w, unsigned char c, struct smol_buf *out)
{
	if (c < 0x20) {
		put_control(w, c, out);
		return;
	}
	if (c >= 0x7f) {
		drop(w);
		return;
	}
	if (w->n == sizeof(w->seq))
		w->state = CSI_LONG;
	else
		w->seq[w->n++] = (char)c;
	if (c < 0x40)
		return;
	if (w->state == CSI)
		put_csi(w, out);
	/* What is to be repeated may be so again. */
	w->state = TEXT;
	w->n = 0;
	if (c != 'b' && c != 'm')
		w->nlast = 0;
}

/* BEL, CAN, SUB and ST end a string; any other sequence begins behind it. */
static void take_string(struct smol_wash *w, unsigned char c, struct smol_buf *out)
{
	if (w->state == STRING_ESC) {
		w->state = ESC;
		if (c == '\\')
			drop(w);
		else
			take_esc(w, c, out);
	} else if (c == '\033') {
		w->state = STRING_ESC;
	} else if (c == 0x07 || c == 0x18 || c == 0x1a || ++w->string > SMOL_WASH_STRING) {
		drop(w);
	} else if (c == 0x9c && w->n && w->seq[0] == '\xc2') {
		drop(w);
	} else {
		w->seq[0] = (char)c;
		w->n = 1;
	}
}

/* A character is there. These join the one before and are two columns wide, says libvterm, and goes
 * as far beyond its grid as there are of them. */
static bool is_unfit(uint32_t c)
{
	return (c >= 0x302a && c <= 0x302f) || c == 0x3099 || c == 0x309a;
}

static void put_char(struct smol_wash *w, struct smol_buf *out)
{
	uint32_t c;

	smol_utf8_get(w->seq, &c);
	w->state = TEXT;
	if (c < 0xa0) {
		/* A C1 control: ESC and a letter. */
		w->n = 0;
		w->state = ESC;
		take_esc(w, (unsigned char)(c - 0x40), out);
		return;
	}
	if (is_unfit(c))
		return;
	memcpy(w->last, w->seq, w->n);
	w->nlast = w->n;
	smol_buf_append(out, w->seq, w->n);
}

static void bad_char(struct smol_wash *w, struct smol_buf *out)
{
	smol_buf_puts(out, REPLACEMENT);
	drop(w);
}

static void take_utf8(struct smol_wash *w, unsigned char c, struct smol_buf *out)
{
	w->seq[w->n++] = (char)c;
	if (--w->need)
		return;
	if (smol_utf8_len(w->seq, w->n) == w->n)
		put_char(w, out);
	else
		bad_char(w, out);
}

static void take_text(struct smol_wash *w, unsigned char c, struct smol_buf *out)
{
	w->n = 0;
	if (c == '\033') {
		w->state = ESC;
	} else if (c < 0x20) {
		put_control(w, c, out);
	} else if (c == 0x7f) {
		return;
	} else if (c < 0xc2 || c > 0xf4) {
		bad_char(w, out);
	} else {
		w->state = UTF8;
		w->need = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		w->seq[w->n++] = (char)c;
	}
}

/* DEC's line drawing characters, where they are chosen: libvterm would take them for letters behind
 * one that is not ASCII. */
static void put_graphics(struct smol_wash *w, const char *bytes, size_t n, struct smol_buf *out)
{
	static const uint16_t graphics[] = {0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0xb0,
	    0xb1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500,
	    0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x3c0, 0x2260,
	    0xa3, 0xb7};

	for (size_t i = 0; i < n; i++) {
		uint32_t c = (unsigned char)bytes[i];

		w->nlast = smol_utf8_put(w->last, c >= '`' ? graphics[c - '`'] : c);
		smol_buf_append(out, w->last, w->nlast);
	}
}

/* Printable ASCII, at once. */
static size_t take_run(struct smol_wash *w, const char *bytes, size_t n, struct smol_buf *out)
{
	size_t run = 0;

	while (run < n && bytes[run] >= ' ' && bytes[run] < 0x7f)
		run++;
	if (run && w->odd & SMOL_WASH_CHARSET) {
		put_graphics(w, bytes, run, out);
	} else if (run) {
		smol_buf_append(out, bytes, run);
		w->last[0] = bytes[run - 1];
		w->nlast = 1;
	}
	return run;
}

void smol_wash(struct smol_wash *w, const char *bytes, size_t n, struct smol_buf *out)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)bytes[i];

		if (w->state == TEXT) {
			size_t run = take_run(w, bytes + i, n - i, out);

			if (run) {
				i += run;
				continue;
			}
		}
		if (w->state == UTF8 && (c & 0xc0) != 0x80)
			bad_char(w, out); /* and c is taken as what it is */
		else if (c == '\033' && w->state != STRING && w->state != STRING_ESC)
			w->state = ESC, w->n = 0, i++;
		else {
			i++;
			switch ((enum state)w->state) {
			case TEXT:
				take_text(w, c, out);
				break;
			case UTF8:
				take_utf8(w, c, out);
				break;
			case ESC:
			case ESC_MORE:
				take_esc(w, c, out);
				break;
			case CSI:
			case CSI_LONG:
				take_csi(w, c, out);
				break;
			case STRING:
			case STRING_ESC:
				take_string(w, c, out);
				break;
			}
		}
	}
}
