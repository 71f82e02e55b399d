/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The language: see grammar.h. One pass over the bytes; the only state is the position, the line,
 * and the word and statement being built.
 */
#include "shell/grammar.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"

struct lexer {
	const char *text;
	size_t n, pos;
	unsigned line;	   /* of pos, from 1 */
	size_t line_start; /* where that line begins */
	bool partial;	   /* an open quote or a backslash at the end is no error */
	char open_quote;   /* partial: the quote that the text ended in */
};

static bool at_end(const struct lexer *lx)
{
	return lx->pos >= lx->n;
}

static char peek(const struct lexer *lx)
{
	return lx->text[lx->pos];
}

static char take(struct lexer *lx)
{
	char c = lx->text[lx->pos++];

	if (c == '\n') {
		lx->line++;
		lx->line_start = lx->pos;
	}
	return c;
}

/* Characters, not bytes, since the line's start. Malformed UTF-8 gives some number, no harm. */
static unsigned column(size_t from, size_t to, const char *text)
{
	unsigned col = 1;

	for (size_t i = from; i < to; i++)
		col += ((unsigned char)text[i] & 0xc0) != 0x80;
	return col;
}

/* What is wrong at `at`, which lies on the line that starts at line_start. */
static int fail_at(const struct lexer *lx, unsigned line, size_t line_start, size_t at,
    const char *what, struct smol_err *err)
{
	return smol_err_set(err, SMOL_E_USAGE, "line %u, column %u: %s", line,
	    column(line_start, at, lx->text), what);
}

/* Past blanks, continued lines and a comment. A "\r" before "\n" counts as blank. */
static void skip_blank(struct lexer *lx)
{
	while (!at_end(lx)) {
		char c = peek(lx);
		char next = lx->pos + 1 < lx->n ? lx->text[lx->pos + 1] : '\0';

		if (c == ' ' || c == '\t' || (c == '\r' && (next == '\n' || !next))) {
			take(lx);
		} else if (c == '\\' && next == '\n') {
			take(lx);
			take(lx);
		} else if (c == '#') {
			while (!at_end(lx) && peek(lx) != '\n')
				take(lx);
		} else {
			return;
		}
	}
}

/* Behind an opening quote: up to the closing one. */
static int quoted(struct lexer *lx, char quote, struct smol_buf *word, struct smol_err *err)
{
	unsigned line = lx->line;
	size_t line_start = lx->line_start, opened = lx->pos - 1;

	while (!at_end(lx)) {
		char c = take(lx);

		if (c == quote)
			return 0;
		if (c == '\\' && quote == '"' && !at_end(lx) && strchr("\"\\$`\n", peek(lx))) {
			c = take(lx);
			if (c == '\n')
				continue;
		}
		smol_buf_append(word, &c, 1);
	}
	if (lx->partial) {
		lx->open_quote = quote;
		return 0;
	}
	fail_at(lx, line, line_start, opened, "quote is not closed", err);
	return smol_err_hint(err, "close it with %c", quote);
}

/* One word, at its first byte. */
static int read_word(struct lexer *lx, struct smol_word *w, struct smol_err *err)
{
	smol_auto_buf struct smol_buf b = {0};

	w->start = lx->pos;
	while (!at_end(lx) && !strchr(" \t\n;", peek(lx))) {
		char c = take(lx);

		if (c == '\r' && (at_end(lx) || peek(lx) == '\n'))
			break;
		if (c == '\'' || c == '"') {
			w->quoted = true;
			if (quoted(lx, c, &b, err) < 0)
				return -1;
			continue;
		}
		if (c == '\\') {
			if (at_end(lx) && !lx->partial)
				return fail_at(lx, lx->line, lx->line_start, lx->pos - 1,
				    "nothing follows the backslash", err);
			if (at_end(lx))
				break;
			c = take(lx);
			if (c == '\n')
				continue;
			w->quoted = true;
		}
		smol_buf_append(&b, &c, 1);
	}
	w->end = lx->pos;
	w->text = smol_buf_take(&b);
	return 0;
}

static struct smol_word *add_word(struct smol_statement *s)
{
	/* Grown by doubling: at each power of two. */
	if ((s->nwords & (s->nwords - 1)) == 0)
		s->words = smol_realloc(
		    s->words, sizeof(*s->words) * (s->nwords ? (size_t)s->nwords * 2 : 1));
	s->words[s->nwords] = (struct smol_word){0};
	return &s->words[s->nwords++];
}

/* The words up to the next separator, which stays. No words: an empty statement. */
static int read_statement(struct lexer *lx, struct smol_statement *s, struct smol_err *err)
{
	for (;;) {
		skip_blank(lx);
		if (at_end(lx) || peek(lx) == '\n' || peek(lx) == ';')
			return 0;
		if (s->nwords == SMOL_WORDS_MAX)
			return smol_err_set(err, SMOL_E_LIMIT,
			    "line %u: a command of more than %d words", lx->line, SMOL_WORDS_MAX);
		if (!s->nwords)
			s->line = lx->line;
		if (read_word(lx, add_word(s), err) < 0)
			return -1;
	}
}

/* Bounds and NUL bytes, before anything else looks at the text. */
static int check(struct lexer *lx, struct smol_err *err)
{
	const char *nul;

	if (lx->n > SMOL_SCRIPT_MAX)
		return smol_err_set(err, SMOL_E_LIMIT, "a text of more than %d MiB",
		    SMOL_SCRIPT_MAX / (1024 * 1024));
	nul = lx->n ? memchr(lx->text, '\0', lx->n) : NULL;
	if (!nul)
		return 0;
	while (lx->text + lx->pos < nul)
		take(lx);
	return fail_at(lx, lx->line, lx->line_start, lx->pos, "a NUL byte", err);
}

static void add_statement(struct smol_script *script, struct smol_statement *s)
{
	if ((script->n & (script->n - 1)) == 0)
		script->statements = smol_realloc(
		    script->statements, sizeof(*s) * (script->n ? (size_t)script->n * 2 : 1));
	script->statements[script->n++] = *s;
	*s = (struct smol_statement){0};
}

int smol_grammar_parse(const char *text, size_t n, struct smol_script *script, struct smol_err *err)
{
	struct lexer lx = {.text = text, .n = n, .line = 1};

	*script = (struct smol_script){0};
	if (check(&lx, err) < 0)
		return -1;
	while (!at_end(&lx)) {
		smol_auto_statement struct smol_statement s = {0};

		if (read_statement(&lx, &s, err) < 0)
			return -1;
		if (!at_end(&lx))
			take(&lx);
		if (!s.nwords)
			continue;
		if (script->n == SMOL_COMMANDS_MAX)
			return smol_err_set(err, SMOL_E_LIMIT, "a text of more than %d commands",
			    SMOL_COMMANDS_MAX);
		add_statement(script, &s);
	}
	return 0;
}

int smol_grammar_partial(const char *text, size_t n, struct smol_statement *statement,
    char *open_quote, struct smol_err *err)
{
	struct lexer lx = {.text = text, .n = n, .line = 1, .partial = true};
	struct smol_word *last;

	*statement = (struct smol_statement){.line = 1};
	*open_quote = '\0';
	if (check(&lx, err) < 0)
		return -1;
	for (;;) {
		if (read_statement(&lx, statement, err) < 0)
			return -1;
		if (at_end(&lx))
			break;
		take(&lx);
		smol_statement_free(statement);
	}
	last = statement->nwords ? &statement->words[statement->nwords - 1] : NULL;
	if (!last || last->end != n) {
		last = add_word(statement);
		*last = (struct smol_word){.text = smol_strdup(""), .start = n, .end = n};
	}
	*open_quote = lx.open_quote;
	return 0;
}

void smol_statement_free(struct smol_statement *s)
{
	for (int i = 0; i < s->nwords; i++)
		free(s->words[i].text);
	free(s->words);
	*s = (struct smol_statement){0};
}

void smol_script_free(struct smol_script *script)
{
	for (int i = 0; i < script->n; i++)
		smol_statement_free(&script->statements[i]);
	free(script->statements);
	*script = (struct smol_script){0};
}

char *smol_grammar_quote(const char *word)
{
	struct smol_buf b = {0};

	if (*word && *word != '#' && !strpbrk(word, " \t\r\n;'\"\\"))
		return smol_strdup(word);
	/* 'it'\''s': a quote cannot stand between quotes. */
	smol_buf_puts(&b, "'");
	for (; *word; word++)
		smol_buf_append(&b, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
	smol_buf_puts(&b, "'");
	return smol_buf_take(&b);
}
