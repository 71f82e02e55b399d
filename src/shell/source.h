/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scripts in files: run as if their commands stood where the file is named. */
#ifndef SMOL_SHELL_SOURCE_H
#define SMOL_SHELL_SOURCE_H

#include "base/err.h"
#include "shell/shell.h"

#define SMOL_SOURCES_MAX 16 /* files that are read within each other */

/*
 * Run a file's commands by smol_shell_text(), with shown as its name in messages. The exit code;
 * -1: it cannot be read, is being read already further up, or SMOL_SOURCES_MAX are.
 */
int smol_source_file(
    struct smol_shell *sh, const char *path, const char *shown, struct smol_err *err);
/* The same for a word of a script: a relative path begins beside the file that names it. NULL: the
 * file rc. */
int smol_source_word(struct smol_shell *sh, const char *word, struct smol_err *err);

#endif
