/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The grammar, the parser and completion under any bytes. Beyond memory errors it checks that a
 * word, quoted, reads back as itself, and that what completes lies within the line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/complete.h"
#include "shell/grammar.h"
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

static void parse_words(const struct smol_statement *s)
{
	smol_auto_free const char **words = smol_alloc(((size_t)s->nwords + 1) * sizeof(*words));
	smol_auto_args struct smol_args args = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	for (int w = 0; w < s->nwords; w++) {
		words[w] = s->words[w].text;
		reads_back(words[w]);
	}
	if (smol_parse(words, s->nwords, &args, &err) < 0 && !err.msg)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	smol_auto_script struct smol_script script = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_completion c;

	if (smol_grammar_parse(text, size, &script, &err) == 0)
		for (int i = 0; i < script.n; i++)
			parse_words(&script.statements[i]);
	else if (!err.msg)
		abort();
	smol_complete_line(text, size, NULL, NULL, &c);
	if (c.start > c.end || c.end > size)
		abort();
	smol_completion_free(&c);
	return 0;
}
