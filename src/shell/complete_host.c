/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is on this host to complete with: see complete.h. Only looks. */
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "image/image.h"
#include "shell/complete.h"
#include "vm/registry.h"

/* "@all", "@running", "@role=web": what there is to select by. */
static void add_selectors(struct smol_vm **list, const char *prefix, struct smol_completion *out)
{
	if (strncmp("@all", prefix, strlen(prefix)) == 0)
		smol_completion_add(out, "@all", "every VM", false);
	for (int i = 0; list && list[i]; i++) {
		smol_auto_free char *state =
		    smol_asprintf("@%s", smol_vm_state_name(list[i]->state));
		const cJSON *v;

		if (strncmp(state, prefix, strlen(prefix)) == 0)
			smol_completion_add(out, state, "in this state", false);
		cJSON_ArrayForEach (v, list[i]->labels) {
			smol_auto_free char *label =
			    smol_asprintf("@%s=%s", v->string, v->valuestring);

			if (strncmp(label, prefix, strlen(prefix)) == 0)
				smol_completion_add(out, label, "with this label", false);
		}
	}
}

static void add_vms(const char *prefix, struct smol_completion *out)
{
	smol_auto_registry struct smol_registry *r =
	    smol_registry_exists() ? smol_registry_open(NULL) : NULL;
	smol_auto_vm_list struct smol_vm **list = NULL;
	int bad;

	list = r ? smol_registry_list(r, &bad, NULL) : NULL;
	if (*prefix == '@') {
		add_selectors(list, prefix, out);
		return;
	}
	for (int i = 0; list && list[i]; i++)
		if (strncmp(list[i]->name, prefix, strlen(prefix)) == 0)
			smol_completion_add(
			    out, list[i]->name, smol_vm_state_name(list[i]->state), false);
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

/* What is in a guest is not asked for: a Tab would have to wait for it. */
static void add_places(const char *prefix, struct smol_completion *out)
{
	smol_auto_registry struct smol_registry *r =
	    smol_registry_exists() ? smol_registry_open(NULL) : NULL;
	smol_auto_vm_list struct smol_vm **list = NULL;
	int bad;

	list = r ? smol_registry_list(r, &bad, NULL) : NULL;
	for (int i = 0; list && list[i]; i++) {
		smol_auto_free char *place = smol_asprintf("%s:", list[i]->name);

		if (strncmp(place, prefix, strlen(prefix)) == 0)
			smol_completion_add(out, place, smol_vm_state_name(list[i]->state), true);
	}
	add_files(prefix, false, out);
}

void smol_complete_host(
    void *ctx, enum smol_complete kind, const char *prefix, struct smol_completion *out)
{
	(void)ctx;
	switch (kind) {
	case SMOL_COMPLETE_FILE:
	case SMOL_COMPLETE_DIR:
		add_files(prefix, kind == SMOL_COMPLETE_DIR, out);
		break;
	case SMOL_COMPLETE_PLACE:
		add_places(prefix, out);
		break;
	case SMOL_COMPLETE_VM:
		add_vms(prefix, out);
		break;
	case SMOL_COMPLETE_IMAGE:
		add_images(prefix, out);
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
