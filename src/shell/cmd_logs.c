/* SPDX-License-Identifier: GPL-3.0-or-later */
/* logs, events: what a VM printed on its console, and its journal. Foreign bytes, so escaped. */
#include <stdio.h>

#include "base/auto.h"
#include "shell/commands.h"
#include "shell/events.h"
#include "shell/follow.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "shell/signals.h"
#include "vm/lifecycle.h"

static int show(struct smol_shell *sh, const struct smol_args *args, bool journal, bool raw,
    struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_vm struct smol_vm *vm = smol_shell_vm(sh, args->words[0], err);
	smol_auto_free char *path = NULL;
	struct smol_follow f = {.sh = sh, .vm = vm, .signals = &signals};

	if (!vm)
		return -1;
	path = journal ? smol_vm_journal_path(vm, err) : smol_vm_console_path(vm, err);
	if (!path)
		return -1;
	f.path = path;
	f.json_lines = journal;
	f.text = raw ? NULL : smol_event_text;
	f.lines = smol_args_int(args, "lines", -1);
	f.follow = smol_args_flag(args, "follow");
	if (f.follow && smol_signals_open(&signals, err) < 0)
		return -1;
	return smol_follow(&f, err);
}

static int run_logs(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return show(sh, args, smol_args_flag(args, "journal"), true, err);
}

static int run_events(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	return show(sh, args, true, false, err);
}

#define FOLLOW                                                                                     \
	{                                                                                          \
		.name = "follow", .letter = 'f', .help = "go on until the VM has ended"            \
	}
#define LINES                                                                                      \
	{                                                                                          \
		.name = "lines", .letter = 'n', .type = SMOL_OPTION_INT, .arg = "N",               \
		.help = "only the last N lines", .max = 1000000000                                 \
	}

static const struct smol_option events_options[] = {FOLLOW, LINES, {0}};

static const struct smol_option logs_options[] = {
    FOLLOW,
    LINES,
    {.name = "journal", .help = "the journal of events (JSON Lines) instead of the console"},
    {0},
};

static const struct smol_positional logs_words[] = {
    {"VM", SMOL_ONE, "its name, its id, or an unambiguous beginning of either", SMOL_COMPLETE_VM,
	NULL},
    {0},
};

const struct smol_command smol_cmd_logs[] = {
    {
	.name = "logs",
	.summary = "show what a VM printed on its console",
	.description =
	    "Control characters are shown, colours kept; line structure stays. The log is\n"
	    "there after the VM has ended, too, until it is deleted.",
	.examples = "smolsh logs web -n 20\n"
		    "smolsh logs -f web\n"
		    "smolsh logs --journal web",
	.options = {logs_options},
	.positionals = logs_words,
	.run = run_logs,
    },
    {
	.name = "events",
	.summary = "show what has happened to a VM",
	.description =
	    "Its journal as lines: starts, phases of the boot, what the hypervisor said,\n"
	    "why it ended. With --json each record as it is.",
	.examples = "smolsh events web\n"
		    "smolsh events -f web",
	.options = {events_options},
	.positionals = logs_words,
	.run = run_events,
    },
    {0},
};
