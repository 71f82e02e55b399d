/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * env: variables that every command in a VM gets, from the registry. Their values may be secrets:
 * they are shown only when asked for.
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/output.h"
#include "shell/vm_json.h"

#define HIDDEN "•••"

/* The command's second and further words. */
static const char *const *pairs_of(const struct smol_args *args)
{
	return args->words + 1;
}

static int show(
    struct smol_shell *sh, const char *id, bool values, cJSON **data, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = smol_registry_find(sh->registry, id, err);
	const cJSON *v;

	if (!vm)
		return -1;
	if (sh->json) {
		*data = cJSON_CreateObject();
		smol_json_add_str(*data, "name", vm->name);
		cJSON_AddItemToObject(*data, "env", smol_vm_env_json(vm, values));
		return 0;
	}
	cJSON_ArrayForEach (v, vm->env) {
		smol_auto_free char *safe = smol_out_one_line(v->valuestring);

		printf("%s: %s=%s\n", vm->name, v->string, values ? safe : HIDDEN);
	}
	return 0;
}

static int set_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	if (smol_registry_change_pairs(
		sh->registry, vm->id, SMOL_PAIRS_ENV, pairs_of(args), NULL, err) < 0)
		return -1;
	return sh->json ? show(sh, vm->id, false, data, err) : 0;
}

static int unset_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	if (smol_registry_change_pairs(
		sh->registry, vm->id, SMOL_PAIRS_ENV, NULL, pairs_of(args), err) < 0)
		return -1;
	return sh->json ? show(sh, vm->id, false, data, err) : 0;
}

static int list_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	return show(sh, vm->id, smol_args_flag(args, "show"), data, err);
}

/* On the VMs that the first word names; what follows is checked before any of them is touched. */
static int run_on(struct smol_shell *sh, const struct smol_args *args, smol_each_fn act,
    bool values, struct smol_err *err)
{
	smol_auto_each struct smol_each e = {0};

	for (const char *const *p = pairs_of(args); *p; p++)
		if (smol_pair_check(SMOL_PAIRS_ENV, *p, values, err) < 0)
			return -1;
	if (smol_each_words(sh, args->words, 1, &e, err) < 0)
		return -1;
	return smol_each_act(sh, &e, args, act, err);
}

static int run_set(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return run_on(sh, args, set_one, true, err);
}

static int run_unset(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return run_on(sh, args, unset_one, false, err);
}

static int run_list(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return run_on(sh, args, list_one, false, err);
}

#define THE_VM                                                                                     \
	{                                                                                          \
		"VM", SMOL_ONE, "one, or several as a,b or @role=web", SMOL_COMPLETE_VM, NULL      \
	}
static const struct smol_positional set_words[] = {
    THE_VM,
    {"K=V", SMOL_MANY, "the variables and their values", SMOL_COMPLETE_NONE, NULL},
    {0},
};
static const struct smol_positional unset_words[] = {
    THE_VM,
    {"NAME", SMOL_MANY, "the variables", SMOL_COMPLETE_NONE, NULL},
    {0},
};
static const struct smol_positional list_words[] = {THE_VM, {0}};

static const struct smol_option list_options[] = {
    {.name = "show", .help = "the values, too"},
    {0},
};

static const struct smol_command verbs[] = {
    {
	.name = "list",
	.summary = "show the variables of a VM, their values hidden",
	.examples = "smolsh env list web --show",
	.options = {list_options},
	.positionals = list_words,
	.run = run_list,
    },
    {
	.name = "set",
	.summary = "set variables of a VM",
	.examples = "smolsh env set web LANG=C.UTF-8 STAGE=test",
	.positionals = set_words,
	.run = run_set,
    },
    {
	.name = "unset",
	.summary = "remove variables of a VM",
	.examples = "smolsh env unset web STAGE",
	.positionals = unset_words,
	.run = run_unset,
    },
    {0},
};

const struct smol_command smol_cmd_env[] = {
    {
	.name = "env",
	.summary = "set, unset and list a VM's environment",
	.description =
	    "The variables are kept with the VM, and each command that is run in it from\n"
	    "then on has them; `exec --env` goes before them.",
	.sub = verbs,
    },
    {0},
};
