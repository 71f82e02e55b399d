/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pane: a terminal (term.h) and the `smolsh …` command that runs on it. When the command has
 * ended the pane keeps what it showed; another may follow in it.
 */
#ifndef SMOL_UI_PANE_H
#define SMOL_UI_PANE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "ui/options.h"
#include "ui/pane/tap.h"
#include "ui/term/term.h"
#include "ui/pane/view.h"

enum smol_pane_state { SMOL_PANE_EMPTY, SMOL_PANE_RUNNING, SMOL_PANE_ENDED };

struct smol_pane {
	int number;  /* 1…9; 0: the session */
	char *line;  /* the command as it was typed, or NULL; owned */
	char *title; /* what the border says of it; owned */
	struct smol_term *term;
	enum smol_pane_state state;
	int status;		     /* exit code, or 128+n; when it has ended */
	char *lost;		     /* why its VM died, where it ended so; or NULL; owned */
	uint64_t began_ms, ended_ms; /* of uv_now() */
	struct smol_view view;	     /* what of it is shown */
	int rows, cols;
	bool wide;	      /* long lines go on beyond the edge */
	bool full;	      /* a full-screen program draws */
	uint64_t full_ms;     /* when one was seen last; 0: none was */
	struct smol_tap *tap; /* its output in a file; NULL: it is in none; owned */
	char *trouble;	      /* a sentence for whoever heeds changed(), or NULL; owned */

	uv_loop_t *loop;
	void (*changed)(struct smol_pane *p); /* there is something to draw, or it has ended */
	void *owner;
	pid_t pid;
	int pty; /* -1: none */
	uv_poll_t poll;
	bool polling, exited, closing;
	bool handle;	     /* the loop still knows poll */
	bool freed;	     /* and is to free this when it does not any more */
	bool told;	     /* lines of our own are in it */
	struct smol_buf out; /* for the command: what its pty did not take yet */
	struct smol_buf in;  /* of its output: what the terminal has not taken yet */
	size_t since;	     /* bytes that have come since smol_pane_settle() */
	uint64_t calm_ms;    /* until then somebody types elsewhere: smol_pane_calm() */
	bool resting;	     /* no more is read before smol_pane_settle() */
};

/* changed is called from the loop and from smol_pane_start(). */
struct smol_pane *smol_pane_new(uv_loop_t *loop, int number, int rows, int cols,
    void (*changed)(struct smol_pane *p), void *owner);
/* Its command gets SIGHUP. Freed by the loop when its handle is closed. */
void smol_pane_free(struct smol_pane *p);
/* Run `smolsh -c LINE`. Nothing may run in the pane. */
int smol_pane_start(struct smol_pane *p, const struct smol_ui_options *options, const char *line,
    struct smol_err *err);
/*
 * Before it is drawn: output that waits goes to the terminal, as far as that takes few
 * milliseconds; changed() is called when some is left. Output waits while there is so much of it
 * that only the end will be seen.
 */
void smol_pane_settle(struct smol_pane *p);
/* Somebody types: a flood takes little of the machine for a while. */
void smol_pane_calm(struct smol_pane *p);
/* The process of that id has ended: is it this pane's? */
bool smol_pane_reaped(struct smol_pane *p, pid_t pid, int status);
void smol_pane_resize(struct smol_pane *p, int rows, int cols);
/* Long lines go on beyond the edge, or in the next row; a full-screen program has the pane's own
 * width whatever is said. */
void smol_pane_set_wide(struct smol_pane *p, bool wide);
/* Its output goes to a file from now on, in tap's care; NULL: to none any more. An unfinished line
 * is ended. */
void smol_pane_set_tap(struct smol_pane *p, struct smol_tap *tap);
/* A line of our own among the output. */
void smol_pane_note(struct smol_pane *p, const char *text);
/* The same, and below it lines that are safe on a terminal. */
void smol_pane_tell(struct smol_pane *p, const char *note, const char *lines);

#endif
