/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set: the settings of the screen. */
#include <stdio.h>

#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "shell/settings.h"

static cJSON *setting_json(enum smol_setting which)
{
	const struct smol_setting_entry *s = &smol_settings[which];
	cJSON *j = cJSON_CreateObject(), *values;

	smol_json_add_str(j, "name", s->name);
	if (s->values)
		smol_json_add_str(j, "value", smol_setting_text(which));
	else
		smol_json_add_int(j, "value", smol_setting(which));
	smol_json_add_str(j, "help", s->help);
	values = s->values ? cJSON_AddArrayToObject(j, "values") : NULL;
	for (int i = 0; s->values && s->values[i]; i++)
		cJSON_AddItemToArray(values, cJSON_CreateString(s->values[i]));
	return j;
}

static void show_all(struct smol_shell *sh)
{
	static const char *const headers[] = {"NAME", "VALUE", "WHAT", NULL};
	struct smol_table *t = smol_table_new(headers);
	cJSON *list = sh->json ? cJSON_CreateArray() : NULL;

	for (int i = 0; i < SMOL_SETTING__COUNT; i++) {
		if (list)
			cJSON_AddItemToArray(list, setting_json((enum smol_setting)i));
		smol_table_row(
		    t, (const char *const[]){smol_settings[i].name,
			   smol_setting_text((enum smol_setting)i), smol_settings[i].help});
	}
	if (list)
		smol_out_data(sh, list);
	else
		smol_table_print(t, !sh->quiet, smol_out_columns(sh));
	smol_table_free(t);
}

static void show_one(struct smol_shell *sh, enum smol_setting which)
{
	if (sh->json)
		smol_out_data(sh, setting_json(which));
	else
		puts(smol_setting_text(which));
}

static int run_set(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	bool standard = smol_args_flag(args, "default");
	enum smol_setting which;

	if (standard && args->nwords > 1)
		return smol_err_set(err, SMOL_E_USAGE, "--default and a value exclude each other");
	if (!args->nwords) {
		for (int i = 0; standard && i < SMOL_SETTING__COUNT; i++)
			smol_setting_reset((enum smol_setting)i);
		if (!standard)
			show_all(sh);
		return 0;
	}
	if (smol_setting_find(args->words[0], &which, err) < 0)
		return -1;
	if (standard)
		smol_setting_reset(which);
	else if (args->nwords == 1)
		show_one(sh, which);
	else
		return smol_setting_set(which, args->words[1], err);
	return 0;
}

static const struct smol_option set_options[] = {
    {.name = "default", .help = "as it was at first; without NAME: all of them"},
    {0},
};

static const struct smol_positional set_words[] = {
    {"NAME", SMOL_OPTIONAL, "a setting; none shows all of them", SMOL_COMPLETE_SETTING, NULL},
    {"VALUE", SMOL_OPTIONAL, "its new value; none shows what it is", SMOL_COMPLETE_VALUE, NULL},
    {0},
};

const struct smol_command smol_cmd_set[] = {
    {
	.name = "set",
	.summary = "show or change a setting of the screen",
	.description =
	    "Settings are heeded by the screen, and last as long as it. Those in the file\n"
	    "rc (`smolsh help rc`) are made anew each time it opens.",
	.examples = "set\n"
		    "set history 50000\n"
		    "set theme light\n"
		    "set --default theme",
	.options = {set_options},
	.positionals = set_words,
	.flags = SMOL_COMMAND_LOCAL,
	.run = run_set,
    },
    {0},
};
