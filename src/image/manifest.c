/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest.json: see manifest.h. The file may have been edited or copied from anywhere: every
 * member is checked, and what is shown of it is escaped.
 */
#include "image/manifest.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

static const char *const roles[] = {"kernel", "kernel-packed", "initramfs"};

static bool hex64(const char *s)
{
	return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* One path component, and not one that smolsh writes for itself. */
static bool file_name_ok(const char *s)
{
	return s && *s && *s != '.' && strlen(s) <= 64 && !strchr(s, '/') &&
	       strcmp(s, "manifest.json") != 0 && strcmp(s, "verified") != 0;
}

static int role_index(const char *role)
{
	for (size_t i = 0; role && i < SMOL_ARRAY_SIZE(roles); i++)
		if (strcmp(role, roles[i]) == 0)
			return (int)i;
	return -1;
}

static const char *parse_part(const cJSON *j, struct smol_image *img)
{
	struct smol_image_part *p = &img->parts[img->nparts];
	const char *role = smol_json_str(j, "role"), *file = smol_json_str(j, "file");
	const char *sha = smol_json_str(j, "sha256");
	int64_t size = 0;

	if (role_index(role) < 0)
		return NULL; /* of a later format: not for us */
	if (smol_image_part_path(img, role))
		return "two parts of one role";
	if (!file_name_ok(file))
		return "a part without a proper file name";
	if (!hex64(sha))
		return "a part without its SHA-256";
	if (smol_json_int(j, "size", 1, INT64_C(1) << 40, &size) != 1)
		return "a part without its size";
	p->role = smol_strdup(role);
	p->path = smol_asprintf("%s/%s", img->dir, file);
	p->sha256 = smol_strdup(sha);
	p->size = (uint64_t)size;
	img->nparts++;
	return NULL;
}

static const char *parse_parts(const cJSON *parts, struct smol_image *img)
{
	const char *bad;
	const cJSON *j;
	int n = cJSON_GetArraySize(parts);

	if (!cJSON_IsArray(parts) || n < 1)
		return "no parts";
	if (n > SMOL_IMAGE_PARTS_MAX)
		return "too many parts";
	img->parts = smol_alloc((size_t)n * sizeof(*img->parts));
	cJSON_ArrayForEach (j, parts) {
		bad = parse_part(j, img);
		if (bad)
			return bad;
	}
	if (!smol_image_part_path(img, "kernel") && !smol_image_part_path(img, "kernel-packed"))
		return "no kernel among its parts";
	if (!smol_image_part_path(img, "initramfs"))
		return "no initramfs among its parts";
	return NULL;
}

static char *string_or(const cJSON *j, const char *key, const char *absent)
{
	const char *s = smol_json_str(j, key);

	return smol_strdup(s && strlen(s) <= 1024 ? s : absent);
}

struct smol_image *smol_manifest_parse(
    const char *text, size_t n, const char *name, const char *dir, struct smol_err *err)
{
	smol_auto_image struct smol_image *img = smol_alloc(sizeof(*img));
	smol_auto_json cJSON *j = smol_json_parse_object(text, n, err);
	const char *bad = NULL;
	int64_t format = 0;

	img->name = smol_strdup(name);
	img->dir = smol_strdup(dir);
	if (!j) {
		bad = "not a JSON object";
	} else if (smol_json_int(j, "format", 1, 1000, &format) != 1) {
		bad = "no format number";
	} else if (format != SMOL_MANIFEST_FORMAT) {
		bad = "of a format that this smolsh does not know";
	} else if (smol_json_int(j, "created", 0, INT64_C(1) << 52, &img->created_ms) < 0) {
		bad = "no proper time of creation";
	} else {
		img->kernel_version = string_or(j, "kernel_version", "?");
		img->kernel_args = string_or(j, "kernel_args", "");
		img->agent_version = string_or(j, "agent_version", "?");
		if (hex64(smol_json_str(j, "agent_sha256")))
			img->agent_sha256 = smol_strdup(smol_json_str(j, "agent_sha256"));
		if (hex64(smol_json_str(j, "recipe")))
			img->recipe = smol_strdup(smol_json_str(j, "recipe"));
		if (hex64(smol_json_str(j, "inputs")))
			img->inputs = smol_strdup(smol_json_str(j, "inputs"));
		bad = parse_parts(smol_json_get(j, "parts"), img);
	}
	if (bad) {
		smol_err_set(
		    err, SMOL_E_IMAGE, "image '%s' is damaged: manifest.json: %s", name, bad);
		smol_err_hint(err, "smolsh image build %s", name);
		return NULL;
	}
	return smol_steal(&img);
}

char *smol_manifest_print(const struct smol_image *img)
{
	smol_auto_json cJSON *j = cJSON_CreateObject();
	smol_auto_free char *line = NULL;
	cJSON *parts = cJSON_CreateArray();

	smol_json_add_int(j, "format", SMOL_MANIFEST_FORMAT);
	smol_json_add_str(j, "name", img->name);
	smol_json_add_int(j, "created", img->created_ms);
	smol_json_add_str(j, "kernel_version", img->kernel_version);
	smol_json_add_str(j, "kernel_args", img->kernel_args);
	smol_json_add_str(j, "agent_version", img->agent_version);
	if (img->agent_sha256)
		smol_json_add_str(j, "agent_sha256", img->agent_sha256);
	if (img->recipe)
		smol_json_add_str(j, "recipe", img->recipe);
	if (img->inputs)
		smol_json_add_str(j, "inputs", img->inputs);
	for (int i = 0; i < img->nparts; i++) {
		const struct smol_image_part *p = &img->parts[i];
		const char *slash = strrchr(p->path, '/');
		cJSON *part = cJSON_CreateObject();

		smol_json_add_str(part, "role", p->role);
		smol_json_add_str(part, "file", slash ? slash + 1 : p->path);
		smol_json_add_int(part, "size", (int64_t)p->size);
		smol_json_add_str(part, "sha256", p->sha256);
		cJSON_AddItemToArray(parts, part);
	}
	cJSON_AddItemToObject(j, "parts", parts);
	line = smol_json_print(j);
	return smol_asprintf("%s\n", line);
}
