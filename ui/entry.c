/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A word that is asked for: see entry.h. */
#include "ui/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

void smol_entry_free(struct smol_entry *e)
{
	free(e->label);
	free(e->text);
	free(e->before);
	free(e->last);
	*e = (struct smol_entry){0};
}

void smol_entry_open(struct smol_entry *e, const char *label, const char *text,
    void (*changed)(struct smol_app *a, const char *text),
    void (*done)(struct smol_app *a, const char *text, bool accepted))
{
	smol_entry_free(e);
	e->label = smol_strdup(label);
	e->text = smol_strdup(text ? text : "");
	e->before = smol_strdup(e->text);
	e->changed = changed;
	e->done = done;
}

void smol_entry_recall(struct smol_entry *e, const char *text)
{
	free(e->last);
	e->last = smol_strdup(text);
}

bool smol_entry_is_open(const struct smol_entry *e)
{
	return e->label != NULL;
}

static void set(struct smol_app *a, struct smol_entry *e, char *text)
{
	free(e->text);
	e->text = text;
	if (e->changed)
		e->changed(a, e->text);
}

static void end(struct smol_app *a, struct smol_entry *e, bool accepted)
{
	struct smol_entry was = *e;

	*e = (struct smol_entry){0};
	if (!accepted && was.changed)
		was.changed(a, was.before);
	if (was.done)
		was.done(a, accepted ? was.text : was.before, accepted);
	smol_entry_free(&was);
}

static void add(struct smol_app *a, struct smol_entry *e, const char *bytes, size_t n)
{
	size_t len = strcspn(bytes, "\r\n");

	if (len < n)
		n = len;
	if (strlen(e->text) + n <= SMOL_ENTRY_MAX)
		set(a, e, smol_asprintf("%s%.*s", e->text, (int)n, bytes));
}

void smol_entry_key(struct smol_app *a, struct smol_entry *e, const struct smol_input_event *key)
{
	size_t n = strlen(e->text);
	bool ctrl = key->key == SMOL_KEY_CHAR && key->mods == SMOL_MOD_CTRL;

	if (key->key == SMOL_KEY_ENTER || key->key == SMOL_KEY_ESCAPE) {
		end(a, e, key->key == SMOL_KEY_ENTER);
	} else if (ctrl && (key->c == 'c' || key->c == 'g')) {
		end(a, e, false);
	} else if (ctrl && key->c == 'u') {
		set(a, e, smol_strdup(""));
	} else if (key->key == SMOL_KEY_UP && e->last) {
		set(a, e, smol_strdup(e->last));
	} else if (key->key == SMOL_KEY_BACK && n) {
		do
			n--;
		while (n && ((unsigned char)e->text[n] & 0xc0) == 0x80);
		set(a, e, smol_strndup(e->text, n));
	} else if (key->key == SMOL_KEY_PASTE || (key->key == SMOL_KEY_CHAR && !key->mods)) {
		add(a, e, key->bytes, key->n);
	}
}
