/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Aliases: see alias.h. */
#include "shell/alias.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

static struct smol_alias aliases[SMOL_ALIASES_MAX];
static int naliases;

/* Where it is, or where it would be inserted. */
static int place(const char *name, bool *there)
{
	int low = 0, high = naliases;

	while (low < high) {
		int middle = (low + high) / 2;

		if (strcmp(aliases[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*there = low < naliases && strcmp(aliases[low].name, name) == 0;
	return low;
}

const struct smol_alias *smol_alias_find(const char *name)
{
	bool there;
	int at = place(name, &there);

	return there ? &aliases[at] : NULL;
}

const struct smol_alias *smol_aliases(int *n)
{
	*n = naliases;
	return aliases;
}

/* A word that needs no quotes, so that it can be typed as it is. */
static int check_name(const char *name, struct smol_err *err)
{
	smol_auto_free char *quoted = smol_grammar_quote(name);
	smol_auto_free char *safe = smol_escape(name, strnlen(name, 200));

	if (*name != '-' && strlen(name) <= SMOL_ALIAS_NAME_MAX && strcmp(quoted, name) == 0 &&
	    strcmp(safe, name) == 0)
		return 0;
	return smol_err_set(err, SMOL_E_INVALID,
	    "an alias is named by a word of at most %d bytes without quotes, and '%s' is none",
	    SMOL_ALIAS_NAME_MAX, safe);
}

/* The words as the statement that they are; one word is taken apart. */
static int statement_of(
    const char *const *words, int nwords, struct smol_statement *s, struct smol_err *err)
{
	smol_auto_script struct smol_script script = {0};
	smol_auto_buf struct smol_buf text = {0};

	for (int i = 0; i < nwords; i++) {
		smol_auto_free char *quoted = nwords > 1 ? smol_grammar_quote(words[i]) : NULL;

		smol_buf_printf(&text, "%s%s", i ? " " : "", quoted ? quoted : words[i]);
	}
	if (smol_grammar_parse(smol_buf_str(&text), smol_buf_len(&text), &script, err) < 0)
		return -1;
	if (script.n != 1)
		return smol_err_set(
		    err, SMOL_E_INVALID, "an alias stands for one command, not %d", script.n);
	*s = script.statements[0];
	script.statements[0] = (struct smol_statement){0};
	return 0;
}

static char *text_of(const struct smol_statement *s)
{
	struct smol_buf b = {0};

	for (int i = 0; i < s->nwords; i++) {
		smol_auto_free char *quoted = smol_grammar_quote(s->words[i].text);

		smol_buf_printf(&b, "%s%s", i ? " " : "", quoted);
	}
	return smol_buf_take(&b);
}

static void forget(struct smol_alias *a)
{
	free(a->name);
	free(a->text);
	smol_statement_free(&a->stands_for);
}

int smol_alias_set(const char *name, const char *const *words, int nwords, struct smol_err *err)
{
	smol_auto_statement struct smol_statement s = {0};
	struct smol_alias *a;
	bool there;
	int at = place(name, &there);

	if (check_name(name, err) < 0 || statement_of(words, nwords, &s, err) < 0)
		return -1;
	if (!there && naliases == SMOL_ALIASES_MAX)
		return smol_err_set(err, SMOL_E_LIMIT, "more than %d aliases", SMOL_ALIASES_MAX);
	a = &aliases[at];
	if (there)
		forget(a);
	else
		memmove(a + 1, a, sizeof(*a) * (size_t)(naliases++ - at));
	*a = (struct smol_alias){.name = smol_strdup(name), .text = text_of(&s), .stands_for = s};
	s = (struct smol_statement){0};
	return 0;
}

bool smol_alias_remove(const char *name)
{
	bool there;
	int at = place(name, &there);

	if (!there)
		return false;
	forget(&aliases[at]);
	memmove(&aliases[at], &aliases[at + 1], sizeof(*aliases) * (size_t)(--naliases - at));
	return true;
}

void smol_alias_expand(struct smol_statement *s)
{
	const struct smol_alias *a =
	    s->nwords && !s->words[0].quoted ? smol_alias_find(s->words[0].text) : NULL;
	struct smol_word first, *words;
	int n;

	if (!a)
		return;
	first = s->words[0];
	n = a->stands_for.nwords;
	words = smol_alloc(sizeof(*words) * (size_t)(n + s->nwords - 1));
	for (int i = 0; i < n; i++)
		words[i] = (struct smol_word){.text = smol_strdup(a->stands_for.words[i].text),
		    .quoted = a->stands_for.words[i].quoted,
		    .start = first.start,
		    .end = first.end};
	memcpy(words + n, s->words + 1, sizeof(*words) * (size_t)(s->nwords - 1));
	free(first.text);
	free(s->words);
	s->words = words;
	s->nwords += n - 1;
}
