/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command table: see command.h. */
#include "shell/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/commands.h"

const struct smol_option smol_common_options[] = {
    {.name = "help", .letter = 'h', .help = "say how the command is used"},
    {.name = "json", .help = "print one JSON envelope (JSON Lines where output streams)"},
    {.name = "quiet", .letter = 'q', .help = "print no more than what was asked for"},
    {.name = "verbose", .letter = 'v', .help = "say on stderr what is being done"},
    {0},
};

const struct smol_command *const smol_command_tables[] = {
    smol_cmd_create,
    smol_cmd_state,
    smol_cmd_stats,
    smol_cmd_delete,
    smol_cmd_list,
    smol_cmd_info,
    smol_cmd_exec,
    smol_cmd_cp,
    smol_cmd_jobs,
    smol_cmd_wait,
    smol_cmd_health,
    smol_cmd_label,
    smol_cmd_env,
    smol_cmd_logs,
    smol_cmd_forward,
    smol_cmd_doctor,
    smol_cmd_caps,
    smol_cmd_balloon,
    smol_cmd_disk,
    smol_cmd_snapshot,
    smol_cmd_image,
    smol_cmd_set,
    smol_cmd_alias,
    smol_cmd_bind,
    smol_cmd_source,
    smol_cmd_help,
    NULL,
};

static const struct smol_command *find_in(const struct smol_command *table, const char *name)
{
	for (; table && table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

const struct smol_command *smol_command_find(const char *name)
{
	const struct smol_command *found = NULL;

	for (int i = 0; smol_command_tables[i] && !found; i++)
		found = find_in(smol_command_tables[i], name);
	return found;
}

const char *smol_command_nearest(const char *word, const char *const *more)
{
	smol_auto_free const struct smol_command **all = smol_command_sorted();
	smol_auto_free const char **names = NULL;
	size_t n = 0, others = 0;

	while (all[n])
		n++;
	while (more && more[others])
		others++;
	names = smol_alloc((n + others + 1) * sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = all[i]->name;
	for (size_t i = 0; i < others; i++)
		names[n + i] = more[i];
	return smol_nearest(word, names);
}

const struct smol_command *smol_command_find_sub(const struct smol_command *cmd, const char *name)
{
	return find_in(cmd->sub, name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct smol_command *const *)a)->name,
	    (*(const struct smol_command *const *)b)->name);
}

const struct smol_command **smol_command_sorted(void)
{
	const struct smol_command **list = smol_alloc(sizeof(*list));
	size_t n = 0;

	for (int i = 0; smol_command_tables[i]; i++)
		for (const struct smol_command *c = smol_command_tables[i]; c->name; c++) {
			if (c->flags & SMOL_COMMAND_HIDDEN)
				continue;
			list = smol_realloc(list, (n + 2) * sizeof(*list));
			list[n++] = c;
		}
	qsort(list, n, sizeof(*list), by_name);
	list[n] = NULL;
	return list;
}

const struct smol_option *smol_command_options(const struct smol_command *cmd, int n)
{
	int held = 0;

	while (held < SMOL_OPTION_SETS && cmd->options[held])
		held++;
	return n < held ? cmd->options[n] : n == held ? smol_common_options : NULL;
}

const struct smol_option *smol_command_option(
    const struct smol_command *cmd, const char *name, size_t len)
{
	const struct smol_option *o;

	for (int i = 0; (o = smol_command_options(cmd, i)); i++)
		for (; o->name; o++)
			if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
				return o;
	return NULL;
}

const struct smol_option *smol_command_letter(const struct smol_command *cmd, char letter)
{
	const struct smol_option *o;

	for (int i = 0; (o = smol_command_options(cmd, i)); i++)
		for (; o->name; o++)
			if (o->letter && o->letter == letter)
				return o;
	return NULL;
}
