/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One command, or a text of them: see shell.h. */
#include "shell/shell.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/proc.h"
#include "base/text.h"
#include "shell/alias.h"
#include "shell/grammar.h"
#include "shell/help.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "shell/select.h"
#include "vm/lifecycle.h"

struct smol_registry *smol_shell_registry(struct smol_shell *sh, struct smol_err *err)
{
	if (!sh->registry)
		sh->registry = smol_registry_open(err);
	return sh->registry;
}

static int refuse_several(const char *word, struct smol_err *err)
{
	smol_auto_free char *safe = smol_escape(word, strnlen(word, 60));

	smol_err_set(err, SMOL_E_USAGE, "one VM is needed here, not '%s'", safe);
	return smol_err_hint(err, "smolsh list");
}

struct smol_vm *smol_shell_vm(struct smol_shell *sh, const char *word, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = NULL;
	struct smol_registry *r;

	if (smol_select_several(word) && refuse_several(word, err) < 0)
		return NULL;
	r = smol_shell_registry(sh, err);
	vm = r ? smol_registry_find(r, word, err) : NULL;
	if (!vm || smol_vm_reconcile(r, vm, err) < 0)
		return NULL;
	if (smol_shell_vm_gone(vm)) {
		smol_err_set(err, SMOL_E_NOT_FOUND, "VM '%s' went with its client", vm->name);
		return NULL;
	}
	return smol_steal(&vm);
}

int smol_shell_interrupted(
    struct smol_shell *sh, struct smol_signals *signals, const struct smol_err *err)
{
	int sig = smol_signals_take(signals);

	sh->interrupted = true;
	if (sh->json && !sh->answered)
		smol_out_error(sh, err);
	return 128 + (sig ? sig : SIGINT);
}

bool smol_shell_vm_gone(const struct smol_vm *vm)
{
	return vm->ephemeral && smol_vm_state_live(vm->state) &&
	       !smol_proc_alive(vm->monitor_pid, vm->monitor_start);
}

void smol_shell_close(struct smol_shell *sh)
{
	smol_registry_close(sh->registry);
	sh->registry = NULL;
}

/* Print the error; its exit code. */
static int failed(struct smol_shell *sh, const struct smol_err *err)
{
	smol_out_error(sh, err);
	return smol_err_exit_code(err);
}

static int run_parsed(struct smol_shell *sh, const struct smol_args *args)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT, why = SMOL_ERR_INIT;
	int code, flushed;

	if (smol_args_flag(args, "help")) {
		smol_help_command(sh, args->command);
		code = 0;
	} else {
		code = args->command->run(sh, args, &err);
	}
	if (code < 0)
		code = failed(sh, &err);
	else if (sh->json && !sh->answered && code == 0)
		smol_out_data(sh, NULL);
	flushed = smol_out_flush(&why);
	if (flushed >= 0)
		return flushed ? flushed : code;
	/* Where it was to be told first cannot be written, either. */
	if (sh->json || err.code == SMOL_E_NONE)
		smol_out_trouble(sh, &why);
	return smol_err_exit_code(&why);
}

int smol_shell_command(struct smol_shell *sh, const char *const *words, int nwords)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_args struct smol_args args = {0};
	struct smol_shell saved = *sh;
	int code, rc = smol_parse(words, nwords, &args, &err);

	sh->answered = false;
	for (int i = 0; i < args.ngiven; i++) {
		const char *name = args.given[i].option->name;

		sh->json = sh->json || strcmp(name, "json") == 0;
		sh->quiet = sh->quiet || strcmp(name, "quiet") == 0;
		sh->verbose = sh->verbose || strcmp(name, "verbose") == 0;
	}
	/* A mistake may stand before it. */
	if (rc < 0 && smol_parse_wants_json(words, nwords))
		sh->json = true;
	code = rc < 0 ? failed(sh, &err) : run_parsed(sh, &args);
	fflush(stdout);
	sh->json = saved.json;
	sh->quiet = saved.quiet;
	sh->verbose = saved.verbose;
	return code;
}

/* Take a text apart; where that fails, the exit code in *code. */
static int take_apart(
    struct smol_shell *sh, const char *text, size_t n, struct smol_script *script, int *code)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (smol_grammar_parse(text, n, script, &err) == 0)
		return 0;
	if (sh->file)
		smol_err_wrap(&err, "%s", sh->file);
	*code = failed(sh, &err);
	fflush(stdout);
	return -1;
}

/* Does hand_on() get it? A script's mistake is ours to tell, with its line. */
static bool handed_on(const struct smol_shell *sh, const char *const *words, int nwords)
{
	smol_auto_args struct smol_args args = {0};
	const struct smol_command *cmd = smol_command_find(words[0]);

	if (!sh->hand_on || (cmd && (cmd->flags & SMOL_COMMAND_LOCAL)))
		return false;
	return !sh->file || smol_parse(words, nwords, &args, NULL) == 0;
}

static int run_statement(struct smol_shell *sh, struct smol_statement *s)
{
	smol_auto_free const char **words = NULL;

	smol_alias_expand(s);
	words = smol_alloc(((size_t)s->nwords + 1) * sizeof(*words));
	for (int w = 0; w < s->nwords; w++)
		words[w] = s->words[w].text;
	sh->line = s->line;
	if (handed_on(sh, words, s->nwords))
		return sh->hand_on(sh, words, s->nwords);
	return smol_shell_command(sh, words, s->nwords);
}

int smol_shell_text(struct smol_shell *sh, const char *text, size_t n)
{
	smol_auto_script struct smol_script script = {0};
	int code = 0;

	if (take_apart(sh, text, n, &script, &code) < 0)
		return code;
	for (int i = 0; i < script.n; i++) {
		int now = run_statement(sh, &script.statements[i]);

		code = now ? now : code;
		if (now == SMOL_EXIT_READER_GONE || sh->interrupted || (now && !sh->keep_going))
			break;
	}
	sh->line = 0;
	return code;
}

int smol_shell_dry_run(struct smol_shell *sh, const char *text, size_t n)
{
	smol_auto_script struct smol_script script = {0};
	int code = 0;

	if (take_apart(sh, text, n, &script, &code) < 0)
		return code;
	for (int i = 0; i < script.n; i++) {
		const struct smol_statement *s = &script.statements[i];
		cJSON *a = cJSON_CreateArray();

		for (int w = 0; w < s->nwords; w++) {
			const char *word = s->words[w].text;
			smol_auto_free char *safe = smol_utf8_valid(word, strlen(word))
							? NULL
							: smol_escape(word, strlen(word));

			cJSON_AddItemToArray(a, cJSON_CreateString(safe ? safe : word));
		}
		smol_out_line(a);
	}
	return smol_out_flush(NULL);
}
