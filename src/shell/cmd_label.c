/* SPDX-License-Identifier: GPL-3.0-or-later */
/* label: words on VMs by which they can be selected. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/output.h"
#include "shell/vm_json.h"

/* The words, by what they are; the arrays are NULL-terminated. */
struct words {
	const char **vms, **set;
	char **keys; /* those of unset without their '-'; owned, each */
	int nvms, nset, nunset;
};

static void free_words(struct words *w)
{
	for (int i = 0; i < w->nunset; i++)
		free(w->keys[i]);
	free(w->keys);
	free(w->vms);
	free(w->set);
}

/* Behind the first VM "K=V" sets, "K-" removes, and the rest are further VMs. */
static void sort_words(const struct smol_args *args, struct words *w)
{
	size_t size = ((size_t)args->nwords + 1) * sizeof(char *);

	*w = (struct words){
	    .vms = smol_alloc(size), .set = smol_alloc(size), .keys = smol_alloc(size)};
	for (int i = 0; i < args->nwords; i++) {
		const char *s = args->words[i];
		size_t n = strlen(s);

		if (i && *s != '@' && strchr(s, '='))
			w->set[w->nset++] = s;
		else if (i && *s != '@' && n > 1 && s[n - 1] == '-')
			w->keys[w->nunset++] = smol_strndup(s, n - 1);
		else
			w->vms[w->nvms++] = s;
	}
}

static int check(const struct words *w, struct smol_err *err)
{
	for (int i = 0; i < w->nset; i++)
		if (smol_pair_check(SMOL_PAIRS_LABELS, w->set[i], true, err) < 0)
			return -1;
	for (int i = 0; i < w->nunset; i++)
		if (smol_pair_check(SMOL_PAIRS_LABELS, w->keys[i], false, err) < 0)
			return -1;
	return 0;
}

static int label_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	smol_auto(free_words) struct words w;
	smol_auto_vm struct smol_vm *now = NULL;
	smol_auto_free char *text = NULL;

	sort_words(args, &w);
	if ((w.nset || w.nunset) &&
	    smol_registry_change_pairs(sh->registry, vm->id, SMOL_PAIRS_LABELS, w.set,
		(const char *const *)w.keys, err) < 0)
		return -1;
	now = smol_registry_find(sh->registry, vm->id, err);
	if (!now)
		return -1;
	if (sh->json) {
		*data = cJSON_CreateObject();
		smol_json_add_str(*data, "name", now->name);
		cJSON_AddItemToObject(*data, "labels", cJSON_Duplicate(now->labels, true));
	} else if (!sh->quiet) {
		text = smol_vm_labels_text(now);
		printf("%s: %s\n", now->name, *text ? text : "no labels");
	}
	return 0;
}

static int run_label(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto(free_words) struct words w;
	smol_auto_each struct smol_each e = {0};

	sort_words(args, &w);
	if (check(&w, err) < 0 || smol_each_words(sh, w.vms, w.nvms, &e, err) < 0)
		return -1;
	return smol_each_act(sh, &e, args, label_one, err);
}

static const struct smol_positional label_words[] = {
    {"VM", SMOL_ONE, "one, or several as a,b or @role=web; more words may follow", SMOL_COMPLETE_VM,
	NULL},
    {"LABEL", SMOL_ANY, "K=V sets a label, K- removes it; none shows them", SMOL_COMPLETE_LABEL,
	NULL},
    {0},
};

const struct smol_command smol_cmd_label[] = {
    {
	.name = "label",
	.summary = "set, remove or show labels of VMs",
	.description =
	    "Labels select: @role=web are the VMs whose label role is web, @role those that\n"
	    "have it. Selectors stand wherever VMs are named; `smolsh list --labels` shows\n"
	    "who has which.",
	.examples = "smolsh label web role=web tier=1\n"
		    "smolsh label @role=web tier-\n"
		    "smolsh label @all",
	.positionals = label_words,
	.run = run_label,
    },
    {0},
};
