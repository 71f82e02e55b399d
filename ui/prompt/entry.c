/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A word that is asked for: see entry.h. */
#include "ui/prompt/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

void smol_entry_free(struct smol_entry *e)
{
	free(e->label);
	smol_field_free(&e->field);
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
	smol_field_set(&e->field, text ? text : "");
	e->before = smol_strdup(smol_field_text(&e->field));
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

static void changed(struct smol_app *a, struct smol_entry *e)
{
	if (e->changed)
		e->changed(a, smol_field_text(&e->field));
}

static void end(struct smol_app *a, struct smol_entry *e, bool accepted)
{
	struct smol_entry was = *e;

	*e = (struct smol_entry){0};
	if (!accepted && was.changed)
		was.changed(a, was.before);
	if (was.done)
		was.done(a, accepted ? smol_field_text(&was.field) : was.before, accepted);
	smol_entry_free(&was);
}

void smol_entry_key(struct smol_app *a, struct smol_entry *e, const struct smol_input_event *key)
{
	bool ctrl = key->key == SMOL_KEY_CHAR && key->mods == SMOL_MOD_CTRL;

	if (key->key == SMOL_KEY_ENTER || key->key == SMOL_KEY_ESCAPE) {
		end(a, e, key->key == SMOL_KEY_ENTER);
	} else if (ctrl && (key->c == 'c' || key->c == 'g')) {
		end(a, e, false);
	} else if (key->key == SMOL_KEY_UP && e->last) {
		smol_field_set(&e->field, e->last);
		changed(a, e);
	} else if (smol_field_key(&e->field, key)) {
		changed(a, e);
	}
}
