/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands on our own terminal, one at a time, as a shell runs them: each is a process group that
 * has the terminal until it ends or Ctrl-Z stops it. What was stopped is kept until it goes on.
 */
#ifndef SMOL_UI_FOREGROUND_H
#define SMOL_UI_FOREGROUND_H

#include <stdbool.h>
#include <sys/types.h>

#include "ui/options.h"

/* While the terminal is as it is to be between commands. options must outlive all. */
void smol_foreground_open(const struct smol_ui_options *options);
/* Whatever still runs, or is stopped, is hung up, as when a terminal is closed. */
void smol_foreground_close(void);

/* Run a line. Says why it cannot. */
void smol_foreground_start(const char *line);
/* Go on with a stopped one: a number from 1, or "": what was stopped last. Says why it cannot. */
void smol_foreground_go_on(const char *which);
/* Has a command the terminal now? */
bool smol_foreground_runs(void);
int smol_foreground_stopped(void); /* how many are */
/* SIGINT for the one that has the terminal, if one has. */
void smol_foreground_interrupt(void);

/*
 * A child has changed, as waitpid() says. Its line (caller frees) when it has given the terminal
 * back: it has ended, and with which code is said if that is not 0, or it is stopped, and that is
 * said. Else NULL. tell: of a stopped one that has ended.
 */
char *smol_foreground_changed(pid_t pid, int status, void (*tell)(const char *text, bool bad));

#endif
