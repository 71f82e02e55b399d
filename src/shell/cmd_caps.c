/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * caps: what each backend can do and whether it can be used here, or for a VM what its own can do.
 * All of it comes from the tables of src/backend; text and JSON say the same.
 */
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "base/auto.h"
#include "base/buf.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/output.h"
#include "vm/lifecycle.h"

static bool can(const struct smol_backend_info *info, const struct smol_cap_words *w)
{
	return info->capabilities & w->cap;
}

/* "it has no virtiofs; smolsh cp" */
static char *why_not(const struct smol_backend_info *info, const struct smol_cap_words *w)
{
	const struct smol_backend_lack *l = smol_backend_lack(info, w->cap);

	return smol_asprintf("%s%s%s", l ? l->why : "", l && l->instead ? "; use " : "",
	    l && l->instead ? l->instead : "");
}

static cJSON *caps_json(const struct smol_backend_info *info)
{
	cJSON *list = cJSON_CreateArray();

	for (const struct smol_cap_words *w = smol_caps; w->cap; w++) {
		const struct smol_backend_lack *l = smol_backend_lack(info, w->cap);
		cJSON *j = cJSON_CreateObject();

		smol_json_add_str(j, "name", w->name);
		smol_json_add_str(j, "means", w->text);
		smol_json_add_bool(j, "can", can(info, w));
		if (!can(info, w) && l) {
			smol_json_add_str(j, "why", l->why);
			smol_json_add_str(j, "instead", l->instead);
		}
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

/* ---- can it be used on this host? ---- */

struct here {
	struct smol_probe probe;
	struct smol_err err; /* why not; code NONE: it can */
};

static void here_free(struct here *h)
{
	smol_probe_free(&h->probe);
	smol_err_clear(&h->err);
}

static void look_here(const struct smol_backend_info *info, const char *program, struct here *h)
{
	*h = (struct here){.err = SMOL_ERR_INIT};
	smol_backend_probe(info, program, &h->probe, &h->err);
}

static const char * or (const char *s, const char *other)
{
	return s ? s : other;
}

/* "version 7.2, tcg (…)", or why it cannot be used. */
static char *here_text(const struct here *h)
{
	if (h->err.code != SMOL_E_NONE)
		return smol_asprintf("not here: %s", or (h->err.msg, "not known"));
	return smol_asprintf("version %s, %s (%s)", or (h->probe.version, "?"),
	    smol_accel_name(h->probe.accel), or (h->probe.accel_reason, "?"));
}

/* What its version is known for, a sentence after the other. */
static char *next_known(char **rest)
{
	char *at = *rest, *end = at ? strstr(at, "; ") : NULL;

	*rest = end ? end + 2 : NULL;
	if (end)
		*end = '\0';
	return at;
}

static cJSON *here_json(const struct here *h)
{
	smol_auto_free char *known = smol_strdup(h->probe.known);
	char *rest = known;
	cJSON *list;
	cJSON *j = cJSON_CreateObject();

	smol_json_add_bool(j, "usable", h->err.code == SMOL_E_NONE);
	smol_json_add_str(j, "program", h->probe.program);
	smol_json_add_str(j, "version", h->probe.version);
	smol_json_add_str(j, "accel", smol_accel_name(h->probe.accel));
	smol_json_add_str(j, "accel_reason", h->probe.accel_reason);
	list = cJSON_AddArrayToObject(j, "known");
	for (char *line; (line = next_known(&rest));)
		cJSON_AddItemToArray(list, cJSON_CreateString(line));
	if (h->err.code != SMOL_E_NONE)
		cJSON_AddItemToObject(j, "error", smol_json_from_err(&h->err));
	return j;
}

/* ---- all backends ---- */

static void matrix_json(struct smol_shell *sh)
{
	cJSON *data = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(data, "backends");

	for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++) {
		cJSON *j = cJSON_CreateObject();
		struct here h;

		look_here(*b, NULL, &h);
		smol_json_add_str(j, "name", (*b)->name);
		smol_json_add_str(j, "summary", (*b)->summary);
		cJSON_AddItemToObject(j, "here", here_json(&h));
		cJSON_AddItemToObject(j, "capabilities", caps_json(*b));
		cJSON_AddItemToArray(list, j);
		here_free(&h);
	}
	smol_out_data(sh, data);
}

/* Backend × capability. */
static void print_matrix(int width)
{
	const char *headers[SMOL_BACKENDS_MAX + 3] = {"CAPABILITY"};
	struct smol_table *t;
	int n = 0;

	for (; smol_backend_infos[n]; n++)
		headers[n + 1] = smol_backend_infos[n]->name;
	headers[n + 1] = "MEANS";
	t = smol_table_new(headers);
	for (const struct smol_cap_words *w = smol_caps; w->cap; w++) {
		const char *cells[SMOL_BACKENDS_MAX + 2] = {w->name};

		for (int i = 0; i < n; i++)
			cells[i + 1] = can(smol_backend_infos[i], w) ? "yes" : "no";
		cells[n + 1] = w->text;
		smol_table_row(t, cells);
	}
	smol_table_print(t, true, width);
	smol_table_free(t);
}

static void print_reasons(int width)
{
	static const char *const headers[] = {"BACKEND", "HAS NO", "BECAUSE", NULL};
	struct smol_table *t = smol_table_new(headers);

	for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++)
		for (const struct smol_cap_words *w = smol_caps; w->cap; w++) {
			smol_auto_free char *why = can(*b, w) ? NULL : why_not(*b, w);
			const char *cells[] = {(*b)->name, w->name, why};

			if (why)
				smol_table_row(t, cells);
		}
	smol_table_print(t, true, width);
	smol_table_free(t);
}

#define NAME_COLUMNS 13 /* of a backend's name and the gap behind it */

/* Text in as many rows as it needs at this width, broken at blanks; takes it. */
static void add_rows(struct smol_table *t, const char *name, char *text, int width)
{
	smol_auto_free char *whole = text;
	size_t room = width > 2 * NAME_COLUMNS ? (size_t)(width - NAME_COLUMNS) : SIZE_MAX;

	for (char *at = whole, *next; at; at = next, name = "") {
		const char *cells[] = {name, at};

		next = NULL;
		for (char *p = at; strlen(at) > room && (p = strchr(p + 1, ' '));) {
			if (next && (size_t)(p - at) > room)
				break;
			next = p;
		}
		if (next)
			*next++ = '\0';
		smol_table_row(t, cells);
	}
}

static void print_here(int width)
{
	static const char *const headers[] = {"BACKEND", "ON THIS HOST", NULL};
	struct smol_table *t = smol_table_new(headers);

	for (const struct smol_backend_info *const *b = smol_backend_infos; *b; b++) {
		struct here h;
		char *rest;

		look_here(*b, NULL, &h);
		add_rows(t, (*b)->name, here_text(&h), width);
		if (h.err.hint)
			add_rows(t, "", smol_asprintf("try: %s", h.err.hint), width);
		rest = h.probe.known;
		for (char *line; (line = next_known(&rest));)
			add_rows(t, "", smol_asprintf("known: %s", line), width);
		here_free(&h);
	}
	smol_table_print(t, true, width);
	smol_table_free(t);
}

/* ---- one VM ---- */

/* How it runs, or what was asked for. */
static const char *vsock_of(const struct smol_vm *vm, const struct smol_backend_info *info)
{
	if (!vm->config.vsock.enabled)
		return "none";
	if (info->capabilities & SMOL_CAP_VSOCK_VMM)
		return "by the hypervisor itself";
	return vm->vsock_used ? vm->vsock_used : smol_vsock_by_name(vm->config.vsock.kind);
}

static cJSON *vm_json(
    const struct smol_vm *vm, const struct smol_backend_info *info, const struct here *h)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "name", vm->name);
	smol_json_add_str(j, "backend", info->name);
	smol_json_add_str(j, "backend_reason", vm->config.backend_reason);
	smol_json_add_str(j, "vsock", vsock_of(vm, info));
	smol_json_add_str(j, "accel_used", vm->accel_used);
	cJSON_AddItemToObject(j, "here", here_json(h));
	cJSON_AddItemToObject(j, "capabilities", caps_json(info));
	return j;
}

static void print_vm(struct smol_shell *sh, const struct smol_vm *vm,
    const struct smol_backend_info *info, const struct here *h)
{
	static const char *const headers[] = {"CAPABILITY", "CAN", "MEANS", NULL};
	smol_auto_free char *here = here_text(h);
	smol_auto_free char *known = smol_strdup(h->probe.known);
	char *rest = known;
	struct smol_table *t = smol_table_new(headers);
	const char *reason = vm->config.backend_reason;

	if (sh->printed)
		putchar('\n');
	sh->printed = true;
	printf("%-14s%s\n", "name", vm->name);
	printf("%-14s%s%s%s%s\n", "backend", info->name, reason ? " (" : "", or (reason, ""),
	    reason ? ")" : "");
	printf("%-14s%s\n", "hypervisor", here);
	printf("%-14s%s\n", "accelerator", or (vm->accel_used, smol_accel_name(vm->config.accel)));
	printf("%-14s%s\n", "vsock", vsock_of(vm, info));
	for (const char *line, *name = "known"; (line = next_known(&rest)); name = "")
		printf("%-14s%s\n", name, line);
	putchar('\n');
	for (const struct smol_cap_words *w = smol_caps; w->cap; w++) {
		smol_auto_free char *why = why_not(info, w);
		const char *cells[] = {
		    w->name, can(info, w) ? "yes" : "no", can(info, w) ? w->text : why};

		smol_table_row(t, cells);
	}
	smol_table_print(t, true, smol_out_columns(sh));
	smol_table_free(t);
}

static int caps_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	const struct smol_backend_info *info = smol_backend_lookup(vm->config.backend, err);
	struct here h;

	(void)args;
	if (!info)
		return -1;
	look_here(info, smol_backend_chosen(info, &vm->config), &h);
	if (sh->json)
		*data = vm_json(vm, info, &h);
	else
		print_vm(sh, vm, info, &h);
	here_free(&h);
	return 0;
}

static int run_caps(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	int width = smol_out_columns(sh);

	sh->printed = false;
	if (args->nwords || smol_args_flag(args, "all"))
		return smol_each_run(sh, args, caps_one, err);
	if (sh->json) {
		matrix_json(sh);
		return 0;
	}
	print_matrix(width);
	putchar('\n');
	print_reasons(width);
	putchar('\n');
	print_here(width);
	return 0;
}

static const struct smol_positional caps_words[] = {
    {"VM", SMOL_ANY, "whose backend is asked (all backends)", SMOL_COMPLETE_VM, NULL},
    {0},
};

const struct smol_command smol_cmd_caps[] = {
    {
	.name = "caps",
	.summary = "show what backends can do, and which can be used here",
	.description =
	    "Backend by capability, why one cannot do something, what to use instead, and\n"
	    "whether it can be used on this host. For VMs: what their backends can do.",
	.examples = "smolsh caps\n"
		    "smolsh caps web --json",
	.options = {smol_all_options},
	.positionals = caps_words,
	.run = run_caps,
    },
    {0},
};
