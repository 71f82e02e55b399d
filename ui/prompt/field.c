/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of text that is being edited: see field.h. */
#include "ui/prompt/field.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *smol_field_text(const struct smol_field *f)
{
	return f->text ? f->text : "";
}

void smol_field_set(struct smol_field *f, const char *text)
{
	char *copy = smol_strndup(text, SMOL_FIELD_MAX);

	free(f->text);
	f->text = copy;
	f->cursor = strlen(copy);
}

void smol_field_free(struct smol_field *f)
{
	free(f->text);
	*f = (struct smol_field){0};
}

/* From one byte to the other is replaced; the cursor stands behind what came. */
static void replace(struct smol_field *f, size_t from, size_t to, const char *text, size_t n)
{
	const char *old = smol_field_text(f);
	char *whole;

	if (strlen(old) - (to - from) + n > SMOL_FIELD_MAX)
		return;
	whole = smol_asprintf("%.*s%.*s%s", (int)from, old, (int)n, text, old + to);
	free(f->text);
	f->text = whole;
	f->cursor = from + n;
}

static size_t before(const struct smol_field *f, size_t at)
{
	const char *text = smol_field_text(f);

	if (at)
		at--;
	while (at && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static size_t behind(const struct smol_field *f, size_t at)
{
	const char *text = smol_field_text(f);

	if (text[at])
		at++;
	while (((unsigned char)text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static size_t word_before(const struct smol_field *f)
{
	const char *text = smol_field_text(f);
	size_t at = f->cursor;

	while (at && text[at - 1] == ' ')
		at--;
	while (at && text[at - 1] != ' ')
		at--;
	return at;
}

static bool control(struct smol_field *f, uint32_t c)
{
	size_t end = strlen(smol_field_text(f));

	switch (c) {
	case 'a':
		f->cursor = 0;
		return true;
	case 'e':
		f->cursor = end;
		return true;
	case 'b':
		f->cursor = before(f, f->cursor);
		return true;
	case 'f':
		f->cursor = behind(f, f->cursor);
		return true;
	case 'd':
		replace(f, f->cursor, behind(f, f->cursor), "", 0);
		return true;
	case 'u':
		replace(f, 0, f->cursor, "", 0);
		return true;
	case 'k':
		replace(f, f->cursor, end, "", 0);
		return true;
	case 'w':
		replace(f, word_before(f), f->cursor, "", 0);
		return true;
	default:
		return false;
	}
}

static bool named(struct smol_field *f, enum smol_key key)
{
	switch (key) {
	case SMOL_KEY_LEFT:
		return control(f, 'b');
	case SMOL_KEY_RIGHT:
		return control(f, 'f');
	case SMOL_KEY_HOME:
		return control(f, 'a');
	case SMOL_KEY_END:
		return control(f, 'e');
	case SMOL_KEY_DELETE:
		return control(f, 'd');
	case SMOL_KEY_BACK:
		replace(f, before(f, f->cursor), f->cursor, "", 0);
		return true;
	default:
		return false;
	}
}

/* Only what is text comes in: a line, without control characters. */
static void insert(struct smol_field *f, const char *bytes, size_t n)
{
	for (size_t at = 0, len; at < n && bytes[at] != '\r' && bytes[at] != '\n'; at += len) {
		len = smol_utf8_len(bytes + at, n - at);
		if (len && ((unsigned char)bytes[at] >= ' ' && bytes[at] != 0x7f))
			replace(f, f->cursor, f->cursor, bytes + at, len);
		len = len ? len : 1;
	}
}

bool smol_field_key(struct smol_field *f, const struct smol_input_event *key)
{
	if (key->key == SMOL_KEY_PASTE || (key->key == SMOL_KEY_CHAR && !key->mods)) {
		insert(f, key->bytes, key->n);
		return true;
	}
	if (key->key == SMOL_KEY_CHAR)
		return key->mods == SMOL_MOD_CTRL && control(f, key->c);
	return !key->mods && named(f, key->key);
}
