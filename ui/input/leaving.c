/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Closing a pane, and leaving smolsh: what becomes of commands that still run. A command in a guest
 * goes on as a job when the screen goes, however it goes (SMOLSH_ON_HANGUP, which its `smolsh exec`
 * has from us); it is ended when its pane is closed.
 */
#include <signal.h>
#include <string.h>

#include "base/buf.h"
#include "shell/grammar.h"
#include "ui/app.h"

/* What becomes of a command when the screen goes. */
enum fate { NOTHING, GOES_ON, REMOVED, ENDS, FATES };

static bool has(const struct smol_statement *s, const char *word)
{
	for (int i = 1; i < s->nwords && strcmp(s->words[i].text, "--") != 0; i++)
		if (strcmp(s->words[i].text, word) == 0)
			return true;
	return false;
}

static enum fate fate_of_statement(const struct smol_statement *s)
{
	static const char *const lookers[] = {
	    "logs", "events", "health", "stats", "attach", "wait", "list", "info", "help", NULL};
	const char *verb = s->words[0].text;

	if (strcmp(verb, "exec") == 0 || strcmp(verb, "shell") == 0)
		return GOES_ON;
	if (strcmp(verb, "run") == 0)
		return has(s, "--keep") ? GOES_ON : REMOVED;
	for (const char *const *l = lookers; *l; l++)
		if (strcmp(verb, *l) == 0)
			return NOTHING;
	return ENDS;
}

/* Of several commands in a line those behind the first come to nothing. */
static enum fate fate_of(const char *line)
{
	struct smol_script script = {0};
	enum fate worst = NOTHING, first = NOTHING;

	if (smol_grammar_parse(line, strlen(line), &script, NULL) < 0)
		return ENDS;
	for (int i = 0; i < script.n; i++) {
		enum fate f = fate_of_statement(&script.statements[i]);

		worst = f > worst ? f : worst;
		first = i ? first : f;
	}
	if (script.n > 1 && first != worst)
		worst = ENDS;
	smol_script_free(&script);
	return worst;
}

/* ---- a pane ---- */

/* What the question is about: another pane may be chosen, or be in its place, when it is answered.
 */
static struct {
	int number;
	pid_t pid;
} asked;

static void on_close(struct smol_app *a, bool yes)
{
	struct smol_pane *p = a->panes[asked.number];

	if (!yes || !p || p->pid != asked.pid)
		return;
	p->closing = true;
	if (p->state == SMOL_PANE_RUNNING && p->pid > 0 && !p->exited)
		kill(-p->pid, SIGTERM); /* it is closed when the command has ended */
	else
		smol_panes_close(a, p->number);
}

void smol_leaving_close(struct smol_app *a)
{
	struct smol_pane *p = smol_panes_current(a);

	if (!p->number)
		return;
	if (p->state != SMOL_PANE_RUNNING || p->closing || fate_of(p->line) == NOTHING) {
		smol_panes_close(a, p->number);
		return;
	}
	asked.number = p->number;
	asked.pid = p->pid;
	smol_question_then(a, "close",
	    smol_asprintf("Close %d?  What runs in it will be ended.", p->number), on_close);
}

/* ---- smolsh ---- */

static void count(struct smol_buf *b, int n, const char *one, const char *many)
{
	if (n)
		smol_buf_printf(b, "%s%d %s", smol_buf_len(b) ? "; " : "", n, n == 1 ? one : many);
}

static void on_leave(struct smol_app *a, bool yes)
{
	if (yes)
		smol_app_end(a);
}

void smol_app_leave(struct smol_app *a)
{
	smol_auto_buf struct smol_buf b = {0};
	int n[FATES] = {0};

	for (int i = 0; i < SMOL_PANES; i++)
		if (a->panes[i] && a->panes[i]->state == SMOL_PANE_RUNNING)
			n[fate_of(a->panes[i]->line)]++;
	if (!(n[GOES_ON] + n[REMOVED] + n[ENDS])) {
		smol_app_end(a);
		return;
	}
	count(&b, n[GOES_ON], "command goes on in its VM", "commands go on in their VMs");
	count(&b, n[REMOVED], "`run` ends, and its VM", "`run`s end, and their VMs");
	count(&b, n[ENDS], "command will be ended", "commands will be ended");
	smol_question_then(
	    a, "leave", smol_asprintf("Leave smolsh?  %s.", smol_buf_str(&b)), on_leave);
}
