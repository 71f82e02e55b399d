/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What commands print: results on stdout, errors and notices on stderr; with --json one envelope
 * on stdout for either. Nothing else in the shell prints.
 */
#ifndef SMOL_SHELL_OUTPUT_H
#define SMOL_SHELL_OUTPUT_H

#include <stdint.h>

#include "base/err.h"
#include "proto/json.h"
#include "shell/shell.h"

#define SMOL_EXIT_READER_GONE (128 + 13) /* what SIGPIPE would have given */

/*
 * "smolsh: what failed: why; try: the mend" on stderr, then up to ten indented lines of a dead
 * VM's console; with --json the envelope {"ok":false,"error":…}. Ends the command's answer.
 */
void smol_out_error(struct smol_shell *sh, const struct smol_err *err);
/* The same beside an answer that goes on (one of several VMs): never an envelope. */
void smol_out_trouble(struct smol_shell *sh, const struct smol_err *err);
/* "smolsh: …" on stderr; not with --quiet or --json. */
void smol_out_notice(struct smol_shell *sh, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, only with --verbose. */
void smol_out_detail(struct smol_shell *sh, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A question on the terminal, answered by y or n, no by default: 1 yes, 0 no, -1 when there is no
 * terminal to ask on (or --json).
 */
int smol_out_ask(struct smol_shell *sh, const char *question);

/* --json: the envelope {"ok":true,"data":data}; takes data. Only where sh->json. */
void smol_out_data(struct smol_shell *sh, cJSON *data);
/* --json, several VMs of which some failed: {"ok":false,"data":…,"error":…}; takes data. */
void smol_out_data_failed(struct smol_shell *sh, cJSON *data, const struct smol_err *err);
/* One JSON line that is no envelope; takes line. */
void smol_out_line(cJSON *line);
/*
 * Has everything printed reached stdout? 0; -1 with *err (disk full); SMOL_EXIT_READER_GONE when
 * whoever read it has closed the pipe: one leaves quietly then.
 */
int smol_out_flush(struct smol_err *err);

/* Text on one line: control characters, line ends and invalid bytes become \xNN. Caller frees. */
char *smol_out_one_line(const char *s);

/* A table whose columns are aligned by display width. Cells are copied. */
struct smol_table;
/* headers: NULL-terminated; those that start with '>' are aligned to the right. */
struct smol_table *smol_table_new(const char *const *headers);
/* One row; cells as many as there are headers. */
void smol_table_row(struct smol_table *t, const char *const *cells);
/* A list as data with --json, else as a table of which add() makes a row of each; takes list. */
void smol_out_list(struct smol_shell *sh, cJSON *list, const char *const *headers,
    void (*add)(struct smol_table *t, const cJSON *one));
/* Print to stdout; the last column is cut at `width` columns of all (0: not at all). */
void smol_table_print(const struct smol_table *t, bool headers, int width);
void smol_table_free(struct smol_table *t);
/* Columns that s takes on a terminal. */
int smol_text_width(const char *s);
/* Columns of the terminal on stdout; 0 when it is none. */
int smol_out_width(void);
/* The same, unless the shell was told of others. */
int smol_out_columns(const struct smol_shell *sh);

#endif
