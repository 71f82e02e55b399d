/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question before harm: see question.h. */
#include "ui/input/question.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/text.h"
#include "ui/app.h"
#include "ui/vms/jobs.h"

#define NAMES_SHOWN 4

void smol_question_free(struct smol_question *q)
{
	free(q->text);
	free(q->line);
	free(q->names);
	*q = (struct smol_question){0};
}

void smol_question_ask(struct smol_app *a, const char *word, char *text, const char *line)
{
	smol_question_free(&a->question);
	a->question = (struct smol_question){
	    .text = text, .line = smol_strdup(line), .word = word, .jobs = -1};
	smol_app_changed(a);
}

void smol_question_then(struct smol_app *a, const char *word, char *text,
    void (*answered)(struct smol_app *a, bool yes))
{
	smol_question_ask(a, word, text, NULL);
	a->question.answered = answered;
}

void smol_question_answer(struct smol_app *a, bool yes)
{
	struct smol_question q = a->question;

	a->question = (struct smol_question){0};
	if (q.answered)
		q.answered(a, yes);
	else if (yes && q.line)
		smol_line_run(a, q.line);
	smol_question_free(&q);
}

/* ---- what VMs lose ---- */

/* Of the logs that go with a VM. */
static uint64_t log_bytes(const struct smol_vm *vm)
{
	smol_auto_free char *state = smol_path_state_unmade();
	smol_auto_free char *path = smol_asprintf("%s/vms/%s", state, vm->id);
	smol_auto_closedir DIR *d = opendir(path);
	uint64_t sum = 0;
	struct stat st;

	for (struct dirent *e; d && (e = readdir(d));)
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	return sum;
}

/* "web,db" as people read it, not too many of them. */
static void put_names(struct smol_buf *b, const char *names, int n)
{
	smol_auto_free char *copy = smol_strdup(names);
	char *rest = copy;

	if (n > NAMES_SHOWN)
		smol_buf_printf(b, "%d VMs: ", n);
	for (int i = 0; i < n && i < NAMES_SHOWN && rest; i++)
		smol_buf_printf(b, "%s%s", i ? ", " : "", strsep(&rest, ","));
	if (n > NAMES_SHOWN)
		smol_buf_puts(b, ", \xe2\x80\xa6"); /* … */
}

static bool is_among(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = names; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || !p[len]))
			return true;
	return false;
}

/* "Delete db?  running, 2 jobs, its files and 12K of logs will be lost." */
static char *text_for(const struct smol_app *a, const struct smol_question *q)
{
	struct smol_buf b = {0};
	const struct smol_vm *one = NULL;
	int n = 0, live = 0;
	uint64_t logs = 0;
	char size[16];

	for (int i = 0; i < a->vms.nall; i++) {
		const struct smol_vm *vm = a->vms.all[i];

		if (!is_among(q->names, vm->name))
			continue;
		one = vm;
		n++;
		live += smol_vm_state_live(vm->state);
		logs += log_bytes(vm);
	}
	smol_buf_printf(&b, "%c%s ", toupper((unsigned char)q->verb[0]), q->verb + 1);
	put_names(&b, q->names, n);
	smol_buf_puts(&b, "?  ");
	if (n == 1)
		smol_buf_printf(&b, "%s, ", smol_vm_state_name(one->state));
	else if (live)
		smol_buf_printf(&b, "%d running, ", live);
	if (q->jobs > 0)
		smol_buf_printf(&b, "%d job%s, ", q->jobs, q->jobs == 1 ? "" : "s");
	if (live)
		smol_buf_printf(&b, "%s files", n == 1 ? "its" : "their");
	if (strcmp(q->verb, "delete") == 0) {
		smol_size_text(logs, size);
		smol_buf_printf(&b, "%s%s of logs", live ? " and " : "", size);
	}
	smol_buf_puts(&b, " will be lost.");
	return smol_buf_take(&b);
}

static void on_jobs(struct smol_app *a, const struct smol_jobs *jobs)
{
	struct smol_question *q = &a->question;

	if (!q->names)
		return;
	q->jobs = jobs->n;
	free(q->text);
	q->text = text_for(a, q);
	smol_app_changed(a);
}

static bool some_live(const struct smol_app *a, const char *names)
{
	for (int i = 0; i < a->vms.nall; i++)
		if (smol_vm_state_live(a->vms.all[i]->state) &&
		    is_among(names, a->vms.all[i]->name))
			return true;
	return false;
}

void smol_question_for_vms(
    struct smol_app *a, const char *verb, const char *names, const char *line)
{
	struct smol_question *q = &a->question;

	smol_question_ask(a, verb, NULL, line);
	q->verb = verb;
	q->names = smol_strdup(names);
	q->text = text_for(a, q);
	if (some_live(a, names))
		smol_jobs_ask(a, names, on_jobs);
	else
		smol_jobs_forget(); /* an answer to the question before is none to this one */
}
