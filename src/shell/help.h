/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help and the manual's COMMANDS section, made from the command table. */
#ifndef SMOL_SHELL_HELP_H
#define SMOL_SHELL_HELP_H

#include "shell/command.h"
#include "shell/shell.h"

/* The program itself: its global options. Not one of the table's commands. */
extern const struct smol_command smol_program;

/* Topics of `help` that are no commands, NULL-terminated. */
extern const char *const smol_help_topics[];

/* On stdout: the program, a command, a topic. */
void smol_help_program(void);
void smol_help_command(struct smol_shell *sh, const struct smol_command *cmd);
/* -1 with SMOL_E_USAGE when there is no such command or topic. verb: a command's own verb or NULL.
 */
int smol_help_word(struct smol_shell *sh, const char *word, const char *verb, struct smol_err *err);
/* "exec [options] VM [--] COMMAND…"; parent is the command whose verb cmd is, or NULL. */
char *smol_help_usage(const struct smol_command *parent, const struct smol_command *cmd);
/* The command whose verb cmd is, or NULL. */
const struct smol_command *smol_help_parent(const struct smol_command *cmd);
/* "-i, --stdin" or "    --env K=V"; caller frees. */
char *smol_help_option(const struct smol_option *o);
/* Sections GLOBAL OPTIONS and COMMANDS of smolsh.1, in man(7), on stdout. */
void smol_help_man(void);

#endif
