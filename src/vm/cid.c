/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: the hash that gives a VM its CID; apart from the registry, whose library it spares. */
#include "vm/cid.h"

#include "vsock/addr.h"

uint32_t smol_cid_derive(const char *id, unsigned n)
{
	uint64_t h = 0xcbf29ce484222325ULL; /* FNV-1a, 64 bit */

	for (const char *p = id; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	h = (h ^ n) * 0x100000001b3ULL;
	h ^= h >> 32;
	return (uint32_t)(SMOL_CID_MIN + h % (SMOL_CID_MAX - SMOL_CID_MIN + 1ULL));
}
