/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits and policy: see limits.h. */
#include "proto/limits.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#define WORD_MAX 4096 /* bytes of an entry of the policy */

static const struct limit {
	const char *name;
	size_t offset;
	int64_t def, least, most;
} limits[] = {
#define X(name, def, least, most) {#name, offsetof(struct smol_limits, name), def, least, most},
    SMOL_LIMITS(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(limits) * sizeof(int64_t) == offsetof(struct smol_limits, cwd),
    "all limits, and they come first");

static int64_t *slot(struct smol_limits *l, const struct limit *d)
{
	return (int64_t *)((char *)l + d->offset);
}

void smol_limits_init(struct smol_limits *l)
{
	*l = (struct smol_limits){0};
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		*slot(l, &limits[i]) = limits[i].def;
}

static void free_list(char **list)
{
	for (char **w = list; w && *w; w++)
		free(*w);
	free(list);
}

void smol_limits_free(struct smol_limits *l)
{
	free_list(l->cwd);
	free_list(l->env);
	free(l->user);
	*l = (struct smol_limits){0};
}

/* Is word the limit's name? With dashes, too, and without the unit, as `info` shows it. */
static bool is_called(const char *name, const char *word)
{
	for (; *name && *word; name++, word++)
		if (*name != *word && !(*name == '_' && *word == '-'))
			return false;
	return !*word && (!*name || strcmp(name, "_ms") == 0 || strcmp(name, "_bytes") == 0);
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n > k && strcmp(name + n - k, end) == 0;
}

/* What is wrong with an entry of the policy, or NULL. */
static const char *word_fault(const char *name, const char *word)
{
	if (!*word || strlen(word) > WORD_MAX || !smol_utf8_valid(word, strlen(word)))
		return "must be 1 to 4096 bytes of UTF-8";
	if (strcmp(name, "cwd") == 0 && *word != '/')
		return "must be an absolute path";
	if (strcmp(name, "env") == 0 && strchr(word, '='))
		return "must be the name of a variable, without a value";
	return NULL;
}

static int check_word(const char *name, const char *word, struct smol_err *err)
{
	const char *fault = word_fault(name, word);
	smol_auto_free char *safe = NULL;

	if (!fault)
		return 0;
	safe = smol_escape(word, strnlen(word, 100));
	return smol_err_set(err, SMOL_E_INVALID, "limit %s '%s' %s", name, safe, fault);
}

static int put_word(cJSON *j, const char *name, const char *value, struct smol_err *err)
{
	cJSON *list;

	if (check_word(name, value, err) < 0)
		return -1;
	if (strcmp(name, "user") == 0) {
		cJSON_DeleteItemFromObjectCaseSensitive(j, name);
		smol_json_add_str(j, name, value);
		return 0;
	}
	list = cJSON_GetObjectItemCaseSensitive(j, name);
	if (!list)
		list = cJSON_AddArrayToObject(j, name);
	if (cJSON_GetArraySize(list) >= SMOL_POLICY_MAX)
		return smol_err_set(
		    err, SMOL_E_INVALID, "limit %s: at most %d entries", name, SMOL_POLICY_MAX);
	cJSON_AddItemToArray(list, cJSON_CreateString(value));
	return 0;
}

static int64_t parse(const struct limit *d, const char *value)
{
	int64_t n = -1;

	if (ends_in(d->name, "_bytes"))
		return smol_parse_size(value);
	if (smol_parse_int(value, 0, INT64_MAX, &n) == 0)
		return n; /* of what the name says: ms */
	return ends_in(d->name, "_ms") ? smol_parse_duration(value) : -1;
}

static int no_such_limit(const char *name, struct smol_err *err)
{
	const char *names[SMOL_ARRAY_SIZE(limits) + 4] = {"cwd", "env", "user"}, *near;
	smol_auto_free char *safe = smol_escape(name, strnlen(name, 64));
	smol_auto_buf struct smol_buf all = {0};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		names[i + 3] = limits[i].name;
	near = smol_nearest(name, names);
	smol_err_set(err, SMOL_E_INVALID, "there is no limit '%s' that can be set", safe);
	if (near)
		return smol_err_hint(err, "%s", near);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		smol_buf_printf(&all, "%s%s", i ? ", " : "", limits[i].name);
	return smol_err_hint(err, "%s", smol_buf_str(&all));
}

int smol_limits_put(cJSON *j, const char *name, const char *value, struct smol_err *err)
{
	static const char *const words[] = {"cwd", "env", "user"};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(words); i++)
		if (strcmp(words[i], name) == 0)
			return put_word(j, name, value, err);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++) {
		const struct limit *d = &limits[i];
		int64_t n;

		if (!is_called(d->name, name))
			continue;
		n = parse(d, value);
		if (n < d->least || n > d->most) {
			smol_auto_free char *safe = smol_escape(value, strnlen(value, 64));

			return smol_err_set(err, SMOL_E_INVALID,
			    "limit %s '%s' is out of range: must be %lld to %lld", d->name, safe,
			    (long long)d->least, (long long)d->most);
		}
		cJSON_DeleteItemFromObjectCaseSensitive(j, d->name);
		smol_json_add_int(j, d->name, n);
		return 0;
	}
	return no_such_limit(name, err);
}

static int check_list(const cJSON *j, const char *name, struct smol_err *err)
{
	const cJSON *list = smol_json_get(j, name), *w;

	if (!list)
		return 0;
	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > SMOL_POLICY_MAX)
		return smol_err_set(err, SMOL_E_INVALID,
		    "limit %s must be an array of at most %d strings", name, SMOL_POLICY_MAX);
	cJSON_ArrayForEach (w, list)
		if (!cJSON_IsString(w) || check_word(name, w->valuestring, err) < 0)
			return smol_err_set(
			    err, SMOL_E_INVALID, "limit %s holds an entry that is none", name);
	return 0;
}

int smol_limits_check(const cJSON *j, struct smol_err *err)
{
	const cJSON *user = smol_json_get(j, "user");
	int64_t ignored;

	if (j && !cJSON_IsObject(j))
		return smol_err_set(err, SMOL_E_INVALID, "limits must be an object");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		if (smol_json_int(j, limits[i].name, limits[i].least, limits[i].most, &ignored) < 0)
			return smol_err_set(err, SMOL_E_INVALID,
			    "limit %s is out of range: must be %lld to %lld", limits[i].name,
			    (long long)limits[i].least, (long long)limits[i].most);
	if (user && !cJSON_IsString(user))
		return smol_err_set(err, SMOL_E_INVALID, "limit user must be a string");
	if (user && check_word("user", user->valuestring, err) < 0)
		return -1;
	return check_list(j, "cwd", err) < 0 ? -1 : check_list(j, "env", err);
}

/* What is no string in it is left out; what is no list becomes an empty one. */
static void take_list(const cJSON *j, const char *name, char ***out)
{
	const cJSON *list = smol_json_get(j, name), *items, *w;
	int n = 0;

	if (!list)
		return;
	items = cJSON_IsArray(list) ? list : NULL;
	free_list(*out);
	*out = smol_alloc(((size_t)cJSON_GetArraySize(list) + 1) * sizeof(**out));
	cJSON_ArrayForEach (w, items)
		if (cJSON_IsString(w) && !word_fault(name, w->valuestring))
			(*out)[n++] = smol_strdup(w->valuestring);
}

void smol_limits_decode(const cJSON *j, struct smol_limits *l)
{
	const cJSON *user = smol_json_get(j, "user");

	for (size_t i = 0; j && i < SMOL_ARRAY_SIZE(limits); i++)
		smol_json_int(
		    j, limits[i].name, limits[i].least, limits[i].most, slot(l, &limits[i]));
	take_list(j, "cwd", &l->cwd);
	take_list(j, "env", &l->env);
	if (!user)
		return;
	free(l->user);
	/* A user that nobody is: every command is refused. */
	l->user = smol_strdup(cJSON_IsString(user) ? user->valuestring : "");
}

static void add_list(cJSON *j, const char *name, char *const *list)
{
	cJSON *a = list ? cJSON_AddArrayToObject(j, name) : NULL;

	for (char *const *w = list; w && *w; w++)
		cJSON_AddItemToArray(a, cJSON_CreateString(*w));
}

cJSON *smol_limits_encode(const struct smol_limits *l)
{
	cJSON *j = cJSON_CreateObject();

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(limits); i++)
		smol_json_add_int(j, limits[i].name, *slot((struct smol_limits *)l, &limits[i]));
	add_list(j, "cwd", l->cwd);
	add_list(j, "env", l->env);
	if (l->user)
		smol_json_add_str(j, "user", l->user);
	return j;
}
