/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help on a terminal: see help.h. The manual's part is man.c. */
#include "shell/help.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/alias.h"
#include "shell/output.h"

static const char *const color_names[] = {"auto", "always", "never", NULL};

static const struct smol_option program_options[] = {
    {.name = "command",
	.letter = 'c',
	.type = SMOL_OPTION_STRING,
	.arg = "TEXT",
	.help = "run the commands in TEXT",
	.empty = true},
    {.name = "file",
	.letter = 'f',
	.type = SMOL_OPTION_STRING,
	.arg = "FILE",
	.help = "run the commands in FILE (its first line may be #!)",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "keep-going", .letter = 'k', .help = "go on after a command that failed"},
    {.name = "dry-run", .letter = 'n', .help = "print each command's words as JSON, run nothing"},
    {.name = "color",
	.type = SMOL_OPTION_ENUM,
	.arg = "WHEN",
	.help = "colours: auto, always or never (NO_COLOR is heeded)",
	.values = color_names},
    {.name = "line", .help = "on a terminal, without words: a prompt in place of the screen"},
    {.name = "version", .letter = 'V', .help = "print the version"},
    {0},
};

const struct smol_command smol_program = {
    .name = "smolsh", .summary = "the operator's shell for microVMs", .options = {program_options}};

static const char exit_codes[] =
    "Exit codes\n"
    "  0        it worked; for exec and run: the guest command exited with 0\n"
    "  1        the answer of health, wait and doctor is no\n"
    "  2        a command, an option or a value is wrong; nothing was done\n"
    "  124      the guest command ran out of its --timeout\n"
    "  125      smolsh or the VM failed; stderr says why\n"
    "  126      the guest command could not be run\n"
    "  127      the guest command was not found\n"
    "  128+N    the guest command died of signal N\n"
    "  130      interrupted\n"
    "  other    the guest command's own\n"
    "\n"
    "Of several VMs: 125 if one gave it, else 124 if one did, else the highest.\n"
    "A script ends with the code of the command that failed; with --keep-going, the last one.\n";

static const char language[] =
    "The language of -c, -f, stdin and the prompt\n"
    "  a b c        words, separated by spaces or tabs\n"
    "  'a b'        one word, as it is\n"
    "  \"a b\"        one word; \\\" \\\\ \\$ \\` lose their backslash\n"
    "  a\\ b         a backslash takes the next character as it is; before a line end both go\n"
    "  a; b         two commands, as if on two lines\n"
    "  # text       at the start of a word: a comment up to the end of the line\n"
    "  -- CMD       in front of a guest command: its words are passed as they are\n"
    "\n"
    "An alias at a command's beginning, not in quotes, gives way to its words (help alias).\n"
    "Nothing else is expanded: $x, *, ~, | and > are text. A line for a shell in the guest is one\n"
    "word without `--`: exec web 'ls /tmp | wc -l'\n";

static const char rc[] =
    "What the screen begins with\n"
    "  $SMOLSH_HOME/rc, else $XDG_CONFIG_HOME/smolsh/rc, else ~/.config/smolsh/rc, is read when\n"
    "  somebody sits at smolsh: before the screen or the line prompt takes its first key. Scripts\n"
    "  (-c, -f, stdin) do not read it; `smolsh source` alone reads it and says what is wrong in "
    "it.\n"
    "\n"
    "  # settings, aliases, keys\n"
    "  set history 50000\n"
    "  alias ll list --labels\n"
    "  bind M-q close\n"
    "  bind --in list u 'exec VM -- uptime'\n"
    "  # another file, beside this one\n"
    "  source work\n"
    "\n"
    "A mistake is said with its line; what follows it is done all the same. Other commands than\n"
    "set, alias, unalias, bind, unbind and source run in a pane, in their order, once the screen "
    "is\n"
    "there.\n";

static const struct topic {
	const char *name, *text;
} topics[] = {{"exit-codes", exit_codes}, {"language", language}, {"rc", rc}};

const char *const smol_help_topics[] = {"exit-codes", "language", "rc", NULL};
_Static_assert(SMOL_ARRAY_SIZE(topics) + 1 == SMOL_ARRAY_SIZE(smol_help_topics), "each topic");

char *smol_help_option(const struct smol_option *o)
{
	struct smol_buf b = {0};

	if (o->letter)
		smol_buf_printf(&b, "-%c, ", o->letter);
	else
		smol_buf_puts(&b, "    ");
	smol_buf_printf(&b, "--%s", o->name);
	if (o->arg)
		smol_buf_printf(&b, " %s", o->arg);
	return smol_buf_take(&b);
}

const struct smol_command *smol_help_parent(const struct smol_command *cmd)
{
	for (int i = 0; smol_command_tables[i]; i++)
		for (const struct smol_command *c = smol_command_tables[i]; c->name; c++)
			for (const struct smol_command *s = c->sub; s && s->name; s++)
				if (s == cmd)
					return c;
	return NULL;
}

char *smol_help_usage(const struct smol_command *parent, const struct smol_command *cmd)
{
	static const struct {
		const char *before, *after;
	} marks[] = {[SMOL_ONE] = {"", ""},
	    [SMOL_OPTIONAL] = {"[", "]"},
	    [SMOL_MANY] = {"", "…"},
	    [SMOL_ANY] = {"[", "…]"}};
	struct smol_buf b = {0};

	if (parent)
		smol_buf_printf(&b, "%s ", parent->name);
	smol_buf_puts(&b, cmd->name);
	if (cmd->sub)
		smol_buf_puts(&b, " VERB");
	if (cmd->options[0] || cmd->sub)
		smol_buf_puts(&b, " [options]");
	for (const struct smol_positional *p = cmd->positionals; p && p->name; p++)
		smol_buf_printf(
		    &b, " %s%s%s", marks[p->arity].before, p->name, marks[p->arity].after);
	if (cmd->flags & SMOL_COMMAND_GUEST)
		smol_buf_puts(&b, " [--] COMMAND…");
	return smol_buf_take(&b);
}

static void print_options(const struct smol_option *set)
{
	for (const struct smol_option *o = set; o && o->name; o++) {
		smol_auto_free char *left = smol_help_option(o);

		printf("  %-26s %s%s\n", left, o->help, o->required ? " (needed)" : "");
	}
}

static void print_verbs(const struct smol_command *cmd)
{
	if (cmd->sub)
		printf("\nVerbs\n");
	for (const struct smol_command *s = cmd->sub; s && s->name; s++)
		printf("  %-10s %s\n", s->name, s->summary);
}

static void print_words(const struct smol_command *cmd)
{
	bool any = false;

	for (const struct smol_positional *p = cmd->positionals; p && p->name; p++) {
		if (!any)
			printf("\nWords\n");
		any = true;
		printf("  %-26s %s\n", p->name, p->help);
	}
}

/* Indented by two, as all that stands under a title. */
static void print_indented(const char *title, const char *text)
{
	if (!text)
		return;
	printf("\n%s\n", title);
	while (*text) {
		size_t n = strcspn(text, "\n");

		printf("  %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static cJSON *options_json(const struct smol_command *cmd)
{
	cJSON *a = cJSON_CreateArray();
	const struct smol_option *o;

	for (int i = 0; (o = smol_command_options(cmd, i)); i++)
		for (; o->name; o++) {
			cJSON *j = cJSON_CreateObject();
			char letter[2] = {o->letter, '\0'};

			smol_json_add_str(j, "name", o->name);
			if (o->letter)
				smol_json_add_str(j, "letter", letter);
			if (o->arg)
				smol_json_add_str(j, "arg", o->arg);
			smol_json_add_str(j, "help", o->help);
			cJSON_AddItemToArray(a, j);
		}
	return a;
}

static cJSON *command_json(const struct smol_command *cmd)
{
	smol_auto_free char *usage = smol_help_usage(smol_help_parent(cmd), cmd);
	cJSON *j = cJSON_CreateObject(), *verbs;

	smol_json_add_str(j, "name", cmd->name);
	smol_json_add_str(j, "summary", cmd->summary);
	smol_json_add_str(j, "usage", usage);
	cJSON_AddItemToObject(j, "options", options_json(cmd));
	if (!cmd->sub)
		return j;
	verbs = cJSON_AddArrayToObject(j, "verbs");
	for (const struct smol_command *s = cmd->sub; s->name; s++)
		cJSON_AddItemToArray(verbs, command_json(s));
	return j;
}

void smol_help_command(struct smol_shell *sh, const struct smol_command *cmd)
{
	smol_auto_free char *usage = smol_help_usage(smol_help_parent(cmd), cmd);

	if (sh->json) {
		smol_out_data(sh, command_json(cmd));
		return;
	}
	printf("smolsh %s\n  %s\n", usage, cmd->summary);
	if (cmd->description)
		print_indented("About", cmd->description);
	print_verbs(cmd);
	print_words(cmd);
	for (int i = 0; i < SMOL_OPTION_SETS && cmd->options[i]; i++) {
		if (!i)
			puts("\nOptions");
		print_options(cmd->options[i]);
	}
	puts("\nCommon options");
	print_options(smol_common_options);
	print_indented("Examples", cmd->examples);
}

static void print_commands(void)
{
	smol_auto_free const struct smol_command **all = smol_command_sorted();

	for (int i = 0; all[i]; i++)
		printf("  %-10s %s\n", all[i]->name, all[i]->summary);
}

void smol_help_program(void)
{
	printf("smolsh: %s\n\n", smol_program.summary);
	printf("  smolsh                                     the screen, on a terminal\n"
	       "  smolsh [options] COMMAND [words…]\n"
	       "  smolsh [options] -c 'COMMAND…; COMMAND…'\n"
	       "  smolsh [options] -f FILE\n"
	       "\nCommands\n");
	print_commands();
	puts("\nOptions");
	print_options(program_options);
	puts("\nCommon options");
	print_options(smol_common_options);
	printf(
	    "\nExamples\n"
	    "  smolsh run -- uname -a            a fresh VM for one command\n"
	    "  smolsh create web --memory 256    a VM that stays\n"
	    "  smolsh exec web 'ps | wc -l'      a line for the guest's shell\n"
	    "  smolsh -c 'stop web; delete web'  several commands\n"
	    "\n`smolsh help COMMAND` says more; also: help exit-codes, help language, help rc.\n");
}

static cJSON *all_json(void)
{
	smol_auto_free const struct smol_command **all = smol_command_sorted();
	cJSON *j = cJSON_CreateObject(), *a = cJSON_AddArrayToObject(j, "commands");

	for (int i = 0; all[i]; i++)
		cJSON_AddItemToArray(a, command_json(all[i]));
	cJSON_AddItemToObject(j, "options", options_json(&smol_program));
	return j;
}

static int unknown(const char *word, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(word, strnlen(word, 200));
	const char *near = smol_command_nearest(word, smol_help_topics);

	smol_err_set(err, SMOL_E_USAGE, "no help on '%s'", safe);
	if (near)
		return smol_err_hint(err, "did you mean '%s'?", near);
	return smol_err_hint(err, "smolsh help");
}

int smol_help_word(struct smol_shell *sh, const char *word, const char *verb, struct smol_err *err)
{
	const struct smol_command *cmd = word ? smol_command_find(word) : NULL;
	const struct smol_alias *alias;

	if (!word) {
		if (sh->json)
			smol_out_data(sh, all_json());
		else
			smol_help_program();
		return 0;
	}
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(topics); i++)
		if (strcmp(topics[i].name, word) == 0) {
			if (sh->json)
				smol_out_data(sh, cJSON_CreateString(topics[i].text));
			else
				fputs(topics[i].text, stdout);
			return 0;
		}
	alias = verb ? NULL : smol_alias_find(word);
	if (alias) {
		if (sh->json)
			smol_out_data(sh, cJSON_CreateString(alias->text));
		else
			printf("%s\n  an alias of: %s\n", alias->name, alias->text);
		return 0;
	}
	if (cmd && verb) {
		cmd = smol_command_find_sub(cmd, verb);
		word = verb;
	}
	if (!cmd)
		return unknown(word, err);
	smol_help_command(sh, cmd);
	return 0;
}
