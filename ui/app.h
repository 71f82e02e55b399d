/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The screen as a whole: what there is to show (app.c keeps it, draw.c draws it) and where it
 * stands (layout.c). One per process.
 */
#ifndef SMOL_UI_APP_H
#define SMOL_UI_APP_H

#include <stdbool.h>
#include <uv.h>

#include "ui/input.h"
#include "ui/keys.h"
#include "ui/pane.h"
#include "ui/vms.h"

#define SMOL_PANES     10 /* 0 is the session, which is always there */
#define SMOL_ROWS_MIN  8
#define SMOL_COLS_MIN  30
#define SMOL_COLS_WIDE 100 /* from here on the list has its own column */
#define SMOL_LIST_COLS 30
#define SMOL_PANE_COLS 80 /* two panes side by side must have that */
#define SMOL_PANE_ROWS 5  /* of a tiled pane, its title included */

struct smol_rect {
	int row, col, rows, cols;
};

/* A question before harm: y runs the line, anything else does not. */
struct smol_question {
	char *text; /* NULL: none is asked; owned */
	char *line; /* a command, or NULL: leave; owned */
};

struct smol_app {
	uv_loop_t *loop;
	const char *program; /* smolsh */
	int rows, cols;	     /* of the terminal */

	enum smol_focus focus; /* PROMPT, LIST or PANE */
	int current;	       /* the pane that is chosen */
	struct smol_pane *panes[SMOL_PANES];
	struct smol_vms vms;
	struct smol_question question;
	char *message; /* at the bottom until the next key; or NULL */
	bool zoom, help, filtering, leaving;
	char *filter_before;
	char *accel; /* what runs guests here; or NULL; owned */

	/* Where things stand now: smol_layout(). */
	struct smol_rect list;		       /* rows is 0: not shown */
	struct smol_rect panes_at[SMOL_PANES]; /* with the title line; rows is 0: not shown */
	bool strip;			       /* VMs and panes as words in one line */
	int body_rows;
};

void smol_layout(struct smol_app *a);
/* Nothing is there yet: neither VMs nor anything said. */
bool smol_app_is_new(const struct smol_app *a);
/* The focus for the key table: a pane that takes no keys is SCROLL. */
enum smol_focus smol_app_focus(const struct smol_app *a);
/* The VM word of the line that is typed, malloc'd; NULL: none. */
char *smol_app_target(const char *line);

/* draw.c */
void smol_draw_open(void);
void smol_draw_close(void);
void smol_draw(struct smol_app *a);
void smol_draw_anew(void); /* the terminal may show anything */

/* Run until the user leaves. Returns the exit code. */
int smol_app_run(const char *program);

#endif
