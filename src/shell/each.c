/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One act on several VMs: see each.h. */
#include "shell/each.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/output.h"
#include "shell/select.h"
#include "vm/lifecycle.h"

#define INTERVAL_MIN_MS 200

const struct smol_option smol_all_options[] = {
    {.name = "all", .letter = 'a', .help = "all VMs"},
    {0},
};

const struct smol_option smol_watch_options[] = {
    {.name = "watch", .letter = 'w', .help = "again and again, until Ctrl-C"},
    {.name = "interval",
	.type = SMOL_OPTION_DURATION,
	.arg = "TIME",
	.help = "with --watch: between two rounds (2s)"},
    {0},
};

int64_t smol_watch_interval(const struct smol_args *args)
{
	int64_t ms = smol_args_int(args, "interval", 2000);

	return ms < INTERVAL_MIN_MS ? INTERVAL_MIN_MS : ms;
}

const struct smol_positional smol_vms_words[] = {
    {"VM", SMOL_ANY, "names, ids, lists (a,b), patterns (web-*), @all, @running, @role=web",
	SMOL_COMPLETE_VM, NULL},
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

void smol_each_free(struct smol_each *e)
{
	smol_vm_list_free(e->vms);
	for (int i = 0; i < e->nmissed; i++)
		smol_err_clear(&e->missed[i].err);
	free(e->missed);
	*e = (struct smol_each){0};
}

static bool holds(const struct smol_each *e, const char *id)
{
	for (int i = 0; i < e->nvms; i++)
		if (strcmp(e->vms[i]->id, id) == 0)
			return true;
	return false;
}

/* Takes vm. */
static void put_vm(struct smol_each *e, struct smol_vm *vm)
{
	e->vms = smol_realloc(e->vms, ((size_t)e->nvms + 2) * sizeof(*e->vms));
	e->vms[e->nvms++] = vm;
	e->vms[e->nvms] = NULL;
}

/* Of all VMs those that are still there; one that cannot be reconciled stays and fails later. */
static int find_all(struct smol_shell *sh, struct smol_each *e, struct smol_err *err)
{
	struct smol_registry *r = smol_shell_registry(sh, err);
	int bad = 0;

	e->vms = r ? smol_registry_list(r, &bad, err) : NULL;
	for (int i = 0; e->vms && e->vms[i]; i++) {
		smol_auto_err struct smol_err ignored = SMOL_ERR_INIT;
		struct smol_vm *vm = e->vms[i];
		int rc = smol_vm_reconcile(r, vm, &ignored);

		if ((rc < 0 && ignored.code == SMOL_E_NOT_FOUND) || smol_shell_vm_gone(vm))
			smol_vm_free(vm);
		else
			e->vms[e->nvms++] = vm;
	}
	if (e->vms)
		e->vms[e->nvms] = NULL;
	return e->vms ? 0 : -1;
}

/* All VMs that a selector or pattern chooses, none of them twice. -1: there is none. */
static int find_fitting(
    struct smol_shell *sh, const char *part, struct smol_each *e, struct smol_err *err)
{
	smol_auto_each struct smol_each all = {0};
	bool any = false;
	int kept = 0;

	if (smol_select_check(part, err) < 0 || find_all(sh, &all, err) < 0)
		return -1;
	for (int i = 0; i < all.nvms; i++) {
		struct smol_vm *vm = all.vms[i];
		bool fits = smol_select_fits(part, vm);

		any = any || fits;
		if (fits && !holds(e, vm->id))
			put_vm(e, vm);
		else
			all.vms[kept++] = vm;
	}
	all.vms[kept] = NULL;
	return any ? 0 : smol_select_none(part, err);
}

/* A VM is found by the beginning of its name, too, which may be another's whole name that is gone.
 */
static int refuse_beginning(const struct smol_vm *vm, const char *part, struct smol_err *err)
{
	if (strcmp(vm->name, part) == 0 || strncmp(vm->id, part, strlen(part)) == 0)
		return 0;
	smol_err_set(err, SMOL_E_NOT_FOUND, "no VM '%s', and a whole name is needed here", part);
	return smol_err_hint(err, "did you mean '%s'?", vm->name);
}

/* A name, a selector or a pattern. */
static int find_part(
    struct smol_shell *sh, const char *part, struct smol_each *e, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = NULL;

	if (!*part)
		return smol_err_set(err, SMOL_E_USAGE, "a list of VMs with an empty name in it");
	if (smol_select_many(part))
		return find_fitting(sh, part, e, err);
	vm = smol_shell_vm(sh, part, err);
	if (!vm || (e->whole && refuse_beginning(vm, part, err) < 0))
		return -1;
	if (!holds(e, vm->id))
		put_vm(e, smol_steal(&vm));
	return 0;
}

/* One word: a list of at most so many parts, all of which have to fit something. */
static int find_word(
    struct smol_shell *sh, const char *word, struct smol_each *e, struct smol_err *err)
{
	for (int n = 0;; n++) {
		size_t len = strcspn(word, ",");
		smol_auto_free char *part = smol_strndup(word, len);

		if (n == SMOL_SELECT_PARTS)
			return smol_err_set(
			    err, SMOL_E_LIMIT, "a list of more than %d VMs", SMOL_SELECT_PARTS);
		if (find_part(sh, part, e, err) < 0)
			return -1;
		if (!word[len])
			return 0;
		word += len + 1;
	}
}

/* A word that fits no VM does not keep the others from their turn; a broken registry does. */
static int find_words(struct smol_shell *sh, const char *const *words, int nwords,
    struct smol_each *e, struct smol_err *err)
{
	e->single = nwords == 1 && !smol_select_several(words[0]);
	e->vms = smol_alloc(sizeof(*e->vms));
	e->missed = smol_alloc(((size_t)nwords + 1) * sizeof(*e->missed));
	for (int i = 0; i < nwords; i++) {
		smol_auto_err struct smol_err why = SMOL_ERR_INIT;
		struct smol_each_miss *miss = &e->missed[e->nmissed];

		if (find_word(sh, words[i], e, &why) == 0)
			continue;
		if (nwords == 1 || (why.code != SMOL_E_NOT_FOUND && why.code != SMOL_E_INVALID))
			return smol_err_move(err, &why);
		miss->word = words[i];
		smol_err_move(&miss->err, &why);
		e->nmissed++;
	}
	return 0;
}

int smol_each_words(struct smol_shell *sh, const char *const *words, int nwords,
    struct smol_each *e, struct smol_err *err)
{
	*e = (struct smol_each){0};
	return find_words(sh, words, nwords, e, err);
}

int smol_each_find(
    struct smol_shell *sh, const struct smol_args *args, struct smol_each *e, struct smol_err *err)
{
	bool all = smol_args_flag(args, "all");

	*e = (struct smol_each){.whole = (args->command->flags & SMOL_COMMAND_WHOLE) != 0};
	if (all == !!args->nwords) {
		smol_err_set(err, SMOL_E_USAGE,
		    all ? "%s: either VMs or --all, not both" : "%s needs a VM, or --all",
		    args->command->name);
		return smol_err_hint(err, "smolsh help %s", args->command->name);
	}
	return all ? find_all(sh, e, err) : find_words(sh, args->words, args->nwords, e, err);
}

/* What came of it for several VMs. */
struct tally {
	struct smol_shell *sh;
	cJSON *list; /* --json, or NULL; owned */
	struct smol_err first;
	int worst;
};

static void count(
    struct tally *t, const char *name, int code, cJSON *data, const struct smol_err *err)
{
	bool failed = code < 0;

	t->worst = smol_each_worse(t->worst, failed ? smol_err_exit_code(err) : code);
	if (failed && t->first.code == SMOL_E_NONE) {
		smol_err_set(&t->first, err->code, "%s", err->msg ? err->msg : "failed");
		if (err->hint)
			smol_err_hint(&t->first, "%s", err->hint);
	}
	if (!t->list) {
		if (failed)
			smol_out_trouble(t->sh, err);
		cJSON_Delete(data);
		return;
	}
	data = data ? data : cJSON_CreateObject();
	if (!smol_json_get(data, "name"))
		smol_json_add_str(data, "name", name);
	smol_json_add_bool(data, "ok", !failed);
	if (failed)
		cJSON_AddItemToObject(data, "error", smol_json_from_err(err));
	cJSON_AddItemToArray(t->list, data);
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

int smol_each_act(struct smol_shell *sh, struct smol_each *e, const struct smol_args *args,
    smol_each_fn act, struct smol_err *err)
{
	struct tally t = {.sh = sh};

	if (e->single && e->nvms)
		return act_on_one(sh, e->vms[0], args, act, err);
	t.list = sh->json ? cJSON_CreateArray() : NULL;
	for (int i = 0; i < e->nvms && !sh->interrupted; i++) {
		smol_auto_err struct smol_err why = SMOL_ERR_INIT;
		cJSON *data = NULL;
		int code = act(sh, e->vms[i], args, &data, &why);

		count(&t, e->vms[i]->name, code, data, &why);
	}
	for (int i = 0; i < e->nmissed; i++)
		count(&t, e->missed[i].word, -1, NULL, &e->missed[i].err);
	if (t.list && t.first.code != SMOL_E_NONE)
		smol_out_data_failed(sh, t.list, &t.first);
	else if (t.list)
		smol_out_data(sh, t.list);
	smol_err_clear(&t.first);
	return t.worst;
}

int smol_each_run(
    struct smol_shell *sh, const struct smol_args *args, smol_each_fn act, struct smol_err *err)
{
	smol_auto_each struct smol_each e;

	if (smol_each_find(sh, args, &e, err) < 0)
		return -1;
	return smol_each_act(sh, &e, args, act, err);
}
