/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A home of a test's own, made for it and removed with all that is in it. Behind cmocka.h. */
#ifndef SMOL_TEST_HOME_H
#define SMOL_TEST_HOME_H

#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"

static char home[64];

static int setup(void **state)
{
	(void)state;
	snprintf(home, sizeof(home), "/tmp/smolsh-test-XXXXXX");
	assert_non_null(mkdtemp(home));
	/* No test uses the vsock of the host that it runs on. */
	setenv("SMOLSH_VHOST_VSOCK", "/nonexistent/vhost-vsock", 1);
	return setenv("SMOLSH_HOME", home, 1);
}

static int teardown(void **state)
{
	(void)state;
	return smol_rmdir_r(home, NULL);
}

#endif
