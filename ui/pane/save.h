/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text into a file whose name is asked for; one that is there is replaced after a question. */
#ifndef SMOL_UI_SAVE_H
#define SMOL_UI_SAVE_H

#include <sys/types.h>

struct smol_app;

/* What a person calls a file: ~ is their home. malloc'd. */
char *smol_save_path(const char *name);

/* text is taken over. label stands in front of the name, which begins as initial (~ is home). */
void smol_save_ask(
    struct smol_app *a, const char *label, const char *initial, char *text, mode_t mode);

#endif
