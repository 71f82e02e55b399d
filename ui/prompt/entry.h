/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A word that is asked for in the prompt's line: a filter, what to search, a file's name. Keys go
 * to it until Enter or Esc.
 */
#ifndef SMOL_UI_ENTRY_H
#define SMOL_UI_ENTRY_H

#include <stdbool.h>

#include "ui/prompt/field.h"

struct smol_app;

struct smol_entry {
	char *label;		 /* what is asked for; NULL: nothing is; owned */
	struct smol_field field; /* as it is now */
	char *before;		 /* as it was; owned */
	char *last;		 /* what Up brings back, or NULL; owned */
	/* With each change, or NULL. */
	void (*changed)(struct smol_app *a, const char *text);
	/* At the end: accepted by Enter; else text is what it was before. It may ask for another.
	 */
	void (*done)(struct smol_app *a, const char *text, bool accepted);
};

/* Ask; label and text are copied. done and changed may be NULL. */
void smol_entry_open(struct smol_entry *e, const char *label, const char *text,
    void (*changed)(struct smol_app *a, const char *text),
    void (*done)(struct smol_app *a, const char *text, bool accepted));
/* Up brings this back; copied. */
void smol_entry_recall(struct smol_entry *e, const char *text);
bool smol_entry_is_open(const struct smol_entry *e);
void smol_entry_key(struct smol_app *a, struct smol_entry *e, const struct smol_input_event *key);
void smol_entry_free(struct smol_entry *e);

#endif
