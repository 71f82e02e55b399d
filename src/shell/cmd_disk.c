/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk: the disks of a VM; its own ones can be made larger. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/commands.h"
#include "shell/output.h"
#include "shell/parse.h"
#include "vm/lifecycle.h"

/* What is known of one without opening it: a device has a size only for who may read it. */
struct look {
	char *path;	    /* owned */
	int64_t size, used; /* bytes; -1: not known */
};

static void look_free(struct look *l)
{
	free(l->path);
}
#define smol_auto_look smol_auto(look_free)

static int look_at(const struct smol_vm *vm, int i, struct look *l, struct smol_err *err)
{
	struct stat st;

	*l = (struct look){.path = smol_vm_disk_path(vm, i, err), .size = -1, .used = -1};
	if (!l->path)
		return -1;
	if (stat(l->path, &st) == 0 && S_ISREG(st.st_mode)) {
		l->size = st.st_size;
		l->used = (int64_t)st.st_blocks * SMOL_DISK_SECTOR;
	}
	return 0;
}

static cJSON *disk_json(const struct smol_vm *vm, int i, const struct look *l)
{
	const struct smol_disk *d = &vm->config.disks.disk[i];
	char device[] = "/dev/vd?";
	cJSON *j = cJSON_CreateObject();

	device[sizeof(device) - 2] = smol_vm_disk_letter(vm, i);
	smol_json_add_int(j, "number", i);
	smol_json_add_str(j, "device", device);
	smol_json_add_str(j, "path", l->path);
	smol_json_add_bool(j, "own", !d->path);
	smol_json_add_bool(j, "readonly", d->readonly);
	if (l->size >= 0) {
		smol_json_add_int(j, "size", l->size);
		smol_json_add_int(j, "used", l->used);
	}
	return j;
}

static void add_row(struct smol_table *t, const struct smol_vm *vm, int i, const struct look *l)
{
	const struct smol_disk *d = &vm->config.disks.disk[i];
	char number[12], device[] = "/dev/vd?", size[16] = "-", used[16] = "-";

	snprintf(number, sizeof(number), "%d", i);
	device[sizeof(device) - 2] = smol_vm_disk_letter(vm, i);
	if (l->size >= 0) {
		smol_size_text((uint64_t)l->size, size);
		smol_size_text((uint64_t)l->used, used);
	}
	smol_table_row(t, (const char *const[]){number, device, size, used,
			      !d->path	    ? "own"
			      : d->readonly ? "read-only"
					    : "file",
			      l->path});
}

static int run_list(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	static const char *const headers[] = {
	    ">N", "DEVICE", ">SIZE", ">USED", "KIND", "FILE", NULL};
	smol_auto_vm struct smol_vm *vm = smol_shell_vm(sh, args->words[0], err);
	smol_auto_json cJSON *list = NULL;
	struct smol_table *t;
	int rc = 0;

	if (!vm)
		return -1;
	list = cJSON_CreateArray();
	t = smol_table_new(headers);
	for (int i = 0; rc == 0 && i < vm->config.disks.n; i++) {
		smol_auto_look struct look l = {0};

		rc = look_at(vm, i, &l, err);
		if (rc == 0 && sh->json)
			cJSON_AddItemToArray(list, disk_json(vm, i, &l));
		else if (rc == 0)
			add_row(t, vm, i, &l);
	}
	if (rc == 0 && sh->json) {
		cJSON *data = cJSON_CreateObject();

		smol_json_add_str(data, "name", vm->name);
		cJSON_AddItemToObject(data, "disks", smol_steal(&list));
		smol_out_data(sh, data);
	} else if (rc == 0) {
		smol_table_print(t, !sh->quiet, smol_out_width());
	}
	smol_table_free(t);
	return rc;
}

/* "0", "/dev/vda" or its file's name: the disk's number, -1 where it is none. */
static int find_disk(const struct smol_vm *vm, const char *word, struct smol_err *err)
{
	static const char dev[] = "/dev/vd";
	size_t n = sizeof(dev) - 1;
	/* Files are kept by their real names. */
	smol_auto_free char *real = realpath(word, NULL), *safe = NULL;

	for (int i = 0; i < vm->config.disks.n; i++) {
		smol_auto_free char *path = smol_vm_disk_path(vm, i, err);
		bool number = isdigit((unsigned char)word[0]) && !word[1];

		if (!path)
			return -1;
		if ((number && word[0] - '0' == i) ||
		    (strncmp(word, dev, n) == 0 && word[n] == smol_vm_disk_letter(vm, i) &&
			!word[n + 1]) ||
		    strcmp(path, word) == 0 || (real && strcmp(path, real) == 0))
			return i;
	}
	safe = smol_out_one_line(word);
	smol_err_set(err, SMOL_E_INVALID, "VM '%s' has no disk '%s'", vm->name, safe);
	return smol_err_hint(err, "smolsh disk list %s", vm->name);
}

static int take_size(const char *word, int64_t *size, struct smol_err *err)
{
	smol_auto_free char *safe = NULL;

	*size = smol_disk_size_parse(word);
	if (*size >= 0)
		return smol_disk_size_check(*size, err);
	safe = smol_out_one_line(word);
	return smol_err_set(
	    err, SMOL_E_INVALID, "SIZE: '%s' is not a size with a unit, such as 4G", safe);
}

static int run_grow(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = NULL;
	smol_auto_look struct look l = {0};
	cJSON *data;
	int64_t size;
	int i;

	if (take_size(args->words[2], &size, err) < 0 ||
	    !(vm = smol_shell_vm(sh, args->words[0], err)))
		return -1;
	i = find_disk(vm, args->words[1], err);
	if (i < 0 || smol_vm_disk_grow(sh->registry, vm, i, size, err) < 0)
		return -1;
	if (!sh->json)
		return 0;
	if (look_at(vm, i, &l, err) < 0)
		return -1;
	data = disk_json(vm, i, &l);
	smol_json_add_str(data, "name", vm->name);
	smol_out_data(sh, data);
	return 0;
}

static const struct smol_positional grow_words[] = {
    {"VM", SMOL_ONE, "a name or an id", SMOL_COMPLETE_VM, NULL},
    {"DISK", SMOL_ONE, "its number, device or file, as `disk list` shows them", SMOL_COMPLETE_NONE,
	NULL},
    {"SIZE", SMOL_ONE, "what it is to have: 512M, 4G; up to 64T", SMOL_COMPLETE_NONE, NULL},
    {0},
};
static const struct smol_positional list_words[] = {
    {"VM", SMOL_ONE, "a name or an id", SMOL_COMPLETE_VM, NULL},
    {0},
};

static const struct smol_command verbs[] = {
    {
	.name = "grow",
	.summary = "make a disk of a stopped VM larger",
	.description = "What is on it stays; a file system in it has to be grown in the guest.\n"
		       "Only the VM's own disks (--disk SIZE) are changed, and never made smaller.",
	.examples = "smolsh disk grow store 0 4G",
	.positionals = grow_words,
	.run = run_grow,
    },
    {
	.name = "list",
	.summary = "show the disks of a VM",
	.examples = "smolsh disk list store",
	.positionals = list_words,
	.run = run_list,
    },
    {0},
};

const struct smol_command smol_cmd_disk[] = {
    {
	.name = "disk",
	.summary = "show the disks of a VM, and make them larger",
	.sub = verbs,
    },
    {0},
};
