/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words → arguments, by the command table. Long options are taken as `--opt value` and
 * `--opt=value`, never abbreviated; letters may be bundled; `--` ends the options.
 */
#ifndef SMOL_SHELL_PARSE_H
#define SMOL_SHELL_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "shell/command.h"

struct smol_arg {
	const struct smol_option *option;
	const char *text; /* the value; NULL for a flag; not owned */
	int64_t num;	  /* INT, MEMORY (MiB), DURATION (ms), ENUM (index) */
};

/* Strings belong to the words that were parsed, which must outlive this. */
struct smol_args {
	const struct smol_command *command; /* the verb's verb, where there is one */
	struct smol_arg *given;
	int ngiven;
	const char **words; /* positionals, NULL-terminated */
	int nwords;
	const char **guest; /* the guest command, NULL-terminated */
	int nguest;
	bool dashes; /* a "--" stood before it */
};

/*
 * words[0] is the verb. -1 with SMOL_E_USAGE (unknown command or option: the nearest as hint; a
 * value or word missing or too much) or SMOL_E_INVALID (a value that cannot be taken). *args is to
 * be freed in either case; args->command is set as far as it was understood. With --help among the
 * options, missing words are no error.
 */
int smol_parse(const char *const *words, int nwords, struct smol_args *args, struct smol_err *err);
/*
 * Options alone, from words[0], up to the first word that is none (global options of the program).
 * Returns how many words were taken, or -1.
 */
int smol_parse_options(const struct smol_command *cmd, const char *const *words, int nwords,
    struct smol_args *args, struct smol_err *err);
/* Does --json stand among the words before "--"? For the answer to words that cannot be taken. */
bool smol_parse_wants_json(const char *const *words, int nwords);
void smol_args_free(struct smol_args *args);

bool smol_args_flag(const struct smol_args *args, const char *option);
/* The last one given, or NULL. */
const char *smol_args_str(const struct smol_args *args, const char *option);
/* The last one given, or absent. */
int64_t smol_args_int(const struct smol_args *args, const char *option, int64_t absent);
/* All of a LIST in order as an array of copies, NULL-terminated; NULL when none was given. Free
 * each and the array. */
char **smol_args_list(const struct smol_args *args, const char *option);

/* "64M", "1.5G", a bare number is MiB → MiB; -1 for anything else. */
int smol_parse_mib(const char *text, int64_t *mib);

#define smol_auto_args __attribute__((cleanup(smol_args_free)))

#endif
