/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * image: guest images. The work is done by the helper smolsh-image, which links what smolsh does
 * not (libarchive); here its words are described, checked and passed on.
 */
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/buf.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"

/* The helper's words, made anew from what was parsed, so that both agree on what was meant. */
static const char **helper_words(
    struct smol_shell *sh, const char *program, const struct smol_args *args, char ***owned)
{
	const char **w =
	    smol_alloc(((size_t)args->ngiven * 2 + (size_t)args->nwords + 8) * sizeof(*w));
	size_t n = 0, k = 0;

	*owned = smol_alloc(((size_t)args->ngiven + 1) * sizeof(**owned));
	w[n++] = program;
	w[n++] = args->command->name;
	for (int i = 0; i < args->ngiven; i++) {
		const struct smol_arg *a = &args->given[i];

		if (smol_command_option(
			&(struct smol_command){0}, a->option->name, strlen(a->option->name)))
			continue; /* a common one: its effect follows below */
		w[n++] = (*owned)[k++] = smol_asprintf("--%s", a->option->name);
		if (a->text)
			w[n++] = a->text;
	}
	if (sh->json)
		w[n++] = "--json";
	if (sh->quiet)
		w[n++] = "--quiet";
	for (int i = 0; i < args->nwords; i++)
		w[n++] = args->words[i];
	w[n] = NULL;
	return w;
}

static int run_helper(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_free char *program = smol_path_helper("smolsh-image", err);
	smol_auto_free const char **words = NULL;
	char **owned = NULL;
	int code;

	if (!program)
		return -1;
	words = helper_words(sh, program, args, &owned);
	smol_out_flush(NULL);
	/* With --json the helper prints the envelope. */
	sh->answered = true;
	code = smol_spawn_run(words, err);
	smol_path_list_free(owned);
	return code;
}

static int run_remove(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_free char *ask = smol_asprintf("Remove image %s?", args->words[0]);
	struct smol_args yes = *args;
	smol_auto_free struct smol_arg *given = NULL;
	int answer;

	if (smol_args_flag(args, "yes"))
		return run_helper(sh, args, err);
	answer = smol_out_ask(sh, ask);
	if (answer < 0) {
		smol_err_set(err, SMOL_E_USAGE,
		    "removing an image needs a yes, and there is nobody "
		    "to ask");
		return smol_err_hint(err, "smolsh image remove %s --yes", args->words[0]);
	}
	if (!answer)
		return smol_err_set(err, SMOL_E_USAGE, "nothing was removed");
	given = smol_alloc(((size_t)args->ngiven + 1) * sizeof(*given));
	if (args->ngiven)
		memcpy(given, args->given, (size_t)args->ngiven * sizeof(*given));
	given[yes.ngiven++] =
	    (struct smol_arg){.option = smol_command_option(args->command, "yes", 3)};
	yes.given = given;
	return run_helper(sh, &yes, err);
}

static const struct smol_option build_options[] = {
    {.name = "kernel",
	.type = SMOL_OPTION_STRING,
	.arg = "FILE",
	.help = "this kernel (bzImage or ELF) instead of Debian's",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "modules",
	.type = SMOL_OPTION_STRING,
	.arg = "DIR",
	.help = "its modules, such as /lib/modules/VERSION",
	.complete = SMOL_COMPLETE_DIR},
    {.name = "host-kernel", .help = "the kernel and modules that this host runs"},
    {.name = "agent",
	.type = SMOL_OPTION_STRING,
	.arg = "FILE",
	.help = "this smolsh-agent",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "busybox",
	.type = SMOL_OPTION_STRING,
	.arg = "FILE",
	.help = "this static busybox",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "add",
	.type = SMOL_OPTION_LIST,
	.arg = "FILE:PATH",
	.help = "put a host file into the image (may be repeated)",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "force", .letter = 'f', .help = "replace an image that is there"},
    {.name = "if-changed", .help = "build only when a part has changed since the last time"},
    {0},
};

static const struct smol_option info_options[] = {
    {.name = "verify", .help = "compare each part with its checksum"},
    {0},
};

static const struct smol_option remove_options[] = {
    {.name = "yes", .letter = 'y', .help = "do not ask"},
    {0},
};

static const struct smol_positional build_words[] = {
    {"NAME", SMOL_OPTIONAL, "the image's name (base)", SMOL_COMPLETE_IMAGE, NULL},
    {0},
};

static const struct smol_positional name_words[] = {
    {"NAME", SMOL_ONE, "the image's name", SMOL_COMPLETE_IMAGE, NULL},
    {0},
};

static const struct smol_command image_verbs[] = {
    {
	.name = "build",
	.summary = "make an image from a kernel, busybox and the agent",
	.description = "Without --kernel, Debian's cloud kernel is downloaded and unpacked, not\n"
		       "installed. An image of that name stays until the new one is whole.",
	.examples = "smolsh image build\n"
		    "smolsh image build mine --kernel ./bzImage --modules ./lib/modules/6.9.0",
	.options = {build_options},
	.positionals = build_words,
	.run = run_helper,
    },
    {
	.name = "info",
	.summary = "show what an image is made of",
	.options = {info_options},
	.positionals = name_words,
	.run = run_helper,
    },
    {.name = "list", .summary = "show all images", .run = run_helper},
    {
	.name = "remove",
	.summary = "remove an image",
	.options = {remove_options},
	.positionals = name_words,
	.run = run_remove,
    },
    {0},
};

const struct smol_command smol_cmd_image[] = {
    {
	.name = "image",
	.summary = "build, list, show and remove guest images",
	.sub = image_verbs,
    },
    {0},
};
