/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One act on several VMs: see each.h. */
#include "shell/each.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/output.h"
#include "vm/lifecycle.h"

const struct smol_option smol_all_options[] = {
    {.name = "all", .letter = 'a', .help = "all VMs"},
    {0},
};

const struct smol_positional smol_vms_words[] = {
    {"VM", SMOL_ANY, "names, ids, or unambiguous beginnings of either", SMOL_COMPLETE_VM, NULL},
    {0},
};

int smol_each_worse(int a, int b)
{
	if (a == 125 || b == 125)
		return 125;
	if (a == 124 || b == 124)
		return 124;
	return a > b ? a : b;
}

static bool holds(struct smol_vm **list, int n, const char *id)
{
	for (int i = 0; i < n; i++)
		if (strcmp(list[i]->id, id) == 0)
			return true;
	return false;
}

/* Of all VMs those that are still there; one that cannot be reconciled stays and fails later. */
static struct smol_vm **find_all(struct smol_shell *sh, struct smol_err *err)
{
	struct smol_registry *r = smol_shell_registry(sh, err);
	int bad = 0, n = 0;
	struct smol_vm **list = r ? smol_registry_list(r, &bad, err) : NULL;

	for (int i = 0; list && list[i]; i++) {
		smol_auto_err struct smol_err ignored = SMOL_ERR_INIT;
		struct smol_vm *vm = list[i];
		int rc = smol_vm_reconcile(r, vm, &ignored);

		if ((rc < 0 && ignored.code == SMOL_E_NOT_FOUND) || smol_shell_vm_gone(vm))
			smol_vm_free(vm);
		else
			list[n++] = vm;
	}
	if (list)
		list[n] = NULL;
	return list;
}

static struct smol_vm **find_words(
    struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_vm_list struct smol_vm **list =
	    smol_alloc(((size_t)args->nwords + 1) * sizeof(*list));
	int n = 0;

	for (int i = 0; i < args->nwords; i++) {
		smol_auto_vm struct smol_vm *vm = smol_shell_vm(sh, args->words[i], err);

		if (!vm)
			return NULL;
		if (!holds(list, n, vm->id))
			list[n++] = smol_steal(&vm);
	}
	return smol_steal(&list);
}

struct smol_vm **smol_each_find(
    struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	bool all = smol_args_flag(args, "all");

	if (all == !!args->nwords) {
		smol_err_set(err, SMOL_E_USAGE,
		    all ? "%s: either VMs or --all, not both" : "%s needs a VM, or --all",
		    args->command->name);
		smol_err_hint(err, "smolsh help %s", args->command->name);
		return NULL;
	}
	return all ? find_all(sh, err) : find_words(sh, args, err);
}

static cJSON *outcome(const struct smol_vm *vm, const struct smol_err *err, cJSON *data)
{
	cJSON *j = data ? data : cJSON_CreateObject();

	if (!smol_json_get(j, "name"))
		smol_json_add_str(j, "name", vm->name);
	smol_json_add_bool(j, "ok", !err);
	if (err)
		cJSON_AddItemToObject(j, "error", smol_json_from_err(err));
	return j;
}

static int act_on_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    smol_each_fn act, struct smol_err *err)
{
	smol_auto_json cJSON *data = NULL;
	int code = act(sh, vm, args, &data, err);

	if (code >= 0 && sh->json && !sh->answered)
		smol_out_data(sh, smol_steal(&data));
	return code;
}

int smol_each_act(struct smol_shell *sh, struct smol_vm **vms, const struct smol_args *args,
    smol_each_fn act, struct smol_err *err)
{
	smol_auto_err struct smol_err first = SMOL_ERR_INIT;
	cJSON *list;
	int worst = 0;

	if (vms[0] && !vms[1] && !smol_args_flag(args, "all"))
		return act_on_one(sh, vms[0], args, act, err);
	list = cJSON_CreateArray();
	for (; *vms && !sh->interrupted; vms++) {
		smol_auto_err struct smol_err one = SMOL_ERR_INIT;
		cJSON *data = NULL;
		int code = act(sh, *vms, args, &data, &one);
		bool failed = code < 0;

		if (failed) {
			code = smol_err_exit_code(&one);
			if (!sh->json)
				smol_out_trouble(sh, &one);
		}
		cJSON_AddItemToArray(list, outcome(*vms, failed ? &one : NULL, data));
		if (failed && first.code == SMOL_E_NONE)
			smol_err_move(&first, &one);
		worst = smol_each_worse(worst, code);
	}
	if (sh->json && first.code != SMOL_E_NONE)
		smol_out_data_failed(sh, smol_steal(&list), &first);
	else if (sh->json)
		smol_out_data(sh, smol_steal(&list));
	cJSON_Delete(list);
	return worst;
}

int smol_each_run(
    struct smol_shell *sh, const struct smol_args *args, smol_each_fn act, struct smol_err *err)
{
	smol_auto_vm_list struct smol_vm **vms = smol_each_find(sh, args, err);

	return vms ? smol_each_act(sh, vms, args, act, err) : -1;
}
