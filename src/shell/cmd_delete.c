/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * delete: removes VMs with their logs. One stopped VM that was named is removed without a question;
 * anything wider is asked for on a terminal and refused elsewhere, unless --yes; a running VM goes
 * only by --force, and without it keeps all that were named with it. With --json nothing is ever
 * asked.
 */
#include <stdio.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/output.h"
#include "vm/lifecycle.h"

static int delete_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	(void)data;
	return smol_vm_delete(sh->registry, vm, smol_args_flag(args, "force"), err);
}

/* "web (running), db (stopped)"; live: only those that have to be stopped first. */
static char *named(struct smol_vm **vms, bool live)
{
	struct smol_buf b = {0};

	for (int i = 0; vms[i]; i++)
		if (!live || smol_vm_state_live(vms[i]->state))
			smol_buf_printf(&b, "%s%s (%s)", smol_buf_len(&b) ? ", " : "", vms[i]->name,
			    smol_vm_state_name(vms[i]->state));
	return smol_buf_take(&b);
}

/* The same command, with a yes. */
static int hint_yes(const struct smol_args *args, bool force, struct smol_err *err)
{
	smol_auto_buf struct smol_buf words = {0};

	for (int i = 0; i < args->nwords; i++)
		smol_buf_printf(&words, " %s", args->words[i]);
	return smol_err_hint(err, "smolsh delete%s --yes%s", force ? " --force" : "",
	    args->nwords ? smol_buf_str(&words) : " --all");
}

/* Of several all are deleted, or none: one that runs would be refused when others have gone. */
static int refuse_live(const struct smol_args *args, struct smol_vm **vms, struct smol_err *err)
{
	smol_auto_free char *who = named(vms, true);

	if (!*who)
		return 0;
	smol_err_set(err, SMOL_E_STATE, "nothing was deleted: %s", who);
	return hint_yes(args, true, err);
}

static int question(
    struct smol_shell *sh, struct smol_vm **vms, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_free char *who = named(vms, false);
	smol_auto_free char *ask = smol_asprintf("Delete %s with all logs?", who);
	int answer = smol_out_ask(sh, ask);

	if (answer == 1)
		return 0;
	if (answer == 0) {
		smol_err_set(err, SMOL_E_USAGE, "nothing was deleted");
		return -1;
	}
	smol_err_set(err, SMOL_E_USAGE, "deleting %s needs a yes, and there is nobody to ask", who);
	return hint_yes(args, smol_args_flag(args, "force"), err);
}

static int run_delete(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_each struct smol_each e;

	if (smol_each_find(sh, args, &e, err) < 0)
		return -1;
	if (e.nvms && !e.single && !smol_args_flag(args, "force") &&
	    refuse_live(args, e.vms, err) < 0)
		return -1;
	if (e.nvms && !e.single && !smol_args_flag(args, "yes") &&
	    question(sh, e.vms, args, err) < 0)
		return -1;
	return smol_each_act(sh, &e, args, delete_one, err);
}

static const struct smol_option delete_options[] = {
    {.name = "force", .letter = 'f', .help = "running ones, too: they are killed"},
    {.name = "yes", .letter = 'y', .help = "do not ask"},
    {0},
};

const struct smol_command smol_cmd_delete[] = {
    {
	.name = "delete",
	.summary = "remove VMs with their logs",
	.description =
	    "Several are asked for on a terminal; elsewhere they need --yes. Where one of\n"
	    "them runs none is deleted without --force. A name's beginning is not enough.",
	.examples = "smolsh delete web\n"
		    "smolsh delete --all --yes --force",
	.options = {delete_options, smol_all_options},
	.positionals = smol_vms_words,
	.flags = SMOL_COMMAND_WHOLE,
	.run = run_delete,
    },
    {0},
};
