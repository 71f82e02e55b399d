/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long to wait for a guest that was paused meanwhile: as long as it stands still, and then as
 * long as it stood. What a VM does not live through counts for no timeout.
 */
#ifndef SMOL_SHELL_PATIENCE_H
#define SMOL_SHELL_PATIENCE_H

#include <stdint.h>

#include "vm/registry.h"

struct smol_patience {
	struct smol_registry *registry;
	const struct smol_vm *vm;
	int64_t seen_ms; /* of its pauses, all in all, has been counted; -1: not known */
};

/* One that only waits while it stands still: what it stood before is not known. */
#define SMOL_PATIENCE_INIT(r, v)                                                                   \
	{                                                                                          \
		.registry = (r), .vm = (v), .seen_ms = -1                                          \
	}

/* Begin to wait for vm; both must live as long as *p is asked. */
void smol_patience_begin(
    struct smol_patience *p, struct smol_registry *registry, const struct smol_vm *vm);
/* For smol_client_set_patience(), with a struct smol_patience as its ctx. */
int64_t smol_patience_more(void *p);

#endif
