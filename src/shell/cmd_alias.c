/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alias, unalias: words that stand for others. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "shell/alias.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"

static int no_alias(const char *name, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(name, strnlen(name, 200));

	smol_err_set(err, SMOL_E_USAGE, "there is no alias '%s'", safe);
	return smol_err_hint(err, "alias");
}

static cJSON *alias_json(const struct smol_alias *a)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "name", a->name);
	smol_json_add_str(j, "text", a->text);
	return j;
}

static void show_all(struct smol_shell *sh)
{
	int n;
	const struct smol_alias *all = smol_aliases(&n);
	cJSON *list = sh->json ? cJSON_CreateArray() : NULL;

	for (int i = 0; i < n; i++) {
		if (list)
			cJSON_AddItemToArray(list, alias_json(&all[i]));
		else
			printf("alias %s %s\n", all[i].name, all[i].text);
	}
	if (list)
		smol_out_data(sh, list);
}

static int run_alias(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	const struct smol_alias *a;

	if (args->nwords > 1)
		return smol_alias_set(args->words[0], args->words + 1, args->nwords - 1, err);
	if (!args->nwords) {
		show_all(sh);
		return 0;
	}
	a = smol_alias_find(args->words[0]);
	if (!a)
		return no_alias(args->words[0], err);
	if (sh->json)
		smol_out_data(sh, alias_json(a));
	else
		printf("alias %s %s\n", a->name, a->text);
	return 0;
}

static int run_unalias(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	(void)sh;
	for (int i = 0; i < args->nwords; i++)
		if (!smol_alias_remove(args->words[i]))
			return no_alias(args->words[i], err);
	return 0;
}

static const struct smol_positional alias_words[] = {
    {"NAME", SMOL_OPTIONAL, "the alias; none shows all of them", SMOL_COMPLETE_ALIAS, NULL},
    {"WORDS", SMOL_ANY, "what it stands for; none shows that", SMOL_COMPLETE_LINE, NULL},
    {0},
};

static const struct smol_positional unalias_words[] = {
    {"NAME", SMOL_MANY, "the alias", SMOL_COMPLETE_ALIAS, NULL},
    {0},
};

const struct smol_command smol_cmd_alias[] = {
    {
	.name = "alias",
	.summary = "let a word stand for a command's first words",
	.description =
	    "Where NAME stands as the first word of a command, WORDS take its place; the\n"
	    "words behind it follow them. WORDS are one command, in one word or in several.\n"
	    "An alias may have a command's name: what it stands for is not looked at again,\n"
	    "and a NAME in quotes (\\list) is the command itself. Aliases last as long as\n"
	    "the script or the screen; those in the file rc (`smolsh help rc`) are always\n"
	    "there on the screen.",
	.examples = "alias ll list --labels\n"
		    "alias up 'exec @running -- uptime'\n"
		    "alias",
	.positionals = alias_words,
	.flags = SMOL_COMMAND_LOCAL | SMOL_COMMAND_REST,
	.run = run_alias,
    },
    {
	.name = "unalias",
	.summary = "forget aliases",
	.positionals = unalias_words,
	.examples = "unalias ll",
	.flags = SMOL_COMMAND_LOCAL,
	.run = run_unalias,
    },
    {0},
};
