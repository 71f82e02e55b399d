/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What has become of the VMs: see notices.h. */
#include "ui/prompt/notices.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/grammar.h"

struct smol_notice_seen {
	char id[SMOL_ID_LEN + 1];
	char *name; /* owned */
	enum smol_vm_state state;
};

/* What there is to say of a VM that has come into a state; what passes by itself is not told. */
static const char *const became[SMOL_VM__COUNT] = {
    [SMOL_VM_CREATED] = "was created",
    [SMOL_VM_RUNNING] = "is running",
    [SMOL_VM_PAUSED] = "is paused",
    [SMOL_VM_STOPPED] = "has stopped",
    [SMOL_VM_DIED] = "died",
};

void smol_notices_free(struct smol_notices *n)
{
	for (int i = 0; i < n->n; i++)
		free(n->seen[i].name);
	free(n->seen);
	*n = (struct smol_notices){0};
}

/* Does a word of the line name it? */
static bool names(const struct smol_vms *v, const char *line, const struct smol_vm *vm)
{
	smol_auto_script struct smol_script script = {0};

	if (smol_grammar_parse(line, strlen(line), &script, NULL) < 0)
		return false;
	for (int i = 0; i < script.n; i++)
		for (int w = 1; w < script.statements[i].nwords; w++)
			if (smol_vms_reaches(v, script.statements[i].words[w].text, vm))
				return true;
	return false;
}

static void tell_safely(smol_notice_fn tell, char *text, bool bad)
{
	smol_auto_free char *own = text;
	smol_auto_free char *safe = smol_escape(own, strlen(own));

	tell(safe, bad);
}

static void tell_state(
    const struct smol_vms *v, const struct smol_vm *vm, const char *ran, smol_notice_fn tell)
{
	bool died = vm->state == SMOL_VM_DIED;

	if (!became[vm->state] || (ran && (!died || names(v, ran, vm))))
		return;
	if (died)
		tell_safely(tell,
		    smol_asprintf("%s died: %s; try: smolsh start %s", vm->name,
			vm->end_cause ?: "nobody knows why", vm->name),
		    true);
	else
		tell_safely(tell, smol_asprintf("%s %s", vm->name, became[vm->state]), false);
}

void smol_notices_update(
    struct smol_notices *n, const struct smol_vms *v, const char *ran, smol_notice_fn tell)
{
	struct smol_notices now = {.seen = smol_alloc(sizeof(*now.seen) * ((size_t)v->nall + 1))};
	int old = 0;

	/* Both are sorted by name. */
	for (int i = 0; i < v->nall; i++) {
		const struct smol_vm *vm = v->all[i];
		struct smol_notice_seen *seen = &now.seen[now.n];
		bool known;

		if (vm->ephemeral)
			continue;
		for (; old < n->n && strcmp(n->seen[old].name, vm->name) < 0; old++)
			if (!ran)
				tell_safely(tell,
				    smol_asprintf("%s was deleted", n->seen[old].name), false);
		known = old < n->n && strcmp(n->seen[old].id, vm->id) == 0;
		if (n->seen && !(known && n->seen[old].state == vm->state))
			tell_state(v, vm, ran, tell);
		old += old < n->n && strcmp(n->seen[old].name, vm->name) == 0;
		snprintf(seen->id, sizeof(seen->id), "%s", vm->id);
		seen->name = smol_strdup(vm->name);
		seen->state = vm->state;
		now.n++;
	}
	for (; old < n->n; old++)
		if (!ran)
			tell_safely(
			    tell, smol_asprintf("%s was deleted", n->seen[old].name), false);
	smol_notices_free(n);
	*n = now;
}
