/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of the host that a plain user may not use: said at create, and with no mend that is none.
 */
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "vm/disk.h"
#include "vm/share.h"

#define NOBODY 65534

/* That text is refused, with why in the words and with this hint (NULL: none). 0: so it is. */
static int refused(int rc, const struct smol_err *err, const char *why, const char *hint)
{
	bool same = hint ? err->hint && strcmp(err->hint, hint) == 0 : !err->hint;

	if (rc == -1 && err->code == SMOL_E_INVALID && strstr(err->msg, why) && same)
		return 0;
	fprintf(stderr, "%d: %s; try: %s\n", rc, err->msg ? err->msg : "-",
	    err->hint ? err->hint : "-");
	return 1;
}

static int disk(const char *text, const char *hint)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_disks d = {0};
	int rc = smol_disks_add(&d, text, &err), bad = refused(rc, &err, "Permission denied", hint);

	smol_disks_free(&d);
	return bad;
}

static int share(const char *text)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_shares s = {0};
	int rc = smol_shares_add(&s, text, &err),
	    bad = refused(rc, &err, "Permission denied", NULL);

	smol_shares_free(&s);
	return bad;
}

/* In a child: root becomes nobody there, for good. */
static void test_denied(void **state)
{
	char dir[] = "/tmp/smolsh-denied-XXXXXX";
	smol_auto_free char *shared = NULL;
	int status;
	pid_t child;

	(void)state;
	assert_non_null(mkdtemp(dir));
	shared = smol_asprintf("%s:/x", dir);
	if (geteuid() != 0)
		assert_int_equal(chmod(dir, 0), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		int bad = geteuid() == 0 &&
			  (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			      setresuid(NOBODY, NOBODY, NOBODY) < 0);

		/* Read-only would do for one; for the other nothing does. */
		bad += disk("/etc/passwd", "--disk /etc/passwd:ro");
		bad += disk("/etc/shadow", NULL);
		bad += disk("/etc/shadow:ro", NULL);
		bad += share(shared);
		_exit(bad ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_denied)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
