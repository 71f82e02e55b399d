/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which backend a VM gets, and whether it can do what the VM's configuration asks for. Asked before
 * the VM is registered, so that what cannot work is refused while nothing has been made.
 */
#ifndef SMOL_BACKEND_CHOOSE_H
#define SMOL_BACKEND_CHOOSE_H

#include "backend/backend.h"

/* Can it do all that is asked? SMOL_E_UNSUPPORTED: the option, why not, and what would work. */
int smol_backend_check(
    const struct smol_backend_info *info, const struct smol_vm_config *c, struct smol_err *err);
/*
 * c->backend "auto" becomes a name: the first that can do all that is asked and is usable here. One
 * that was named is kept, or refused with the reason. c->backend_reason says why it is this one.
 * SMOL_E_UNSUPPORTED, SMOL_E_DEPENDENCY or SMOL_E_INVALID; c is as it was then.
 */
int smol_backend_resolve(struct smol_vm_config *c, struct smol_err *err);

#endif
