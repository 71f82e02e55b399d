/* SPDX-License-Identifier: GPL-3.0-or-later */
/* help, version */
#include <sqlite3.h>
#include <stdio.h>

#include "proto/json.h"
#include "proto/request.h"
#include "shell/commands.h"
#include "shell/help.h"
#include "shell/output.h"
#include "shell/parse.h"

static int run_help(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	const char *verb = args->nwords > 1 ? args->words[1] : NULL;

	return smol_help_word(sh, args->nwords ? args->words[0] : NULL, verb, err);
}

static int run_version(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	cJSON *j, *libraries;

	(void)args;
	(void)err;
	if (!sh->json) {
		printf("smolsh %s\n", SMOL_VERSION);
		if (sh->verbose)
			printf("control protocol %d\ncJSON %s\nSQLite %s\n", SMOL_PROTO_VERSION,
			    cJSON_Version(), sqlite3_libversion());
		return 0;
	}
	j = cJSON_CreateObject();
	smol_json_add_str(j, "version", SMOL_VERSION);
	smol_json_add_int(j, "protocol", SMOL_PROTO_VERSION);
	libraries = cJSON_AddObjectToObject(j, "libraries");
	smol_json_add_str(libraries, "cjson", cJSON_Version());
	smol_json_add_str(libraries, "sqlite", sqlite3_libversion());
	smol_out_data(sh, j);
	return 0;
}

static const struct smol_positional help_words[] = {
    {"COMMAND", SMOL_OPTIONAL, "a command, or exit-codes, language or rc", SMOL_COMPLETE_COMMAND,
	NULL},
    {"VERB", SMOL_OPTIONAL, "a verb of that command", SMOL_COMPLETE_NONE, NULL},
    {0},
};

const struct smol_command smol_cmd_help[] = {
    {
	.name = "help",
	.summary = "say how smolsh or one of its commands is used",
	.positionals = help_words,
	.examples = "smolsh help run\n"
		    "smolsh help image build\n"
		    "smolsh help exit-codes",
	.flags = SMOL_COMMAND_LOCAL, /* it knows the aliases */
	.run = run_help,
    },
    {
	.name = "version",
	.summary = "print the version; with --json those of its libraries, too",
	.run = run_version,
    },
    {0},
};
