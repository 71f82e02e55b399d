/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Container images: see oci.h. */
#include "image/oci.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "image/hash.h"
#include "image/merge.h"
#include "image/root.h"
#include "proto/request.h"

#define INDEX_DEPTH_MAX 4   /* an index that lists an index … */
#define MANIFESTS_MAX	256 /* of one index */

static int broken(struct smol_err *err, const char *what)
{
	return smol_err_set(err, SMOL_E_INVALID, "the container image has no sound %s", what);
}

/* "sha256:<64 hex digits>" → the digits. */
static int take_digest(const char *text, char hex[65], struct smol_err *err)
{
	if (!text || strncmp(text, "sha256:", 7) != 0 || strlen(text) != 71 ||
	    strspn(text + 7, "0123456789abcdef") != 64)
		return broken(err, "SHA-256 digest");
	memcpy(hex, text + 7, 65);
	return 0;
}

static cJSON *read_json(struct smol_container *c, const char *member, const char *digest,
    const char *what, struct smol_err *err)
{
	smol_auto_buf struct smol_buf text = {0};
	char hex[65];
	cJSON *j;

	if (smol_container_text(c, member, &text, err) < 0)
		return NULL;
	smol_sha256(smol_buf_str(&text), smol_buf_len(&text), hex);
	if (digest && strcmp(hex, digest) != 0) {
		smol_err_set(err, SMOL_E_INVALID,
		    "the container image is damaged: the SHA-256 of its %s differs", what);
		return NULL;
	}
	j = smol_json_parse(smol_buf_str(&text), smol_buf_len(&text), err);
	if (!j) {
		smol_err_wrap(err, "the container image's %s", what);
		if (err)
			err->code = SMOL_E_INVALID;
	}
	return j;
}

/* The blob that a descriptor names, as JSON. */
static cJSON *read_blob(
    struct smol_container *c, const cJSON *descriptor, const char *what, struct smol_err *err)
{
	smol_auto_free char *member = NULL;
	char hex[65];

	if (take_digest(smol_json_str(descriptor, "digest"), hex, err) < 0)
		return NULL;
	member = smol_asprintf("blobs/sha256/%s", hex);
	return read_json(c, member, hex, what, err);
}

static bool is_index(const cJSON *descriptor)
{
	const char *type = smol_json_str(descriptor, "mediaType");

	return type && (strstr(type, "image.index") || strstr(type, "manifest.list"));
}

/* 1 ours, 0 for something else, which goes into seen. No platform: it may be ours. */
static int ours(const cJSON *descriptor, struct smol_buf *seen)
{
	const cJSON *p = smol_json_get(descriptor, "platform");
	const char *arch = smol_json_str(p, "architecture"), *os = smol_json_str(p, "os");
	smol_auto_free char *safe = NULL;

	if (!p || (arch && strcmp(arch, "amd64") == 0 && (!os || strcmp(os, "linux") == 0)))
		return 1;
	/* What describes an image, and is none, says "unknown". */
	if (arch && strcmp(arch, "unknown") != 0 && smol_buf_len(seen) < 200) {
		safe = smol_escape(arch, strnlen(arch, 40));
		smol_buf_printf(seen, "%s%s", smol_buf_len(seen) ? ", " : "", safe);
	}
	return 0;
}

/* The descriptor in the index that is for this machine; owned by index. */
static const cJSON *choose(const cJSON *index, struct smol_err *err)
{
	const cJSON *list = smol_json_get(index, "manifests"), *d, *found = NULL;
	smol_auto_buf struct smol_buf seen = {0};
	int n = 0;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > MANIFESTS_MAX) {
		broken(err, "list of manifests");
		return NULL;
	}
	cJSON_ArrayForEach (d, list)
		if (ours(d, &seen)) {
			found = d;
			n++;
		}
	if (n > 1) {
		smol_err_set(err, SMOL_E_INVALID,
		    "it holds %d container images, and nothing says which one is meant", n);
		smol_err_hint(err, "put only one into the archive");
		return NULL;
	}
	if (!n) {
		smol_err_set(err, SMOL_E_INVALID, "the container image is not for x86-64%s%s",
		    smol_buf_len(&seen) ? ", but for " : "", smol_buf_str(&seen));
		smol_err_hint(err, "fetch it for linux/amd64");
	}
	return found;
}

/* index.json → the manifest, through as many indexes as there are. */
static cJSON *find_manifest(struct smol_container *c, struct smol_err *err)
{
	smol_auto_json cJSON *index = read_json(c, "index.json", NULL, "index.json", err);
	const cJSON *d;

	for (int depth = 0; index && depth < INDEX_DEPTH_MAX; depth++) {
		cJSON *next;
		bool again;

		d = choose(index, err);
		if (!d)
			return NULL;
		again = is_index(d);
		next = read_blob(c, d, again ? "index" : "manifest", err);
		if (!again || !next)
			return next;
		cJSON_Delete(index);
		index = next;
	}
	if (index)
		broken(err, "index: it leads to indexes without end");
	return NULL;
}

static int add_layer(struct smol_oci *o, char *member, struct smol_err *err)
{
	if (o->nlayers == SMOL_ROOT_LAYERS_MAX) {
		free(member);
		return smol_err_set(err, SMOL_E_LIMIT,
		    "the container image has more than %d layers", SMOL_ROOT_LAYERS_MAX);
	}
	o->layers = smol_realloc(o->layers, (o->nlayers + 1) * sizeof(*o->layers));
	o->layers[o->nlayers++] = (struct smol_oci_layer){.member = member};
	return 0;
}

/* A list of strings of the configuration: NULL where there is none. */
static int take_words(const cJSON *config, const char *key, cJSON **to, struct smol_err *err)
{
	const cJSON *list = smol_json_get(config, key), *v;

	if (!list || (cJSON_IsArray(list) && !cJSON_GetArraySize(list)))
		return 0;
	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > SMOL_ARGV_MAX)
		return broken(err, key);
	cJSON_ArrayForEach (v, list)
		if (!cJSON_IsString(v))
			return broken(err, key);
	*to = cJSON_Duplicate(list, true);
	return 0;
}

/* ["K=V",…] → {"K":"V",…} */
static int take_env(const cJSON *config, cJSON **to, struct smol_err *err)
{
	smol_auto_json cJSON *list = NULL;
	const cJSON *v;

	if (take_words(config, "Env", &list, err) < 0)
		return -1;
	if (!list)
		return 0;
	if (cJSON_GetArraySize(list) > SMOL_ENV_MAX)
		return broken(err, "Env");
	*to = cJSON_CreateObject();
	cJSON_ArrayForEach (v, list) {
		const char *eq = strchr(v->valuestring, '=');
		smol_auto_free char *name = NULL;

		if (!eq || eq == v->valuestring)
			continue;
		name = smol_strndup(v->valuestring, (size_t)(eq - v->valuestring));
		cJSON_DeleteItemFromObjectCaseSensitive(*to, name);
		smol_json_add_str(*to, name, eq + 1);
	}
	return 0;
}

/* How large all of it is: it goes into each VM's configuration. */
static int check_size(const struct smol_oci *o, struct smol_err *err)
{
	struct smol_root r = {.env = o->env,
	    .entrypoint = o->entrypoint,
	    .cmd = o->cmd,
	    .cwd = o->cwd,
	    .user = o->user};
	smol_auto_json cJSON *j = smol_root_defaults(&r);
	smol_auto_free char *text = smol_json_print(j);

	if (strlen(text) <= SMOL_ROOT_DEFAULTS_MAX)
		return 0;
	return smol_err_set(err, SMOL_E_LIMIT,
	    "the container image's variables and command are larger than %d bytes",
	    SMOL_ROOT_DEFAULTS_MAX);
}

static int take_platform(const cJSON *config, struct smol_err *err)
{
	const char *arch = smol_json_str(config, "architecture"), *os = smol_json_str(config, "os");
	smol_auto_free char *safe = NULL;

	if ((!arch || strcmp(arch, "amd64") == 0) && (!os || strcmp(os, "linux") == 0))
		return 0;
	safe = smol_escape(arch && strcmp(arch, "amd64") != 0 ? arch : os,
	    strnlen(arch && strcmp(arch, "amd64") != 0 ? arch : os, 40));
	smol_err_set(err, SMOL_E_INVALID,
	    "the container image is not for Linux on x86-64, but for %s", safe);
	return smol_err_hint(err, "fetch it for linux/amd64");
}

/* The configuration, and with it the layers' digests once they are unpacked. */
static int take_config(const cJSON *j, struct smol_oci *o, struct smol_err *err)
{
	const cJSON *config = smol_json_get(j, "config");
	const cJSON *ids = smol_json_get(smol_json_get(j, "rootfs"), "diff_ids"), *id;
	const char *cwd = smol_json_str(config, "WorkingDir"),
		   *user = smol_json_str(config, "User");
	size_t i = 0;

	if (!cJSON_IsObject(j))
		return broken(err, "configuration");
	if (take_platform(j, err) < 0)
		return -1;
	if (!cJSON_IsArray(ids) || (size_t)cJSON_GetArraySize(ids) != o->nlayers)
		return broken(err, "list of layers (rootfs.diff_ids)");
	cJSON_ArrayForEach (id, ids)
		if (take_digest(id->valuestring, o->layers[i++].diff_id, err) < 0)
			return -1;
	if (cwd && *cwd) {
		if (*cwd != '/')
			return broken(err, "WorkingDir");
		o->cwd = smol_strdup(cwd);
	}
	o->user = user && *user ? smol_strdup(user) : NULL;
	if (take_env(config, &o->env, err) < 0 ||
	    take_words(config, "Entrypoint", &o->entrypoint, err) < 0 ||
	    take_words(config, "Cmd", &o->cmd, err) < 0)
		return -1;
	return check_size(o, err);
}

static int read_oci(struct smol_container *c, struct smol_oci *o, struct smol_err *err)
{
	smol_auto_json cJSON *manifest = find_manifest(c, err);
	smol_auto_json cJSON *config = NULL;
	const cJSON *layers, *d;

	if (!manifest)
		return -1;
	layers = smol_json_get(manifest, "layers");
	if (!cJSON_IsArray(layers))
		return broken(err, "list of layers");
	cJSON_ArrayForEach (d, layers) {
		char hex[65];

		if (take_digest(smol_json_str(d, "digest"), hex, err) < 0 ||
		    add_layer(o, smol_asprintf("blobs/sha256/%s", hex), err) < 0)
			return -1;
		memcpy(o->layers[o->nlayers - 1].digest, hex, sizeof(hex));
	}
	config = read_blob(c, smol_json_get(manifest, "config"), "configuration", err);
	return config ? take_config(config, o, err) : -1;
}

static int read_docker(struct smol_container *c, struct smol_oci *o, struct smol_err *err)
{
	smol_auto_json cJSON *list = read_json(c, "manifest.json", NULL, "manifest.json", err);
	smol_auto_json cJSON *config = NULL;
	const cJSON *image, *layers, *v;
	const char *file;

	if (!list)
		return -1;
	if (cJSON_GetArraySize(list) > 1) {
		smol_err_set(err, SMOL_E_INVALID,
		    "it holds %d container images, and nothing says which one is meant",
		    cJSON_GetArraySize(list));
		return smol_err_hint(err, "docker save one of them");
	}
	image = cJSON_GetArrayItem(list, 0);
	layers = smol_json_get(image, "Layers");
	file = smol_json_str(image, "Config");
	if (!file || !cJSON_IsArray(layers))
		return broken(err, "manifest.json");
	cJSON_ArrayForEach (v, layers)
		if (!cJSON_IsString(v))
			return broken(err, "list of layers");
		else if (add_layer(o, smol_strdup(v->valuestring), err) < 0)
			return -1;
	config = read_json(c, file, NULL, "configuration", err);
	return config ? take_config(config, o, err) : -1;
}

int smol_oci_read(struct smol_container *c, struct smol_oci *o, struct smol_err *err)
{
	*o = (struct smol_oci){0};
	return smol_container_kind(c) == SMOL_CONTAINER_OCI ? read_oci(c, o, err)
							    : read_docker(c, o, err);
}

void smol_oci_free(struct smol_oci *o)
{
	for (size_t i = 0; i < o->nlayers; i++)
		free(o->layers[i].member);
	free(o->layers);
	cJSON_Delete(o->env);
	cJSON_Delete(o->entrypoint);
	cJSON_Delete(o->cmd);
	free(o->cwd);
	free(o->user);
	*o = (struct smol_oci){0};
}
