/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source: the commands of a file, as if they stood here. */
#include "shell/commands.h"
#include "shell/parse.h"
#include "shell/source.h"

static int run_source(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return smol_source_word(sh, args->nwords ? args->words[0] : NULL, err);
}

static const struct smol_positional source_words[] = {
    {"FILE", SMOL_OPTIONAL, "a script; none: the file rc (`smolsh help rc`)", SMOL_COMPLETE_FILE,
	NULL},
    {0},
};

const struct smol_command smol_cmd_source[] = {
    {
	.name = "source",
	.summary = "run the commands in a file here",
	.description =
	    "As if the file's commands stood here: its settings, aliases and keys stay. In\n"
	    "a script a relative FILE is looked for beside the script, not in the working\n"
	    "directory. Mistakes are said with the file's name and the line.",
	.examples = "source commands.smolsh\n"
		    "source",
	.positionals = source_words,
	.flags = SMOL_COMMAND_LOCAL,
	.run = run_source,
    },
    {0},
};
