/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs that run and that nobody looks at: offered at the start, attached to by a key. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "ui/app.h"
#include "ui/vms/jobs.h"

#define TOLD_MAX    9  /* jobs that are named */
#define COMMAND_LEN 50 /* bytes of each that are shown */

static int nobody_sees(const struct smol_jobs *jobs)
{
	int n = 0;

	for (int i = 0; i < jobs->n; i++)
		n += !jobs->list[i].attached;
	return n;
}

/* "  web 2  make -j2" */
static void put_job(struct smol_buf *b, const struct smol_job *j)
{
	size_t len = 0;

	while (len < COMMAND_LEN && j->command[len])
		len += smol_utf8_len(j->command + len, strlen(j->command + len)) ?: 1;
	smol_buf_printf(b, "\r\n  %s %lld  %.*s", j->vm, (long long)j->id, (int)len, j->command);
}

/* "2 jobs run that no pane shows; Alt-a attaches to them:", and which. */
static void on_offer(struct smol_app *a, const struct smol_jobs *jobs)
{
	smol_auto_buf struct smol_buf b = {0};
	const struct smol_binding *key = smol_key_of(SMOL_ACTION_attach, SMOL_FOCUS_PROMPT);
	int n = nobody_sees(jobs), told = 0;
	char shown[SMOL_KEY_MAX];

	if (!n)
		return;
	smol_buf_printf(&b, "%d job%s that no pane shows", n, n == 1 ? " runs" : "s run");
	if (key) {
		smol_key_shown(key->key, shown);
		smol_buf_printf(&b, "; %s attaches to %s", shown, n == 1 ? "it" : "them");
	}
	smol_buf_puts(&b, ":");
	for (int i = 0; i < jobs->n && told < TOLD_MAX; i++)
		if (!jobs->list[i].attached) {
			put_job(&b, &jobs->list[i]);
			told++;
		}
	if (n > told)
		smol_buf_printf(&b, "\r\n  and %d more", n - told);
	smol_pane_note(a->panes[0], smol_buf_str(&b));
	smol_app_changed(a);
}

void smol_attach_offer(struct smol_app *a)
{
	if (a->vms.nlive)
		smol_jobs_ask(a, NULL, on_offer);
}

/* A pane for each, as long as there are places: one whose command runs is never given up for it. */
static void on_attach(struct smol_app *a, const struct smol_jobs *jobs)
{
	int did = 0, n = nobody_sees(jobs);
	enum smol_focus focus = a->focus;

	smol_app_say(a, NULL); /* that it was looked for */
	for (int i = 0; i < jobs->n && smol_panes_running(a) < SMOL_PANES - 1; i++) {
		const struct smol_job *j = &jobs->list[i];
		smol_auto_free char *line =
		    smol_asprintf("attach %s%s %lld", j->tty ? "-t " : "", j->vm, (long long)j->id);

		if (j->attached)
			continue;
		smol_line_run(a, line);
		did++;
	}
	/* What is typed is not meant for the last of several. */
	if (did > 1 && !(focus & SMOL_FOCUS_PAGE))
		a->focus = focus;
	if (!n)
		smol_app_say(a, "no job runs that nobody looks at");
	else if (did < n)
		smol_app_say(a, "no pane is free for the others");
}

void smol_attach_all(struct smol_app *a)
{
	smol_app_say(a, "looking for jobs that run");
	smol_jobs_ask(a, NULL, on_attach);
}
