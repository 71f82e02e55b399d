/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a line does: it becomes a command in a pane; see app.h. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/alias.h"
#include "shell/grammar.h"
#include "ui/app.h"
#include "ui/prompt/edit.h"

int64_t smol_lines_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct line_kind {
	bool pane;   /* it lives on: a pane of its own */
	bool keys;   /* it wants the keyboard */
	char *title; /* owned */
};

static bool has_word(const struct smol_statement *s, const char *a, const char *b)
{
	for (int i = 1; i < s->nwords && strcmp(s->words[i].text, "--") != 0; i++)
		if (strcmp(s->words[i].text, a) == 0 || (b && strcmp(s->words[i].text, b) == 0))
			return true;
	return false;
}

static struct line_kind kind_of(const char *line, const struct smol_script *script)
{
	struct line_kind k = {.title = smol_strdup(line)};

	for (int i = 0; i < script->n; i++) {
		const struct smol_statement *s = &script->statements[i];
		const char *verb = s->words[0].text;

		if (strcmp(verb, "exec") == 0 || strcmp(verb, "run") == 0 ||
		    strcmp(verb, "attach") == 0) {
			k.pane = true;
			k.keys = k.keys || has_word(s, "-t", "--tty") ||
				 has_word(s, "-i", "--stdin") || has_word(s, "-it", "-ti");
		} else if (strcmp(verb, "shell") == 0) {
			k.pane = k.keys = true;
		} else if ((strcmp(verb, "logs") == 0 || strcmp(verb, "events") == 0) &&
			   has_word(s, "-f", "--follow")) {
			k.pane = true;
		} else if ((strcmp(verb, "health") == 0 || strcmp(verb, "stats") == 0) &&
			   has_word(s, "--watch", "-w")) {
			k.pane = true;
		} else if ((strcmp(verb, "delete") == 0 || strcmp(verb, "image") == 0) &&
			   !has_word(s, "--yes", "-y")) {
			k.keys = true;
		}
	}
	return k;
}

/* Where "@marked" stands in the word as one of a list's names; NULL: nowhere. */
static const char *marked_in(const struct smol_word *w, const char *line)
{
	for (size_t i = w->start; !w->quoted && i < w->end; i += strcspn(line + i, ",") + 1)
		if (strncmp(line + i, "@marked", 7) == 0 && (i + 7 == w->end || line[i + 7] == ','))
			return line + i;
	return NULL;
}

/* The line with names for "@marked"; what stands behind "--" is a guest's. */
static char *with_marked(struct smol_app *a, const char *line)
{
	smol_auto_script struct smol_script script = {0};
	smol_auto_free char *names = NULL;
	struct smol_buf b = {0};
	const char *from = line;
	int n;

	if (a->vms.nmarks)
		names = smol_vms_targets(&a->vms, &n);
	if (smol_grammar_parse(line, strlen(line), &script, NULL) < 0)
		return smol_strdup(line);
	for (int i = 0; i < script.n; i++) {
		const struct smol_statement *s = &script.statements[i];

		for (int w = 1; w < s->nwords && strcmp(s->words[w].text, "--") != 0; w++) {
			const char *at = marked_in(&s->words[w], line);

			if (!at)
				continue;
			if (!names)
				smol_app_say(a, "no VM is marked; in the list Space marks one");
			smol_buf_append(&b, from, (size_t)(at - from));
			smol_buf_puts(&b, names ? names : "@marked");
			from = at + strlen("@marked");
		}
	}
	smol_buf_puts(&b, from);
	return smol_buf_take(&b);
}

/* A pane of its own; NULL where there is no place, which is said. */
static struct smol_pane *own_pane(struct smol_app *a)
{
	struct smol_pane *p = smol_panes_open(a);
	smol_auto_free char *text = NULL;
	char keys[SMOL_KEY_MAX];

	if (p)
		return p;
	smol_action_keys(SMOL_ACTION_close, keys, sizeof(keys));
	text = smol_asprintf(
	    "nine commands run already; close a pane%s%s", *keys ? " with " : "", keys);
	smol_app_say(a, text);
	return NULL;
}

/* The session, unless the line lives on, or something runs there. What it prints there stands below
 * the line; said: that is there already. NULL: no place. */
static struct smol_pane *place_for(struct smol_app *a, const struct line_kind *kind, bool said)
{
	struct smol_pane *session = a->panes[0];
	smol_auto_free char *note = smol_asprintf("\xe2\x96\xb8 %s", kind->title);
	smol_auto_free char *safe = smol_escape(note, strlen(note));

	if (kind->pane || session->state == SMOL_PANE_RUNNING)
		return own_pane(a);
	if (!said)
		smol_pane_note(session, safe);
	return session;
}

/* What the shell's own commands have said: below the line, in the session. */
static void show(struct smol_app *a, const char *title, const struct smol_config_done *done)
{
	smol_auto_free char *note = smol_asprintf("\xe2\x96\xb8 %s", title);

	if (*done->error)
		smol_app_say(a, done->error);
	if (*done->output) {
		a->current = 0;
		smol_page_close(a);
		/* Before it is told: a pane that gets narrower cuts its lines. */
		smol_panes_place(a);
		smol_pane_tell(a->panes[0], note, done->output);
	}
	smol_app_changed(a);
}

static void start(struct smol_app *a, const char *line, struct line_kind *kind, bool said)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_pane *p = place_for(a, kind, said);

	if (!p)
		return;
	a->current = p->number;
	/* A key of the page lets it stay, where there is nothing else to see. */
	if (p->number || kind->keys || !(a->focus & SMOL_FOCUS_PAGE))
		smol_page_close(a);
	smol_panes_place(a);
	free(p->title);
	p->title = p->number ? smol_steal(&kind->title) : smol_strdup("");
	smol_log_add(&a->log, p, line, kind->keys, smol_lines_now_ms(), 0);
	if (smol_pane_start(p, a->options, line, &err) < 0)
		smol_app_say(a, err.msg);
	else if (kind->keys)
		a->focus = SMOL_FOCUS_PANE;
	smol_app_changed(a);
}

/* What the shell's own commands have said is shown, and what they have left is run. */
static void go_on(struct smol_app *a, const char *title, const struct smol_config_done *done)
{
	smol_auto_free char *line = with_marked(a, done->rest);
	smol_auto_script struct smol_script script = {0};

	smol_panes_heed(a);
	show(a, title, done);
	if (smol_config_is_quit(line)) {
		smol_app_leave(a);
	} else if (smol_grammar_parse(line, strlen(line), &script, NULL) == 0 && script.n) {
		struct line_kind kind = kind_of(title, &script);

		start(a, line, &kind, *done->output);
		free(kind.title);
	}
}

void smol_line_typed(struct smol_app *a, const char *typed)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_script struct smol_script script = {0};
	smol_auto_config_done struct smol_config_done done = {0};

	if (smol_grammar_parse(typed, strlen(typed), &script, &err) < 0) {
		smol_app_say(a, err.msg);
	} else if (script.n) {
		smol_config_line(typed, a->panes[0]->cols, &done);
		if (!*done.rest)
			smol_log_add(
			    &a->log, NULL, typed, false, smol_lines_now_ms(), *done.error ? 2 : 0);
		go_on(a, typed, &done);
	}
}

void smol_line_rc(struct smol_app *a, const struct smol_config_done *done)
{
	go_on(a, "rc", done);
}

void smol_line_run(struct smol_app *a, const char *line)
{
	smol_edit_remember(line);
	smol_line_typed(a, line);
}

char *smol_line_target(const char *line)
{
	struct smol_statement s = {0};
	char *target = NULL;
	char quote;

	if (smol_grammar_partial(line, strlen(line), &s, &quote, NULL) == 0 && s.nwords > 1) {
		smol_alias_expand(&s);
		for (int i = 1; i < s.nwords && !target; i++) {
			if (strcmp(s.words[i].text, "--") == 0)
				break;
			if (*s.words[i].text != '-' && *s.words[i].text)
				target = smol_strdup(s.words[i].text);
		}
	}
	smol_statement_free(&s);
	return target;
}
