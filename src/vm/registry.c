/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registry's database: opening, schema, rows. How a row comes to be is in registry_create.c,
 * what changes its state in registry_state.c. A row that cannot be understood never stops the
 * others from being listed.
 */
#include "vm/registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "vm/registry_internal.h"

#define CANDIDATES     5 /* of an ambiguous word that are named */
#define SCHEMA_VERSION 3 /* 2: labels, env; 3: vsock_used */

static const char schema[] = "CREATE TABLE vm ("
			     " id TEXT PRIMARY KEY,"
			     " name TEXT NOT NULL UNIQUE,"
			     " config TEXT NOT NULL,"
			     " token TEXT NOT NULL,"
			     " cid INTEGER UNIQUE,"
			     " state TEXT NOT NULL,"
			     " ephemeral INTEGER NOT NULL DEFAULT 0,"
			     " created_ms INTEGER NOT NULL,"
			     " started_ms INTEGER NOT NULL DEFAULT 0,"
			     " ready_ms INTEGER NOT NULL DEFAULT 0,"
			     " ended_ms INTEGER NOT NULL DEFAULT 0,"
			     " end_cause TEXT,"
			     " accel_used TEXT,"
			     " vsock_used TEXT,"
			     " monitor_pid INTEGER NOT NULL DEFAULT 0,"
			     " monitor_start INTEGER NOT NULL DEFAULT 0,"
			     " boot_id TEXT NOT NULL DEFAULT '',"
			     " labels TEXT NOT NULL DEFAULT '{}',"
			     " env TEXT NOT NULL DEFAULT '{}') WITHOUT ROWID;"
			     "PRAGMA user_version = 3;";

static const char *const state_names[] = {
#define X(e, n) [SMOL_VM_##e] = n,
    SMOL_VM_STATES(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(state_names) == SMOL_VM__COUNT, "a name for each state");

const char *smol_vm_state_name(enum smol_vm_state s)
{
	return (unsigned)s < SMOL_VM__COUNT ? state_names[s] : "?";
}

bool smol_vm_vsock_by_kernel(const struct smol_vm *vm)
{
	return vm->vsock_used && strncmp(vm->vsock_used, "kernel", strlen("kernel")) == 0;
}

bool smol_vm_state_live(enum smol_vm_state s)
{
	return s == SMOL_VM_STARTING || s == SMOL_VM_RUNNING || s == SMOL_VM_PAUSED ||
	       s == SMOL_VM_STOPPING;
}

int smol_registry_fail(struct smol_registry *r, const char *what, struct smol_err *err)
{
	int rc = sqlite3_extended_errcode(r->db) & 0xff;

	/* To open it takes room, too, where nobody else has it open. */
	if (rc == SQLITE_FULL || (rc == SQLITE_IOERR && sqlite3_system_errno(r->db) == ENOSPC)) {
		smol_err_set(err, SMOL_E_NO_SPACE, "%s: no space left for the registry", what);
		return smol_err_hint(err, "free some space on the disk that holds %s", r->path);
	}
	if (rc == SQLITE_READONLY || rc == SQLITE_PERM || rc == SQLITE_CANTOPEN) {
		smol_err_set(
		    err, SMOL_E_PERMISSION, "%s: the registry %s cannot be written", what, r->path);
		return smol_err_hint(
		    err, "set SMOLSH_HOME or XDG_STATE_HOME to a directory that can be written");
	}
	if (rc == SQLITE_BUSY) {
		smol_err_set(err, SMOL_E_REGISTRY, "%s: the registry is busy for more than %d s",
		    what, SMOL_BUSY_MS / 1000);
		return smol_err_hint(err, "smolsh doctor");
	}
	smol_err_set(err, SMOL_E_REGISTRY, "%s: the registry %s cannot be used: %s", what, r->path,
	    sqlite3_errmsg(r->db));
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		smol_err_hint(err,
		    "mv %s %s.damaged (VMs that run are then unknown; their logs stay)", r->path,
		    r->path);
	return -1;
}

int smol_registry_exec(struct smol_registry *r, const char *sql, struct smol_err *err)
{
	if (sqlite3_exec(r->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return smol_registry_fail(r, "registry", err);
	return 0;
}

sqlite3_stmt *smol_registry_prepare(struct smol_registry *r, const char *sql, struct smol_err *err)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(r->db, sql, -1, &st, NULL) != SQLITE_OK) {
		smol_registry_fail(r, "registry", err);
		return NULL;
	}
	return st;
}

static int user_version(struct smol_registry *r, int *version, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, "PRAGMA user_version", err);

	if (!st)
		return -1;
	if (sqlite3_step(st) != SQLITE_ROW)
		return smol_registry_fail(r, "registry", err);
	*version = sqlite3_column_int(st, 0);
	return 0;
}

/* The change to WAL wants the file to itself, and SQLite does not wait for that by itself. */
static int enter_wal(struct smol_registry *r, struct smol_err *err)
{
	smol_deadline deadline = smol_in_ms(SMOL_BUSY_MS);

	for (;;) {
		int rc = sqlite3_exec(r->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);

		if (rc == SQLITE_OK)
			return 0;
		if ((rc & 0xff) != SQLITE_BUSY || smol_poll_ms(deadline) == 0)
			return smol_registry_fail(r, "registry", err);
		sqlite3_sleep(5);
	}
}

/* What older schemas lack; some of their databases were given it without a new number. */
static int upgrade(struct smol_registry *r, struct smol_err *err)
{
	static const char *const columns[][2] = {
	    {"labels", "ALTER TABLE vm ADD COLUMN labels TEXT NOT NULL DEFAULT '{}'"},
	    {"env", "ALTER TABLE vm ADD COLUMN env TEXT NOT NULL DEFAULT '{}'"},
	    {"vsock_used", "ALTER TABLE vm ADD COLUMN vsock_used TEXT"},
	};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(columns); i++) {
		bool there = sqlite3_table_column_metadata(r->db, NULL, "vm", columns[i][0], NULL,
				 NULL, NULL, NULL, NULL) == SQLITE_OK;

		if (!there && smol_registry_exec(r, columns[i][1], err) < 0)
			return -1;
	}
	return smol_registry_exec(r, "PRAGMA user_version = 3", err);
}

static int make_or_upgrade(struct smol_registry *r, struct smol_err *err)
{
	int version;

	if (user_version(r, &version, err) < 0)
		return -1;
	if (version == 0)
		return smol_registry_exec(r, schema, err);
	return version < SCHEMA_VERSION ? upgrade(r, err) : 0;
}

/* Two processes may find an old database at once: the check is repeated in the transaction. */
static int make_schema(struct smol_registry *r, struct smol_err *err)
{
	if (enter_wal(r, err) < 0 || smol_registry_exec(r, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (make_or_upgrade(r, err) == 0 && smol_registry_exec(r, "COMMIT", err) == 0)
		return 0;
	sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static int prepare_database(struct smol_registry *r, struct smol_err *err)
{
	int version = 0;

	sqlite3_busy_timeout(r->db, SMOL_BUSY_MS);
	if (smol_registry_exec(r, "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256", err) < 0 ||
	    user_version(r, &version, err) < 0)
		return -1;
	if (version > SCHEMA_VERSION) {
		smol_err_set(err, SMOL_E_REGISTRY,
		    "the registry %s was made by a newer smolsh (schema %d, this one knows %d)",
		    r->path, version, SCHEMA_VERSION);
		return smol_err_hint(
		    err, "use that smolsh, or set SMOLSH_HOME to another directory");
	}
	return version == SCHEMA_VERSION ? 0 : make_schema(r, err);
}

struct smol_registry *smol_registry_open(struct smol_err *err)
{
	smol_auto_registry struct smol_registry *r = NULL;
	smol_auto_free char *dir = smol_path_state(err);

	if (!dir)
		return NULL;
	r = smol_alloc(sizeof(*r));
	r->path = smol_asprintf("%s/registry.db", dir);
	/* SQLite makes its files with the umask; they hold tokens. */
	mode_t old = umask(077);
	int rc = sqlite3_open_v2(r->path, &r->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		smol_registry_fail(r, "registry", err);
	else
		rc = prepare_database(r, err);
	umask(old);
	return rc == 0 ? smol_steal(&r) : NULL;
}

bool smol_registry_exists(void)
{
	smol_auto_free char *dir = smol_path_state_unmade();
	smol_auto_free char *path = smol_asprintf("%s/registry.db", dir);

	return access(path, F_OK) == 0;
}

void smol_registry_close(struct smol_registry *r)
{
	if (!r)
		return;
	sqlite3_close(r->db);
	free(r->path);
	free(r);
}

void smol_vm_free(struct smol_vm *vm)
{
	if (!vm)
		return;
	free(vm->name);
	smol_vm_config_free(&vm->config);
	explicit_bzero(vm->token, sizeof(vm->token));
	free(vm->end_cause);
	free(vm->accel_used);
	free(vm->vsock_used);
	cJSON_Delete(vm->labels);
	cJSON_Delete(vm->env);
	free(vm);
}

void smol_vm_list_free(struct smol_vm **list)
{
	for (struct smol_vm **v = list; v && *v; v++)
		smol_vm_free(*v);
	free(list);
}

#define COLUMNS                                                                                    \
	"id, name, config, token, cid, state, ephemeral, created_ms, started_ms, ready_ms, "       \
	"ended_ms, end_cause, accel_used, monitor_pid, monitor_start, boot_id, labels, env, "      \
	"vsock_used"

static const char *text(sqlite3_stmt *st, int column)
{
	const char *s = (const char *)sqlite3_column_text(st, column);

	return s ? s : "";
}

static int row_state(const char *name)
{
	for (int i = 0; i < SMOL_VM__COUNT; i++)
		if (strcmp(state_names[i], name) == 0)
			return i;
	return -1;
}

/* What stands in the column is a number that a guest can be reached by; NULL without vsock. SQLite
 * would make a number of any text. */
static int read_cid(sqlite3_stmt *st, struct smol_vm *vm, struct smol_err *err)
{
	int64_t cid = sqlite3_column_int64(st, 4);
	int type = sqlite3_column_type(st, 4);
	smol_auto_free char *safe = NULL;

	if (type == SQLITE_INTEGER && cid >= SMOL_CID_MIN && cid <= SMOL_CID_MAX) {
		vm->cid = (uint32_t)cid;
		return 0;
	}
	if (type == SQLITE_NULL && !vm->config.vsock.enabled)
		return 0;
	safe = smol_escape(text(st, 4), strnlen(text(st, 4), 40));
	return smol_err_set(err, SMOL_E_REGISTRY,
	    "its CID '%s' is not a whole number from %u to %u", safe, SMOL_CID_MIN, SMOL_CID_MAX);
}

/* An object of JSON; NULL where it is none. */
static cJSON *read_object(sqlite3_stmt *st, int column)
{
	return smol_json_parse_object(text(st, column), strlen(text(st, column)), NULL);
}

/* What can be wrong with a row: its own columns, and what its JSON says. */
static int read_checked(sqlite3_stmt *st, struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_json cJSON *config = read_object(st, 2);
	int state = row_state(text(st, 5));

	if (strlen(text(st, 0)) != SMOL_ID_LEN)
		return smol_err_set(err, SMOL_E_REGISTRY, "its id has another length");
	if (smol_vm_name_check(text(st, 1), err) < 0)
		return -1;
	if (state < 0)
		return smol_err_set(err, SMOL_E_REGISTRY, "no such state");
	if (smol_vm_config_decode(config, &vm->config, err) < 0 || read_cid(st, vm, err) < 0)
		return -1;
	vm->labels = read_object(st, 16);
	vm->env = read_object(st, 17);
	if (!vm->labels || !vm->env)
		return smol_err_set(
		    err, SMOL_E_REGISTRY, "its labels or its variables are no object");
	vm->state = state;
	return 0;
}

/* The row st stands on; NULL when it makes no sense. */
static struct smol_vm *read_row(sqlite3_stmt *st, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = smol_alloc(sizeof(*vm));
	smol_auto_err struct smol_err why = SMOL_ERR_INIT;

	if (read_checked(st, vm, &why) < 0) {
		smol_auto_free char *safe = smol_escape(text(st, 0), strnlen(text(st, 0), 40));

		smol_err_set(err, SMOL_E_REGISTRY,
		    "the registry's row of VM '%s' makes no sense: %s", safe, why.msg);
		smol_err_hint(err, "smolsh doctor");
		return NULL;
	}
	vm->read_ms = smol_now_ms();
	snprintf(vm->id, sizeof(vm->id), "%s", text(st, 0));
	vm->name = smol_strdup(text(st, 1));
	snprintf(vm->token, sizeof(vm->token), "%s", text(st, 3));
	vm->ephemeral = sqlite3_column_int(st, 6);
	vm->created_ms = sqlite3_column_int64(st, 7);
	vm->started_ms = sqlite3_column_int64(st, 8);
	vm->ready_ms = sqlite3_column_int64(st, 9);
	vm->ended_ms = sqlite3_column_int64(st, 10);
	vm->end_cause = smol_strdup((const char *)sqlite3_column_text(st, 11));
	vm->accel_used = smol_strdup((const char *)sqlite3_column_text(st, 12));
	vm->monitor_pid = sqlite3_column_int(st, 13);
	vm->monitor_start = (uint64_t)sqlite3_column_int64(st, 14);
	snprintf(vm->boot_id, sizeof(vm->boot_id), "%s", text(st, 15));
	vm->vsock_used = smol_strdup((const char *)sqlite3_column_text(st, 18));
	return smol_steal(&vm);
}

struct smol_vm **smol_registry_list(struct smol_registry *r, int *bad, struct smol_err *err)
{
	smol_auto_stmt sqlite3_stmt *st =
	    smol_registry_prepare(r, "SELECT " COLUMNS " FROM vm ORDER BY name", err);
	smol_auto_vm_list struct smol_vm **list = smol_alloc(sizeof(*list));
	size_t n = 0;
	int rc;

	*bad = 0;
	if (!st)
		return NULL;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct smol_vm *vm = read_row(st, NULL);

		if (!vm) {
			++*bad;
			continue;
		}
		list = smol_realloc(list, (n + 2) * sizeof(*list));
		list[n++] = vm;
		list[n] = NULL;
	}
	if (rc != SQLITE_DONE) {
		smol_registry_fail(r, "cannot list the VMs", err);
		return NULL;
	}
	return smol_steal(&list);
}

static struct smol_vm *select_one(
    struct smol_registry *r, const char *sql, const char *word, struct smol_err *err, bool *several)
{
	smol_auto_stmt sqlite3_stmt *st = smol_registry_prepare(r, sql, err);
	smol_auto_vm struct smol_vm *vm = NULL;
	int rc;

	if (!st)
		return NULL;
	sqlite3_bind_text(st, 1, word, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		vm = read_row(st, err);
		if (!vm)
			return NULL;
		rc = sqlite3_step(st);
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		smol_registry_fail(r, "cannot read the registry", err);
		return NULL;
	}
	*several = rc == SQLITE_ROW;
	return smol_steal(&vm);
}

static void hint_nearest(struct smol_registry *r, const char *word, struct smol_err *err)
{
	int bad, n = 0;
	smol_auto_vm_list struct smol_vm **list = smol_registry_list(r, &bad, NULL);
	smol_auto_free const char **names = NULL;
	const char *near;

	for (struct smol_vm **v = list; v && *v; v++)
		n++;
	names = smol_alloc(((size_t)n + 1) * sizeof(*names));
	for (int i = 0; i < n; i++)
		names[i] = list[i]->name;
	near = smol_nearest(word, names);
	if (near)
		smol_err_hint(err, "did you mean '%s'?", near);
	else if (n)
		smol_err_hint(err, "smolsh list");
	else
		smol_err_hint(
		    err, "smolsh create %s", smol_vm_name_check(word, NULL) == 0 ? word : "web");
}

/* "'web' fits several VMs: web-1, web-2" */
static void name_candidates(struct smol_registry *r, const char *word, struct smol_err *err)
{
	int bad, n = 0;
	smol_auto_vm_list struct smol_vm **list = smol_registry_list(r, &bad, NULL);
	smol_auto_buf struct smol_buf b = {0};
	size_t len = strlen(word);

	for (struct smol_vm **v = list; v && *v; v++) {
		bool named = strncmp((*v)->name, word, len) == 0;

		if (!named && strncmp((*v)->id, word, len) != 0)
			continue;
		if (n++ < CANDIDATES)
			smol_buf_printf(
			    &b, "%s%s", n > 1 ? ", " : "", named ? (*v)->name : (*v)->id);
	}
	smol_err_set(err, SMOL_E_INVALID, "'%s' fits several VMs: %s%s", word, smol_buf_str(&b),
	    n > CANDIDATES ? ", …" : "");
	smol_err_hint(err, "smolsh list");
}

struct smol_vm *smol_registry_find(struct smol_registry *r, const char *word, struct smol_err *err)
{
	/* In this order: a whole name or id before any beginning of one. */
	static const char *const queries[] = {
	    "SELECT " COLUMNS " FROM vm WHERE name = ?1 OR id = ?1",
	    "SELECT " COLUMNS " FROM vm WHERE substr(name, 1, length(?1)) = ?1 OR"
	    " (length(?1) >= 4 AND substr(id, 1, length(?1)) = ?1)",
	};
	smol_auto_err struct smol_err local = SMOL_ERR_INIT;
	smol_auto_free char *safe = NULL;
	bool several = false;

	for (size_t i = 0; *word && i < SMOL_ARRAY_SIZE(queries); i++) {
		smol_auto_vm struct smol_vm *vm = select_one(r, queries[i], word, &local, &several);

		if (local.code) {
			smol_err_move(err, &local);
			return NULL;
		}
		if (vm && several) {
			name_candidates(r, word, err);
			return NULL;
		}
		if (vm)
			return smol_steal(&vm);
	}
	safe = smol_escape(word, strnlen(word, 60));
	smol_err_set(err, SMOL_E_NOT_FOUND, "no VM '%s'", safe);
	hint_nearest(r, word, err);
	return NULL;
}
