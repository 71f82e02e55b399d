/* SPDX-License-Identifier: GPL-3.0-or-later */
/* info: all that is known of a VM. Never its token. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "shell/ask.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/output.h"
#include "shell/rootfs.h"
#include "shell/vm_json.h"
#include "vm/lifecycle.h"

#define AGENT_MS 1000 /* for the agent's part; without it there is less to show, no more */

/* Limits of the control protocol, as they hold for every VM. */
static const struct {
	const char *name;
	int64_t value;
} limits[] = {
    {"request_bytes", SMOL_LINE_MAX},
    {"reply_bytes", SMOL_LINE_MAX},
    {"frame_bytes", SMOL_FRAME_MAX},
    {"command_words", SMOL_ARGV_MAX},
    {"variables", SMOL_ENV_MAX},
};

/* The configured ones, then what the agent says that it has; the protocol's own stay. */
static void add_limits(cJSON *to, const cJSON *from)
{
	const cJSON *v;

	cJSON_ArrayForEach (v, from) {
		const char *key = v->string ? v->string : "?";
		size_t fixed = 0;

		while (fixed < SMOL_ARRAY_SIZE(limits) && strcmp(limits[fixed].name, key) != 0)
			fixed++;
		if (fixed < SMOL_ARRAY_SIZE(limits))
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(to, key);
		cJSON_AddItemToObject(to, key, cJSON_Duplicate(v, true));
	}
}

/* Those, the VM's own, and where it can be asked, what its agent goes by. */
static cJSON *limits_json(const struct smol_vm *vm)
{
	smol_auto_err struct smol_err ignored = SMOL_ERR_INIT;
	smol_auto_json cJSON *system = NULL;
	smol_auto_json cJSON *own = NULL;
	cJSON *j = cJSON_CreateObject();
	struct smol_limits l;
	double rtt_ms;

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		smol_json_add_int(j, limits[i].name, limits[i].value);
	smol_limits_init(&l);
	smol_limits_decode(vm->config.limits, &l);
	own = smol_limits_encode(&l);
	smol_limits_free(&l);
	add_limits(j, own);
	if (vm->state != SMOL_VM_RUNNING)
		return j;
	system = smol_ask(vm, SMOL_OP_SYSTEM_INFO, AGENT_MS, &rtt_ms, &ignored);
	add_limits(j, smol_json_get(system, "limits"));
	return j;
}

/* Everything in one object; the text is made from it, too, so that the two never differ. */
static cJSON *gather(const struct smol_vm *vm)
{
	cJSON *j = smol_vm_json(vm), *files;
	cJSON *status = smol_vm_state_live(vm->state) ? smol_vm_monitor_status(vm, NULL) : NULL;
	smol_auto_free char *console = smol_vm_console_path(vm, NULL);
	smol_auto_free char *journal = smol_vm_journal_path(vm, NULL);
	smol_auto_free char *uds = smol_vm_uds_path(vm, NULL);

	if (vm->config.vsock.enabled && !smol_vm_vsock_by_kernel(vm) &&
	    vm->config.vsock.kind != SMOL_VSOCK_BY_KERNEL)
		smol_json_add_str(cJSON_GetObjectItemCaseSensitive(j, "vsock"), "path", uds);
	files = cJSON_AddObjectToObject(j, "files");
	smol_json_add_str(files, "console", console);
	smol_json_add_str(files, "journal", journal);
	cJSON_AddItemToObject(j, "limits", limits_json(vm));
	if (status)
		cJSON_AddItemToObject(j, "monitor", status);
	return j;
}

static void row(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void row(const char *name, const char *fmt, ...)
{
	smol_auto_free char *safe = NULL, *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	safe = smol_out_one_line(text ? text : "?");
	printf("%-14s%s\n", name, safe);
}

static void text_row(const cJSON *j, const char *key, const char *name)
{
	const char *s = smol_json_str(j, key);

	if (s && *s)
		row(name, "%s", s);
}

static void process_row(const cJSON *status, const char *key)
{
	const cJSON *p = smol_json_get(status, key);
	int64_t pid = 0, rss = 0;
	char size[16];

	if (smol_json_int(p, "pid", 1, INT32_MAX, &pid) != 1)
		return;
	smol_json_int(p, "resident_bytes", 0, INT64_MAX / 2, &rss);
	smol_size_text((uint64_t)rss, size);
	row(key, "%s, pid %d, %s resident", smol_json_str(p, "program") ?: "?", (int)pid, size);
}

/* "1, the last one 3s ago: smolsh-vsockd was killed by signal 9 (SIGKILL)" */
static void death_row(const cJSON *status)
{
	const cJSON *death = smol_json_get(status, "device_death");
	int64_t restarts = 0, ago_ms = 0, pause_ms = 0;
	char ago[16], late[80] = "";

	if (!death)
		return;
	smol_json_int(death, "restarts", 0, INT32_MAX, &restarts);
	smol_json_int(death, "ms_ago", 0, INT64_MAX / 2, &ago_ms);
	smol_duration_text(ago_ms, ago);
	if (smol_json_int(death, "pause_ms", 1, INT32_MAX, &pause_ms) == 1)
		snprintf(late, sizeof(late), "; it keeps dying: the last start waited %d ms",
		    (int)pause_ms);
	row("restarts", "%d of the device, which died %s ago: %s%s", (int)restarts, ago,
	    smol_json_str(death, "how") ?: "?", late);
}

/* "request 1M, command words 4096, …" */
static void limits_row(const cJSON *j)
{
	smol_auto_buf struct smol_buf b = {0};
	const cJSON *v;

	cJSON_ArrayForEach (v, j) {
		smol_auto_free char *name = smol_strdup(v->string);
		char *unit = strrchr(name, '_'), text[24];
		bool bytes = unit && strcmp(unit, "_bytes") == 0,
		     ms = unit && strcmp(unit, "_ms") == 0;

		if (!cJSON_IsNumber(v))
			continue;
		if (v->valuedouble <= 0 && (bytes || ms))
			snprintf(text, sizeof(text), "none");
		else if (bytes)
			smol_size_text((uint64_t)v->valuedouble, text);
		else if (ms)
			smol_duration_text((int64_t)v->valuedouble, text);
		else
			snprintf(text, sizeof(text), "%.0f", v->valuedouble);
		if (bytes || ms)
			*unit = '\0';
		for (char *p = name; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		smol_buf_printf(&b, "%s%s %s", smol_buf_len(&b) ? ", " : "", name, text);
	}
	row("limits", "%s", smol_buf_str(&b));
}

/* "/srv, /tmp"; nothing where anything goes. */
static void policy_row(const cJSON *j, const char *key, const char *name)
{
	smol_auto_buf struct smol_buf b = {0};
	const cJSON *list = smol_json_get(j, key), *v;

	cJSON_ArrayForEach (v, list)
		smol_buf_printf(&b, "%s%s", smol_buf_len(&b) ? ", " : "", v->valuestring ?: "?");
	if (list)
		row(name, "%s", smol_buf_len(&b) ? smol_buf_str(&b) : "none");
}

/* "/dev/vda: 2G, …/disk0.raw", "/dev/vdb: /srv/data.img, read-only" */
static void print_disks(const struct smol_vm *vm)
{
	for (int i = 0; i < vm->config.disks.n; i++) {
		const struct smol_disk *d = &vm->config.disks.disk[i];
		smol_auto_free char *path = smol_vm_disk_path(vm, i, NULL);
		char size[16] = "";

		if (!d->path)
			smol_size_text((uint64_t)d->size, size);
		row("disk", "/dev/vd%c: %s%s%s%s", smol_vm_disk_letter(vm, i), size,
		    *size ? ", " : "", path ? path : "?", d->readonly ? ", read-only" : "");
	}
}

static void print_config(const struct smol_vm *vm)
{
	const struct smol_vm_config *c = &vm->config;
	smol_auto_free char *root = smol_rootfs_text(c, vm->ephemeral);
	char memory[16];

	smol_size_text((uint64_t)c->memory_mib << 20, memory);
	row("image", "%s", c->image);
	if (root)
		row("root", "%s", root);
	row("memory", "%s", memory);
	row("cpus", "%d", c->cpus);
	row("backend", "%s%s%s%s", c->backend, c->backend_reason ? " (" : "",
	    c->backend_reason ? c->backend_reason : "", c->backend_reason ? ")" : "");
	row("accelerator", "%s%s%s", smol_accel_name(c->accel), vm->accel_used ? ": " : "",
	    vm->accel_used ? vm->accel_used : "");
	if (c->kernel)
		row("kernel", "%s", c->kernel);
	if (c->kernel_args && *c->kernel_args)
		row("kernel args", "%s", c->kernel_args);
	if (c->balloon)
		row("balloon", "yes");
	row("network", "%s%s%s", smol_net_name(c->net), c->net_tap ? " " : "",
	    c->net_tap ? c->net_tap : "");
	print_disks(vm);
	for (int i = 0; i < c->shares.n; i++)
		row("share", "%s: %s%s", c->shares.share[i].guest, c->shares.share[i].host,
		    c->shares.share[i].readonly ? ", read-only" : "");
}

static void print_vsock(const struct smol_vm *vm, const cJSON *j)
{
	const char *path = smol_json_str(smol_json_get(j, "vsock"), "path");

	if (!vm->config.vsock.enabled) {
		row("vsock", "disabled");
		return;
	}
	row("vsock", "enabled: CID %u, port %u%s%s", vm->cid, vm->config.vsock.guest_port,
	    path ? ", " : "", path ? path : "");
	row("vsock device", "%s%s%s", smol_vsock_by_name(vm->config.vsock.kind),
	    vm->vsock_used ? ": " : "", vm->vsock_used ? vm->vsock_used : "");
}

/* "LANG, STAGE": their values are for `env list --show`. */
static char *env_names(const struct smol_vm *vm)
{
	struct smol_buf b = {0};
	const cJSON *v;

	cJSON_ArrayForEach (v, vm->env)
		smol_buf_printf(&b, "%s%s", smol_buf_len(&b) ? ", " : "", v->string);
	return smol_buf_take(&b);
}

static void print_text(const struct smol_vm *vm, const cJSON *j)
{
	const cJSON *files = smol_json_get(j, "files"), *status = smol_json_get(j, "monitor");
	smol_auto_free char *labels = smol_vm_labels_text(vm), *names = env_names(vm);
	char age[16];
	bool up;

	smol_duration_text(smol_vm_age_ms(vm, &up), age);
	row("name", "%s", vm->name);
	row("id", "%s", vm->id);
	row("state", "%s%s%s%s", smol_vm_state_name(vm->state), up ? ", up " : "", up ? age : "",
	    vm->ephemeral ? " (goes with its `smolsh run`)" : "");
	text_row(j, "end_cause", "ended by");
	print_config(vm);
	print_vsock(vm, j);
	if (*labels)
		row("labels", "%s", labels);
	if (*names)
		row("env", "%s", names);
	text_row(j, "created", "created");
	text_row(j, "started", "started");
	text_row(j, "ready", "ready");
	text_row(j, "ended", "ended");
	process_row(status, "monitor");
	process_row(status, "hypervisor");
	process_row(status, "device");
	death_row(status);
	text_row(status, "agent", "agent");
	text_row(status, "guest_kernel", "guest kernel");
	text_row(files, "console", "console");
	text_row(files, "journal", "journal");
	limits_row(smol_json_get(j, "limits"));
	policy_row(smol_json_get(j, "limits"), "cwd", "cwd allowed");
	policy_row(smol_json_get(j, "limits"), "env", "env allowed");
	text_row(smol_json_get(j, "limits"), "user", "run as");
}

static int info_one(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    cJSON **data, struct smol_err *err)
{
	smol_auto_json cJSON *j = gather(vm);

	(void)args;
	(void)err;
	if (sh->json) {
		*data = smol_steal(&j);
		return 0;
	}
	if (sh->printed)
		putchar('\n');
	sh->printed = true;
	print_text(vm, j);
	return 0;
}

static int run_info(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	sh->printed = false;
	return smol_each_run(sh, args, info_one, err);
}

const struct smol_command smol_cmd_info[] = {
    {
	.name = "info",
	.summary = "show all that is known of VMs",
	.description =
	    "Configuration, accelerator and why, vsock, limits, times, why it ended last;\n"
	    "while it runs its processes and their memory, too.",
	.examples = "smolsh info web\n"
		    "smolsh info --all --json",
	.options = {smol_all_options},
	.positionals = smol_vms_words,
	.run = run_info,
    },
    {0},
};
