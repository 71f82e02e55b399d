/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The grammar, the parser, aliases, names of keys and completion under any bytes. Beyond memory
 * errors it checks that a word, quoted, reads back as itself, that what an alias stands for does,
 * too, that a key's name is its own name, and that what completes lies within the line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/alias.h"
#include "shell/complete.h"
#include "shell/grammar.h"
#include "shell/keys.h"
#include "shell/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reads_back(const char *word)
{
	smol_auto_free char *quoted = smol_grammar_quote(word);
	smol_auto_script struct smol_script s = {0};

	if (smol_grammar_parse(quoted, strlen(quoted), &s, NULL) < 0 || s.n != 1 ||
	    s.statements[0].nwords != 1 || strcmp(s.statements[0].words[0].text, word) != 0)
		abort();
}

static void key_is_itself(const char *word)
{
	char key[SMOL_KEY_MAX], again[SMOL_KEY_MAX], shown[SMOL_KEY_MAX];

	if (smol_key_parse(word, key, NULL) < 0)
		return;
	smol_key_shown(key, shown);
	if (smol_key_parse(key, again, NULL) < 0 || strcmp(key, again) != 0 ||
	    smol_key_parse(shown, again, NULL) < 0 || strcmp(key, again) != 0)
		abort();
}

static void parse_words(const struct smol_statement *s)
{
	smol_auto_free const char **words = smol_alloc(((size_t)s->nwords + 1) * sizeof(*words));
	smol_auto_args struct smol_args args = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	for (int w = 0; w < s->nwords; w++) {
		words[w] = s->words[w].text;
		reads_back(words[w]);
		key_is_itself(words[w]);
	}
	if (smol_parse(words, s->nwords, &args, &err) < 0 && !err.msg)
		abort();
}

/* The first word stands for the others from here on. */
static void make_alias(const struct smol_statement *s)
{
	smol_auto_free const char **words = smol_alloc(((size_t)s->nwords + 1) * sizeof(*words));
	const struct smol_alias *a;

	for (int w = 0; w < s->nwords; w++)
		words[w] = s->words[w].text;
	if (s->nwords < 2 || smol_alias_set(words[0], words + 1, s->nwords - 1, NULL) < 0)
		return;
	a = smol_alias_find(words[0]);
	if (!a || (s->nwords > 2 && a->stands_for.nwords != s->nwords - 1))
		abort();
	reads_back(a->name);
}

static void expand(struct smol_statement *s, size_t size)
{
	const struct smol_alias *a = s->words[0].quoted ? NULL : smol_alias_find(s->words[0].text);
	int wanted = s->nwords + (a ? a->stands_for.nwords - 1 : 0);

	smol_alias_expand(s);
	if (s->nwords != wanted)
		abort();
	for (int w = 0; w < s->nwords; w++)
		if (s->words[w].start > s->words[w].end || s->words[w].end > size)
			abort();
}

static void forget_aliases(void)
{
	int n;

	while (smol_aliases(&n) && n)
		smol_alias_remove(smol_aliases(&n)[n - 1].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	smol_auto_script struct smol_script script = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_completion c;

	if (smol_grammar_parse(text, size, &script, &err) == 0)
		for (int i = 0; i < script.n; i++) {
			parse_words(&script.statements[i]);
			make_alias(&script.statements[i]);
			expand(&script.statements[i], size);
		}
	else if (!err.msg)
		abort();
	smol_complete_line(text, size, NULL, NULL, &c);
	if (c.start > c.end || c.end > size)
		abort();
	smol_completion_free(&c);
	forget_aliases();
	return 0;
}
