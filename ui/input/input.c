/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keyboard's bytes taken apart: see input.h. */
#include "ui/input/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SEQUENCE_MAX 64
#define PASTE_MAX    (1024 * 1024)

static const char paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

void smol_input_free(struct smol_input *i)
{
	smol_buf_free(&i->in);
	smol_buf_free(&i->pasted);
}

void smol_input_feed(struct smol_input *i, const char *bytes, size_t n)
{
	smol_buf_append(&i->in, bytes, n);
}

bool smol_input_waits(const struct smol_input *i)
{
	return smol_buf_len(&i->in) > i->taken;
}

static enum smol_key letter_key(char c)
{
	switch (c) {
	case 'A':
		return SMOL_KEY_UP;
	case 'B':
		return SMOL_KEY_DOWN;
	case 'C':
		return SMOL_KEY_RIGHT;
	case 'D':
		return SMOL_KEY_LEFT;
	case 'H':
		return SMOL_KEY_HOME;
	case 'F':
		return SMOL_KEY_END;
	case 'P':
	case 'Q':
	case 'R':
	case 'S':
		return SMOL_KEY_F1 + (c - 'P');
	default:
		return SMOL_KEY_UNKNOWN;
	}
}

static enum smol_key number_key(int n)
{
	static const struct {
		int n;
		enum smol_key key;
	} keys[] = {{1, SMOL_KEY_HOME}, {2, SMOL_KEY_INSERT}, {3, SMOL_KEY_DELETE},
	    {4, SMOL_KEY_END}, {5, SMOL_KEY_PAGE_UP}, {6, SMOL_KEY_PAGE_DOWN}, {7, SMOL_KEY_HOME},
	    {8, SMOL_KEY_END}, {11, SMOL_KEY_F1}, {12, SMOL_KEY_F2}, {13, SMOL_KEY_F3},
	    {14, SMOL_KEY_F4}, {15, SMOL_KEY_F5}, {17, SMOL_KEY_F6}, {18, SMOL_KEY_F7},
	    {19, SMOL_KEY_F8}, {20, SMOL_KEY_F9}, {21, SMOL_KEY_F10}, {23, SMOL_KEY_F11},
	    {24, SMOL_KEY_F12}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].n == n)
			return keys[i].key;
	return SMOL_KEY_UNKNOWN;
}

/* What the mouse does, in xterm's code: two bits of button, four, eight and sixteen for keys that
 * are held, 32 for a move, 64 for the wheel. Place from 1. */
static void take_mouse(int code, int col, int row, bool released, struct smol_input_event *e)
{
	struct smol_input_mouse *m = &e->mouse;

	/* Buttons that few mice have, the wheel to the side, and what cannot be. */
	if (code < 0 || code >= 128 || (code & 64 && code & 2) || row < 1 || col < 1)
		return;
	e->key = SMOL_KEY_MOUSE;
	e->mods = (code & 4 ? SMOL_MOD_SHIFT : 0) | (code & 8 ? SMOL_MOD_ALT : 0) |
		  (code & 16 ? SMOL_MOD_CTRL : 0);
	m->row = row - 1 < SMOL_MOUSE_MAX ? row - 1 : SMOL_MOUSE_MAX;
	m->col = col - 1 < SMOL_MOUSE_MAX ? col - 1 : SMOL_MOUSE_MAX;
	if (code & 64) {
		m->what = code & 1 ? SMOL_MOUSE_DOWN : SMOL_MOUSE_UP;
		return;
	}
	m->button = (code & 3) == 3 ? 0 : (code & 3) + 1;
	m->what = code & 32			? SMOL_MOUSE_DRAG
		  : released || (code & 3) == 3 ? SMOL_MOUSE_RELEASE
						: SMOL_MOUSE_PRESS;
}

/* ESC [ < code ; column ; row M, or m for a release (xterm's 1006). s[len] is the last byte. */
static void take_sgr_mouse(const char *s, size_t len, struct smol_input_event *e)
{
	int param[3] = {0, 0, 0}, at = 0;

	for (size_t i = 3; i < len; i++) {
		if (s[i] >= '0' && s[i] <= '9' && param[at] <= SMOL_MOUSE_MAX)
			param[at] = param[at] * 10 + (s[i] - '0');
		else if (s[i] == ';' && at < 2)
			at++;
		else if (s[i] < '0' || s[i] > '9')
			return;
	}
	if (at == 2)
		take_mouse(param[0], param[1], param[2], s[len] == 'm', e);
}

/* ESC [ M and three bytes: terminals that do not know 1006. Else they would be typed. */
static size_t take_old_mouse(const char *s, size_t n, struct smol_input_event *e)
{
	if (n < 6)
		return 0;
	e->key = SMOL_KEY_UNKNOWN;
	take_mouse(
	    (unsigned char)s[3] - 32, (unsigned char)s[4] - 32, (unsigned char)s[5] - 32, false, e);
	return 6;
}

/* ESC [ … : its length, 0 when it is not whole, into e. */
static size_t take_csi(const char *s, size_t n, struct smol_input_event *e)
{
	int param[2] = {0, 0}, at = 0;
	size_t len = 2;

	if (n > 2 && s[2] == 'M')
		return take_old_mouse(s, n, e);
	for (; len < n && len < SEQUENCE_MAX; len++) {
		char c = s[len];

		if (c >= '0' && c <= '9' && at < 2 && param[at] < 1000)
			param[at] = param[at] * 10 + (c - '0');
		else if (c == ';')
			at++;
		else if (c >= '@' && c <= '~')
			break;
	}
	if (len == n && len < SEQUENCE_MAX)
		return 0;
	e->key = SMOL_KEY_UNKNOWN;
	if (len == SEQUENCE_MAX)
		return len;
	if (s[2] == '<') {
		if (s[len] == 'M' || s[len] == 'm')
			take_sgr_mouse(s, len, e);
		return len + 1;
	}
	if (param[1] > 1 && param[1] <= 8)
		e->mods = (unsigned)param[1] - 1;
	if (s[len] == '~')
		e->key = number_key(param[0]);
	else if (s[len] == 'Z') {
		e->key = SMOL_KEY_TAB;
		e->mods = SMOL_MOD_SHIFT;
	} else if (s[2] != '?')
		e->key = letter_key(s[len]);
	return len + 1;
}

/* One character, or a control: its length, 0 when it is not whole. */
static size_t take_char(const char *s, size_t n, bool late, struct smol_input_event *e)
{
	unsigned char c = (unsigned char)s[0];
	size_t len;

	e->key = SMOL_KEY_CHAR;
	if (c == '\r' || c == '\n')
		e->key = SMOL_KEY_ENTER;
	else if (c == '\t')
		e->key = SMOL_KEY_TAB;
	else if (c == 0x7f || c == 8)
		e->key = SMOL_KEY_BACK;
	if (c < ' ') {
		e->mods |= SMOL_MOD_CTRL;
		e->c = c == 0 ? ' ' : c < 27 ? (uint32_t)c + 'a' - 1 : (uint32_t)c + '@';
		if (e->key != SMOL_KEY_CHAR)
			e->mods &= ~(unsigned)SMOL_MOD_CTRL;
		return 1;
	}
	if (c < 0x80) {
		e->c = c;
		return 1;
	}
	len = smol_utf8_len(s, n);
	if (len == 0) {
		if (n < 4 && !late && c >= 0xc2 && c <= 0xf4)
			return 0;
		e->key = SMOL_KEY_UNKNOWN;
		return 1;
	}
	smol_utf8_get(s, &e->c);
	return len;
}

static size_t take_escape(const char *s, size_t n, bool late, struct smol_input_event *e)
{
	size_t len;

	if (n == 1) {
		e->key = SMOL_KEY_ESCAPE;
		return late ? 1 : 0;
	}
	if (s[1] == '[') {
		len = take_csi(s, n, e);
		/* What is left of the mouse's would be typed, however late it comes. */
		if (len || !late || (n > 2 && s[2] == '<'))
			return len;
		e->key = SMOL_KEY_UNKNOWN;
		if (n == 2) {
			e->key = SMOL_KEY_CHAR;
			e->c = '[';
			e->mods = SMOL_MOD_ALT;
		}
		return n;
	}
	if (s[1] == 'O' && n == 2 && !late)
		return 0;
	if (s[1] == 'O' && n > 2) {
		e->key = letter_key(s[2]);
		return 3;
	}
	if (s[1] == '\033') {
		e->key = SMOL_KEY_ESCAPE;
		return 1;
	}
	len = take_char(s + 1, n - 1, late, e);
	if (!len)
		return 0;
	e->mods |= SMOL_MOD_ALT;
	return len + 1;
}

/* What is pasted, up to its end: true when that has come. */
static bool take_pasted(struct smol_input *i, struct smol_input_event *e)
{
	char *s = smol_buf_head(&i->in), *end;
	size_t n = smol_buf_len(&i->in), keep = sizeof(paste_end) - 2;

	end = n ? memmem(s, n, paste_end, sizeof(paste_end) - 1) : NULL;
	if (end) {
		smol_buf_append(&i->pasted, s, (size_t)(end - s));
		i->taken = (size_t)(end - s) + sizeof(paste_end) - 1;
	} else if (n > keep) {
		smol_buf_append(&i->pasted, s, n - keep);
		smol_buf_consume(&i->in, n - keep);
	}
	if (!end && smol_buf_len(&i->pasted) < PASTE_MAX)
		return false;
	i->pasting = false;
	*e = (struct smol_input_event){.key = SMOL_KEY_PASTE,
	    .bytes = smol_buf_len(&i->pasted) ? smol_buf_head(&i->pasted) : "",
	    .n = smol_buf_len(&i->pasted)};
	return true;
}

bool smol_input_next(struct smol_input *i, bool late, struct smol_input_event *e)
{
	const char *s;
	size_t n, len;

	if (i->taken) {
		smol_buf_consume(&i->in, i->taken);
		i->taken = 0;
	}
	if (i->pasting)
		return take_pasted(i, e);
	smol_buf_clear(&i->pasted);
	n = smol_buf_len(&i->in);
	if (!n)
		return false;
	s = smol_buf_head(&i->in);
	if (n >= sizeof(paste_begin) - 1 && memcmp(s, paste_begin, sizeof(paste_begin) - 1) == 0) {
		smol_buf_consume(&i->in, sizeof(paste_begin) - 1);
		i->pasting = true;
		return take_pasted(i, e);
	}
	*e = (struct smol_input_event){.bytes = s};
	len = *s == '\033' ? take_escape(s, n, late, e) : take_char(s, n, late, e);
	e->n = i->taken = len;
	return len > 0;
}

void smol_input_name(const struct smol_input_event *e, char name[24])
{
	static const char *const names[] = {
	    "",
#define X(k, n) n,
	    SMOL_KEYS(X)
#undef X
		"",
	    "",
	    "",
	};
	char text[8] = "";
	const char *key = names[e->key];
	unsigned mods = e->mods;

	if (e->key == SMOL_KEY_CHAR) {
		key = text;
		if (e->c == ' ')
			key = "Space";
		else if (e->c < 0x7f)
			snprintf(text, sizeof(text), "%c", (char)e->c);
	}
	snprintf(name, 24, "%s%s%s%s", mods & SMOL_MOD_CTRL ? "C-" : "",
	    mods & SMOL_MOD_ALT ? "M-" : "", mods & SMOL_MOD_SHIFT ? "S-" : "", key);
	if (!*key)
		*name = '\0';
}
