/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words → arguments: see parse.h. */
#include "shell/parse.h"

#include <assert.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

struct parser {
	const struct smol_command *cmd;
	const char *title; /* "image build", for messages */
	const char *const *words;
	int n, i;
	struct smol_args *args;
	struct smol_err *err;
	bool program; /* its own options, in front of the verb */
};

/* A foreign word in a message: on one line, not too long. */
static char *shown(const char *word)
{
	return smol_escape(word, strnlen(word, 200));
}

static int hint_help(struct parser *p)
{
	return p->program ? smol_err_hint(p->err, "smolsh help")
			  : smol_err_hint(p->err, "smolsh help %s", p->title);
}

/* An option that there is not: the nearest of the long ones as hint. word is without dashes. */
static int unknown_option(struct parser *p, const char *dashes, const char *word, size_t len)
{
	smol_auto_free char *name = smol_strndup(word, len);
	smol_auto_free char *safe = shown(name);
	smol_auto_free const char **names = smol_alloc(sizeof(*names));
	const struct smol_option *o;
	const char *near;
	size_t n = 0;

	for (int i = 0; (o = smol_command_options(p->cmd, i)); i++)
		for (; o->name; o++) {
			names = smol_realloc(names, (n + 2) * sizeof(*names));
			names[n++] = o->name;
		}
	names[n] = NULL;
	if (p->program)
		smol_err_set(p->err, SMOL_E_USAGE, "unknown option '%s%s'", dashes, safe);
	else
		smol_err_set(
		    p->err, SMOL_E_USAGE, "%s has no option '%s%s'", p->title, dashes, safe);
	near = strlen(dashes) == 2 ? smol_nearest(name, names) : NULL;
	if (near)
		return smol_err_hint(p->err, "did you mean '--%s'?", near);
	return hint_help(p);
}

static int bad_value(
    struct parser *p, const struct smol_option *o, const char *text, const char *wanted)
{
	smol_auto_free char *s = shown(text);

	return smol_err_set(p->err, SMOL_E_INVALID, "--%s: '%s' is not %s", o->name, s, wanted);
}

/* "a, b or c" */
static char *alternatives(const char *const *values)
{
	struct smol_buf b = {0};

	for (int i = 0; values[i]; i++)
		smol_buf_printf(&b, "%s%s", !i ? "" : values[i + 1] ? ", " : " or ", values[i]);
	return smol_buf_take(&b);
}

int smol_parse_mib(const char *text, int64_t *mib)
{
	int64_t bytes;

	if (text[strspn(text, "0123456789")] == '\0')
		return smol_parse_int(text, 0, INT64_MAX / 2, mib);
	bytes = smol_parse_size(text);
	if (bytes < 0)
		return -1;
	*mib = bytes / (1024 * 1024);
	return 0;
}

static int enum_value(struct parser *p, struct smol_arg *a)
{
	smol_auto_free char *names = NULL;
	const char *near;

	for (int i = 0; a->option->values[i]; i++)
		if (strcmp(a->option->values[i], a->text) == 0) {
			a->num = i;
			return 0;
		}
	names = alternatives(a->option->values);
	bad_value(p, a->option, a->text, names);
	near = smol_nearest(a->text, a->option->values);
	return near ? smol_err_hint(p->err, "did you mean '%s'?", near) : -1;
}

static int no_value(struct parser *p, const struct smol_option *o)
{
	smol_err_set(
	    p->err, SMOL_E_USAGE, "--%s needs a value (%s)", o->name, o->arg ? o->arg : "?");
	return hint_help(p);
}

static int convert(struct parser *p, struct smol_arg *a)
{
	const struct smol_option *o = a->option;
	smol_auto_free char *range = NULL;

	switch (o->type) {
	case SMOL_OPTION_FLAG:
		return 0;
	case SMOL_OPTION_STRING:
	case SMOL_OPTION_LIST:
		return *a->text || o->empty ? 0 : no_value(p, o);
	case SMOL_OPTION_INT:
		range = smol_asprintf(
		    "a number from %lld to %lld", (long long)o->min, (long long)o->max);
		if (smol_parse_int(a->text, o->min, o->max, &a->num) == 0)
			return 0;
		return bad_value(p, o, a->text, range);
	case SMOL_OPTION_MEMORY:
		if (smol_parse_mib(a->text, &a->num) == 0)
			return 0;
		return bad_value(p, o, a->text, "a size such as 128, 512M or 1.5G");
	case SMOL_OPTION_DURATION:
		a->num = smol_parse_duration(a->text);
		if (a->num >= 0)
			return 0;
		return bad_value(p, o, a->text, "a time such as 10, 500ms, 30s, 5m or 2h");
	case SMOL_OPTION_ENUM:
		return enum_value(p, a);
	}
	return smol_err_set(p->err, SMOL_E_INTERNAL, "option type %d", o->type);
}

static int add(struct parser *p, const struct smol_option *o, const char *text)
{
	struct smol_args *args = p->args;
	struct smol_arg *a;

	args->given = smol_realloc(args->given, ((size_t)args->ngiven + 1) * sizeof(*args->given));
	a = &args->given[args->ngiven++];
	*a = (struct smol_arg){.option = o, .text = text};
	return convert(p, a);
}

/* "--name", "--name=value", "--name value" */
static int long_option(struct parser *p)
{
	const char *name = p->words[p->i] + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct smol_option *o = smol_command_option(p->cmd, name, len);

	if (!o)
		return unknown_option(p, "--", name, len);
	if (o->type == SMOL_OPTION_FLAG) {
		if (eq) {
			smol_err_set(p->err, SMOL_E_USAGE, "--%s takes no value", o->name);
			return smol_err_hint(p->err, "--%s", o->name);
		}
		return add(p, o, NULL);
	}
	if (eq)
		return add(p, o, eq + 1);
	if (p->i + 1 >= p->n)
		return no_value(p, o);
	return add(p, o, p->words[++p->i]);
}

/* "-a", "-ab", "-n5", "-n 5" */
static int letters(struct parser *p)
{
	for (const char *s = p->words[p->i] + 1; *s; s++) {
		const struct smol_option *o = smol_command_letter(p->cmd, *s);

		if (!o)
			return unknown_option(p, "-", s, smol_utf8_len(s, strlen(s)) ?: 1);
		if (o->type == SMOL_OPTION_FLAG) {
			if (add(p, o, NULL) < 0)
				return -1;
			continue;
		}
		if (s[1])
			return add(p, o, s + 1);
		if (p->i + 1 >= p->n)
			return no_value(p, o);
		return add(p, o, p->words[++p->i]);
	}
	return 0;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

/* Options and positionals, up to where a guest command begins. */
static int gather(struct parser *p)
{
	bool options = true, guest = p->cmd->flags & SMOL_COMMAND_GUEST;
	int before = p->cmd->positionals && p->cmd->positionals->name ? 1 : 0;

	for (; p->i < p->n; p->i++) {
		const char *w = p->words[p->i];

		if (options && strcmp(w, "--") == 0) {
			options = false;
			p->args->dashes = true;
		} else if (options && is_option(w)) {
			if ((w[1] == '-' ? long_option(p) : letters(p)) < 0)
				return -1;
		} else if (guest && p->args->nwords == before) {
			return 0;
		} else {
			p->args->words[p->args->nwords++] = w;
			options = options && !(p->cmd->flags & SMOL_COMMAND_REST);
			/* exec VM: what follows is the guest's, but for one "--". */
			if (guest && p->args->nwords == before) {
				p->i++;
				if (p->i < p->n && strcmp(p->words[p->i], "--") == 0) {
					p->args->dashes = true;
					p->i++;
				}
				return 0;
			}
		}
	}
	return 0;
}

static int check_word(struct parser *p, const struct smol_positional *pos, const char *word)
{
	smol_auto_free char *s = NULL, *names = NULL;
	const char *near;

	if (!pos->values)
		return 0;
	for (int i = 0; pos->values[i]; i++)
		if (strcmp(pos->values[i], word) == 0)
			return 0;
	s = shown(word);
	names = alternatives(pos->values);
	smol_err_set(p->err, SMOL_E_USAGE, "%s: '%s' is not %s", p->title, s, names);
	near = smol_nearest(word, pos->values);
	return near ? smol_err_hint(p->err, "did you mean '%s'?", near) : -1;
}

/* Are there as many words as the table wants? All positionals but the last take one each. */
static int check_words(struct parser *p)
{
	const struct smol_positional *pos = p->cmd->positionals;
	int i = 0, n = p->args->nwords;

	for (; pos && pos->name; pos++) {
		bool many = pos->arity == SMOL_MANY || pos->arity == SMOL_ANY;
		bool needed = pos->arity == SMOL_ONE || pos->arity == SMOL_MANY;

		if (needed && i == n) {
			smol_err_set(p->err, SMOL_E_USAGE, "%s needs %s %s", p->title,
			    strchr("AEIO", pos->name[0]) ? "an" : "a", pos->name);
			return hint_help(p);
		}
		do {
			if (i < n && check_word(p, pos, p->args->words[i++]) < 0)
				return -1;
		} while (many && i < n);
	}
	if (i < n) {
		smol_auto_free char *s = shown(p->args->words[i]);

		smol_err_set(p->err, SMOL_E_USAGE, "%s: one word too many: '%s'", p->title, s);
		return hint_help(p);
	}
	return 0;
}

static int check_required(struct parser *p)
{
	const struct smol_option *o;

	for (int i = 0; (o = smol_command_options(p->cmd, i)); i++)
		for (; o->name; o++) {
			bool given = !o->required;

			for (int k = 0; k < p->args->ngiven && !given; k++)
				given = p->args->given[k].option == o;
			if (!given)
				return smol_err_set(p->err, SMOL_E_USAGE, "%s needs --%s %s",
				    p->title, o->name, o->arg ? o->arg : "");
		}
	return 0;
}

/* The nearest verb, or for a whole line in one word the option that takes lines. */
static int unknown_verb(const char *word, const struct smol_command *parent, struct smol_err *err)
{
	smol_auto_free const char **names = smol_alloc(sizeof(*names));
	smol_auto_free char *s = shown(word);
	const char *near;
	size_t n = 0;

	for (int i = 0; parent && parent->sub[i].name; i++) {
		names = smol_realloc(names, (n + 2) * sizeof(*names));
		names[n++] = parent->sub[i].name;
		names[n] = NULL;
	}
	if (parent)
		smol_err_set(err, SMOL_E_USAGE, "%s has no verb '%s'", parent->name, s);
	else
		smol_err_set(err, SMOL_E_USAGE, "unknown command '%s'", s);
	near = parent ? smol_nearest(word, names) : smol_command_nearest(word, NULL);
	if (near)
		return smol_err_hint(err, "did you mean '%s'?", near);
	if (!parent && strpbrk(word, " ;\n"))
		return smol_err_hint(err, "smolsh -c '%s'", s);
	return smol_err_hint(
	    err, parent ? "smolsh help %s" : "smolsh help", parent ? parent->name : "");
}

/* The verb's own verb, which stands right behind it. */
static int descend(struct parser *p, char **title)
{
	const struct smol_command *sub;

	if (!p->cmd->sub)
		return 0;
	if (p->i >= p->n) {
		smol_err_set(p->err, SMOL_E_USAGE, "%s needs a verb", p->title);
		return hint_help(p);
	}
	sub = smol_command_find_sub(p->cmd, p->words[p->i]);
	if (!sub && (p->cmd->flags & SMOL_COMMAND_FIRST_VERB)) {
		p->cmd = p->args->command = p->cmd->sub;
		return 0;
	}
	if (is_option(p->words[p->i]))
		return 0;
	if (!sub)
		return unknown_verb(p->words[p->i], p->cmd, p->err);
	*title = smol_asprintf("%s %s", p->title, sub->name);
	p->title = *title;
	p->cmd = p->args->command = sub;
	p->i++;
	return 0;
}

static bool was_given(const struct smol_args *args, const char *option)
{
	for (int i = 0; i < args->ngiven; i++)
		if (strcmp(args->given[i].option->name, option) == 0)
			return true;
	return false;
}

/* Is there a guest command, and can it be meant? What stands behind "--" is taken as it is. */
static int check_guest(struct parser *p)
{
	const struct smol_args *args = p->args;
	const char *vm = args->nwords ? args->words[0] : NULL;
	smol_auto_free char *option = NULL;

	/* A root image may bring its own. */
	if (!args->nguest && was_given(args, "rootfs"))
		return 0;
	if (!args->nguest) {
		smol_err_set(
		    p->err, SMOL_E_USAGE, "%s needs a command to run in the guest", p->title);
		return smol_err_hint(
		    p->err, "smolsh %s%s -- uname -a", p->title, p->cmd->positionals ? " VM" : "");
	}
	if (vm && !args->dashes && is_option(args->guest[0])) {
		option = shown(args->guest[0]);
		smol_err_set(p->err, SMOL_E_USAGE,
		    "%s: options stand before the VM's name, and '%s' stands behind it", p->title,
		    option);
		return smol_err_hint(p->err, "smolsh %s %s … %s -- COMMAND", p->title, option, vm);
	}
	if (!*args->guest[0] && (args->dashes || args->nguest > 1))
		return smol_err_set(
		    p->err, SMOL_E_USAGE, "%s: the first word of the command is empty", p->title);
	return 0;
}

int smol_parse(const char *const *words, int nwords, struct smol_args *args, struct smol_err *err)
{
	struct parser p = {.words = words, .n = nwords, .i = 1, .args = args, .err = err};
	smol_auto_free char *title = NULL;

	*args = (struct smol_args){0};
	p.cmd = args->command = smol_command_find(words[0]);
	if (!p.cmd)
		return unknown_verb(words[0], NULL, err);
	p.title = p.cmd->name;
	if (descend(&p, &title) < 0)
		return -1;
	args->words = smol_alloc(((size_t)nwords + 1) * sizeof(*args->words));
	args->guest = smol_alloc(((size_t)nwords + 1) * sizeof(*args->guest));
	if (gather(&p) < 0)
		return -1;
	while (p.i < nwords)
		args->guest[args->nguest++] = words[p.i++];
	if (smol_args_flag(args, "help"))
		return 0;
	if (p.cmd->sub) {
		smol_err_set(err, SMOL_E_USAGE, "%s needs a verb before its options", p.title);
		return hint_help(&p);
	}
	if (check_words(&p) < 0 || check_required(&p) < 0)
		return -1;
	return (p.cmd->flags & SMOL_COMMAND_GUEST) ? check_guest(&p) : 0;
}

int smol_parse_options(const struct smol_command *cmd, const char *const *words, int nwords,
    struct smol_args *args, struct smol_err *err)
{
	struct parser p = {.program = true,
	    .cmd = cmd,
	    .title = cmd->name,
	    .words = words,
	    .n = nwords,
	    .args = args,
	    .err = err};

	*args = (struct smol_args){.command = cmd};
	for (; p.i < nwords && is_option(words[p.i]); p.i++) {
		if (strcmp(words[p.i], "--") == 0)
			return p.i + 1;
		if ((words[p.i][1] == '-' ? long_option(&p) : letters(&p)) < 0)
			return -1;
	}
	return p.i;
}

bool smol_parse_wants_json(const char *const *words, int nwords)
{
	for (int i = 0; i < nwords && strcmp(words[i], "--") != 0; i++)
		if (strcmp(words[i], "--json") == 0)
			return true;
	return false;
}

void smol_args_free(struct smol_args *args)
{
	free(args->given);
	free(args->words);
	free(args->guest);
	*args = (struct smol_args){0};
}

static const struct smol_arg *last(const struct smol_args *args, const char *option)
{
	for (int i = args->ngiven - 1; i >= 0; i--)
		if (strcmp(args->given[i].option->name, option) == 0)
			return &args->given[i];
	/* A name that the table does not know is a slip in this program. */
	assert(smol_command_option(args->command, option, strlen(option)));
	return NULL;
}

bool smol_args_flag(const struct smol_args *args, const char *option)
{
	return last(args, option) != NULL;
}

const char *smol_args_str(const struct smol_args *args, const char *option)
{
	const struct smol_arg *a = last(args, option);

	return a ? a->text : NULL;
}

int64_t smol_args_int(const struct smol_args *args, const char *option, int64_t absent)
{
	const struct smol_arg *a = last(args, option);

	return a ? a->num : absent;
}

char **smol_args_list(const struct smol_args *args, const char *option)
{
	char **list = NULL;
	size_t n = 0;

	for (int i = 0; i < args->ngiven; i++) {
		if (strcmp(args->given[i].option->name, option) != 0)
			continue;
		list = smol_realloc(list, (n + 2) * sizeof(*list));
		list[n++] = smol_strdup(args->given[i].text);
		list[n] = NULL;
	}
	return list;
}
