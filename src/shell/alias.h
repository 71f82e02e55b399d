/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Aliases: a word that stands for others at the beginning of a command. They belong to the process;
 * a script's are gone with it, the screen's are those of rc and what was typed.
 */
#ifndef SMOL_SHELL_ALIAS_H
#define SMOL_SHELL_ALIAS_H

#include <stdbool.h>

#include "base/err.h"
#include "shell/grammar.h"

#define SMOL_ALIASES_MAX    256 /* at a time */
#define SMOL_ALIAS_NAME_MAX 64	/* bytes */

struct smol_alias {
	char *name;
	char *text; /* what it stands for, as one would type it */
	struct smol_statement stands_for;
};

/*
 * From now on name stands for these words; one word may hold a whole command ('list --labels').
 * -1 with SMOL_E_INVALID: the name is no plain word, or the one word is not one command;
 * SMOL_E_LIMIT.
 */
int smol_alias_set(const char *name, const char *const *words, int nwords, struct smol_err *err);
/* False: there was none. */
bool smol_alias_remove(const char *name);
/* NULL: there is none. Valid until the aliases change. */
const struct smol_alias *smol_alias_find(const char *name);
/* All of them, by name. Valid until they change. */
const struct smol_alias *smol_aliases(int *n);
/*
 * Where the first word is an alias, and no part of it was in quotes, the words that it stands for
 * take its place, which they have in the text, too. Once: what has come is not looked at again.
 */
void smol_alias_expand(struct smol_statement *s);

#endif
