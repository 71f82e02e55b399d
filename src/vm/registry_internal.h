/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the registry's files share and nobody else sees. */
#ifndef SMOL_VM_REGISTRY_INTERNAL_H
#define SMOL_VM_REGISTRY_INTERNAL_H

#include <sqlite3.h>

#include "vm/registry.h"

struct smol_registry {
	sqlite3 *db;
	char *path;
};

static inline void smol_auto_stmt_fn(sqlite3_stmt **st)
{
	sqlite3_finalize(*st);
}
#define smol_auto_stmt __attribute__((cleanup(smol_auto_stmt_fn)))

/* Turn SQLite's last error into ours, with its mend; -1. */
int smol_registry_fail(struct smol_registry *r, const char *what, struct smol_err *err);
int smol_registry_exec(struct smol_registry *r, const char *sql, struct smol_err *err);
/* NULL with *err set. Finalise with smol_auto_stmt. */
sqlite3_stmt *smol_registry_prepare(struct smol_registry *r, const char *sql, struct smol_err *err);
int smol_registry_new_token(char token[SMOL_TOKEN_LEN + 1], struct smol_err *err);
/* In the caller's transaction: the CID asked for, or the first free one that the id gives. */
int smol_registry_reserve_cid(struct smol_registry *r, struct smol_vm *vm, struct smol_err *err);

#endif
