/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Firecracker backend. */
#ifndef SMOL_BACKEND_FIRECRACKER_H
#define SMOL_BACKEND_FIRECRACKER_H

#include "backend/backend.h"
#include "backend/fc_version.h"

#define SMOL_FC_PROGRAM	 "firecracker"
/* vCPUs: 1 to 32 (MachineConfiguration of its API). */
#define SMOL_FC_CPUS_MAX 32

extern const struct smol_backend_info smol_backend_firecracker_info; /* firecracker_info.c */
extern const struct smol_backend_ops smol_backend_firecracker;	     /* firecracker.c */

/*
 * What is run: the one that was named (--firecracker), else the first in PATH. Its path (malloc'd,
 * caller frees) and its version, which is one that can run the image's guests; NULL and
 * SMOL_E_DEPENDENCY or SMOL_E_UNSUPPORTED with what would help.
 *
 * The one in PATH is only taken where KVM can be used: it knows nothing else. Whoever names one is
 * believed that it can run here, and hears from itself when it cannot.
 */
char *smol_fc_find(const char *named, struct smol_fc_version *version, struct smol_err *err);

#endif
