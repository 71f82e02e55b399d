/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words that name more than one VM: `@all`, a state (`@running`), a label (`@role=web`; `@role`:
 * that has it, whatever it is), a pattern of names (`web-*`), and lists of all these (`a,b`). The
 * characters that make the difference can stand in no name.
 */
#ifndef SMOL_SHELL_SELECT_H
#define SMOL_SHELL_SELECT_H

#include <stdbool.h>

#include "vm/registry.h"

#define SMOL_SELECT_PARTS 256 /* of a list */

/* Is it more than the name of one VM? */
bool smol_select_several(const char *word);
/* Is it, without commas, a selector or a pattern and no plain name? */
bool smol_select_many(const char *part);
/* SMOL_E_USAGE: a selector that can never choose anything, with what there is. */
int smol_select_check(const char *part, struct smol_err *err);
/* Is the VM among those that it chooses? By the state that vm says it is in. */
bool smol_select_fits(const char *part, const struct smol_vm *vm);
/* Nothing was chosen: SMOL_E_NOT_FOUND, and where to look. */
int smol_select_none(const char *part, struct smol_err *err);

#endif
