/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Root images as those see them who boot from them: see root.h. */
#include "image/root.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "image/image.h"

bool smol_root_name_ok(const char *name)
{
	return smol_image_name_ok(name);
}

char *smol_root_dir(void)
{
	char **dirs = smol_path_images();
	char *dir = smol_asprintf("%s/roots", dirs[0]);

	smol_path_list_free(dirs);
	return dir;
}

/* The first "…/roots" that has the file; where none has it, the first one. */
static char *find_file(const char *file)
{
	char **dirs = smol_path_images();
	char *path = NULL;

	for (char **d = dirs; *d && !path; d++) {
		path = smol_asprintf("%s/roots/%s", *d, file);
		if (access(path, F_OK) < 0) {
			free(path);
			path = NULL;
		}
	}
	if (!path)
		path = smol_asprintf("%s/roots/%s", dirs[0], file);
	smol_path_list_free(dirs);
	return path;
}

char *smol_root_path(const char *digest)
{
	smol_auto_free char *file = smol_asprintf("%s.squashfs", digest);

	return find_file(file);
}

int smol_root_check(const struct smol_root *r, struct smol_err *err)
{
	smol_auto_free char *path = smol_root_path(r->digest);
	struct stat st;
	bool there = stat(path, &st) == 0;

	if (there && S_ISREG(st.st_mode) && (uint64_t)st.st_size == r->size)
		return 0;
	smol_err_set(err, SMOL_E_IMAGE, "the files of root image '%s' (%.12s) are %s", r->name,
	    r->digest, there ? "damaged" : "not there");
	return smol_err_hint(err, "smolsh image import %s %s --force", r->source, r->name);
}

int smol_root_use(
    const struct smol_root *r, const char *id, const char *state_dir, struct smol_err *err)
{
	smol_auto_free char *path = smol_root_path(r->digest);
	smol_auto_free char *link = NULL;

	*strrchr(path, '/') = '\0';
	link = smol_asprintf("%s/" SMOL_ROOT_USED "%s-%s", path, r->digest, id);
	if (symlink(state_dir, link) < 0 && errno != EACCES && errno != EROFS && errno != EEXIST &&
	    errno != ENOENT)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", link);
	/* Only now: before it somebody may have taken the files away. */
	return smol_root_check(r, err);
}

char *smol_root_record(const char *name)
{
	smol_auto_free char *file = smol_asprintf("%s.json", name);

	return find_file(file);
}

/* What is at fault in a record. */
static int bad(struct smol_err *err, const char *what)
{
	return smol_err_set(err, SMOL_E_IMAGE, "the root image's record has no sound %s", what);
}

static bool is_digest(const char *s)
{
	return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* *to: a copy of the member where it is an array, or object, of strings. -1: it is something else.
 */
static int take_strings(const cJSON *j, const char *key, bool object, cJSON **to)
{
	const cJSON *list = smol_json_get(j, key), *v;

	if (!list)
		return 0;
	if (object ? !cJSON_IsObject(list) : !cJSON_IsArray(list))
		return -1;
	cJSON_ArrayForEach (v, list)
		if (!cJSON_IsString(v))
			return -1;
	*to = cJSON_Duplicate(list, true);
	return 0;
}

struct smol_root *smol_root_decode(const cJSON *j, struct smol_err *err)
{
	smol_auto_root struct smol_root *r = smol_alloc(sizeof(*r));
	const char *name = smol_json_str(j, "name"), *digest = smol_json_str(j, "digest");
	int64_t size = 0, unpacked = 0;

	r->name = smol_strdup(name);
	r->digest = smol_strdup(digest);
	r->source = smol_strdup(smol_json_str(j, "source"));
	r->inputs = smol_strdup(smol_json_str(j, "inputs"));
	r->cwd = smol_strdup(smol_json_str(j, "cwd"));
	r->user = smol_strdup(smol_json_str(j, "user"));
	if (!name || !smol_root_name_ok(name))
		bad(err, "name");
	else if (!is_digest(digest))
		bad(err, "digest");
	else if (!r->source || !is_digest(r->inputs))
		bad(err, "source");
	else if (smol_json_int(j, "size", 1, INT64_C(1) << 50, &size) != 1 ||
		 smol_json_int(j, "unpacked", 0, INT64_C(1) << 50, &unpacked) != 1 ||
		 smol_json_int(j, "created", 0, INT64_C(1) << 50, &r->created_ms) != 1)
		bad(err, "size or time");
	else if (take_strings(j, "env", true, &r->env) < 0 ||
		 take_strings(j, "entrypoint", false, &r->entrypoint) < 0 ||
		 take_strings(j, "cmd", false, &r->cmd) < 0)
		bad(err, "variables or command");
	else {
		r->size = (uint64_t)size;
		r->unpacked = (uint64_t)unpacked;
		return smol_steal(&r);
	}
	return NULL;
}

static void add_copy(cJSON *j, const char *key, const cJSON *value)
{
	if (value)
		cJSON_AddItemToObject(j, key, cJSON_Duplicate(value, true));
}

cJSON *smol_root_encode(const struct smol_root *r)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "name", r->name);
	smol_json_add_str(j, "source", r->source);
	smol_json_add_str(j, "inputs", r->inputs);
	smol_json_add_str(j, "digest", r->digest);
	smol_json_add_int(j, "size", (int64_t)r->size);
	smol_json_add_int(j, "unpacked", (int64_t)r->unpacked);
	smol_json_add_int(j, "created", r->created_ms);
	add_copy(j, "env", r->env);
	add_copy(j, "entrypoint", r->entrypoint);
	add_copy(j, "cmd", r->cmd);
	if (r->cwd)
		smol_json_add_str(j, "cwd", r->cwd);
	if (r->user)
		smol_json_add_str(j, "user", r->user);
	return j;
}

char **smol_root_argv(const struct smol_root *r)
{
	int n = cJSON_GetArraySize(r->entrypoint) + cJSON_GetArraySize(r->cmd);
	char **argv = n ? smol_alloc(((size_t)n + 1) * sizeof(*argv)) : NULL;
	const cJSON *v;

	n = 0;
	cJSON_ArrayForEach (v, r->entrypoint)
		argv[n++] = smol_strdup(v->valuestring);
	cJSON_ArrayForEach (v, r->cmd)
		argv[n++] = smol_strdup(v->valuestring);
	return argv;
}

cJSON *smol_root_defaults(const struct smol_root *r)
{
	cJSON *j = cJSON_CreateObject(), *argv;
	const cJSON *v;

	add_copy(j, "env", r->env);
	if (r->cwd)
		smol_json_add_str(j, "cwd", r->cwd);
	if (r->user)
		smol_json_add_str(j, "user", r->user);
	if (!r->entrypoint && !r->cmd)
		return j;
	argv = cJSON_AddArrayToObject(j, "argv");
	cJSON_ArrayForEach (v, r->entrypoint)
		cJSON_AddItemToArray(argv, cJSON_Duplicate(v, true));
	cJSON_ArrayForEach (v, r->cmd)
		cJSON_AddItemToArray(argv, cJSON_Duplicate(v, true));
	return j;
}

static struct smol_root *read_record(const char *path, const char *name, struct smol_err *err)
{
	smol_auto_buf struct smol_buf text = {0};
	smol_auto_json cJSON *j = NULL;
	struct smol_root *r = NULL;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		smol_err_set(err, SMOL_E_NOT_FOUND, "no root image '%s'", name);
		smol_err_hint(err, "smolsh image roots");
		return NULL;
	}
	if (smol_file_read(path, SMOL_ROOT_RECORD_MAX, &text, err) == 0 &&
	    (j = smol_json_parse_object(smol_buf_str(&text), smol_buf_len(&text), err)))
		r = smol_root_decode(j, err);
	/* The file's name counts, so that nobody else is meant by it. */
	if (r && strcmp(r->name, name) != 0) {
		smol_root_free(r);
		r = NULL;
		bad(err, "name");
	}
	if (!r) {
		smol_err_wrap(err, "root image '%s' cannot be read", name);
		if (err)
			err->code = SMOL_E_IMAGE;
		smol_err_hint(err, "rm %s", path);
	}
	return r;
}

struct smol_root *smol_root_open(const char *name, struct smol_err *err)
{
	smol_auto_free char *path = smol_root_record(name);

	if (!smol_root_name_ok(name)) {
		smol_auto_free char *shown = smol_escape(name, strlen(name));

		smol_err_set(err, SMOL_E_NOT_FOUND, "'%s' cannot be a root image's name", shown);
		smol_err_hint(err, "smolsh image roots");
		return NULL;
	}
	return read_record(path, name, err);
}

static int by_name(const void *a, const void *b)
{
	const struct smol_root *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static bool listed(struct smol_root *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i]->name, name) == 0)
			return true;
	return false;
}

/* Add those of one directory that are not in the list yet. */
static struct smol_root **list_dir(
    const char *images, struct smol_root **list, size_t *n, struct smol_err *err)
{
	smol_auto_free char *dir = smol_asprintf("%s/roots", images);
	smol_auto_closedir DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) && *n < SMOL_ROOTS_MAX) {
		smol_auto_free char *path = smol_asprintf("%s/%s", dir, e->d_name);
		size_t len = strlen(e->d_name);
		struct smol_root *r;

		if (len < 6 || strcmp(e->d_name + len - 5, ".json") != 0)
			continue;
		e->d_name[len - 5] = '\0';
		if (!smol_root_name_ok(e->d_name) || listed(list, *n, e->d_name))
			continue;
		r = read_record(path, e->d_name, err);
		if (!r)
			continue;
		list = smol_realloc(list, (*n + 2) * sizeof(struct smol_root *));
		list[(*n)++] = r;
		list[*n] = NULL;
	}
	return list;
}

struct smol_root **smol_root_list(struct smol_err *err)
{
	struct smol_root **list = smol_alloc(sizeof(struct smol_root *));
	char **dirs = smol_path_images();
	size_t n = 0;

	for (char **d = dirs; *d; d++)
		list = list_dir(*d, list, &n, err);
	smol_path_list_free(dirs);
	qsort(list, n, sizeof(struct smol_root *), by_name);
	return list;
}

void smol_root_free(struct smol_root *r)
{
	if (!r)
		return;
	free(r->name);
	free(r->source);
	free(r->inputs);
	free(r->digest);
	free(r->cwd);
	free(r->user);
	cJSON_Delete(r->env);
	cJSON_Delete(r->entrypoint);
	cJSON_Delete(r->cmd);
	free(r);
}

void smol_root_list_free(struct smol_root **list)
{
	for (struct smol_root **p = list; p && *p; p++)
		smol_root_free(*p);
	free(list);
}
