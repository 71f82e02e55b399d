/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question before harm: see question.h. */
#include "ui/input/question.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
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

/* What goes with VMs, in bytes of the host's disk. */
struct loss {
	uint64_t logs, disks;
};

static bool is_log(const char *name)
{
	return strncmp(name, "console.", strlen("console.")) == 0 ||
	       strncmp(name, "journal.", strlen("journal.")) == 0;
}

static void add_loss(const struct smol_vm *vm, struct loss *l)
{
	smol_auto_free char *state = smol_path_state_unmade();
	smol_auto_free char *path = smol_asprintf("%s/vms/%s", state, vm->id);
	smol_auto_closedir DIR *d = opendir(path);
	struct stat st;

	for (struct dirent *e; d && (e = readdir(d));)
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			*(is_log(e->d_name) ? &l->logs : &l->disks) += (uint64_t)st.st_blocks * 512;
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

/* "its files, 1.2G of disks and 12K of logs will be lost." */
static void put_loss(struct smol_buf *b, const char *files, const struct loss *l, bool one)
{
	char disks[32], logs[32], size[16];
	const char *parts[3];
	int n = 0;

	if (files)
		parts[n++] = files;
	if (l->disks) {
		smol_size_text(l->disks, size);
		snprintf(disks, sizeof(disks), "%s of disks", size);
		parts[n++] = disks;
	}
	if (l->logs) {
		smol_size_text(l->logs, size);
		snprintf(logs, sizeof(logs), "%s of logs", size);
		parts[n++] = logs;
	}
	for (int i = 0; i < n; i++)
		smol_buf_printf(b, "%s%s", !i ? "" : i == n - 1 ? " and " : ", ", parts[i]);
	if (n)
		smol_buf_puts(b, " will be lost.");
	else
		smol_buf_printf(b, "nothing is in %s yet.", one ? "it" : "them");
}

/* "Delete db?  running, 2 jobs, its files and 12K of logs will be lost." */
static char *text_for(const struct smol_app *a, const struct smol_question *q)
{
	struct smol_buf b = {0};
	const struct smol_vm *one = NULL;
	bool whole = strcmp(q->verb, "delete") == 0;
	struct loss loss = {0};
	int n = 0, live = 0;

	for (int i = 0; i < a->vms.nall; i++) {
		const struct smol_vm *vm = a->vms.all[i];

		if (!is_among(q->names, vm->name))
			continue;
		one = vm;
		n++;
		live += smol_vm_state_live(vm->state);
		if (whole)
			add_loss(vm, &loss);
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
	put_loss(&b, !live ? NULL : n == 1 ? "its files" : "their files", &loss, n == 1);
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
