/* SPDX-License-Identifier: GPL-3.0-or-later */
/* forward: ports of a guest on the host, and the other way round, over vsock alone. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "shell/shell.h"
#include "vm/lifecycle.h"
#include "vm/monitor_client.h"

#define ANSWER_MS 20000 /* the guest is asked for the reverse */

/* "8080:80", "127.0.0.1:8080:80", "[::1]:8080:80", "/run/web.sock:80": what stands before the last
 * colon is the host's, what stands behind it the guest's port or path. */
static int split_spec(const char *spec, char **host, char **guest, struct smol_err *err)
{
	const char *colon = strrchr(spec, ':'), *slash = strstr(spec, ":/");
	smol_auto_free char *safe = smol_escape(spec, strnlen(spec, 120));
	int64_t port;

	if (slash)
		colon = slash;
	if (!colon || colon == spec || !colon[1]) {
		smol_err_set(err, SMOL_E_USAGE, "'%s' is not [ADDR:]HOSTPORT:GUESTPORT", safe);
		return smol_err_hint(err, "smolsh forward VM 8080:80");
	}
	if (colon[1] != '/' && smol_parse_int(colon + 1, 1, 65535, &port) < 0) {
		smol_err_set(err, SMOL_E_USAGE, "'%s': the guest's port must be 1 to 65535", safe);
		return smol_err_hint(err, "smolsh forward VM 8080:80");
	}
	*host = smol_strndup(spec, (size_t)(colon - spec));
	*guest = smol_strdup(colon + 1);
	if ((*host)[0] != '/') {
		const char *p = strrchr(*host, ':');

		if (smol_parse_int(p ? p + 1 : *host, 0, 65535, &port) < 0)
			return smol_err_set(err, SMOL_E_USAGE,
			    "'%s': the host's port must be 0 to 65535, 0 for any", safe);
	}
	return 0;
}

/* One request to the VM's monitor; the result, or NULL. Caller deletes. */
static cJSON *ask(const struct smol_vm *vm, cJSON *request, struct smol_err *err)
{
	smol_auto_monitor struct smol_monitor *m = smol_monitor_open(vm, err);
	smol_auto_json cJSON *j = m ? NULL : request;
	smol_auto_free char *text = NULL;

	if (!m || smol_monitor_send(m, request, err) < 0)
		return NULL;
	j = smol_monitor_next(m, smol_in_ms(ANSWER_MS), -1, err);
	if (!j)
		return NULL;
	text = smol_json_print(j);
	return smol_reply_parse(text, strlen(text), err);
}

static int needs_running(const struct smol_vm *vm, struct smol_err *err)
{
	struct smol_vsock_addr addr;

	return smol_vm_agent_addr(vm, &addr, err);
}

static void print_one(const char *vm, const cJSON *j)
{
	const char *host = smol_json_str(j, "host"), *guest = smol_json_str(j, "guest");
	int64_t id = 0;

	host = host ? host : "?";
	guest = guest ? guest : "?";
	smol_json_int(j, "id", 1, INT64_MAX / 2, &id);
	if (smol_json_bool(j, "reverse", false))
		printf("%lld  %s:%s -> %s\n", (long long)id, vm, guest, host);
	else if (*host != '/')
		printf("%lld  http://%s/ -> %s:%s\n", (long long)id, host, vm, guest);
	else
		printf("%lld  %s -> %s:%s\n", (long long)id, host, vm, guest);
}

/* The forwards of one VM, added to all; one that ends in the very moment has none. */
static void list_of(const struct smol_vm *vm, cJSON *all)
{
	smol_auto_monitor struct smol_monitor *m =
	    vm->state == SMOL_VM_RUNNING || vm->state == SMOL_VM_PAUSED
		? smol_monitor_open(vm, NULL)
		: NULL;
	smol_auto_json cJSON *j = NULL;
	cJSON *list, *w;

	if (!m || smol_monitor_send(m, smol_monitor_request("forwards"), NULL) < 0)
		return;
	j = smol_monitor_next(m, smol_in_ms(ANSWER_MS), -1, NULL);
	list = cJSON_GetObjectItemCaseSensitive(j, "result");
	while ((w = cJSON_DetachItemFromArray(list, 0))) {
		smol_json_add_str(w, "vm", vm->name);
		cJSON_AddItemToArray(all, w);
	}
}

static const char *port_of(const char *host)
{
	const char *colon = strrchr(host, ':');

	return colon ? colon + 1 : host;
}

/* All forwards of all VMs. Caller deletes. */
static cJSON *list_all(struct smol_shell *sh, struct smol_err *err)
{
	struct smol_registry *r = smol_shell_registry(sh, err);
	smol_auto_vm_list struct smol_vm **list = NULL;
	smol_auto_json cJSON *all = cJSON_CreateArray();
	int bad;

	list = r ? smol_registry_list(r, &bad, err) : NULL;
	for (struct smol_vm **v = list; v && *v; v++)
		list_of(*v, all);
	return list ? smol_steal(&all) : NULL;
}

/* The port is taken, perhaps by a forward of ours: whose, and what would free it. */
static int explain_taken(
    struct smol_shell *sh, const struct smol_args *args, const char *host, struct smol_err *err)
{
	smol_auto_json cJSON *all = NULL;
	const cJSON *w;
	int64_t id;

	if (smol_args_flag(args, "reverse"))
		return smol_err_hint(err, "another port of the guest");
	smol_err_hint(err, *host == '/' ? "another path" : "another port, or 0 for any");
	all = list_all(sh, NULL);
	cJSON_ArrayForEach (w, all) {
		const char *theirs = smol_json_str(w, "host"), *vm = smol_json_str(w, "vm");

		if (!theirs || !vm || smol_json_bool(w, "reverse", false) ||
		    strcmp(port_of(theirs), port_of(host)) != 0 ||
		    smol_json_int(w, "id", 1, INT64_MAX / 2, &id) != 1)
			continue;
		return smol_err_hint(err,
		    "smolsh forward stop %s %lld, or another port, or 0 for any", vm,
		    (long long)id);
	}
	return -1;
}

static int run_add(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = smol_shell_vm(sh, args->words[0], err);
	smol_auto_free char *host = NULL;
	smol_auto_free char *guest = NULL;
	smol_auto_json cJSON *result = NULL;
	cJSON *request;

	if (!vm || split_spec(args->words[1], &host, &guest, err) < 0 || needs_running(vm, err) < 0)
		return -1;
	request = smol_monitor_request("forward");
	smol_json_add_str(request, "host", host);
	smol_json_add_str(request, "guest", guest);
	smol_json_add_bool(request, "reverse", smol_args_flag(args, "reverse"));
	result = ask(vm, request, err);
	if (!result)
		return err->code == SMOL_E_EXISTS ? explain_taken(sh, args, host, err) : -1;
	if (sh->json) {
		smol_json_add_str(result, "vm", vm->name);
		smol_out_data(sh, smol_steal(&result));
	} else {
		print_one(vm->name, result);
	}
	return 0;
}

static const char *const headers[] = {">ID", "FROM", "TO", NULL};

static void add_row(struct smol_table *t, const cJSON *w)
{
	const char *guest = smol_json_str(w, "guest"), *vm = smol_json_str(w, "vm");
	const char *host = smol_json_str(w, "host");
	smol_auto_free char *inside = smol_asprintf("%s:%s", vm ? vm : "?", guest ? guest : "?");
	bool reverse = smol_json_bool(w, "reverse", false);
	int64_t id = 0;
	char text[24];

	smol_json_int(w, "id", 1, INT64_MAX / 2, &id);
	snprintf(text, sizeof(text), "%lld", (long long)id);
	smol_table_row(
	    t, (const char *const[]){text, reverse ? inside : host, reverse ? host : inside, NULL});
}

static int run_list(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	cJSON *all;

	if (args->nwords) {
		smol_auto_vm struct smol_vm *vm = smol_shell_vm(sh, args->words[0], err);

		all = vm ? cJSON_CreateArray() : NULL;
		if (vm)
			list_of(vm, all);
	} else {
		all = list_all(sh, err);
	}
	if (!all)
		return -1;
	smol_out_list(sh, all, headers, add_row);
	return 0;
}

static int run_stop(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = smol_shell_vm(sh, args->words[0], err);

	if (!vm || needs_running(vm, err) < 0)
		return -1;
	for (int i = 1; i < args->nwords; i++) {
		cJSON *request = smol_monitor_request("unforward");
		smol_auto_json cJSON *result = NULL;
		int64_t id;

		if (smol_parse_int(args->words[i], 1, INT64_MAX / 2, &id) < 0) {
			cJSON_Delete(request);
			smol_err_set(err, SMOL_E_USAGE, "a forward's id is a number");
			return smol_err_hint(err, "smolsh forward list %s", vm->name);
		}
		smol_json_add_int(request, "id", id);
		result = ask(vm, request, err);
		if (!result) {
			smol_err_hint(err, "smolsh forward list %s", vm->name);
			return -1;
		}
	}
	if (sh->json)
		smol_out_data(sh, cJSON_CreateNull());
	return 0;
}

static const struct smol_option add_options[] = {
    {.name = "reverse",
	.letter = 'R',
	.help = "the other way: the guest listens, connections end on the host"},
    {0},
};

static const struct smol_positional add_words[] = {
    {"VM", SMOL_ONE, "its name, its id, or an unambiguous beginning of either", SMOL_COMPLETE_VM,
	NULL},
    {"[ADDR:]HOSTPORT:GUESTPORT", SMOL_ONE,
	"loopback unless an address is given; 0: any port; a path: a Unix socket",
	SMOL_COMPLETE_NONE, NULL},
    {0},
};

static const struct smol_positional list_words[] = {
    {"VM", SMOL_OPTIONAL, "only this one's", SMOL_COMPLETE_VM, NULL},
    {0},
};

static const struct smol_positional stop_words[] = {
    {"VM", SMOL_ONE, "its name, its id, or an unambiguous beginning of either", SMOL_COMPLETE_VM,
	NULL},
    {"ID", SMOL_MANY, "as `forward list` shows them", SMOL_COMPLETE_NONE, NULL},
    {0},
};

static const struct smol_command forward_verbs[] = {
    {
	.name = "add",
	.summary = "forward a port; `add` may be left out",
	.description =
	    "Connections to the host's port go to the guest's, over vsock: the guest needs\n"
	    "no network. The forward lasts as long as the VM runs, or until it is stopped.",
	.examples = "smolsh forward web 8080:80\n"
		    "smolsh forward web 0.0.0.0:8080:80\n"
		    "smolsh forward add web /tmp/web.sock:80\n"
		    "smolsh forward -R web 3128:3128",
	.options = {add_options},
	.positionals = add_words,
	.run = run_add,
    },
    {
	.name = "list",
	.summary = "show forwarded ports",
	.positionals = list_words,
	.run = run_list,
    },
    {
	.name = "stop",
	.summary = "end forwards",
	.positionals = stop_words,
	.run = run_stop,
    },
    {0},
};

const struct smol_command smol_cmd_forward[] = {
    {
	.name = "forward",
	.summary = "reach a guest's port from the host, or the host's from the guest",
	.sub = forward_verbs,
	.flags = SMOL_COMMAND_FIRST_VERB,
    },
    {0},
};
