/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is on this host to complete with: see complete.h. Only looks. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "image/image.h"
#include "shell/complete.h"
#include "shell/complete_guest.h"
#include "vm/lifecycle.h"
#include "vm/registry.h"

/* The VMs there are, or NULL. */
static struct smol_vm **all_vms(void)
{
	smol_auto_registry struct smol_registry *r =
	    smol_registry_exists() ? smol_registry_open(NULL) : NULL;
	int bad;

	return r ? smol_registry_list(r, &bad, NULL) : NULL;
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- what several VMs have, and how many do ---- */

struct tally {
	char **texts; /* each as often as there are VMs that have it; owned */
	int n;
};

static void tally_free(struct tally *t)
{
	for (int i = 0; i < t->n; i++)
		free(t->texts[i]);
	free(t->texts);
}
#define smol_auto_tally smol_auto(tally_free)

static void tally_add(struct tally *t, char *text, const char *prefix)
{
	if (!begins(text, prefix)) {
		free(text);
		return;
	}
	if ((t->n & (t->n - 1)) == 0)
		t->texts =
		    smol_realloc(t->texts, sizeof(*t->texts) * (t->n ? (size_t)t->n * 2 : 1));
	t->texts[t->n++] = text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A candidate for each text, "%d VMs" for help. */
static void tally_offer(
    struct tally *t, const char *one, const char *several, bool open, struct smol_completion *out)
{
	if (t->n)
		qsort(t->texts, (size_t)t->n, sizeof(*t->texts), by_text);
	for (int i = 0, same; i < t->n; i += same) {
		smol_auto_free char *help = NULL;

		for (same = 1; i + same < t->n && strcmp(t->texts[i], t->texts[i + same]) == 0;)
			same++;
		help = same == 1 ? smol_strdup(one) : smol_asprintf("%d %s", same, several);
		smol_completion_add(out, t->texts[i], help, open);
	}
}

/* ---- VMs, and words for several ---- */

/* "@all", "@running", "@role=web": what there is to select by. */
static void add_selectors(
    struct smol_vm **list, int marked, const char *prefix, struct smol_completion *out)
{
	smol_auto_tally struct tally t = {0};

	for (int i = 0; i < marked; i++)
		tally_add(&t, smol_strdup("@marked"), prefix);
	for (int i = 0; list && list[i]; i++) {
		const cJSON *v;

		tally_add(&t, smol_strdup("@all"), prefix);
		tally_add(&t, smol_asprintf("@%s", smol_vm_state_name(list[i]->state)), prefix);
		cJSON_ArrayForEach (v, list[i]->labels)
			tally_add(&t, smol_asprintf("@%s=%s", v->string, v->valuestring), prefix);
	}
	tally_offer(&t, "1 VM", "VMs", false, out);
}

/* One, or the last of several with commas between them. */
static void add_vms(int marked, const char *prefix, struct smol_completion *out)
{
	smol_auto_vm_list struct smol_vm **list = all_vms();
	const char *comma = strrchr(prefix, ','), *begin = comma ? comma + 1 : prefix;
	int before = out->n;

	if (*begin == '@')
		add_selectors(list, marked, begin, out);
	for (int i = 0; list && list[i]; i++)
		if (begins(list[i]->name, begin))
			smol_completion_add(
			    out, list[i]->name, smol_vm_state_name(list[i]->state), false);
	for (int i = before; comma && i < out->n; i++) {
		char *whole =
		    smol_asprintf("%.*s%s", (int)(begin - prefix), prefix, out->list[i].text);

		free(out->list[i].text);
		out->list[i].text = whole;
	}
}

/* "role=" and then its values, as any VM has them; "role-" where the VM has it; further VMs. */
static void add_labels(const char *vm, const char *prefix, struct smol_completion *out)
{
	smol_auto_vm_list struct smol_vm **list = all_vms();
	bool value = strchr(prefix, '=') != NULL;
	smol_auto_tally struct tally t = {0};

	for (int i = 0; list && list[i]; i++) {
		const cJSON *v;

		if (!value && begins(list[i]->name, prefix))
			smol_completion_add(out, list[i]->name, "another VM", false);
		cJSON_ArrayForEach (v, list[i]->labels) {
			smol_auto_free char *less = smol_asprintf("%s-", v->string);
			smol_auto_free char *is = smol_asprintf("away with %s", v->valuestring);

			tally_add(&t,
			    smol_asprintf("%s=%s", v->string, value ? v->valuestring : ""), prefix);
			if (vm && strcmp(vm, list[i]->name) == 0 && begins(less, prefix))
				smol_completion_add(out, less, is, false);
		}
	}
	tally_offer(&t, "1 VM has it", "VMs have it", !value, out);
}

static void add_images(const char *prefix, struct smol_completion *out)
{
	smol_auto_err struct smol_err ignored = SMOL_ERR_INIT;
	struct smol_image **list = smol_image_list(&ignored);

	for (int i = 0; list && list[i]; i++)
		if (strncmp(list[i]->name, prefix, strlen(prefix)) == 0)
			smol_completion_add(out, list[i]->name, list[i]->kernel_version, false);
	smol_image_list_free(list);
}

/* Names in the directory that prefix has come to; hidden ones only when asked for by their dot. */
static void add_files(const char *prefix, bool dirs_only, struct smol_completion *out)
{
	const char *slash = strrchr(prefix, '/');
	smol_auto_free char *dir =
	    slash ? smol_strndup(prefix, (size_t)(slash - prefix) + 1) : smol_strdup("");
	const char *begin = slash ? slash + 1 : prefix;
	smol_auto_closedir DIR *d = opendir(*dir ? dir : ".");
	struct dirent *e;

	while (d && (e = readdir(d)) && out->n < SMOL_CANDIDATES_MAX) {
		smol_auto_free char *text = NULL;
		struct stat st;
		bool is_dir;

		if (strncmp(e->d_name, begin, strlen(begin)) != 0 ||
		    (e->d_name[0] == '.' && begin[0] != '.') || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		is_dir = fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
		if (dirs_only && !is_dir)
			continue;
		text = smol_asprintf("%s%s%s", dir, e->d_name, is_dir ? "/" : "");
		smol_completion_add(out, text, is_dir ? "directory" : "file", is_dir);
	}
}

/* The VM of that name or id, where it runs; and where its agent is. NULL otherwise. */
static struct smol_vm *running(const char *word, struct smol_vsock_addr *addr)
{
	smol_auto_registry struct smol_registry *r =
	    word && smol_registry_exists() ? smol_registry_open(NULL) : NULL;
	smol_auto_vm struct smol_vm *vm = r ? smol_registry_find(r, word, NULL) : NULL;

	if (!vm || vm->state != SMOL_VM_RUNNING || smol_vm_agent_addr(vm, addr, NULL) < 0)
		return NULL;
	return smol_steal(&vm);
}

static void add_of_guest(
    enum smol_complete kind, const char *word, const char *prefix, struct smol_completion *out)
{
	struct smol_vsock_addr addr;
	smol_auto_vm struct smol_vm *vm = running(word, &addr);

	if (vm && kind == SMOL_COMPLETE_GUEST_FILE)
		smol_complete_guest_files(&addr, vm->token, "", prefix, out);
	else if (vm)
		smol_complete_jobs(&addr, vm->token, kind == SMOL_COMPLETE_LIVE_JOB, prefix, out);
}

/* "web:/etc/h": behind the colon, a file of that guest. */
static void add_guest_place(const char *prefix, const char *colon, struct smol_completion *out)
{
	smol_auto_free char *name = smol_strndup(prefix, (size_t)(colon - prefix));
	smol_auto_free char *front = smol_asprintf("%s:", name);
	struct smol_vsock_addr addr;
	smol_auto_vm struct smol_vm *vm = running(name, &addr);

	if (vm)
		smol_complete_guest_files(&addr, vm->token, front, colon[1] ? colon + 1 : "/", out);
}

static void add_places(const char *prefix, struct smol_completion *out)
{
	smol_auto_vm_list struct smol_vm **list = all_vms();
	const char *colon = strchr(prefix, ':'), *slash = strchr(prefix, '/');

	add_files(prefix, false, out);
	if (colon && (!slash || colon < slash)) {
		add_guest_place(prefix, colon, out);
		return;
	}
	for (int i = 0; list && list[i]; i++) {
		smol_auto_free char *place = smol_asprintf("%s:", list[i]->name);

		if (begins(place, prefix))
			smol_completion_add(out, place, smol_vm_state_name(list[i]->state), true);
	}
}

void smol_complete_host(void *ctx, enum smol_complete kind, const char *vm, const char *prefix,
    struct smol_completion *out)
{
	switch (kind) {
	case SMOL_COMPLETE_FILE:
	case SMOL_COMPLETE_DIR:
		add_files(prefix, kind == SMOL_COMPLETE_DIR, out);
		break;
	case SMOL_COMPLETE_PLACE:
		add_places(prefix, out);
		break;
	case SMOL_COMPLETE_VM:
		add_vms(ctx ? *(const int *)ctx : 0, prefix, out);
		break;
	case SMOL_COMPLETE_IMAGE:
		add_images(prefix, out);
		break;
	case SMOL_COMPLETE_LABEL:
		add_labels(vm, prefix, out);
		break;
	case SMOL_COMPLETE_JOB:
	case SMOL_COMPLETE_LIVE_JOB:
	case SMOL_COMPLETE_GUEST_FILE:
		add_of_guest(kind, vm, prefix, out);
		break;
	case SMOL_COMPLETE_NONE:
	case SMOL_COMPLETE_COMMAND:
	case SMOL_COMPLETE_SETTING:
	case SMOL_COMPLETE_VALUE:
	case SMOL_COMPLETE_ALIAS:
	case SMOL_COMPLETE_KEY:
	case SMOL_COMPLETE_LINE:
	case SMOL_COMPLETE_ACTION:
		break;
	}
}
