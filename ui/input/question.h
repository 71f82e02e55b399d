/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question before harm, in the line of the prompt: y does it, anything else does not. */
#ifndef SMOL_UI_QUESTION_H
#define SMOL_UI_QUESTION_H

#include <stdbool.h>

struct smol_app;

struct smol_question {
	char *text;	  /* NULL: none is asked; owned */
	char *line;	  /* the command that y runs; owned; or NULL */
	const char *word; /* what y does: "delete" */
	void (*answered)(struct smol_app *a, bool yes); /* in the line's place, or NULL */
	/* What it is made of, when it is about VMs; names is owned. */
	char *names;
	const char *verb;
	int jobs; /* -1: not known yet */
};

/* text is taken over, line copied. */
void smol_question_ask(struct smol_app *a, const char *word, char *text, const char *line);
/* The same with something else to do than a line. */
void smol_question_then(struct smol_app *a, const char *word, char *text,
    void (*answered)(struct smol_app *a, bool yes));
/*
 * Before a line for VMs ("web,db"): "delete", "stop" or "restart", and what they lose by it. What
 * is not known at once (their jobs) comes into the text when it is. The verb is not copied.
 */
void smol_question_for_vms(
    struct smol_app *a, const char *verb, const char *names, const char *line);
void smol_question_answer(struct smol_app *a, bool yes);
void smol_question_free(struct smol_question *q);

#endif
