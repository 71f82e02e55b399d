/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Completion: see complete.h. The words before the cursor are walked by the same rules as the
 * parser's, but without an error: what cannot be understood completes to nothing.
 */
#include "shell/complete.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/alias.h"
#include "shell/grammar.h"
#include "shell/help.h"
#include "shell/keys.h"
#include "shell/settings.h"

struct place {
	const struct smol_command *cmd;
	const struct smol_option *value_of; /* the word is this option's value */
	const char *vm; /* the word that names one, as far as it stands before */
	int position;	/* of the word among the positionals */
	int first;	/* where the first of those stands; 0: nowhere yet */
	bool options;	/* it may be an option */
	bool guest;	/* it belongs to a guest command */
};

struct job {
	const struct smol_statement *s;
	const char *word;
	smol_complete_source source;
	void *ctx;
	struct smol_completion *out;
};

void smol_completion_add(struct smol_completion *out, const char *text, const char *help, bool open)
{
	if (out->n == SMOL_CANDIDATES_MAX)
		return;
	if ((out->n & (out->n - 1)) == 0)
		out->list =
		    smol_realloc(out->list, sizeof(*out->list) * (out->n ? (size_t)out->n * 2 : 1));
	out->list[out->n++] = (struct smol_candidate){
	    .text = smol_strdup(text), .help = smol_strdup(help ? help : ""), .open = open};
}

static void free_candidate(struct smol_candidate *c)
{
	free(c->text);
	free(c->insert);
	free(c->help);
}

void smol_completion_free(struct smol_completion *c)
{
	for (int i = 0; i < c->n; i++)
		free_candidate(&c->list[i]);
	free(c->list);
	*c = (struct smol_completion){0};
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void add_if(struct job *j, const char *text, const char *help)
{
	if (begins(text, j->word))
		smol_completion_add(j->out, text, help, false);
}

/* Words that are all there are of a kind. */
static void add_aliases(struct job *j)
{
	int n;
	const struct smol_alias *all = smol_aliases(&n);

	for (int i = 0; i < n; i++)
		add_if(j, all[i].name, all[i].text);
}

static void add_actions(struct job *j)
{
	for (int i = 1; i < SMOL_ACTION__count; i++)
		add_if(j, smol_actions[i].name, smol_actions[i].help);
}

/* The keys that are bound; what is bound in two places is said of one. */
static void add_keys(struct job *j)
{
	int n;
	const struct smol_binding *all = smol_keys_bound(&n);

	for (int i = 0; i < n; i++)
		add_if(j, all[i].key, all[i].line ? all[i].line : smol_actions[all[i].action].help);
}

static void add_verbs(struct job *j)
{
	smol_auto_free const struct smol_command **all = smol_command_sorted();

	for (int i = 0; all[i]; i++)
		add_if(j, all[i]->name, all[i]->summary);
}

/* What the setting can be that stands as the first word. */
static void add_setting_values(struct job *j)
{
	const char *const *values = NULL;
	enum smol_setting which;
	int w = 1;

	while (w < j->s->nwords - 1 && j->s->words[w].text[0] == '-')
		w++;
	if (smol_setting_find(j->s->words[w].text, &which, NULL) == 0)
		values = smol_settings[which].values;
	for (int i = 0; values && values[i]; i++)
		add_if(j, values[i], i == smol_settings[which].standard ? "as it is at first" : "");
}

/* What the shell itself has of a kind; false where it is the source's to say. */
static bool add_own(struct job *j, enum smol_complete kind)
{
	switch (kind) {
	case SMOL_COMPLETE_COMMAND:
		add_verbs(j);
		add_aliases(j);
		for (int i = 0; smol_help_topics[i]; i++)
			add_if(j, smol_help_topics[i], "a topic");
		return true;
	case SMOL_COMPLETE_SETTING:
		for (int i = 0; i < SMOL_SETTING__COUNT; i++)
			add_if(j, smol_settings[i].name, smol_settings[i].help);
		return true;
	case SMOL_COMPLETE_VALUE:
		add_setting_values(j);
		return true;
	case SMOL_COMPLETE_ALIAS:
		add_aliases(j);
		return true;
	case SMOL_COMPLETE_KEY:
		add_keys(j);
		return true;
	default:
		return kind == SMOL_COMPLETE_NONE;
	}
}

static void add_values(struct job *j, enum smol_complete kind, const char *vm,
    const char *const *values, const char *help)
{
	for (int i = 0; values && values[i]; i++)
		add_if(j, values[i], help);
	if (!add_own(j, kind) && j->source)
		j->source(j->ctx, kind, vm, j->word, j->out);
}

/* Was this option given among the words before the cursor? */
static bool given(const struct job *j, const struct smol_option *o)
{
	for (int i = 1; i < j->s->nwords - 1; i++) {
		const char *w = j->s->words[i].text;
		size_t n = strlen(o->name);

		if (begins(w, "--") && strncmp(w + 2, o->name, n) == 0 &&
		    (w[2 + n] == '\0' || w[2 + n] == '='))
			return true;
		if (o->letter && w[0] == '-' && w[1] == o->letter)
			return true;
	}
	return false;
}

static void add_options(struct job *j, const struct smol_command *cmd)
{
	const struct smol_option *o;

	for (int i = 0; (o = smol_command_options(cmd, i)); i++)
		for (; o->name; o++) {
			smol_auto_free char *text = smol_asprintf("--%s", o->name);

			if (o->type == SMOL_OPTION_LIST || !given(j, o))
				add_if(j, text, o->help);
		}
}

static const struct smol_option *option_of(const struct smol_command *cmd, const char *word)
{
	const char *last = word + strlen(word) - 1;

	if (begins(word, "--"))
		return smol_command_option(cmd, word + 2, strlen(word + 2));
	/* Of bundled letters only the last can wait for a value. */
	return smol_command_letter(cmd, *last);
}

/* Where the last word stands. The words from `first` on are the command's own. */
static void locate(const struct smol_statement *s, int first, struct place *p)
{
	int before = p->cmd->positionals && p->cmd->positionals->name ? 1 : 0;
	bool guest = p->cmd->flags & SMOL_COMMAND_GUEST;

	p->options = true;
	for (int i = first; i < s->nwords; i++) {
		const char *w = s->words[i].text;
		bool last = i == s->nwords - 1, option = p->options && w[0] == '-' && w[1];

		p->guest = guest && p->position == before && (!p->options || !option);
		if (last || (p->guest && strcmp(w, "--") != 0)) {
			/* Behind `run` an empty word may still become an option. */
			p->guest = p->guest && !(last && p->options && p->position == 0 && !*w);
			return;
		}
		if (p->guest || (p->options && strcmp(w, "--") == 0)) {
			p->options = false;
		} else if (option) {
			const struct smol_option *o = strchr(w, '=') ? NULL : option_of(p->cmd, w);

			if (o && o->type != SMOL_OPTION_FLAG && ++i == s->nwords - 1) {
				p->value_of = o;
				return;
			}
		} else {
			if (!p->position && before &&
			    p->cmd->positionals->complete == SMOL_COMPLETE_VM)
				p->vm = w;
			p->first = p->position++ ? p->first : i;
			/* The options end at exec's VM. */
			if ((guest && p->position == before) || (p->cmd->flags & SMOL_COMMAND_REST))
				p->options = false;
		}
	}
}

static const struct smol_positional *positional(const struct smol_command *cmd, int n)
{
	const struct smol_positional *p = cmd->positionals;

	for (int i = 0; p && p->name; p++, i++)
		if (i == n || p->arity == SMOL_MANY || p->arity == SMOL_ANY)
			return p;
	return NULL;
}

/* Words that stand there already are not offered once more. */
static void drop_used(struct job *j)
{
	int kept = 0;

	for (int i = 0; i < j->out->n; i++) {
		struct smol_candidate *c = &j->out->list[i];
		bool used = false;

		for (int w = 1; w < j->s->nwords - 1 && !used; w++)
			used = strcmp(j->s->words[w].text, c->text) == 0;
		if (used)
			free_candidate(c);
		else
			j->out->list[kept++] = *c;
	}
	j->out->n = kept;
}

/* "--image=ba": the value is completed, the rest stays in front of it. */
static bool glued_value(struct job *j, const struct smol_command *cmd, const char *vm)
{
	const char *eq = strchr(j->word, '=');
	const struct smol_option *o;
	smol_auto_free char *front = NULL;

	if (!begins(j->word, "--") || !eq)
		return false;
	o = smol_command_option(cmd, j->word + 2, (size_t)(eq - j->word) - 2);
	if (!o || o->type == SMOL_OPTION_FLAG)
		return true;
	front = smol_strndup(j->word, (size_t)(eq - j->word) + 1);
	j->word = eq + 1;
	add_values(j, o->complete, vm, o->values, o->help);
	for (int i = 0; i < j->out->n; i++) {
		char *whole = smol_asprintf("%s%s", front, j->out->list[i].text);

		free(j->out->list[i].text);
		j->out->list[i].text = whole;
	}
	return true;
}

static void complete_word(struct job *j);

/* alias, bind: a command of its own begins behind the first word. */
static void complete_rest(struct job *j, int before, const struct smol_positional *pos)
{
	struct smol_statement rest = *j->s;
	const struct smol_statement *whole = j->s;

	rest.words += before + 1;
	rest.nwords -= before + 1;
	j->s = &rest;
	if (rest.nwords > 1) {
		complete_word(j);
	} else {
		add_verbs(j);
		add_aliases(j);
		if (pos->complete == SMOL_COMPLETE_ACTION)
			add_actions(j);
	}
	j->s = whole;
}

static void complete_word(struct job *j)
{
	struct place p = {.cmd = smol_command_find(j->s->words[0].text)};
	const struct smol_positional *pos;
	int first = 1;

	if (p.cmd && p.cmd->sub) {
		if (j->s->nwords == 2 && j->word[0] != '-') {
			for (const struct smol_command *s = p.cmd->sub; s->name; s++)
				add_if(j, s->name, s->summary);
			return;
		}
		p.cmd = smol_command_find_sub(p.cmd, j->s->words[1].text);
		first = 2;
	}
	if (!p.cmd)
		return;
	locate(j->s, first, &p);
	if (p.value_of) {
		add_values(j, p.value_of->complete, p.vm, p.value_of->values, p.value_of->help);
		return;
	}
	if (p.guest && *j->word == '/' && p.vm && j->source)
		j->source(j->ctx, SMOL_COMPLETE_GUEST_FILE, p.vm, j->word, j->out);
	if (p.guest || (p.options && glued_value(j, p.cmd, p.vm)))
		return;
	pos = positional(p.cmd, p.position);
	if (p.options && (j->word[0] == '-' || (!pos && !*j->word))) {
		add_options(j, p.cmd);
		return;
	}
	if (!pos)
		return;
	if (pos->complete == SMOL_COMPLETE_LINE || pos->complete == SMOL_COMPLETE_ACTION) {
		complete_rest(j, p.first, pos);
		return;
	}
	add_values(j, pos->complete, p.vm, pos->values, pos->help);
	if (pos->arity == SMOL_MANY || pos->arity == SMOL_ANY)
		drop_used(j);
}

/* Numbers in them in their order. */
static int by_text(const void *a, const void *b)
{
	return strverscmp(
	    ((const struct smol_candidate *)a)->text, ((const struct smol_candidate *)b)->text);
}

/* Sorted, each once, with what is to be inserted. */
static void finish(struct smol_completion *out, char open_quote)
{
	int kept = 0;

	if (out->n)
		qsort(out->list, (size_t)out->n, sizeof(*out->list), by_text);
	for (int i = 0; i < out->n; i++) {
		struct smol_candidate c = out->list[i];
		char *quoted;

		if (kept && strcmp(out->list[kept - 1].text, c.text) == 0) {
			free_candidate(&c);
			continue;
		}
		quoted = smol_grammar_quote(c.text);
		/* In a quote that is open, or where more may follow, it stays open. */
		if (quoted[0] == '\'' && c.open)
			quoted[strlen(quoted) - 1] = '\0';
		else if (open_quote && quoted[0] != '\'') {
			free(quoted);
			quoted = smol_asprintf(
			    "%c%s%s", open_quote, c.text, c.open ? "" : (char[]){open_quote, 0});
		}
		c.insert = quoted;
		out->list[kept++] = c;
	}
	out->n = kept;
}

void smol_complete_line(const char *line, size_t cursor, smol_complete_source source, void *ctx,
    struct smol_completion *out)
{
	smol_auto_statement struct smol_statement s = {0};
	struct job j = {.s = &s, .source = source, .ctx = ctx, .out = out};
	char open_quote;

	*out = (struct smol_completion){.start = cursor, .end = cursor};
	if (smol_grammar_partial(line, cursor, &s, &open_quote, NULL) < 0)
		return;
	j.word = s.words[s.nwords - 1].text;
	out->start = s.words[s.nwords - 1].start;
	if (s.nwords == 1) {
		add_verbs(&j);
		add_aliases(&j);
	} else {
		smol_alias_expand(&s);
		complete_word(&j);
	}
	finish(out, open_quote);
}
