/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The language: shell-like words and quotes, `;` and newline between commands, `#` comments.
 *
 *   word       bytes up to white space or `;`
 *   '…'        as it is
 *   "…"        \" \\ \$ \` lose the backslash, a backslash before a newline goes with it
 *   \x         x as it is; before a newline both go (the line continues)
 *   # …        at the start of a word: to the end of the line
 *
 * Nothing is expanded: $x, * and ~ are text, and so are | & < > ( ). Words may be any bytes but
 * NUL.
 */
#ifndef SMOL_SHELL_GRAMMAR_H
#define SMOL_SHELL_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SMOL_SCRIPT_MAX	  (4 * 1024 * 1024) /* bytes of one text */
#define SMOL_WORDS_MAX	  8192		    /* words of one command */
#define SMOL_COMMANDS_MAX 100000	    /* commands of one text */

struct smol_word {
	char *text;	   /* owned */
	bool quoted;	   /* a part of it was in quotes or behind a backslash */
	size_t start, end; /* where it stands in the text, in bytes */
};

struct smol_statement {
	struct smol_word *words; /* at least one; owned */
	int nwords;
	unsigned line; /* of its first word, from 1 */
};

struct smol_script {
	struct smol_statement *statements;
	int n;
};

/*
 * Take a text apart. -1 with SMOL_E_USAGE and "line L, column C: …" (columns count characters)
 * for an open quote, a backslash at the end or a NUL, SMOL_E_LIMIT past the bounds above. *script
 * is to be freed in either case.
 */
int smol_grammar_parse(
    const char *text, size_t n, struct smol_script *script, struct smol_err *err);

/*
 * The command that is being typed at the end of the text: its words so far, the last of which is
 * the one to complete ("" when the text ends between words; then start is n). An open quote is no
 * error. *open_quote: '\'' or '"' when the last word ends inside one, else 0.
 */
int smol_grammar_partial(const char *text, size_t n, struct smol_statement *statement,
    char *open_quote, struct smol_err *err);

void smol_script_free(struct smol_script *script);
void smol_statement_free(struct smol_statement *s);
/* A word as the grammar reads it back: itself, or in quotes. Caller frees. */
char *smol_grammar_quote(const char *word);

#define smol_auto_script    __attribute__((cleanup(smol_script_free)))
#define smol_auto_statement __attribute__((cleanup(smol_statement_free)))

#endif
