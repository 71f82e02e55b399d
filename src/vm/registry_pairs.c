/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labels and variables of a VM: read, changed and written back in one transaction. */
#include <ctype.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "vm/registry_internal.h"

static const struct {
	const char *noun, *value, *select, *update;
} kinds[] = {
    [SMOL_PAIRS_LABELS] = {"label", "letters, digits and '.', '_', '-', '/', ':', at most 63",
	"SELECT labels FROM vm WHERE id = ?1", "UPDATE vm SET labels = ?2 WHERE id = ?1"},
    [SMOL_PAIRS_ENV] = {"variable", "UTF-8 of at most 32 KiB", "SELECT env FROM vm WHERE id = ?1",
	"UPDATE vm SET env = ?2 WHERE id = ?1"},
};

_Static_assert(SMOL_LABEL_MAX == 63 && SMOL_PAIR_VALUE_MAX == 32768, "as kinds[] says");

/* A label is a word that selectors can hold; a variable's name is a shell's. */
static bool key_ok(enum smol_pairs kind, const char *key, size_t n)
{
	if (n < 1 || n > SMOL_LABEL_MAX || !isascii(key[0]) ||
	    !(isalpha((unsigned char)key[0]) || key[0] == '_'))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)key[i];

		if (c >= 0x80 ||
		    !(isalnum(c) || c == '_' ||
			(kind == SMOL_PAIRS_LABELS && (c == '.' || c == '-' || c == '/'))))
			return false;
	}
	return true;
}

static bool value_ok(enum smol_pairs kind, const char *v)
{
	size_t n = strlen(v);

	if (kind == SMOL_PAIRS_ENV)
		return n <= SMOL_PAIR_VALUE_MAX && smol_utf8_valid(v, n);
	if (n > SMOL_LABEL_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)v[i] >= 0x80 ||
		    !(isalnum((unsigned char)v[i]) || strchr("._-/:", v[i])))
			return false;
	return true;
}

int smol_pair_check(enum smol_pairs kind, const char *pair, bool value, struct smol_err *err)
{
	const char *eq = strchr(pair, '=');
	size_t n = eq ? (size_t)(eq - pair) : strlen(pair);
	smol_auto_free char *safe = smol_escape(pair, n > 80 ? 80 : n);

	if (value && !eq) {
		smol_err_set(err, SMOL_E_INVALID, "%s '%s' has no value", kinds[kind].noun, safe);
		return smol_err_hint(err, "%s=VALUE", safe);
	}
	if ((!value && eq) || !key_ok(kind, pair, n))
		return smol_err_set(err, SMOL_E_INVALID,
		    "'%s' cannot be the name of a %s: letters, digits and '_'%s, a letter first, "
		    "at most %d",
		    safe, kinds[kind].noun, kind == SMOL_PAIRS_LABELS ? ", '.', '-', '/'" : "",
		    SMOL_LABEL_MAX);
	if (value && !value_ok(kind, eq + 1))
		return smol_err_set(err, SMOL_E_INVALID, "the value of %s '%s' can only be %s",
		    kinds[kind].noun, safe, kinds[kind].value);
	return 0;
}

static cJSON *read_pairs(
    struct smol_registry *r, const char *id, enum smol_pairs kind, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, kinds[kind].select, err);
	const char *text;
	int rc;

	if (!st)
		return NULL;
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc == SQLITE_DONE) {
		smol_err_set(err, SMOL_E_NOT_FOUND, "the VM has been deleted meanwhile");
		return NULL;
	}
	if (rc != SQLITE_ROW) {
		smol_registry_fail(r, "cannot read the registry", err);
		return NULL;
	}
	text = (const char *)sqlite3_column_text(st, 0);
	return smol_json_parse_object(text ? text : "", text ? strlen(text) : 0, err);
}

static int write_pairs(struct smol_registry *r, const char *id, enum smol_pairs kind,
    const cJSON *pairs, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, kinds[kind].update, err);
	smol_auto_free char *text = smol_json_print(pairs);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, text, -1, SQLITE_STATIC);
	return sqlite3_step(st) == SQLITE_DONE
		   ? 0
		   : smol_registry_fail(r, "cannot write the registry", err);
}

static int change(struct smol_registry *r, const char *id, enum smol_pairs kind,
    const char *const *set, const char *const *unset, struct smol_err *err)
{
	smol_auto_json cJSON *pairs = read_pairs(r, id, kind, err);

	if (!pairs)
		return -1;
	for (; unset && *unset; unset++)
		cJSON_DeleteItemFromObjectCaseSensitive(pairs, *unset);
	for (; set && *set; set++) {
		const char *eq = strchr(*set, '=');
		smol_auto_free char *key = smol_strndup(*set, (size_t)(eq - *set));

		cJSON_DeleteItemFromObjectCaseSensitive(pairs, key);
		smol_json_add_str(pairs, key, eq + 1);
	}
	if (cJSON_GetArraySize(pairs) > SMOL_PAIRS_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "more than %d %ss", SMOL_PAIRS_MAX, kinds[kind].noun);
	return write_pairs(r, id, kind, pairs, err);
}

int smol_registry_change_pairs(struct smol_registry *r, const char *id, enum smol_pairs kind,
    const char *const *set, const char *const *unset, struct smol_err *err)
{
	for (const char *const *p = set; p && *p; p++)
		if (smol_pair_check(kind, *p, true, err) < 0)
			return -1;
	for (const char *const *p = unset; p && *p; p++)
		if (smol_pair_check(kind, *p, false, err) < 0)
			return -1;
	if (smol_registry_exec(r, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (change(r, id, kind, set, unset, err) == 0 && smol_registry_exec(r, "COMMIT", err) == 0)
		return 0;
	sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}
