/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry and a VM's configuration, each test in a home of its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"
#include "vm/cid.h"
#include "vm/lifecycle.h"
#include "vm/registry_internal.h"
#include "tests/unit/registry.h"

static struct smol_vm *create(
    struct smol_registry *r, const char *name, uint32_t cid, struct smol_err *err)
{
	struct smol_vm_config c;
	struct smol_vm *vm = NULL;

	smol_vm_config_init(&c);
	c.vsock.guest_cid = cid;
	smol_registry_create(r, name, &c, false, &vm, err);
	smol_vm_config_free(&c);
	return vm;
}

/* Run SQL behind the registry's back. */
static void __attribute__((format(printf, 1, 2))) sql(const char *fmt, ...)
{
	smol_auto_free char *path = smol_asprintf("%s/state/registry.db", home);
	char text[2048];
	sqlite3 *db;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_create_and_find(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	smol_auto_vm struct smol_vm *by_name = smol_registry_find(r, "web", &err);
	smol_auto_vm struct smol_vm *by_prefix = smol_registry_find(r, "we", &err);
	smol_auto_vm struct smol_vm *by_id = NULL;
	char shortened[6];
	struct stat st;
	smol_auto_free char *db = smol_asprintf("%s/state/registry.db", home);

	(void)state;
	assert_non_null(a);
	assert_non_null(by_name);
	assert_non_null(by_prefix);
	assert_string_equal(by_name->id, a->id);
	assert_string_equal(by_name->token, a->token);
	assert_int_equal(strlen(a->token), SMOL_TOKEN_LEN);
	assert_in_range(a->cid, SMOL_CID_MIN, SMOL_CID_MAX);
	snprintf(shortened, sizeof(shortened), "%.5s", a->id);
	by_id = smol_registry_find(r, shortened, &err);
	assert_non_null(by_id);
	/* The database holds tokens. */
	assert_int_equal(stat(db, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
}

static void test_refusals(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 77, &err);
	smol_auto_vm struct smol_vm *w = create(r, "wood", 0, &err);

	(void)state;
	assert_non_null(a);
	assert_non_null(w);
	assert_null(create(r, "web", 0, &err));
	assert_int_equal(err.code, SMOL_E_EXISTS);
	assert_null(create(r, "other", 77, &err));
	assert_int_equal(err.code, SMOL_E_EXISTS);
	assert_non_null(strstr(err.msg, "CID 77 is taken"));
	assert_null(create(r, "../x", 0, &err));
	assert_int_equal(err.code, SMOL_E_INVALID);
	assert_null(create(r, "", 0, &err));
	assert_null(create(r, "a b", 0, &err));
	assert_null(create(r, "0123456789ab", 0, &err));
	assert_null(smol_registry_find(r, "wbe", &err));
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	assert_string_equal(err.hint, "did you mean 'web'?");
	assert_null(smol_registry_find(r, "w", &err));
	assert_int_equal(err.code, SMOL_E_INVALID);
	assert_null(smol_registry_find(r, "", &err));
	assert_null(smol_registry_find(r, "' OR 1=1 --", &err));
}

static void test_cid_collision(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "a", 0, &err);
	smol_auto_vm struct smol_vm *b = NULL;
	smol_auto_vm struct smol_vm *again = NULL;

	(void)state;
	assert_int_equal(a->cid, smol_cid_derive(a->id, 0));
	/* Somebody else holds the first two that a's id gives: moving a there must take the third.
	 */
	sql("DELETE FROM vm");
	b = create(r, "b", smol_cid_derive(a->id, 0), &err);
	assert_non_null(b);
	again = create(r, "c", smol_cid_derive(a->id, 1), &err);
	assert_non_null(again);
	assert_int_equal(smol_registry_reserve_cid(r, a, &err), 0);
	assert_int_equal(a->cid, smol_cid_derive(a->id, 2));
}

static void test_cid_exhaustion(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "a", 0, &err);

	(void)state;
	sql("DELETE FROM vm");
	for (unsigned n = 0; n < SMOL_CID_TRIES; n++) {
		char name[16];

		snprintf(name, sizeof(name), "taken-%u", n);
		smol_auto_vm struct smol_vm *t = create(r, name, smol_cid_derive(a->id, n), &err);
		assert_non_null(t);
	}
	assert_int_equal(smol_registry_reserve_cid(r, a, &err), -1);
	assert_int_equal(err.code, SMOL_E_LIMIT);
	assert_string_equal(err.hint, "choose one with --cid");
}

/* A program that is in no registry has the CID: the next one is reserved, and recorded. */
static void test_next_cid(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "a", 0, &err);
	smol_auto_vm struct smol_vm *b = NULL, *again = NULL;
	unsigned tried = 0, n = 0;

	(void)state;
	/* The second is another VM's: the third. */
	b = create(r, "b", smol_cid_derive(a->id, 1), &err);
	assert_non_null(b);
	assert_int_equal(smol_registry_next_cid(r, a, &tried, &err), 0);
	assert_int_equal(a->cid, smol_cid_derive(a->id, 2));
	again = smol_registry_find(r, "a", &err);
	assert_int_equal(again->cid, a->cid);
	while (smol_registry_next_cid(r, a, &tried, &err) == 0)
		n++;
	assert_int_equal(n, SMOL_CID_TRIES - 3);
	assert_int_equal(err.code, SMOL_E_LIMIT);
	assert_string_equal(err.hint, "choose one with --cid");
	assert_int_equal(a->cid, smol_cid_derive(a->id, SMOL_CID_TRIES - 1));
	/* The registry is free again. */
	assert_int_equal(smol_registry_set_vsock(r, a->id, "kernel (as asked)", &err), 0);
}

static void test_cid_derive_range(void **state)
{
	char id[16];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t cid;

		snprintf(id, sizeof(id), "%012x", i * 2654435761U);
		cid = smol_cid_derive(id, i % SMOL_CID_TRIES);
		assert_in_range(cid, SMOL_CID_MIN, SMOL_CID_MAX);
		assert_int_equal(cid, smol_cid_derive(id, i % SMOL_CID_TRIES));
	}
}

/* A row that somebody wrote by hand: it is not read, the others are, and it says what is wrong. */
static void test_cid_bad_rows(void **state)
{
	/* What SQLite makes a number of when it is stored (' 5', '+5') is one. */
	static const char *const columns[] = {"0", "1", "2", "4294967295", "4294967299", "-1",
	    "1e10", "3.5", "'3x'", "''", "'0x10'", "'\xd9\xa3'", "x'33'", "NULL"};
	static const char *const members[] = {"0", "1", "2", "4294967295", "4294967299", "-1",
	    "1e10", "3.5", "\"3x\"", "\"\"", "\" 5\"", "\"+5\"", "\"0x10\"", "\"\xd9\xa3\"",
	    "\"5\"", "[5]", "true"};
	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);
	smol_auto_vm struct smol_vm *good = create(r, "good", 77, NULL);
	smol_auto_vm struct smol_vm *bad = create(r, "bad", 78, NULL);
	size_t n = SMOL_ARRAY_SIZE(columns) + SMOL_ARRAY_SIZE(members);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool column = i < SMOL_ARRAY_SIZE(columns);
		smol_auto_free char *value =
		    column ? smol_asprintf("cid = %s", columns[i])
			   : smol_asprintf("cid = 78, config = '{\"vsock\":{\"guest_cid\":%s}}'",
				 members[i - SMOL_ARRAY_SIZE(columns)]);
		smol_auto_free char *text =
		    smol_asprintf("UPDATE vm SET %s WHERE name = 'bad'", value);
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		smol_auto_vm_list struct smol_vm **list = NULL;
		int broken;

		sql("%s", text);
		assert_null(smol_registry_find(r, "bad", &err));
		assert_int_equal(err.code, SMOL_E_REGISTRY);
		assert_non_null(strstr(err.msg, bad->id));
		if (!strstr(err.msg, "CID") || !strstr(err.msg, "from 3 to 4294967294"))
			fail_msg("%s: %s", value, err.msg);
		list = smol_registry_list(r, &broken, NULL);
		assert_int_equal(broken, 1);
		assert_string_equal(list[0]->name, "good");
	}
	sql("UPDATE vm SET cid = 78, config = '{}' WHERE name = 'bad'");
	smol_vm_free(bad);
	bad = smol_registry_find(r, "bad", NULL);
	assert_int_equal(bad->cid, 78);
}

/* Eight processes register at once: all succeed, and no two get the same CID. */
static void test_racing_creators(void **state)
{
	enum { PROCS = 8, EACH = 10 };
	smol_auto_registry struct smol_registry *r = NULL;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm_list struct smol_vm **list = NULL;
	int go[2], bad, n = 0;

	(void)state;
	assert_int_equal(pipe(go), 0);
	for (int p = 0; p < PROCS; p++) {
		if (fork() == 0) {
			char c;
			int failures = 0;

			close(go[1]);
			if (read(go[0], &c, 1) != 0) /* EOF: everybody starts */
				_exit(99);
			struct smol_registry *mine = smol_registry_open(NULL);
			for (int i = 0; i < EACH; i++) {
				char name[32];

				snprintf(name, sizeof(name), "p%d-%d", p, i);
				struct smol_vm *vm = mine ? create(mine, name, 0, NULL) : NULL;
				failures += vm == NULL;
			}
			_exit(failures);
		}
	}
	close(go[0]);
	close(go[1]);
	for (int p = 0; p < PROCS; p++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	r = open_registry();
	list = smol_registry_list(r, &bad, &err);
	assert_non_null(list);
	for (; list[n]; n++)
		for (int k = 0; k < n; k++)
			assert_int_not_equal(list[n]->cid, list[k]->cid);
	assert_int_equal(n, PROCS * EACH);
}

static void test_bad_row_is_left_out(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "good", 0, &err);
	smol_auto_vm struct smol_vm *b = create(r, "bad", 0, &err);
	smol_auto_vm struct smol_vm *c = create(r, "worse", 0, &err);
	smol_auto_vm_list struct smol_vm **list = NULL;
	int bad;

	(void)state;
	assert_true(a && b && c);
	sql("UPDATE vm SET config = '{\"cpus\":' WHERE name = 'bad';"
	    "UPDATE vm SET state = 'levitating' WHERE name = 'worse'");
	list = smol_registry_list(r, &bad, &err);
	assert_non_null(list);
	assert_int_equal(bad, 2);
	assert_string_equal(list[0]->name, "good");
	assert_null(list[1]);
	assert_null(smol_registry_find(r, "bad", &err));
	assert_int_equal(err.code, SMOL_E_REGISTRY);
}

static void test_corrupt_database(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *dir = smol_asprintf("%s/state", home);
	smol_auto_free char *path = smol_asprintf("%s/registry.db", dir);

	(void)state;
	assert_int_equal(smol_mkdir_p(dir, 0700, &err), 0);
	assert_int_equal(smol_file_write(path,
			     "this is no database, and long enough to be read as one"
			     "....................................................",
			     106, 0600, &err),
	    0);
	assert_null(smol_registry_open(&err));
	assert_int_equal(err.code, SMOL_E_REGISTRY);
	assert_non_null(strstr(err.hint, "registry.db.damaged"));
}

static void test_newer_schema(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	smol_registry_close(open_registry());
	sql("PRAGMA user_version = 99");
	assert_null(smol_registry_open(&err));
	assert_non_null(strstr(err.msg, "newer smolsh"));
}

/* A registry of the first schema is taken over with its VMs. */
static void test_older_schema(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	smol_auto_vm struct smol_vm *b = NULL;
	static const char *const set[] = {"role=web", NULL};

	(void)state;
	assert_non_null(a);
	smol_registry_close(smol_steal(&r));
	sql("ALTER TABLE vm DROP COLUMN labels; ALTER TABLE vm DROP COLUMN env;"
	    "ALTER TABLE vm DROP COLUMN vsock_used; PRAGMA user_version = 1");
	r = open_registry();
	assert_int_equal(
	    smol_registry_change_pairs(r, a->id, SMOL_PAIRS_LABELS, set, NULL, &err), 0);
	b = smol_registry_find(r, "web", &err);
	assert_non_null(b);
	assert_string_equal(b->token, a->token);
	assert_string_equal(smol_json_str(b->labels, "role"), "web");
	assert_null(b->vsock_used);
}

static void test_claim_is_exclusive(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	smol_auto_vm struct smol_vm *b = smol_registry_find(r, "web", &err);
	char before[SMOL_TOKEN_LEN + 1];

	(void)state;
	memcpy(before, a->token, sizeof(before));
	assert_int_equal(smol_registry_claim(r, a, getpid(), &err), 0);
	assert_int_equal(a->state, SMOL_VM_STARTING);
	assert_string_not_equal(a->token, before);
	assert_int_equal(smol_registry_claim(r, b, getpid(), &err), -1);
	assert_int_equal(err.code, SMOL_E_STATE);
}

/* A start that comes between the question and the deletion wins. */
static void test_delete_is_guarded(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	smol_auto_vm struct smol_vm *gone = NULL;

	(void)state;
	assert_int_equal(smol_registry_claim(r, a, getpid(), &err), 0);
	assert_int_equal(smol_registry_delete(r, a->id, 0, &err), -1);
	assert_int_equal(err.code, SMOL_E_STATE);
	assert_int_equal(smol_registry_delete(r, a->id, getpid() + 1, &err), -1);
	assert_int_equal(smol_registry_delete(r, a->id, getpid(), &err), 0);
	gone = smol_registry_find(r, "web", &err);
	assert_null(gone);
	assert_int_equal(smol_registry_delete(r, a->id, 0, &err), 0);
}

/* Its monitor is gone: the VM is recorded as died, whatever has its number now. */
static void test_reconcile(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);

	(void)state;
	assert_int_equal(smol_registry_claim(r, a, getpid(), &err), 0);
	assert_int_equal(smol_vm_reconcile(r, a, &err), 0);
	assert_int_equal(a->state, SMOL_VM_STARTING);
	/* This very process lives, but started at another time: not the monitor. */
	sql("UPDATE vm SET monitor_start = monitor_start + 1");
	a->monitor_start++;
	assert_int_equal(smol_vm_reconcile(r, a, &err), 0);
	assert_int_equal(a->state, SMOL_VM_DIED);
	assert_string_equal(a->end_cause, "its monitor was killed");
	assert_int_equal(smol_registry_claim(r, a, getpid(), &err), 0);
	sql("UPDATE vm SET boot_id = 'another'");
	snprintf(a->boot_id, sizeof(a->boot_id), "another");
	assert_int_equal(smol_vm_reconcile(r, a, &err), 0);
	assert_string_equal(a->end_cause, "host restarted");
}

static enum smol_vm_state state_now(struct smol_registry *r, int64_t *ready_ms)
{
	smol_auto_vm struct smol_vm *vm = smol_registry_find(r, "web", NULL);

	assert_non_null(vm);
	*ready_ms = vm->ready_ms;
	return vm->state;
}

/* running → paused → running, and from paused to every end; readiness is when it first was. */
static void test_pause_states(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	int64_t ready, then;

	(void)state;
	assert_int_equal(smol_registry_set_paused(r, a->id, &err), 0);
	assert_int_equal(state_now(r, &ready), SMOL_VM_CREATED);
	assert_int_equal(smol_registry_claim(r, a, getpid(), &err), 0);
	assert_int_equal(smol_registry_set_ready(r, a->id, &err), 0);
	sql("UPDATE vm SET ready_ms = ready_ms - 5000");
	assert_int_equal(state_now(r, &ready), SMOL_VM_RUNNING);
	assert_int_equal(smol_registry_set_paused(r, a->id, &err), 0);
	assert_int_equal(state_now(r, &then), SMOL_VM_PAUSED);
	assert_int_equal(then, ready);
	assert_true(smol_vm_state_live(SMOL_VM_PAUSED));
	assert_int_equal(smol_registry_delete(r, a->id, 0, &err), -1);
	assert_string_equal(err.msg, "VM 'web' is paused");
	assert_int_equal(smol_registry_set_ready(r, a->id, &err), 0);
	assert_int_equal(state_now(r, &then), SMOL_VM_RUNNING);
	assert_int_equal(then, ready);
	assert_int_equal(smol_registry_set_paused(r, a->id, &err), 0);
	assert_int_equal(smol_registry_set_starting(r, a->id, &err), 0);
	assert_int_equal(state_now(r, &then), SMOL_VM_STARTING);
	sql("UPDATE vm SET state = 'paused'");
	assert_int_equal(smol_registry_set_stopping(r, a->id, &err), 0);
	assert_int_equal(state_now(r, &then), SMOL_VM_STOPPING);
	sql("UPDATE vm SET state = 'paused'");
	assert_int_equal(smol_registry_set_ended(r, a->id, getpid(), true, "x", &err), 0);
	assert_int_equal(state_now(r, &then), SMOL_VM_DIED);
	assert_int_equal(smol_registry_set_paused(r, a->id, &err), 0);
	assert_int_equal(state_now(r, &then), SMOL_VM_DIED);
}

static void test_agent_addr(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	struct smol_vsock_addr addr;

	(void)state;
	assert_int_equal(smol_vm_agent_addr(a, &addr, &err), -1);
	assert_int_equal(err.code, SMOL_E_STATE);
	assert_string_equal(err.hint, "smolsh start web");
	a->state = SMOL_VM_STOPPING;
	assert_int_equal(smol_vm_agent_addr(a, &addr, &err), -1);
	assert_string_equal(err.hint, "smolsh wait web --for exit");
	a->state = SMOL_VM_PAUSED;
	assert_int_equal(smol_vm_agent_addr(a, &addr, &err), -1);
	assert_string_equal(err.msg, "VM 'web' is paused");
	assert_string_equal(err.hint, "smolsh resume web");
	a->state = SMOL_VM_RUNNING;
	assert_int_equal(smol_vm_agent_addr(a, &addr, &err), 0);
	assert_int_equal(addr.port, 5000);
	assert_int_equal(addr.kind, SMOL_VSOCK_UNIX);
	/* What it was started with counts, not what was asked for. */
	assert_int_equal(smol_registry_set_vsock(r, a->id, "kernel (as asked)", &err), 0);
	smol_auto_vm struct smol_vm *b = smol_registry_find(r, "web", &err);
	b->state = SMOL_VM_RUNNING;
	assert_int_equal(smol_vm_agent_addr(b, &addr, &err), 0);
	assert_int_equal(addr.kind, SMOL_VSOCK_CID);
	assert_int_equal(addr.cid, b->cid);
	assert_int_equal(addr.port, 5000);
	assert_int_equal(smol_registry_claim(r, b, getpid(), &err), 0);
	smol_auto_vm struct smol_vm *c = smol_registry_find(r, "web", &err);
	assert_null(c->vsock_used);
	a->config.vsock.enabled = false;
	assert_int_equal(smol_vm_agent_addr(a, &addr, &err), -1);
	assert_int_equal(err.code, SMOL_E_UNSUPPORTED);
}

static void test_config(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_vm_config c, d;

	(void)state;
	smol_vm_config_init(&c);
	assert_int_equal(smol_vm_config_check(&c, &err), 0);
	c.memory_mib = 1;
	assert_int_equal(smol_vm_config_check(&c, &err), -1);
	assert_non_null(strstr(err.msg, "too little"));
	c.memory_mib = 10LL * 1024 * 1024;
	assert_int_equal(smol_vm_config_check(&c, &err), -1);
	assert_non_null(strstr(err.msg, "more than this host has"));
	c.memory_mib = 256;
	c.cpus = 0;
	assert_int_equal(smol_vm_config_check(&c, &err), -1);
	c.cpus = 2;
	free(c.kernel_args);
	c.kernel_args = smol_strdup("a\nb");
	assert_int_equal(smol_vm_config_check(&c, &err), -1);
	free(c.kernel_args);
	c.kernel_args = smol_strdup("debug foo=\"a,b\"");
	c.net = SMOL_NET_USER;
	c.vsock.uds_path = smol_strdup("/tmp/x.sock");
	smol_auto_json cJSON *j = smol_vm_config_encode(&c);
	assert_int_equal(smol_vm_config_decode(j, &d, &err), 0);
	assert_int_equal(d.cpus, 2);
	assert_int_equal(d.memory_mib, 256);
	assert_int_equal(d.net, SMOL_NET_USER);
	assert_string_equal(d.kernel_args, c.kernel_args);
	assert_string_equal(d.vsock.uds_path, "/tmp/x.sock");
	assert_int_equal(d.vsock.kind, SMOL_VSOCK_BY_AUTO);
	smol_vm_config_free(&d);
	/* The kernel's has no socket to be put anywhere. */
	c.vsock.kind = SMOL_VSOCK_BY_KERNEL;
	assert_int_equal(smol_vm_config_check(&c, &err), -1);
	assert_non_null(strstr(err.msg, "--vsock-path with --vsock kernel"));
	c.vsock.kind = SMOL_VSOCK_BY_USER;
	smol_auto_json cJSON *user = smol_vm_config_encode(&c);
	assert_int_equal(smol_vm_config_decode(user, &d, &err), 0);
	assert_int_equal(d.vsock.kind, SMOL_VSOCK_BY_USER);
	smol_vm_config_free(&d);
	free(c.vsock.uds_path);
	c.vsock.uds_path = smol_alloc(120);
	memset(c.vsock.uds_path, 'x', 118);
	c.vsock.uds_path[0] = '/';
	assert_int_equal(smol_vm_config_check(&c, &err), -1);
	assert_non_null(strstr(err.msg, "96"));
	smol_vm_config_free(&c);
}

static void test_pairs(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	smol_auto_vm struct smol_vm *b = NULL;
	static const char *const set[] = {"role=web", "tier=a/b:1", NULL};
	static const char *const more[] = {"role=db", NULL};
	static const char *const gone[] = {"tier", "never", NULL};
	static const char *const bad[][2] = {{"=x"}, {"role"}, {"1a=x"}, {"a=b c"}, {"a\nb=c"}};
	static const char *const env[] = {"PATH=/bin:\"x y\"\n", NULL};

	(void)state;
	assert_int_equal(
	    smol_registry_change_pairs(r, a->id, SMOL_PAIRS_LABELS, set, NULL, &err), 0);
	assert_int_equal(
	    smol_registry_change_pairs(r, a->id, SMOL_PAIRS_LABELS, more, gone, &err), 0);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		assert_int_equal(
		    smol_registry_change_pairs(r, a->id, SMOL_PAIRS_LABELS, bad[i], NULL, &err),
		    -1);
		assert_int_equal(err.code, SMOL_E_INVALID);
	}
	assert_int_equal(smol_registry_change_pairs(r, a->id, SMOL_PAIRS_ENV, env, NULL, &err), 0);
	assert_int_equal(
	    smol_registry_change_pairs(r, "nobody", SMOL_PAIRS_ENV, env, NULL, &err), -1);
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	b = smol_registry_find(r, "web", &err);
	assert_string_equal(smol_json_str(b->labels, "role"), "db");
	assert_null(smol_json_get(b->labels, "tier"));
	assert_string_equal(smol_json_str(b->env, "PATH"), "/bin:\"x y\"\n");
}

static void test_console_tail(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	smol_auto_free char *dir = smol_vm_state_dir(a, &err);
	smol_auto_free char *path = smol_vm_console_path(a, &err);
	static const char text[] = "one\ntwo\r\n\033[2Jthree\nfour\\\n\n";
	smol_auto_free char *tail = NULL;

	(void)state;
	assert_null(smol_vm_console_tail(a, 3));
	assert_int_equal(smol_mkdir_p(dir, 0700, &err), 0);
	assert_int_equal(smol_file_write(path, text, sizeof(text) - 1, 0600, &err), 0);
	tail = smol_vm_console_tail(a, 3);
	assert_string_equal(tail, "two\n\\x1b[2Jthree\nfour\\\\");
}

/* Lines of an earlier boot are not shown as the last words of this one; a rotation hides none. */
static void test_console_tail_of_this_boot(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	smol_auto_free char *dir = smol_vm_state_dir(a, &err);
	smol_auto_free char *path = smol_vm_console_path(a, &err);
	smol_auto_free char *older = smol_asprintf("%s.1", path);
	static const char first[] = "old\n\n" SMOL_CONSOLE_MARK "now ---\n";
	static const char rotated[] = "old\n\n" SMOL_CONSOLE_MARK "now ---\none\ntw";
	static const char current[] = "o\nthree\n";
	smol_auto_free char *tail = NULL;

	(void)state;
	assert_int_equal(smol_mkdir_p(dir, 0700, &err), 0);
	assert_int_equal(smol_file_write(path, first, sizeof(first) - 1, 0600, &err), 0);
	assert_null(smol_vm_console_tail(a, 3));
	assert_int_equal(smol_file_write(older, rotated, sizeof(rotated) - 1, 0600, &err), 0);
	assert_int_equal(smol_file_write(path, current, sizeof(current) - 1, 0600, &err), 0);
	tail = smol_vm_console_tail(a, 9);
	assert_string_equal(tail, "one\ntwo\nthree");
}

/* The dump of registers behind a panic does not push the panic out of sight. */
static void test_console_tail_of_a_panic(void **state)
{
	smol_auto_registry struct smol_registry *r = open_registry();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_vm struct smol_vm *a = create(r, "web", 0, &err);
	smol_auto_free char *dir = smol_vm_state_dir(a, &err);
	smol_auto_free char *path = smol_vm_console_path(a, &err);
	static const char text[] = "up\n[1.0] sysrq: crash\n[1.1] " SMOL_PANIC_MARK ": why\r\n"
				   "[1.2] RAX: 0\n[1.3] RBX: 0\n[1.4] " SMOL_PANIC_MARK ": why ]\n";
	smol_auto_free char *tail = NULL;

	(void)state;
	assert_int_equal(smol_mkdir_p(dir, 0700, &err), 0);
	assert_int_equal(smol_file_write(path, text, sizeof(text) - 1, 0600, &err), 0);
	tail = smol_vm_console_tail(a, 2);
	assert_string_equal(tail, "[1.0] sysrq: crash\n[1.1] " SMOL_PANIC_MARK ": why");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_create_and_find, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cid_collision, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cid_exhaustion, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_next_cid, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cid_derive_range, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cid_bad_rows, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_racing_creators, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_row_is_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_corrupt_database, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_newer_schema, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_older_schema, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_claim_is_exclusive, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_delete_is_guarded, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reconcile, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pause_states, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_agent_addr, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_config, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pairs, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_console_tail, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_console_tail_of_this_boot, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_console_tail_of_a_panic, setup, teardown),
	};

	return cmocka_run_group_tests_name("vm", tests, NULL, NULL);
}
