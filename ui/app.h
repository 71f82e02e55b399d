/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The screen as a whole: what there is to show, and where it stands. One per process. Around it:
 *
 *   app.c    the loop: when to draw, to read the registry, signals, beginning and end
 *   lines.c  what a line does        config.c  rc, and commands for smolsh itself
 *   input/   keys and mouse taken apart, where a key goes (events.c), what it does (actions*.c)
 *   prompt/  readline's line, other words that are asked for, the prompt without a screen
 *   vms/     the list of VMs, what they use, their jobs
 *   pane/    a command on a pty; what one looks at, searches, copies; where panes stand
 *   term/    the terminal in a pane: a guest's bytes become cells there
 *   page/    what takes the place of list and panes: details, form, log, help
 *   draw/    how all of it looks
 */
#ifndef SMOL_UI_APP_H
#define SMOL_UI_APP_H

#include <stdbool.h>
#include <uv.h>

#include "shell/keys.h"
#include "ui/config.h"
#include "ui/prompt/entry.h"
#include "ui/input/hit.h"
#include "ui/input/input.h"
#include "ui/pane/layout.h"
#include "ui/page/log.h"
#include "ui/input/mouse.h"
#include "ui/options.h"
#include "ui/page/page.h"
#include "ui/pane/pane.h"
#include "ui/input/question.h"
#include "ui/vms/stats.h"
#include "ui/vms/vms.h"

struct smol_app {
	uv_loop_t *loop;
	const struct smol_ui_options *options;
	int rows, cols; /* of the terminal */

	enum smol_focus focus; /* PROMPT, LIST, PANE or a page's */
	enum smol_page page;
	enum smol_focus page_from; /* where the focus was before */
	int current;		   /* the pane that is chosen */
	struct smol_pane *panes[SMOL_PANES];
	struct smol_vms vms;
	struct smol_stats_feed *feed; /* what they use; owned */
	struct smol_question question;
	struct smol_log log;
	struct smol_entry entry; /* a word that is asked for: a filter */
	char key[SMOL_KEY_MAX];	 /* that the action which runs was found by: "M-1" */
	char *message;		 /* at the bottom until the next key; or NULL */
	bool zoom, leaving;
	char *accel; /* what runs guests here; or NULL; owned */

	struct smol_layout layout; /* as the user wants it */
	struct smol_places at;	   /* where things stand now: smol_panes_place() */
	struct smol_hits hits;	   /* and what of it can be clicked */
	struct smol_mouse_state mouse;
};

/* app.c */
/* Run until the user leaves. Returns the exit code. */
int smol_app_run(const struct smol_ui_options *options);
/* Something has changed: drawn within a frame's time. */
void smol_app_changed(struct smol_app *a);
/* At the bottom until the next key; NULL: nothing any more. Copied, escaped. */
void smol_app_say(struct smol_app *a, const char *text);
/* Out of the loop, now. */
void smol_app_end(struct smol_app *a);
void smol_app_suspend(struct smol_app *a);
/* Nothing is there yet: neither VMs nor anything said. */
bool smol_app_is_new(const struct smol_app *a);
/* The focus for the key table: a pane that takes no keys is SCROLL. */
enum smol_focus smol_app_focus(const struct smol_app *a);

/* input/events.c */
/* False where it went to a pane's command, and nothing of ours looks different. */
bool smol_event(struct smol_app *a, const struct smol_input_event *e);
VTermModifier smol_event_mods(unsigned mods);

/* input/leaving.c: where commands still run, after a question that says what becomes of them. */
/* Leave smolsh. */
void smol_app_leave(struct smol_app *a);
/* Close the chosen pane. */
void smol_leaving_close(struct smol_app *a);

/* input/actions.c */
void smol_action_do(struct smol_app *a, const struct smol_binding *b);

/* input/actions_view.c */
/* What is selected in the pane goes to the terminal's clipboard, which is said. */
void smol_copy_selection(struct smol_app *a, struct smol_pane *p);

/* lines.c */
/* For the log: the wall clock. */
int64_t smol_lines_now_ms(void);
/* What was typed at the prompt. */
void smol_line_typed(struct smol_app *a, const char *line);
/* A line that a key stands for: it is in the history, too. */
void smol_line_run(struct smol_app *a, const char *line);
/* What the file rc has come to: what it said, and what it leaves to run. */
void smol_line_rc(struct smol_app *a, const struct smol_config_done *done);
/* The VM word of a line that is typed, malloc'd; NULL: none. */
char *smol_line_target(const char *line);

/* vms/attach.c */
/* Say once which jobs run that nobody looks at; when it is known. */
void smol_attach_offer(struct smol_app *a);
/* A pane for each. */
void smol_attach_all(struct smol_app *a);

/* pane/panes.c */
struct smol_pane *smol_panes_current(const struct smol_app *a);
/* A new one in a free place, else in that of the one which ended first. NULL: all of them run. */
struct smol_pane *smol_panes_open(struct smol_app *a);
void smol_panes_open_session(struct smol_app *a);
/* Settings have changed: those that are there heed them, too. */
void smol_panes_heed(struct smol_app *a);
/* Not the session. The one before it is chosen, else the one behind it. */
void smol_panes_close(struct smol_app *a, int which);
/* Choose the next one, or the one before. */
void smol_panes_step(struct smol_app *a, int by);
int smol_panes_running(const struct smol_app *a);
/* Whose command has failed: did its VM die under it? The registry may say so only later. */
void smol_panes_find_lost(struct smol_app *a);
/* Those that were to be closed when their commands have ended. */
void smol_panes_sweep(struct smol_app *a);
/* Where all of them stand, in the window as it is now. */
void smol_panes_place(struct smol_app *a);
struct smol_layout_ask smol_panes_ask(const struct smol_app *a);
/* Is it on the screen when there is room? The session only once it has something to say. */
bool smol_panes_shown(const struct smol_app *a, int which);

/* draw/draw.c */
void smol_draw_open(bool colored);
void smol_draw_close(void);
void smol_draw(struct smol_app *a);
void smol_draw_anew(void); /* the terminal may show anything */

#endif
