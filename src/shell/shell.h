/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shell that runs commands: what the program was told about all of them, and what belongs to
 * the one that runs. There is one per process.
 */
#ifndef SMOL_SHELL_SHELL_H
#define SMOL_SHELL_SHELL_H

#include <stdbool.h>

#include "base/err.h"
#include "shell/signals.h"
#include "vm/registry.h"

struct smol_shell {
	bool json, quiet, verbose; /* of the command that runs */
	bool keep_going;	   /* a script goes on after a failure */
	int columns;		   /* where what is printed is shown; 0: the terminal's */
	bool stdin_taken;	   /* the script itself came from stdin */
	bool color_out, color_err;

	/* The screen: a command that is not LOCAL is given to this and not run. The exit code. */
	int (*hand_on)(struct smol_shell *sh, const char *const *words, int nwords);
	void *hand_on_ctx;

	struct smol_source *source; /* the file that is read, of source.c; or NULL */
	const char *file;	    /* the script's name in messages, or NULL; not owned */
	unsigned line;		    /* in it; 0: not known */

	bool interrupted;		/* Ctrl-C ended a command: the script ends, too */
	bool answered;			/* --json: the command has printed its envelope */
	bool printed;			/* something stands above already: an empty line first */
	struct smol_registry *registry; /* opened when first asked for; owned */
};

/* The registry, opened once per process. NULL and *err. Owned by sh. */
struct smol_registry *smol_shell_registry(struct smol_shell *sh, struct smol_err *err);
/* A VM by name or id, reconciled with reality; SMOL_E_USAGE for a word that can name several. The
 * caller frees it. */
struct smol_vm *smol_shell_vm(struct smol_shell *sh, const char *word, struct smol_err *err);
/* Was it an ephemeral VM whose monitor has died? Reconciling has then removed it. */
bool smol_shell_vm_gone(const struct smol_vm *vm);
/*
 * A wait was given up (SMOL_E_INTERRUPTED): the command and its script end. Returns the exit code
 * of the signal that came, 128+n; says nothing but with --json.
 */
int smol_shell_interrupted(
    struct smol_shell *sh, struct smol_signals *signals, const struct smol_err *err);
void smol_shell_close(struct smol_shell *sh);

/* Run one command: parse, run, print its error. Returns the exit code. */
int smol_shell_command(struct smol_shell *sh, const char *const *words, int nwords);
/*
 * Run a text command by command. It is taken apart before anything runs: a text with an open quote
 * runs nothing. Stops at the first command that does not give 0 unless sh->keep_going. Returns the
 * exit code of the last failure, or 0.
 */
int smol_shell_text(struct smol_shell *sh, const char *text, size_t n);
/* --dry-run: each command's words as a JSON array, a line each; nothing is run. */
int smol_shell_dry_run(struct smol_shell *sh, const char *text, size_t n);

#define smol_auto_shell __attribute__((cleanup(smol_shell_close)))

#endif
