/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shell's own commands where a person sits: a line is done here as far as it is set, bind,
 * alias and the like, and what is left of it is for a `smolsh -c` of its own. What is set lasts as
 * long as the process. The file rc is such a text, read at the beginning.
 */
#ifndef SMOL_UI_CONFIG_H
#define SMOL_UI_CONFIG_H

#include <stdbool.h>

/* What a text has come to; free with smol_config_done_free(). Nothing in it is NULL. */
struct smol_config_done {
	char *rest;   /* commands to run, aliases expanded; "": none; owned */
	char *output; /* what was printed, lines that are safe on a terminal; owned */
	char *error;  /* the first thing that was wrong, one line; "": nothing; owned */
};

/* A line that was typed, or stands for a key. It ends at the first mistake. Tables are made for so
 * many columns; 0: for the terminal's. */
void smol_config_line(const char *line, int columns, struct smol_config_done *done);
/* The file rc; no mistake ends it. Where there is no such file nothing is done. */
void smol_config_rc(struct smol_config_done *done);
/* quit or exit, which whoever runs a line does itself. */
bool smol_config_is_quit(const char *line);
void smol_config_done_free(struct smol_config_done *done);

#define smol_auto_config_done __attribute__((cleanup(smol_config_done_free)))

#endif
