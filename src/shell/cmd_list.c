/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list: all VMs, reconciled with reality. One bad row, or one broken VM, never hides the others. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/proc.h"
#include "base/text.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "shell/vm_json.h"
#include "vm/lifecycle.h"

static const char *const headers[] = {
    "NAME", "ID", "STATE", "AGE", "IMAGE", ">MEMORY", ">CPUS", ">CID", "CAUSE", NULL};
static const char *const label_headers[] = {"NAME", "STATE", "LABELS", NULL};

static void add_label_row(struct smol_table *t, const struct smol_vm *vm)
{
	smol_auto_free char *labels = smol_vm_labels_text(vm);

	smol_table_row(t, (const char *const[]){vm->name, smol_vm_state_name(vm->state), labels});
}

static void add_row(struct smol_table *t, const struct smol_vm *vm)
{
	char age[16], memory[16], cpus[16], cid[16] = "-";
	smol_auto_free char *since = NULL;
	bool up;

	smol_duration_text(smol_vm_age_ms(vm, &up), age);
	since = smol_asprintf("%s%s", up ? "up " : "", age);
	smol_size_text((uint64_t)vm->config.memory_mib << 20, memory);
	snprintf(cpus, sizeof(cpus), "%d", vm->config.cpus);
	if (vm->config.vsock.enabled)
		snprintf(cid, sizeof(cid), "%u", vm->cid);
	smol_table_row(
	    t, (const char *const[]){vm->name, vm->id, smol_vm_state_name(vm->state), since,
		   vm->config.image, memory, cpus, cid, vm->end_cause ? vm->end_cause : ""});
}

/* Make it true; false where it is no longer there. Trouble with one is told and passed by. */
static bool reconcile(struct smol_shell *sh, struct smol_vm *vm)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (smol_vm_reconcile(sh->registry, vm, &err) < 0) {
		if (err.code == SMOL_E_NOT_FOUND)
			return false;
		smol_err_wrap(&err, "VM '%s'", vm->name);
		smol_out_trouble(sh, &err);
		return true;
	}
	return !smol_shell_vm_gone(vm);
}

static void tell_bad(struct smol_shell *sh, int bad)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (!bad)
		return;
	smol_err_set(&err, SMOL_E_REGISTRY,
	    "%d row%s of the registry cannot be read and %s left out", bad, bad == 1 ? "" : "s",
	    bad == 1 ? "is" : "are");
	smol_err_hint(&err, "smolsh doctor");
	smol_out_trouble(sh, &err);
}

static int run_list(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	struct smol_registry *r = smol_shell_registry(sh, err);
	smol_auto_vm_list struct smol_vm **list = NULL;
	cJSON *data = NULL;
	bool labels = smol_args_flag(args, "labels");
	struct smol_table *t;
	int bad = 0;

	list = r ? smol_registry_list(r, &bad, err) : NULL;
	if (!list)
		return -1;
	data = sh->json ? cJSON_CreateArray() : NULL;
	t = smol_table_new(labels ? label_headers : headers);
	for (struct smol_vm **vm = list; *vm; vm++) {
		if (!reconcile(sh, *vm))
			continue;
		if (data)
			cJSON_AddItemToArray(data, smol_vm_json(*vm));
		else if (sh->quiet)
			puts((*vm)->name);
		else
			(labels ? add_label_row : add_row)(t, *vm);
	}
	tell_bad(sh, bad);
	if (data)
		smol_out_data(sh, data);
	else if (!sh->quiet)
		smol_table_print(t, true, smol_out_width());
	if (!*list && !bad && isatty(STDOUT_FILENO))
		smol_out_notice(sh, "there is no VM yet; try: smolsh create web");
	smol_table_free(t);
	return 0;
}

static const struct smol_option list_options[] = {
    {.name = "labels", .help = "names, states and labels"},
    {0},
};

const struct smol_command smol_cmd_list[] = {
    {
	.name = "list",
	.summary = "show all VMs",
	.description =
	    "States: created, starting, running, paused, stopping, stopped, died. AGE: how\n"
	    "long it is up, else since it ended or was made. CAUSE says why it ended, on a\n"
	    "terminal as far as there is room. With --quiet only the names are printed.",
	.examples = "smolsh list\n"
		    "smolsh list --json",
	.options = {list_options},
	.run = run_list,
    },
    {0},
};
