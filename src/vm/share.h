/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Directories of the host that a VM shares, by virtiofs: what is written on either side is there on
 * the other. The guest finds each at a place of its own.
 */
#ifndef SMOL_VM_SHARE_H
#define SMOL_VM_SHARE_H

#include <stdbool.h>

#include "base/err.h"
#include "proto/json.h"

#define SMOL_SHARES_MAX	    8
#define SMOL_SHARE_PATH_MAX 1024 /* bytes of either path */

struct smol_share {
	char *host;  /* a directory, absolute, links resolved */
	char *guest; /* absolute, without "." and ".." */
	bool readonly;
};

struct smol_shares {
	struct smol_share share[SMOL_SHARES_MAX];
	int n;
};

void smol_shares_free(struct smol_shares *s);
/* Add "HOSTDIR:GUESTDIR" or "HOSTDIR:GUESTDIR:ro". SMOL_E_INVALID says what is wrong with it. */
int smol_shares_add(struct smol_shares *s, const char *text, struct smol_err *err);
cJSON *smol_shares_encode(const struct smol_shares *s);
/* NULL: none. Adds to *s, which is the caller's to free in any case. */
int smol_shares_decode(const cJSON *j, struct smol_shares *s, struct smol_err *err);

#endif
