/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command table. Each cmd_<noun>.c has one const array of commands; the parser, `help`,
 * completion and the manual are made from it, and a unit test checks it.
 */
#ifndef SMOL_SHELL_COMMAND_H
#define SMOL_SHELL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct smol_shell;
struct smol_args;

enum smol_option_type {
	SMOL_OPTION_FLAG,
	SMOL_OPTION_STRING,
	SMOL_OPTION_LIST,     /* a string that may be given many times */
	SMOL_OPTION_INT,      /* min…max */
	SMOL_OPTION_MEMORY,   /* "64M", "1.5G", a bare number is MiB; value in MiB */
	SMOL_OPTION_DURATION, /* "10", "500ms", "5m"; value in ms */
	SMOL_OPTION_ENUM,     /* one of values */
};

/* What completion offers for a value. */
enum smol_complete {
	SMOL_COMPLETE_NONE,
	SMOL_COMPLETE_FILE,
	SMOL_COMPLETE_DIR,
	SMOL_COMPLETE_VM,
	SMOL_COMPLETE_PLACE, /* a file, or VM: */
	SMOL_COMPLETE_IMAGE,
	SMOL_COMPLETE_LABEL,	  /* K=V, K-, or another VM */
	SMOL_COMPLETE_JOB,	  /* of the VM that the line names; so are these two */
	SMOL_COMPLETE_LIVE_JOB,	  /* that is not over */
	SMOL_COMPLETE_GUEST_FILE, /* in no table: a guest command's word that begins with / */
	SMOL_COMPLETE_COMMAND,	  /* verbs and topics of `help` */
	SMOL_COMPLETE_SETTING,
	SMOL_COMPLETE_VALUE, /* of the setting that is the first word */
	SMOL_COMPLETE_ALIAS,
	SMOL_COMPLETE_KEY,
	SMOL_COMPLETE_LINE,   /* a command with its words begins here */
	SMOL_COMPLETE_ACTION, /* the same, or what a key can do */
};

struct smol_option {
	const char *name; /* without "--"; NULL ends an array */
	char letter;	  /* 0: none */
	enum smol_option_type type;
	const char *arg;	   /* what its value is called in help; NULL for a flag */
	const char *help;	   /* one line, no full stop */
	const char *absent;	   /* what holds where it is not given, for people; or NULL */
	const char *const *values; /* NULL-terminated; ENUM: all there are; STRING: some */
	int64_t min, max;	   /* INT */
	enum smol_complete complete;
	bool required;
	bool empty; /* '' is a value, too; else it is none */
};

enum smol_arity {
	SMOL_ONE,      /* exactly one */
	SMOL_OPTIONAL, /* none or one */
	SMOL_MANY,     /* one or more */
	SMOL_ANY,      /* none or more */
};

struct smol_positional {
	const char *name; /* "VM"; NULL ends an array */
	enum smol_arity arity;
	const char *help;
	enum smol_complete complete;
	const char *const *values; /* or NULL: only these are taken */
};

enum smol_command_flags {
	/* What follows the first positional (exec's VM; for run, nothing) is a guest command: its
	 * words are passed as they are. */
	SMOL_COMMAND_GUEST = 1 << 0,
	SMOL_COMMAND_HIDDEN = 1 << 1, /* in no list */
	SMOL_COMMAND_LOCAL =
	    1
	    << 2, /* changes the shell itself, or asks it: the screen runs it in its own process */
	SMOL_COMMAND_FIRST_VERB = 1 << 3, /* the first of its verbs may be left out */
	/* Options stand before its first word only: the rest is another command's. */
	SMOL_COMMAND_REST = 1 << 4,
	/* What it does to a VM cannot be taken back: the beginning of a name is none of its VMs. */
	SMOL_COMMAND_WHOLE = 1 << 5,
};

#define SMOL_OPTION_SETS 4

struct smol_command {
	const char *name;	 /* NULL ends an array */
	const char *summary;	 /* one line, no full stop */
	const char *description; /* paragraphs for help and the manual, or NULL */
	const char *examples;	 /* lines, or NULL */
	const struct smol_option *options[SMOL_OPTION_SETS]; /* each ends with {0} */
	const struct smol_positional *positionals;
	const struct smol_command *sub; /* its own verbs; then run is NULL */
	unsigned flags;
	/* The exit code (0…255), or -1 with *err. What it prints goes through shell/output.h. */
	int (*run)(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err);
};

/* Every array of commands, NULL-terminated. */
extern const struct smol_command *const smol_command_tables[];
/* Taken by each command: --json, --quiet, --verbose, --help. */
extern const struct smol_option smol_common_options[];

/* Exactly that name, or NULL. */
const struct smol_command *smol_command_find(const char *name);
/* The command's name, or the word of more (NULL-terminated, or NULL), that the word is nearest to;
 * NULL: it is near to none. */
const char *smol_command_nearest(const char *word, const char *const *more);
/* A verb of a command that has some, or NULL. */
const struct smol_command *smol_command_find_sub(const struct smol_command *cmd, const char *name);
/* All visible commands by name, NULL-terminated; caller frees the array. */
const struct smol_command **smol_command_sorted(void);
/* The n-th option set, the common one last; NULL behind it. */
const struct smol_option *smol_command_options(const struct smol_command *cmd, int n);
/* The option of that long name (of len bytes) or letter, or NULL. */
const struct smol_option *smol_command_option(
    const struct smol_command *cmd, const char *name, size_t len);
const struct smol_option *smol_command_letter(const struct smol_command *cmd, char letter);

#endif
