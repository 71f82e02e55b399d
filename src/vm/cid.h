/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which CIDs a VM's id gives; that one is free is the registry's business. */
#ifndef SMOL_VM_CID_H
#define SMOL_VM_CID_H

#include <stdint.h>

/* The CID that a VM's id gives, for the n-th try. In [SMOL_CID_MIN, SMOL_CID_MAX]. */
uint32_t smol_cid_derive(const char *id, unsigned n);

#endif
