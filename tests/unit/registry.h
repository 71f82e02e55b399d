/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry of a test's own home. Behind cmocka.h. */
#ifndef SMOL_TEST_REGISTRY_H
#define SMOL_TEST_REGISTRY_H

#include "tests/unit/home.h"
#include "vm/registry.h"

/* The caller closes it. */
static struct smol_registry *open_registry(void)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_registry *r = smol_registry_open(&err);

	if (!r)
		fail_msg("%s", err.msg);
	return r;
}

#endif
