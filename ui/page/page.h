/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A page takes the place of list and panes until Esc. One is shown at a time; each is a table of
 * what it does in a file of its own, page_<noun>.c, which also keeps what it knows.
 */
#ifndef SMOL_UI_PAGE_H
#define SMOL_UI_PAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "shell/keys.h"
#include "ui/input/input.h"

struct smol_app;
struct smol_rect;

enum smol_page {
	SMOL_PAGE_NONE, /* the panes */
	SMOL_PAGE_HELP,
	SMOL_PAGE_DETAILS,
	SMOL_PAGE_FORM,
	SMOL_PAGE_LOG,
	SMOL_PAGE__COUNT
};

/* What is NULL it does not do. */
struct smol_page_ops {
	enum smol_focus focus; /* its keys in the table */
	/* Into r. Where it wants the cursor it says so; else there is none. */
	void (*draw)(struct smol_app *a, const struct smol_rect *r, int *row, int *col);
	void (*scroll)(struct smol_app *a, int lines); /* up; negative: down */
	void (*step)(struct smol_app *a, int by);      /* to its next part, or the one before */
	/* Enter; whole: and nothing else is to be entered first. */
	void (*accept)(struct smol_app *a, bool whole);
	/* A key that the table does not know. */
	void (*key)(struct smol_app *a, const struct smol_input_event *e);
	void (*load)(struct smol_app *a); /* the VMs were read again */
	void (*tick)(struct smol_app *a); /* once a second */
	bool (*reaped)(
	    struct smol_app *a, pid_t pid, int status); /* was it one of its processes? */
	void (*close)(struct smol_app *a);
};

/* Of the page that is shown; where there is none, of one that does nothing. */
const struct smol_page_ops *smol_page(const struct smol_app *a);
/* The keys go to it. What it is to show must be known already. */
void smol_page_open(struct smol_app *a, enum smol_page page);
/* The keys go where they went before. */
void smol_page_close(struct smol_app *a);

extern const struct smol_page_ops smol_page_help, smol_page_details, smol_page_form, smol_page_log;

/* page_details.c: all of the VM of that name (copied). */
void smol_page_details_open(struct smol_app *a, const char *vm);
/* Whose page is open, or NULL: keys act on that one. */
const char *smol_page_details_vm(void);

/* page_form.c: what was entered before is still there. */
void smol_page_form_open(struct smol_app *a);
void smol_page_form_free(void);

/* page_log.c: at the newest. */
void smol_page_log_open(struct smol_app *a);

#endif
