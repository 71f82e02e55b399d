/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding, reading and describing images: see image.h. Verifying them is in verify.c. */
#include "image/image.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "image/hash.h"
#include "image/manifest.h"
#include "image/recipe.h"

#define IMAGES_MAX 1000 /* in one directory; more are not listed */

bool smol_image_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= SMOL_IMAGE_NAME_MAX && !strchr("._-", name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static int check_name(const char *name, struct smol_err *err)
{
	smol_auto_free char *shown = smol_escape(name, strlen(name));

	if (smol_image_name_ok(name))
		return 0;
	return smol_err_set(err, SMOL_E_INVALID,
	    "'%s' cannot be an image's name: a-z 0-9 . _ - only, a letter or digit first, "
	    "at most %d",
	    shown, SMOL_IMAGE_NAME_MAX);
}

static int no_image(const char *name, struct smol_err *err)
{
	smol_err_set(err, SMOL_E_IMAGE, "no image '%s'", name);
	if (strcmp(name, SMOL_IMAGE_DEFAULT) == 0)
		return smol_err_hint(err, "smolsh image build");
	return smol_err_hint(err, "smolsh image build %s, or smolsh image list", name);
}

static bool present(const char *images, const char *name)
{
	smol_auto_free char *m = smol_asprintf("%s/%s/manifest.json", images, name);

	return access(m, F_OK) == 0;
}

struct smol_image *smol_image_open_in(const char *images, const char *name, struct smol_err *err)
{
	smol_auto_free char *dir = smol_asprintf("%s/%s", images, name);
	smol_auto_free char *path = smol_asprintf("%s/manifest.json", dir);
	smol_auto_buf struct smol_buf text = {0};

	if (check_name(name, err) < 0)
		return NULL;
	if (!present(images, name)) {
		no_image(name, err);
		return NULL;
	}
	if (smol_file_read(path, SMOL_MANIFEST_MAX, &text, err) < 0) {
		smol_err_wrap(err, "image '%s' cannot be read", name);
		smol_err_hint(err, "smolsh image build %s", name);
		return NULL;
	}
	return smol_manifest_parse(smol_buf_str(&text), smol_buf_len(&text), name, dir, err);
}

static void free_list(char ***list)
{
	smol_path_list_free(*list);
}

struct smol_image *smol_image_open(const char *name, struct smol_err *err)
{
	smol_auto(free_list) char **dirs = smol_path_images();

	if (check_name(name, err) < 0 || smol_path_images_check(err) < 0)
		return NULL;
	for (char **d = dirs; *d; d++)
		if (present(*d, name))
			return smol_image_open_in(*d, name, err);
	no_image(name, err);
	return NULL;
}

const char *smol_image_part_path(const struct smol_image *img, const char *role)
{
	for (int i = 0; i < img->nparts; i++)
		if (strcmp(img->parts[i].role, role) == 0)
			return img->parts[i].path;
	return NULL;
}

int smol_image_agent_current(const struct smol_image *img, struct smol_err *err)
{
	smol_auto_free char *agent = smol_path_helper("smolsh-agent", err);
	char hex[65];

	if (!agent || smol_sha256_file(agent, hex, err) < 0)
		return -1;
	return img->agent_sha256 && strcmp(img->agent_sha256, hex) == 0;
}

bool smol_image_recipe_current(const struct smol_image *img)
{
	char hex[65];

	smol_recipe_hash(hex);
	return img->recipe && strcmp(img->recipe, hex) == 0;
}

static int listed(struct smol_image **list, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(list[i]->name, name) == 0)
			return 1;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct smol_image *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Add the images of one directory that are not in the list yet. */
static struct smol_image **list_dir(
    const char *images, struct smol_image **list, int *n, struct smol_err *err)
{
	smol_auto_closedir DIR *d = opendir(images);
	struct dirent *e;

	while (d && (e = readdir(d)) && *n < IMAGES_MAX) {
		struct smol_image *img;

		if (!smol_image_name_ok(e->d_name) || listed(list, *n, e->d_name) ||
		    !present(images, e->d_name))
			continue;
		img = smol_image_open_in(images, e->d_name, err);
		if (!img)
			continue;
		list = smol_realloc(list, ((size_t)*n + 2) * sizeof(struct smol_image *));
		list[(*n)++] = img;
		list[*n] = NULL;
	}
	return list;
}

struct smol_image **smol_image_list(struct smol_err *err)
{
	smol_auto(free_list) char **dirs = smol_path_images();
	struct smol_image **list = smol_alloc(sizeof(struct smol_image *));
	int n = 0;

	smol_path_images_check(err);
	for (char **d = dirs; *d; d++)
		list = list_dir(*d, list, &n, err);
	qsort(list, (size_t)n, sizeof(struct smol_image *), by_name);
	return list;
}

void smol_image_free(struct smol_image *img)
{
	if (!img)
		return;
	for (int i = 0; i < img->nparts; i++) {
		free(img->parts[i].role);
		free(img->parts[i].path);
		free(img->parts[i].sha256);
	}
	free(img->parts);
	free(img->name);
	free(img->dir);
	free(img->kernel_version);
	free(img->kernel_args);
	free(img->agent_version);
	free(img->agent_sha256);
	free(img->recipe);
	free(img->inputs);
	free(img);
}

void smol_image_list_free(struct smol_image **list)
{
	for (struct smol_image **p = list; p && *p; p++)
		smol_image_free(*p);
	free(list);
}

cJSON *smol_image_json(const struct smol_image *img)
{
	cJSON *j = cJSON_CreateObject(), *parts = cJSON_CreateArray();
	char created[32];

	smol_wall_text(img->created_ms, created);
	smol_json_add_str(j, "name", img->name);
	smol_json_add_str(j, "dir", img->dir);
	smol_json_add_str(j, "created", created);
	smol_json_add_str(j, "kernel_version", img->kernel_version);
	smol_json_add_str(j, "kernel_args", img->kernel_args);
	smol_json_add_str(j, "agent_version", img->agent_version);
	smol_json_add_str(j, "agent_sha256", img->agent_sha256);
	for (int i = 0; i < img->nparts; i++) {
		const struct smol_image_part *p = &img->parts[i];
		cJSON *part = cJSON_CreateObject();

		smol_json_add_str(part, "role", p->role);
		smol_json_add_str(part, "path", p->path);
		smol_json_add_int(part, "size", (int64_t)p->size);
		smol_json_add_str(part, "sha256", p->sha256);
		cJSON_AddItemToArray(parts, part);
	}
	cJSON_AddItemToObject(j, "parts", parts);
	return j;
}
