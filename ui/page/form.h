/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command as a form: a field for its first word and for each of its options, made from the
 * command table, and the line that they come to. No terminal.
 */
#ifndef SMOL_UI_FORM_H
#define SMOL_UI_FORM_H

#include <stdbool.h>

#include "base/err.h"
#include "shell/complete.h"
#include "shell/parse.h"
#include "ui/prompt/field.h"

struct smol_form_field {
	const char *name; /* of the table */
	const char *help;
	const char *absent;		  /* what holds where it is empty, or NULL */
	const struct smol_option *option; /* NULL: the command's word */
	struct smol_field value;	  /* of a flag: "yes" or "" */
	char *error;			  /* what is wrong with it alone, or NULL; owned */
};

/* What the parser cannot know. args are those of one field, or all. */
typedef int (*smol_form_check)(const struct smol_args *args, void *ctx, struct smol_err *err);

struct smol_form {
	const struct smol_command *command;
	struct smol_form_field *fields; /* owned */
	int n;
	smol_form_check check; /* or NULL */
	void *ctx;
	char *error; /* of the fields together; or NULL; owned */
};

/* Options that all commands have are left out; one that is the word again, too. */
void smol_form_open(
    struct smol_form *f, const struct smol_command *command, smol_form_check check, void *ctx);
void smol_form_free(struct smol_form *f);
/* As one would type it; malloc'd, caller frees. */
char *smol_form_line(const struct smol_form *f);
/* After a change: what is wrong. True: nothing. */
bool smol_form_is_good(struct smol_form *f);
bool smol_form_flag(const struct smol_form_field *f);
/* Has it values to choose from? */
bool smol_form_has_list(const struct smol_form_field *f);
/* The next value of its list, or the one before; empty stands between the last and the first. */
void smol_form_turn(
    const struct smol_form *f, struct smol_form_field *field, int by, smol_complete_source source);
/* As far as all that there is goes on alike. False: nothing came. */
bool smol_form_complete(
    const struct smol_form *f, struct smol_form_field *field, smol_complete_source source);

#endif
