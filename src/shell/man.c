/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of smolsh.1 that is made from the command table: see help.h. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/help.h"
#include "shell/keys.h"
#include "shell/settings.h"

/* Text in roff: backslashes, hyphens, and a control character at a line's start. */
static void roff(const char *s, bool line_start)
{
	for (; *s; s++) {
		if (line_start && (*s == '.' || *s == '\''))
			fputs("\\&", stdout);
		line_start = *s == '\n';
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else if (strncmp(s, "…", 3) == 0) {
			fputs("\\&...", stdout);
			s += 2;
		} else
			putchar(*s);
	}
}

static void options(const struct smol_option *set)
{
	for (const struct smol_option *o = set; o->name; o++) {
		fputs(".TP\n", stdout);
		if (o->letter)
			printf("\\fB\\-%c\\fR, ", o->letter);
		fputs("\\fB\\-\\-", stdout);
		roff(o->name, false);
		fputs("\\fR", stdout);
		if (o->arg) {
			fputs(" \\fI", stdout);
			roff(o->arg, false);
			fputs("\\fR", stdout);
		}
		putchar('\n');
		roff(o->help, true);
		fputs(".\n", stdout);
	}
}

static void command(const struct smol_command *parent, const struct smol_command *cmd)
{
	smol_auto_free char *usage = smol_help_usage(parent, cmd);
	size_t verb = strlen(cmd->name) + (parent ? strlen(parent->name) + 1 : 0);

	printf(".SS \"%s%s%s\"\n", parent ? parent->name : "", parent ? " " : "", cmd->name);
	printf("\\fB%.*s\\fR", (int)verb, usage);
	roff(usage + verb, false);
	fputs("\n.PP\n", stdout);
	roff(cmd->summary, true);
	fputs(".\n", stdout);
	if (cmd->description) {
		fputs(".PP\n", stdout);
		roff(cmd->description, true);
		putchar('\n');
	}
	for (const struct smol_positional *p = cmd->positionals; p && p->name; p++) {
		printf(".TP\n\\fI%s\\fR\n", p->name);
		roff(p->help, true);
		fputs(".\n", stdout);
	}
	for (int i = 0; i < SMOL_OPTION_SETS && cmd->options[i]; i++)
		options(cmd->options[i]);
	if (cmd->examples) {
		fputs(".PP\n.nf\n.RS\n", stdout);
		roff(cmd->examples, true);
		fputs("\n.RE\n.fi\n", stdout);
	}
	for (const struct smol_command *s = cmd->sub; s && s->name; s++)
		command(cmd, s);
}

/* The keys of an action, those of the same places in one line. */
static void keys_of(const struct smol_binding *b, int n, enum smol_action action)
{
	char shown[SMOL_KEY_MAX], where[SMOL_FOCUS_TEXT_MAX];
	unsigned last = 0;

	for (; n > 0; n--, b++) {
		if (b->action != action)
			continue;
		smol_key_shown(b->key, shown);
		smol_focus_text(b->where, where);
		fputs(b->where == last ? ", " : "\n.br\n", stdout);
		if (b->where != last)
			printf("%s%s: ", b->where == SMOL_FOCUS_ANY ? "Every" : "In ",
			    b->where == SMOL_FOCUS_ANY ? "where" : where);
		fputs("\\fB", stdout);
		roff(shown, false);
		fputs("\\fR", stdout);
		last = b->where;
	}
	putchar('\n');
}

/* What keys do at first, and where. */
static void keys(void)
{
	int n;
	const struct smol_binding *b = smol_keys_bound(&n);

	fputs(".SH KEYS\nThe screen shows them as they are bound with F1;\n.B bind\nbinds them to "
	      "other actions, or to lines. These are they at first.\n",
	    stdout);
	for (int i = 1; i < SMOL_ACTION__count; i++) {
		fputs(".TP\n.B ", stdout);
		roff(smol_actions[i].name, false);
		putchar('\n');
		roff(smol_actions[i].help, true);
		keys_of(b, n, (enum smol_action)i);
	}
}

static void settings(void)
{
	fputs(".SH SETTINGS\n", stdout);
	for (int i = 0; i < SMOL_SETTING__COUNT; i++) {
		const struct smol_setting_entry *s = &smol_settings[i];

		fputs(".TP\n.B ", stdout);
		roff(s->name, false);
		putchar('\n');
		roff(s->help, true);
		if (s->values)
			for (int v = 0; s->values[v]; v++)
				printf("%s%s", v ? ", " : ": ", s->values[v]);
		else
			printf(": %d to %d", s->min, s->max);
		printf(" (%s).\n", smol_setting_text((enum smol_setting)i));
	}
}

void smol_help_man(void)
{
	smol_auto_free const struct smol_command **all = smol_command_sorted();

	fputs(".SH OPTIONS\n", stdout);
	options(smol_program.options[0]);
	fputs(".PP\nThese are taken by the program and by each command:\n", stdout);
	options(smol_common_options);
	fputs(".SH COMMANDS\n", stdout);
	for (int i = 0; all[i]; i++)
		command(NULL, all[i]);
	settings();
	keys();
}
