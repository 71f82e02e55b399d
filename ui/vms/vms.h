/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of VMs as the screen shows it: what the registry holds, read again when it changes, with
 * a choice, marks, a filter and an order that stay with their VMs.
 */
#ifndef SMOL_UI_VMS_H
#define SMOL_UI_VMS_H

#include <stdbool.h>

#include "base/err.h"
#include "shell/settings.h"
#include "ui/vms/uses.h"
#include "vm/registry.h"

struct smol_vms {
	struct smol_vm **all; /* by name; NULL-terminated; owned */
	int *shown;	      /* indexes into all of those that the filter lets through, sorted */
	int first;	      /* of those shown, the one in the uppermost row */
	int nshown, nall, nlive, bad;
	char chosen[SMOL_ID_LEN + 1]; /* its id; "" when there is none */
	/* Whom the user chose; while the filter hides it another one is chosen. */
	char wanted[SMOL_ID_LEN + 1];
	char **marks; /* ids; owned */
	int nmarks;
	const char *only; /* the VM of that name is meant, whatever is marked; not owned; or NULL */
	char *filter;	  /* "", text, !text, or a selector (@running); owned */
	char *filter_last;	      /* the last one that was something; or NULL; owned */
	enum smol_sort sort;	      /* as it is sorted */
	const struct smol_uses *uses; /* what they use; NULL: nothing is known; not owned */
	struct smol_registry *registry;
};

void smol_vms_free(struct smol_vms *v);
/* Read all anew. On an error what was there stays. */
int smol_vms_load(struct smol_vms *v, struct smol_err *err);
void smol_vms_set_filter(struct smol_vms *v, const char *filter);
/* By name, else by this and then by name: what is most comes first, what is not known last. */
void smol_vms_sort(struct smol_vms *v, enum smol_sort by);
/* NULL when none is chosen. */
struct smol_vm *smol_vms_chosen(const struct smol_vms *v);
void smol_vms_choose(struct smol_vms *v, const struct smol_vm *vm);
/* Choose the one so many places further down in what is shown. */
void smol_vms_move(struct smol_vms *v, int by);
/* Bring the chosen one among so many rows, moving as little as can be. */
void smol_vms_scroll(struct smol_vms *v, int rows);
bool smol_vms_marked(const struct smol_vms *v, const struct smol_vm *vm);
void smol_vms_mark(struct smol_vms *v, const struct smol_vm *vm, bool on);
/* The names that a key acts on: only, or those marked, or the chosen one. "a,b"; caller frees;
 * NULL: none.
 */
char *smol_vms_targets(const struct smol_vms *v, int *n);
/* Of those the ones in that state. */
char *smol_vms_targets_in(const struct smol_vms *v, enum smol_vm_state state);
/* Is it among those that a word of a command names? */
bool smol_vms_reaches(const struct smol_vms *v, const char *word, const struct smol_vm *vm);
/* The names that a word of a command reaches ("@running", "web-*", "a,b", "web"): "a, b"; caller
 * frees. *n: how many. */
char *smol_vms_reached(const struct smol_vms *v, const char *word, int *n);

#endif
