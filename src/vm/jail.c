/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jails: see jail.h. */
#include "vm/jail.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

int smol_jail_user(const char *text, uid_t *uid, gid_t *gid, struct smol_err *err)
{
	const char *colon = strchr(text, ':');
	smol_auto_free char *user =
	    smol_strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	struct passwd *pw = getpwnam(user);
	int64_t u = pw ? pw->pw_uid : 0, g = pw ? pw->pw_gid : 0;
	bool ok = pw || smol_parse_int(user, 1, UINT32_MAX - 1, &u) == 0;

	if (!pw)
		g = u;
	if (colon)
		ok = ok && smol_parse_int(colon + 1, 1, UINT32_MAX - 1, &g) == 0;
	if (!ok || u == 0) {
		smol_auto_free char *safe = smol_escape(text, strlen(text));

		smol_err_set(err, SMOL_E_INVALID,
		    "'%s' is no user for a jail: a name or UID:GID, not root", safe);
		return smol_err_hint(err, "--jailer nobody");
	}
	*uid = (uid_t)u;
	*gid = (gid_t)g;
	return 0;
}

char *smol_jail_base(void)
{
	const char *home = getenv("SMOLSH_HOME");

	return home && *home == '/' ? smol_asprintf("%s/jail", home) : smol_strdup("/srv/jailer");
}

char *smol_vm_jail_dir(const struct smol_vm *vm)
{
	const char *program = vm->config.firecracker,
		   *slash = program ? strrchr(program, '/') : NULL;
	smol_auto_free char *base = NULL;

	if (!vm->config.jailer || !slash)
		return NULL;
	base = smol_jail_base();
	return smol_asprintf("%s/%s/%s", base, slash + 1, vm->id);
}
