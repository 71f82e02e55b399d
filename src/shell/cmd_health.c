/* SPDX-License-Identifier: GPL-3.0-or-later */
/* health, sysinfo: what the agent says of itself and of its guest. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "shell/ask.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/output.h"
#include "vm/lifecycle.h"
#include "vsock/client.h"

/* "web: healthy  agent 0.1.0  protocol 1  up 5m02s  1.2 ms" */
static void print_health(const struct smol_vm *vm, const cJSON *j, double rtt_ms)
{
	smol_auto_free char *agent = smol_out_one_line(smol_json_str(j, "agent") ?: "?");
	int64_t protocol = 1, uptime = 0;
	char up[16];

	smol_json_int(j, "v", 1, INT32_MAX, &protocol);
	smol_json_int(j, "uptime_ms", 0, INT64_MAX / 2, &uptime);
	smol_duration_text(uptime, up);
	printf("%s: healthy  agent %s  protocol %lld  up %s  %.1f ms\n", vm->name, agent,
	    (long long)protocol, up, rtt_ms);
}

/* What the agent said, under our own names; j is emptied. */
static void add_health(cJSON *data, cJSON *j, double rtt_ms)
{
	cJSON *v;

	cJSON_AddNumberToObject(data, "rtt_ms", (double)(int64_t)(rtt_ms * 1000 + 0.5) / 1000);
	while ((v = j->child)) {
		const char *key = strcmp(v->string, "v") == 0 ? "protocol" : v->string;
		smol_auto_free char *copy = smol_strdup(key);
		bool ours = smol_json_get(data, key) || strcmp(key, "ok") == 0;

		cJSON_DetachItemViaPointer(j, v);
		if (ours)
			cJSON_Delete(v);
		else
			cJSON_AddItemToObject(data, copy, v);
	}
}

static int health_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = NULL;
	double rtt_ms = 0;

	(void)args;
	(void)err;
	j = smol_ask(vm, SMOL_OP_HEALTH, SMOL_IO_TIMEOUT_MS, &rtt_ms, &why);
	if (!j && why.code != SMOL_E_STATE && why.code != SMOL_E_VM_DIED &&
	    why.code != SMOL_E_UNSUPPORTED)
		smol_vm_explain(sh->registry, vm, &why);
	if (sh->json) {
		*data = cJSON_CreateObject();
		smol_json_add_str(*data, "name", vm->name);
		smol_json_add_bool(*data, "healthy", j != NULL);
		if (j) {
			add_health(*data, j, rtt_ms);
			return 0;
		}
		cJSON_AddItemToObject(*data, "why", smol_json_from_err(&why));
		return 1;
	}
	if (j)
		print_health(vm, j, rtt_ms);
	else
		smol_out_trouble(sh, &why);
	return j ? 0 : 1;
}

/* One round: a line for each VM; with --json a JSON line. As smol_each_act() does not, it goes on.
 */
static int watch_round(struct smol_shell *sh, const struct smol_args *args, struct smol_each *e)
{
	int worst = 0;

	for (int i = 0; i < e->nvms; i++) {
		smol_auto_err struct smol_err why = SMOL_ERR_INIT;
		struct smol_vm *vm = e->vms[i];
		cJSON *data = NULL;
		int code = 1;

		if (smol_vm_reconcile(sh->registry, vm, &why) < 0)
			smol_out_trouble(sh, &why);
		else
			code = health_one(sh, vm, args, &data, &why);
		worst = smol_each_worse(worst, code < 0 ? 1 : code);
		if (data)
			smol_out_line(data);
	}
	return worst;
}

/* Until Ctrl-C, or until nobody reads it. */
static int watch(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_each struct smol_each e;
	int64_t interval_ms = smol_watch_interval(args);

	if (smol_each_find(sh, args, &e, err) < 0 || smol_signals_open(&signals, err) < 0)
		return -1;
	for (;;) {
		int flushed, sig;

		watch_round(sh, args, &e);
		flushed = smol_out_flush(err);
		if (flushed)
			return flushed;
		if (smol_io_wait(signals.fd, POLLIN, smol_in_ms(interval_ms)) <= 0)
			continue;
		sig = smol_signals_take(&signals);
		sh->interrupted = sh->answered = true;
		return 128 + (sig ? sig : SIGINT);
	}
}

static int run_health(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	if (smol_args_flag(args, "watch"))
		return watch(sh, args, err);
	return smol_each_run(sh, args, health_one, err);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* "limits.run_ms" as "limits run": the unit is said with the value. */
static char *label_of(const char *path)
{
	size_t n = strlen(path);
	char *label;

	n -= ends_with(path, "_ms")	 ? strlen("_ms")
	     : ends_with(path, "_bytes") ? strlen("_bytes")
					 : 0;
	label = smol_strndup(path, n);
	for (char *p = label; *p; p++)
		*p = *p == '.' || *p == '_' ? ' ' : *p;
	return label;
}

/* A value on one line; bytes and times in short. A limit of 0 is none. */
static void print_value(const char *path, const cJSON *v)
{
	bool number = cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 9e15;
	bool bytes = ends_with(path, "_bytes") || strncmp(path, "memory.", 7) == 0 ||
		     strncmp(path, "disk.", 5) == 0;
	bool ms = ends_with(path, "_ms");
	smol_auto_free char *json = cJSON_IsString(v) ? NULL : smol_json_print(v);
	smol_auto_free char *safe = smol_out_one_line(json ? json : v->valuestring);
	const cJSON *w;
	char text[16];

	if (number && v->valuedouble < 1 && (bytes || ms) && strncmp(path, "limits.", 7) == 0) {
		puts("none");
	} else if (number && bytes) {
		smol_size_text((uint64_t)v->valuedouble, text);
		puts(text);
	} else if (number && ms) {
		smol_duration_text((int64_t)v->valuedouble, text);
		puts(text);
	} else if (strcmp(path, "load") == 0 && cJSON_IsArray(v)) {
		cJSON_ArrayForEach (w, v)
			printf("%s%.2f", w == v->child ? "" : " ", w->valuedouble);
		putchar('\n');
	} else {
		puts(safe);
	}
}

/* Members of the answer, whatever they are: a newer agent may tell more. Depth is bounded by the
 * parser. */
static void print_members(const cJSON *j, const char *prefix)
{
	const cJSON *v;

	cJSON_ArrayForEach (v, j) {
		smol_auto_free char *key = smol_out_one_line(v->string ? v->string : "-");
		smol_auto_free char *path =
		    smol_asprintf("%s%s%s", prefix, *prefix ? "." : "", key);
		smol_auto_free char *label = NULL;

		if (!*prefix && (strcmp(key, "ok") == 0 || strcmp(key, "v") == 0))
			continue;
		if (cJSON_IsObject(v)) {
			print_members(v, path);
			continue;
		}
		label = label_of(path);
		printf("%-24s", label);
		print_value(path, v);
	}
}

static int sysinfo_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	smol_auto_json cJSON *j = NULL;
	double rtt_ms;

	(void)args;
	j = smol_ask(vm, SMOL_OP_SYSTEM_INFO, SMOL_IO_TIMEOUT_MS, &rtt_ms, err);
	if (!j) {
		if (err->code == SMOL_E_RESET || err->code == SMOL_E_REFUSED ||
		    err->code == SMOL_E_DEADLINE)
			smol_vm_explain(sh->registry, vm, err);
		return -1;
	}
	if (sh->json) {
		*data = cJSON_CreateObject();
		smol_json_add_str(*data, "name", vm->name);
		cJSON_AddItemToObject(*data, "system", smol_steal(&j));
		return 0;
	}
	if (sh->printed)
		putchar('\n');
	sh->printed = true;
	printf("%-24s%s\n", "name", vm->name);
	print_members(j, "");
	return 0;
}

static int run_sysinfo(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	sh->printed = false;
	return smol_each_run(sh, args, sysinfo_one, err);
}

const struct smol_command smol_cmd_health[] = {
    {
	.name = "health",
	.summary = "ask VMs' agents whether they are well",
	.description = "Exit code 0: every agent answers; 1: one does not, and stderr says why.",
	.examples = "smolsh health web\n"
		    "smolsh health @all --watch --interval 5s",
	.options = {smol_watch_options, smol_all_options},
	.positionals = smol_vms_words,
	.run = run_health,
    },
    {
	.name = "sysinfo",
	.summary = "show kernel, memory, load, processes and disks of guests",
	.examples = "smolsh sysinfo web --json",
	.options = {smol_all_options},
	.positionals = smol_vms_words,
	.run = run_sysinfo,
    },
    {0},
};
