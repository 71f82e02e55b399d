/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of VMs without a screen: what they use, filter, order, choice and marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "ui/vms/uses.h"
#include "ui/vms/vms.h"
#include "tests/unit/home.h"

/* ---- what they use ---- */

static bool take(struct smol_uses *u, const char *line)
{
	return smol_uses_take(u, line, strlen(line));
}

static void test_uses(void **state)
{
	static const char *const bad[] = {"", "x", "{}", "[1]", "{\"id\":\"0123\",\"round\":1}",
	    "{\"id\":\"0123456789ab\"}", "{\"id\":\"0123456789ab\",\"round\":\"1\"}",
	    "{\"id\":1,\"round\":1}"};
	struct smol_uses u = {0};
	const struct smol_use *use;

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++)
		assert_false(take(&u, bad[i]));
	assert_int_equal(u.n, 0);
	assert_true(take(&u, "{\"id\":\"aaaaaaaaaaaa\",\"health\":\"silent\",\"cpu_percent\":12.5,"
			     "\"resident_bytes\":1024,\"jobs\":3,\"round\":1}"));
	/* Nonsense in a value is that it is not known. */
	assert_true(take(&u, "{\"id\":\"bbbbbbbbbbbb\",\"health\":\"\\u001b[31m\","
			     "\"cpu_percent\":-3,\"resident_bytes\":\"x\",\"jobs\":null,"
			     "\"round\":1}"));
	use = smol_uses_of(&u, "aaaaaaaaaaaa");
	assert_non_null(use);
	assert_int_equal(use->health, SMOL_HEALTH_SILENT);
	assert_int_equal((int)(use->cpu * 10), 125);
	assert_int_equal(use->resident, 1024);
	assert_int_equal(use->jobs, 3);
	use = smol_uses_of(&u, "bbbbbbbbbbbb");
	assert_non_null(use);
	assert_int_equal(use->health, SMOL_HEALTH_UNKNOWN);
	assert_true(use->cpu < 0 && use->resident < 0 && use->jobs < 0);
	/* One of which nothing more is told is gone after the next round has begun. */
	assert_true(take(&u, "{\"id\":\"aaaaaaaaaaaa\",\"round\":2}"));
	assert_true(take(&u, "{\"id\":\"aaaaaaaaaaaa\",\"round\":3}"));
	assert_non_null(smol_uses_of(&u, "aaaaaaaaaaaa"));
	assert_null(smol_uses_of(&u, "bbbbbbbbbbbb"));
	smol_uses_free(&u);
	assert_null(smol_uses_of(&u, "aaaaaaaaaaaa"));
}

static void test_uses_are_bounded(void **state)
{
	struct smol_uses u = {0};

	(void)state;
	for (int i = 0; i < SMOL_USES_MAX + 10; i++) {
		smol_auto_free char *line = smol_asprintf("{\"id\":\"%012x\",\"round\":1}", i);

		assert_int_equal(take(&u, line), i < SMOL_USES_MAX);
	}
	assert_int_equal(u.n, SMOL_USES_MAX);
	smol_uses_free(&u);
}

/* ---- the list ---- */

/* VMs a to e; a runs, b is paused, c has died, d has never run, e runs longest. */
static void make_vms(struct smol_vms *v)
{
	static const struct {
		enum smol_vm_state state;
		int64_t ready_ms;
	} vms[] = {{SMOL_VM_RUNNING, 2000}, {SMOL_VM_PAUSED, 3000}, {SMOL_VM_DIED, 500},
	    {SMOL_VM_CREATED, 0}, {SMOL_VM_RUNNING, 1000}};
	struct smol_vm_config c;

	smol_auto_registry struct smol_registry *r = smol_registry_open(NULL);

	smol_vm_config_init(&c);
	for (int i = 0; i < 5; i++) {
		smol_auto_vm struct smol_vm *vm = NULL;
		char name[2] = {(char)('a' + i)};

		assert_int_equal(smol_registry_create(r, name, &c, false, &vm, NULL), 0);
	}
	smol_vm_config_free(&c);
	*v = (struct smol_vms){0};
	assert_int_equal(smol_vms_load(v, NULL), 0);
	assert_int_equal(v->nall, 5);
	/* Without processes there is no such state: it is said here only. */
	for (int i = 0; i < 5; i++) {
		v->all[i]->state = vms[i].state;
		v->all[i]->ready_ms = vms[i].ready_ms;
	}
	smol_vms_set_filter(v, "");
}

/* What is shown, as letters. */
static const char *shown(const struct smol_vms *v)
{
	static char text[16];

	for (int i = 0; i < v->nshown; i++)
		text[i] = v->all[v->shown[i]]->name[0];
	text[v->nshown] = '\0';
	return text;
}

static void tell(struct smol_uses *u, const struct smol_vm *vm, double cpu, int bytes, int round)
{
	smol_auto_free char *line =
	    smol_asprintf("{\"id\":\"%s\",\"cpu_percent\":%.1f,\"resident_bytes\":%d,\"round\":%d}",
		vm->id, cpu, bytes, round);

	assert_true(take(u, line));
}

static void test_order(void **state)
{
	struct smol_uses u = {0};
	struct smol_vms v;

	(void)state;
	make_vms(&v);
	assert_string_equal(shown(&v), "abcde");
	smol_vms_sort(&v, SMOL_SORT_STATE);
	assert_string_equal(shown(&v), "aebcd");
	smol_vms_sort(&v, SMOL_SORT_UPTIME);
	assert_string_equal(shown(&v), "eabcd");
	/* Of the same weight they are by name: here nothing is known. */
	smol_vms_sort(&v, SMOL_SORT_CPU);
	assert_string_equal(shown(&v), "abcde");
	v.uses = &u;
	tell(&u, v.all[4], 50, 10, 1);
	tell(&u, v.all[1], 7.5, 20, 1);
	assert_string_equal(shown(&v), "abcde");
	smol_vms_sort(&v, SMOL_SORT_CPU);
	assert_string_equal(shown(&v), "ebacd");
	smol_vms_sort(&v, SMOL_SORT_MEMORY);
	assert_string_equal(shown(&v), "beacd");
	/* A filter keeps the order. */
	smol_vms_set_filter(&v, "!a");
	assert_string_equal(shown(&v), "becd");
	smol_vms_sort(&v, SMOL_SORT_NAME);
	assert_string_equal(shown(&v), "bcde");
	smol_vms_free(&v);
	smol_uses_free(&u);
}

static void test_choice_and_marks_stay(void **state)
{
	struct smol_uses u = {0};
	struct smol_vms v;
	int n;

	(void)state;
	make_vms(&v);
	v.uses = &u;
	assert_string_equal(smol_vms_chosen(&v)->name, "a");
	smol_vms_set_filter(&v, "e");
	smol_vms_set_filter(&v, "");
	assert_string_equal(smol_vms_chosen(&v)->name, "a");
	smol_vms_choose(&v, v.all[4]);
	smol_vms_set_filter(&v, "");
	assert_string_equal(smol_vms_chosen(&v)->name, "e");
	smol_vms_move(&v, -2);
	assert_string_equal(smol_vms_chosen(&v)->name, "c");
	smol_vms_mark(&v, v.all[0], true);
	smol_vms_mark(&v, v.all[1], true);
	tell(&u, v.all[2], 99, 1, 1);
	smol_vms_sort(&v, SMOL_SORT_CPU);
	assert_string_equal(shown(&v), "cabde");
	assert_string_equal(smol_vms_chosen(&v)->name, "c");
	/* Hidden, another one is chosen; back, it is again. */
	smol_vms_set_filter(&v, "b");
	assert_string_equal(smol_vms_chosen(&v)->name, "b");
	smol_vms_set_filter(&v, "");
	assert_string_equal(smol_vms_chosen(&v)->name, "c");
	smol_auto_free char *all = smol_vms_targets(&v, &n);
	smol_auto_free char *running = smol_vms_targets_in(&v, SMOL_VM_RUNNING);
	smol_auto_free char *paused = smol_vms_targets_in(&v, SMOL_VM_PAUSED);
	smol_auto_free char *died = smol_vms_targets_in(&v, SMOL_VM_DIED);
	assert_string_equal(all, "a,b");
	assert_string_equal(running, "a");
	assert_string_equal(paused, "b");
	assert_null(died);
	smol_vms_free(&v);
	smol_uses_free(&u);
}

static void test_filters(void **state)
{
	static const struct {
		const char *filter, *shown;
	} cases[] = {{"", "abcde"}, {"c", "c"}, {"!c", "abde"}, {"@running", "ae"},
	    {"!@running", "bcd"}, {"@paused", "b"}, {"@died", "c"}, {"@role=web", "b"},
	    {"!@role", "acde"}, {"!", "abcde"}, {"@", ""}, {"x", ""}};
	struct smol_vms v;

	(void)state;
	make_vms(&v);
	smol_json_add_str(v.all[1]->labels, "role", "web");
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++) {
		smol_vms_set_filter(&v, cases[i].filter);
		if (strcmp(shown(&v), cases[i].shown) != 0)
			fail_msg("'%s': %s", cases[i].filter, shown(&v));
		assert_true(!*cases[i].shown == !smol_vms_chosen(&v));
	}
	smol_vms_free(&v);
}

static void test_scroll(void **state)
{
	struct smol_vms v;

	(void)state;
	make_vms(&v);
	smol_vms_scroll(&v, 3);
	assert_int_equal(v.first, 0);
	smol_vms_move(&v, 3);
	smol_vms_scroll(&v, 3);
	assert_int_equal(v.first, 1);
	/* Within what is seen nothing moves. */
	smol_vms_move(&v, -2);
	smol_vms_scroll(&v, 3);
	assert_int_equal(v.first, 1);
	smol_vms_move(&v, -1);
	smol_vms_scroll(&v, 3);
	assert_int_equal(v.first, 0);
	smol_vms_move(&v, 9);
	smol_vms_scroll(&v, 3);
	assert_int_equal(v.first, 2);
	smol_vms_scroll(&v, 20);
	assert_int_equal(v.first, 0);
	smol_vms_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_uses),
	    cmocka_unit_test(test_uses_are_bounded),
	    cmocka_unit_test_setup_teardown(test_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_choice_and_marks_stay, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_scroll, setup, teardown),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
