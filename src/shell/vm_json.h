/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VM as JSON, for every command that prints one. Never the token. */
#ifndef SMOL_SHELL_VM_JSON_H
#define SMOL_SHELL_VM_JSON_H

#include "proto/json.h"
#include "vm/registry.h"

/* Caller deletes. */
cJSON *smol_vm_json(const struct smol_vm *vm);
/* ms since it was ready (*up), since it ended, or since it was made where it never ran. */
int64_t smol_vm_age_ms(const struct smol_vm *vm, bool *up);

/* Its variables; without show their values are null. Caller deletes. */
cJSON *smol_vm_env_json(const struct smol_vm *vm, bool show);
/* "role=web tier=1"; caller frees. */
char *smol_vm_labels_text(const struct smol_vm *vm);

#endif
