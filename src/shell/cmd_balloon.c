/* SPDX-License-Identifier: GPL-3.0-or-later */
/* balloon: how much of its memory a guest keeps while it runs. */
#include <stdio.h>

#include "base/auto.h"
#include "base/text.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "vm/lifecycle.h"

#define WAIT_MS 10000

static cJSON *balloon_json(const struct smol_vm *vm, const struct smol_balloon *b)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "name", vm->name);
	smol_json_add_int(j, "memory_mib", b->memory);
	smol_json_add_int(j, "target_mib", b->target);
	if (b->actual >= 0)
		smol_json_add_int(j, "actual_mib", b->actual);
	return j;
}

static void print(const struct smol_balloon *b)
{
	char memory[16], target[16], actual[16];

	smol_size_text((uint64_t)b->memory << 20, memory);
	smol_size_text((uint64_t)b->target << 20, target);
	if (b->actual < 0) {
		printf("asked to keep %s of %s; what it has is not told\n", target, memory);
		return;
	}
	smol_size_text((uint64_t)b->actual << 20, actual);
	printf("%s of %s, asked to keep %s\n", actual, memory, target);
}

static int take_size(const struct smol_args *args, int64_t *mib, struct smol_err *err)
{
	smol_auto_free char *safe = NULL;

	if (args->nwords < 2 || (smol_parse_mib(args->words[1], mib) == 0 && *mib > 0))
		return 0;
	safe = smol_out_one_line(args->words[1]);
	return smol_err_set(
	    err, SMOL_E_INVALID, "SIZE: '%s' is not a size such as 128, 512M or 1.5G", safe);
}

static int run_balloon(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_vm struct smol_vm *vm = NULL;
	int64_t mib = 0, wait_ms = smol_args_int(args, "timeout", WAIT_MS);
	struct smol_balloon b;

	if (take_size(args, &mib, err) < 0 || !(vm = smol_shell_vm(sh, args->words[0], err)) ||
	    smol_signals_open(&signals, err) < 0)
		return -1;
	if (smol_vm_balloon(sh->registry, vm, mib, smol_in_ms(wait_ms), signals.fd, &b, err) < 0)
		return err->code == SMOL_E_INTERRUPTED ? smol_shell_interrupted(sh, &signals, err)
						       : -1;
	if (sh->json)
		smol_out_data(sh, balloon_json(vm, &b));
	else if (!mib)
		print(&b);
	return 0;
}

static const struct smol_option balloon_options[] = {
    {.name = "timeout",
	.type = SMOL_OPTION_DURATION,
	.arg = "TIME",
	.help = "how long the guest may take (10s)"},
    {0},
};

static const struct smol_positional balloon_words[] = {
    {"VM", SMOL_ONE, "a name or an id", SMOL_COMPLETE_VM, NULL},
    {"SIZE", SMOL_OPTIONAL, "what it keeps: 128, 512M, 1.5G (how it is)", SMOL_COMPLETE_NONE, NULL},
    {0},
};

const struct smol_command smol_cmd_balloon[] = {
    {
	.name = "balloon",
	.summary = "take memory from a running VM, or give it back",
	.description =
	    "The guest gives memory back to the host until it has no more than SIZE, or\n"
	    "gets it again, up to what the VM was made with. It has to be made with\n"
	    "--balloon. Out of memory, a guest takes back what it needs.",
	.examples = "smolsh balloon web 256M\n"
		    "smolsh balloon web",
	.options = {balloon_options},
	.positionals = balloon_words,
	.run = run_balloon,
    },
    {0},
};
