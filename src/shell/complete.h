/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What could stand where the cursor is, from the command table and from what there is: verbs,
 * options, values, VMs, labels, images, files, and what running guests say of their jobs and files;
 * each with a word of help. Nothing is made by looking: no directory, no database.
 */
#ifndef SMOL_SHELL_COMPLETE_H
#define SMOL_SHELL_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "shell/command.h"

#define SMOL_CANDIDATES_MAX 4096

struct smol_candidate {
	char *text;   /* what is meant: "web", "--memory" */
	char *insert; /* what the line is to hold instead of [start, end): quoted where needed */
	char *help;   /* a word of help, or "" */
	bool open;    /* more of the same word may follow (a directory): no space behind it */
};

struct smol_completion {
	struct smol_candidate *list; /* sorted by text, each once */
	int n;
	size_t start, end; /* bytes of the line that a candidate replaces */
};

/* What there is of a kind, beginning with prefix: called for values and words; adds candidates. vm:
 * the word before it that names a VM, or NULL. */
typedef void (*smol_complete_source)(void *ctx, enum smol_complete kind, const char *vm,
    const char *prefix, struct smol_completion *out);

/*
 * The candidates at the cursor (a byte offset into the line of at most its length). An empty list
 * where nothing is known, as of most words of a guest command. *out is to be freed with
 * smol_completion_free().
 */
void smol_complete_line(const char *line, size_t cursor, smol_complete_source source, void *ctx,
    struct smol_completion *out);
/* The source of the real world: registry, images, files, guests (complete_guest.h says how long a
 * guest may take). ctx: const int *, how many VMs "@marked" stands for; NULL: there are no marks.
 */
void smol_complete_host(void *ctx, enum smol_complete kind, const char *vm, const char *prefix,
    struct smol_completion *out);
/* For sources: another candidate. Copies. */
void smol_completion_add(
    struct smol_completion *out, const char *text, const char *help, bool open);
void smol_completion_free(struct smol_completion *c);

#endif
