/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tap device of the host: a network interface whose other end is a VM. */
#ifndef SMOL_VM_NETTAP_H
#define SMOL_VM_NETTAP_H

#include "base/err.h"

#define SMOL_NETTAP_NAME_MAX 15 /* bytes: IFNAMSIZ without its NUL */

/* A name that an interface can have. SMOL_E_INVALID. */
int smol_nettap_name_check(const char *name, struct smol_err *err);
/* There is such an interface, and it is a tap device. SMOL_E_INVALID, with how to make one. */
int smol_nettap_check(const char *name, struct smol_err *err);
/* Its other end, for a hypervisor (caller closes), or -1: SMOL_E_PERMISSION, SMOL_E_STATE (another
 * program has it). It is never made here. */
int smol_nettap_open(const char *name, struct smol_err *err);
/* The guest's address on it, from the VM's id: the same at each start. */
void smol_nettap_mac(const char *id, char mac[18]);

#endif
