/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bind, unbind: what the screen's keys do. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/alias.h"
#include "shell/commands.h"
#include "shell/grammar.h"
#include "shell/keys.h"
#include "shell/output.h"
#include "shell/parse.h"

/* --in, or where such a key does no harm. */
static unsigned where_of(const struct smol_args *args, const char *key)
{
	int64_t in = smol_args_int(args, "in", -1);

	return in < 0 ? smol_key_where(key) : in == 0 ? SMOL_FOCUS_ANY : 1U << (in - 1);
}

static cJSON *binding_json(const struct smol_binding *b)
{
	cJSON *j = cJSON_CreateObject(), *where;

	smol_json_add_str(j, "key", b->key);
	where = cJSON_AddArrayToObject(j, "in");
	for (int i = 0; smol_focus_names[i]; i++)
		if (b->where & 1U << i)
			cJSON_AddItemToArray(where, cJSON_CreateString(smol_focus_names[i]));
	if (b->line)
		smol_json_add_str(j, "line", b->line);
	else
		smol_json_add_str(j, "action", smol_actions[b->action].name);
	return j;
}

/* Those of a key, or all of them; in the order of the table of keys. */
static int show(struct smol_shell *sh, const char *key)
{
	static const char *const headers[] = {"KEY", "IN", "DOES", "WHAT", NULL};
	struct smol_table *t = smol_table_new(headers);
	cJSON *list = sh->json ? cJSON_CreateArray() : NULL;
	bool any = false;
	int n;
	const struct smol_binding *b = smol_keys_bound(&n);

	for (; n > 0; n--, b++) {
		smol_auto_free char *line = b->line ? smol_escape(b->line, strlen(b->line)) : NULL;
		char shown[SMOL_KEY_MAX], where[SMOL_FOCUS_TEXT_MAX];

		if (key && strcmp(b->key, key) != 0)
			continue;
		any = true;
		if (list)
			cJSON_AddItemToArray(list, binding_json(b));
		smol_key_shown(b->key, shown);
		smol_focus_text(b->where, where);
		smol_table_row(t,
		    (const char *const[]){shown, where, line ? line : smol_actions[b->action].name,
			line ? "" : smol_actions[b->action].help});
	}
	if (list)
		smol_out_data(sh, list);
	else if (!any)
		smol_out_notice(sh, "%s does nothing of ours", key ? key : "any key");
	else
		smol_table_print(t, !sh->quiet, smol_out_columns(sh));
	smol_table_free(t);
	return 0;
}

/* A word that a line may begin with. */
static int check_verb(const char *word, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(word, strnlen(word, 200));
	const char *names[SMOL_ACTION__count] = {NULL}, *near;

	if (smol_command_find(word) || smol_alias_find(word) || strcmp(word, "quit") == 0)
		return 0;
	for (size_t i = 1; i < SMOL_ACTION__count; i++)
		names[i - 1] = smol_actions[i].name;
	near = smol_command_nearest(word, names);
	smol_err_set(err, SMOL_E_INVALID, "'%s' is neither what a key can do nor a command", safe);
	return near ? smol_err_hint(err, "did you mean '%s'?", near) : smol_err_hint(err, "bind");
}

static int check_line(const char *line, struct smol_err *err)
{
	smol_auto_script struct smol_script script = {0};

	if (smol_grammar_parse(line, strlen(line), &script, err) < 0)
		return -1;
	if (!script.n)
		return smol_err_set(err, SMOL_E_INVALID, "the line is empty");
	for (int i = 0; i < script.n; i++)
		if (check_verb(script.statements[i].words[0].text, err) < 0)
			return -1;
	return 0;
}

/* One word is a line as it is; several are words of one. */
static char *line_of(const char *const *words, int n)
{
	struct smol_buf b = {0};

	if (n == 1)
		return smol_strdup(words[0]);
	for (int i = 0; i < n; i++) {
		smol_auto_free char *quoted = smol_grammar_quote(words[i]);

		smol_buf_printf(&b, "%s%s", i ? " " : "", quoted);
	}
	return smol_buf_take(&b);
}

static int bind_key(const struct smol_args *args, const char *key, struct smol_err *err)
{
	bool one = args->nwords == 2 && !smol_args_flag(args, "line");
	enum smol_action action = one ? smol_action_find(args->words[1]) : SMOL_ACTION_none;
	smol_auto_free char *line = action ? NULL : line_of(args->words + 1, args->nwords - 1);
	unsigned where = where_of(args, key);

	/* An action of some places stays in those; a page has better uses for its keys. */
	if (action && !smol_args_str(args, "in"))
		where &= smol_action_where(action);
	else if (where != SMOL_FOCUS_ANY && !smol_args_str(args, "in"))
		where &= ~(unsigned)SMOL_FOCUS_PAGE;
	if (!where) {
		char places[SMOL_FOCUS_TEXT_MAX];

		smol_focus_text(smol_action_where(action), places);
		return smol_err_set(err, SMOL_E_INVALID,
		    "%s belongs to: %s; there %s is needed for something else",
		    smol_actions[action].name, places, key);
	}
	if (line && check_line(line, err) < 0)
		return -1;
	return smol_key_bind(key, where, action, line, err);
}

static int run_bind(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	bool reset = smol_args_flag(args, "default");
	char key[SMOL_KEY_MAX] = "";

	if (args->nwords && smol_key_parse(args->words[0], key, err) < 0)
		return -1;
	if (reset && args->nwords > 1)
		return smol_err_set(
		    err, SMOL_E_USAGE, "--default and what the key does exclude each other");
	if (reset) {
		smol_keys_reset(*key ? key : NULL);
		return 0;
	}
	return args->nwords < 2 ? show(sh, *key ? key : NULL) : bind_key(args, key, err);
}

static int run_unbind(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	char key[SMOL_KEY_MAX], shown[SMOL_KEY_MAX];
	int64_t in = smol_args_int(args, "in", 0);

	(void)sh;
	if (smol_key_parse(args->words[0], key, err) < 0)
		return -1;
	smol_key_shown(key, shown);
	if (!smol_key_unbind(key, in ? 1U << (in - 1) : SMOL_FOCUS_ANY))
		return smol_err_set(err, SMOL_E_INVALID, "%s does nothing there", shown);
	return 0;
}

static const struct smol_option bind_options[] = {
    {.name = "in",
	.type = SMOL_OPTION_ENUM,
	.arg = "PLACE",
	.help = "only there: prompt, list, pane, scroll…, or all",
	.values = smol_place_names},
    {.name = "line", .help = "a command, though an action has its name"},
    {.name = "default", .help = "what the key did at first; without KEY: all of them"},
    {0},
};

static const struct smol_option unbind_options[] = {
    {.name = "in",
	.type = SMOL_OPTION_ENUM,
	.arg = "PLACE",
	.help = "only there",
	.values = smol_place_names},
    {0},
};

static const struct smol_positional bind_words[] = {
    {"KEY", SMOL_OPTIONAL, "x, Alt-x, C-x, F5, S-PgUp…; none shows all that are bound",
	SMOL_COMPLETE_KEY, NULL},
    {"DOES", SMOL_ANY, "an action, or a line; none shows what it does", SMOL_COMPLETE_ACTION, NULL},
    {0},
};

static const struct smol_positional unbind_words[] = {
    {"KEY", SMOL_ONE, "the key", SMOL_COMPLETE_KEY, NULL},
    {0},
};

const struct smol_command smol_cmd_bind[] = {
    {
	.name = "bind",
	.summary = "let a key of the screen do something",
	.description =
	    "What a key can do: the actions that `bind` lists, or any line of commands. VM\n"
	    "in a line stands for the marked VMs, or the chosen one; a line with a space at\n"
	    "its end is put into the prompt to go on with. Without --in a key with Alt and\n"
	    "F1…F12 do it wherever it makes sense, one with Ctrl everywhere but in a pane\n"
	    "whose command takes the keys, others in the list and in panes that do not run.",
	.examples = "bind M-q close\n"
		    "bind F5 'exec @running -- uptime'\n"
		    "bind --in list u 'exec VM -- uptime'\n"
		    "bind M-e 'exec VM -- '\n"
		    "bind --default",
	.options = {bind_options},
	.positionals = bind_words,
	.flags = SMOL_COMMAND_LOCAL | SMOL_COMMAND_REST,
	.run = run_bind,
    },
    {
	.name = "unbind",
	.summary = "let a key of the screen do nothing of ours",
	.options = {unbind_options},
	.positionals = unbind_words,
	.examples = "unbind M-k",
	.flags = SMOL_COMMAND_LOCAL,
	.run = run_unbind,
    },
    {0},
};
