/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words that name more than one VM: see select.h. */
#include "shell/select.h"

#include <fnmatch.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

bool smol_select_many(const char *part)
{
	return *part == '@' || strpbrk(part, "*?[") != NULL;
}

bool smol_select_several(const char *word)
{
	return smol_select_many(word) || strchr(word, ',') != NULL;
}

/* The state of that name, or SMOL_VM__COUNT. */
static enum smol_vm_state state_of(const char *name)
{
	enum smol_vm_state s = 0;

	while (s < SMOL_VM__COUNT && strcmp(smol_vm_state_name(s), name) != 0)
		s++;
	return s;
}

int smol_select_check(const char *part, struct smol_err *err)
{
	const char *eq = strchr(part, '=');
	smol_auto_free char *safe = smol_escape(part, strnlen(part, 100));
	smol_auto_free char *key = NULL;

	if (*part != '@')
		return 0;
	key = eq ? smol_strndup(part + 1, (size_t)(eq - part) - 1) : smol_strdup(part + 1);
	if (smol_pair_check(SMOL_PAIRS_LABELS, key, false, NULL) == 0)
		return 0;
	smol_err_set(err, SMOL_E_USAGE, "'%s' selects nothing", safe);
	return smol_err_hint(err, "@all, @running, @LABEL or @LABEL=VALUE");
}

bool smol_select_fits(const char *part, const struct smol_vm *vm)
{
	const char *name = part + 1, *eq = strchr(part, '=');
	smol_auto_free char *key = NULL;
	enum smol_vm_state state;
	const char *value;

	if (*part != '@')
		return fnmatch(part, vm->name, 0) == 0;
	if (strcmp(name, "all") == 0)
		return true;
	state = state_of(name);
	if (state != SMOL_VM__COUNT)
		return vm->state == state;
	key = eq ? smol_strndup(name, (size_t)(eq - name)) : smol_strdup(name);
	value = smol_json_str(vm->labels, key);
	return value && (!eq || strcmp(value, eq + 1) == 0);
}

int smol_select_none(const char *part, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(part, strnlen(part, 100));

	smol_err_set(err, SMOL_E_NOT_FOUND, "no VM fits '%s'", safe);
	return smol_err_hint(err, "smolsh list --labels");
}
