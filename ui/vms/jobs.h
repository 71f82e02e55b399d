/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which jobs run in the guests: `smolsh jobs --json` in the background. Nothing waits for it; one
 * that takes too long, or says too much, is given up.
 */
#ifndef SMOL_UI_JOBS_H
#define SMOL_UI_JOBS_H

#include <stdbool.h>
#include <stdint.h>

struct smol_app;

struct smol_job {
	char *vm, *command; /* owned; the command as its agent tells it, escaped */
	int64_t id;
	bool tty;
	bool attached; /* somebody sees its output */
};

struct smol_jobs {
	struct smol_job *list; /* those that run or wait for their turn; owned */
	int n;
};

/* names: "web,db"; NULL: all VMs that run. done is called later, once, unless another question
 * comes before the answer, or there is none. What it is given is freed behind it. */
void smol_jobs_ask(struct smol_app *a, const char *names,
    void (*done)(struct smol_app *a, const struct smol_jobs *jobs));
/* The answer is not wanted any more. */
void smol_jobs_forget(void);

/* From the answer of `smolsh jobs --json`; what cannot be understood is left out. */
void smol_jobs_parse(const char *text, struct smol_jobs *jobs);
void smol_jobs_free(struct smol_jobs *jobs);

#endif
