/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest's terminal on ours: see filter.h. The sequences are those of ECMA-48 and of xterm's
 * ctlseqs; what is not known to be harmless is dropped. C1 controls in UTF-8 (U+0080…U+009F) are
 * taken as the ESC sequences that they stand for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "shell/filter.h"

enum state { TEXT, UTF8, ESC, ESC_MORE, CSI, CSI_LONG, STRING, STRING_ESC };

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Modes that only draw, or only change what keys and mouse send; smol_filter_tty_end() undoes
 * them. Not among them: 132 columns, highlight tracking (it waits for an answer), printing. */
static const int modes[] = {1, 5, 6, 7, 12, 25, 45, 47, 69, 1000, 1002, 1003, 1004, 1005, 1006,
    1007, 1015, 1047, 1048, 1049, 2004, 2026};

static const char restore[] =
    "\033[?1000l\033[?1002l\033[?1003l\033[?1004l\033[?1005l\033[?1006l\033[?1015l\033[?2004l"
    "\033[?1l\033[?5l\033[?7h\033[?25h\033>";
/* These take the cursor to the top left, where a prompt would be written over what stands there:
 * only where they are needed, and then down again. */
static const char restore_origin[] = "\033[?6l\033[?69l\033[999;1H";

static void begin(struct smol_tty_filter *f, enum state state, char c)
{
	f->state = state;
	f->n = 0;
	f->seq[f->n++] = c;
}

static void pass(struct smol_tty_filter *f, struct smol_buf *out)
{
	smol_buf_append(out, f->seq, f->n);
	f->state = TEXT;
}

static void drop(struct smol_tty_filter *f)
{
	f->state = TEXT;
	f->n = 0;
}

static bool is_mode(int mode)
{
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(modes); i++)
		if (modes[i] == mode)
			return true;
	return false;
}

/* "1049;25" with h or l: all of them are known. */
static bool modes_ok(struct smol_tty_filter *f, const char *params, char final)
{
	const char *p = params;

	for (;;) {
		char *end;
		long mode = strtol(p, &end, 10);

		if (end == p || end - p > 5 || !is_mode((int)mode))
			return false;
		if (mode == 47 || mode == 1047 || mode == 1049)
			f->alternate = final == 'h';
		if (mode == 6 || mode == 69)
			f->origin = final == 'h' ? f->origin | (mode == 6 ? 1 : 2)
						 : f->origin & (mode == 6 ? 2 : 1);
		if (!*end)
			break;
		if (*end != ';')
			return false;
		p = end + 1;
	}
	f->modes = true;
	return true;
}

/* A whole CSI sequence: ESC [ prefix parameters intermediates final. */
static bool csi_ok(struct smol_tty_filter *f)
{
	char text[SMOL_FILTER_PENDING], *params = text, final = f->seq[f->n - 1];
	size_t n = f->n - 3, digits;

	memcpy(text, f->seq + 2, n);
	text[n] = '\0';
	digits = strspn(params, "0123456789;:");
	if (digits == n) {
		if (final == 'h' || final == 'l')
			return strcmp(params, "4") == 0 || strcmp(params, "20") == 0;
		return strchr("@ABCDEFGHIJKLMPSTXZ`abdefgmrsu", final) != NULL;
	}
	if (*params == '?' && strspn(params + 1, "0123456789;") == n - 1) {
		if (final == 'h' || final == 'l')
			return modes_ok(f, params + 1, final);
		return final == 'J' || final == 'K';
	}
	/* The cursor's shape; a soft reset. */
	return (final == 'q' && digits == n - 1 && params[digits] == ' ') ||
	       (final == 'p' && strcmp(params, "!") == 0);
}

static void take_csi(struct smol_tty_filter *f, unsigned char c, struct smol_buf *out)
{
	if (c < 0x20 || c > 0x7e) {
		drop(f);
		/* A control within a sequence acts as if it stood before it; this is enough. */
		if (c < 0x20)
			smol_filter_tty(f, (const char *)&c, 1, out);
		return;
	}
	if (f->state == CSI_LONG || f->n == sizeof(f->seq)) {
		f->state = CSI_LONG;
		if (c >= 0x40)
			drop(f);
		return;
	}
	f->seq[f->n++] = (char)c;
	if (c < 0x40)
		return;
	if (csi_ok(f))
		pass(f, out);
	else
		drop(f);
}

/* Behind ESC, or behind ESC and intermediates. */
static void take_esc(struct smol_tty_filter *f, unsigned char c, struct smol_buf *out)
{
	bool more = f->state == ESC_MORE;

	if (c < 0x20 || c > 0x7e || f->n == sizeof(f->seq)) {
		drop(f);
		smol_filter_tty(f, (const char *)&c, 1, out);
		return;
	}
	f->seq[f->n++] = (char)c;
	if (c < 0x30) {
		f->state = ESC_MORE;
	} else if (more) {
		/* Character sets and line sizes; not the coding, nor 8-bit controls. */
		if (strchr("()*+-./#", f->seq[1]) && f->n == 3)
			pass(f, out);
		else
			drop(f);
	} else if (c == '[') {
		f->state = CSI;
	} else if (strchr("]P_^X", c)) {
		f->state = STRING;
		f->string = 0;
	} else if (strchr("78=>DEHMcNOno|}~", c)) {
		f->modes = f->modes || c == '=';
		pass(f, out);
	} else {
		drop(f);
	}
}

static void take_text(struct smol_tty_filter *f, unsigned char c, struct smol_buf *out)
{
	unsigned char need = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0;

	if (c == '\033') {
		begin(f, ESC, '\033');
	} else if (c < 0x80) {
		/* ENQ makes a terminal send its answerback. */
		if (c != 0x05)
			smol_buf_append(out, &c, 1);
	} else if (!need || c >= 0xf5) {
		smol_buf_puts(out, REPLACEMENT);
	} else {
		begin(f, UTF8, (char)c);
		f->need = need;
	}
}

static void take_utf8(struct smol_tty_filter *f, unsigned char c, struct smol_buf *out)
{
	if ((c & 0xc0) != 0x80) {
		smol_buf_puts(out, REPLACEMENT);
		drop(f);
		smol_filter_tty(f, (const char *)&c, 1, out);
		return;
	}
	f->seq[f->n++] = (char)c;
	if (--f->need)
		return;
	if ((unsigned char)f->seq[0] == 0xc2 && c < 0xa0) {
		begin(f, ESC, '\033');
		take_esc(f, c - 0x40, out);
	} else if (smol_utf8_len(f->seq, f->n) == f->n) {
		pass(f, out);
	} else {
		smol_buf_puts(out, REPLACEMENT);
		drop(f);
	}
}

/* Nothing of a string goes out. BEL, CAN, SUB or ST end it; another ESC sequence does as well. */
static void take_string(struct smol_tty_filter *f, unsigned char c, struct smol_buf *out)
{
	if (f->state == STRING_ESC) {
		begin(f, ESC, '\033');
		if (c == '\\')
			drop(f);
		else
			take_esc(f, c, out);
	} else if (c == '\033') {
		f->state = STRING_ESC;
	} else if (c == 0x07 || c == 0x18 || c == 0x1a || ++f->string > SMOL_FILTER_STRING) {
		drop(f);
	} else if (c == 0x9c && (unsigned char)f->seq[0] == 0xc2) {
		drop(f);
	} else {
		f->seq[0] = (char)c;
	}
}

void smol_filter_tty(struct smol_tty_filter *f, const char *data, size_t n, struct smol_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)data[i];

		switch ((enum state)f->state) {
		case TEXT:
			take_text(f, c, out);
			break;
		case UTF8:
			take_utf8(f, c, out);
			break;
		case ESC:
		case ESC_MORE:
			take_esc(f, c, out);
			break;
		case CSI:
		case CSI_LONG:
			take_csi(f, c, out);
			break;
		case STRING:
		case STRING_ESC:
			take_string(f, c, out);
			break;
		}
	}
}

void smol_filter_tty_end(struct smol_tty_filter *f, struct smol_buf *out)
{
	drop(f);
	if (f->alternate)
		smol_buf_puts(out, "\033[?1049l");
	if (f->origin)
		smol_buf_puts(out, restore_origin);
	if (f->modes)
		smol_buf_puts(out, restore);
	smol_buf_puts(out, "\033[0m");
}
