/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: whom a selector or a pattern chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
#include "shell/select.h"

static void a_name_is_one_vm(void **state)
{
	static const char *const names[] = {"web", "a.b_c-d", "9d", ""};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(names); i++)
		assert_false(smol_select_several(names[i]));
}

static void the_rest_may_be_several(void **state)
{
	static const char *const words[] = {
	    "@all", "@role=web", "web-*", "w?b", "[ab]", "a,b", ","};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(words); i++)
		assert_true(smol_select_several(words[i]));
	/* A list is taken apart first; its parts may be names. */
	assert_false(smol_select_many("a,b"));
	assert_true(smol_select_many("@role"));
}

static void each_part_chooses(void **state)
{
	static const struct {
		const char *part;
		bool fits;
	} cases[] = {{"@all", true}, {"@running", true}, {"@stopped", false}, {"@role", true},
	    {"@role=web", true}, {"@role=we", false}, {"@role=", false}, {"@rol", false},
	    {"@empty", true}, {"@empty=", true}, {"@ROLE", false}, {"web-*", true}, {"web-?", true},
	    {"web", false}, {"*", true}, {"[a-w]*1", true}, {"web-[!1]", false}, {"WEB*", false}};
	struct smol_vm vm = {.name = (char[]){"web-1"}, .state = SMOL_VM_RUNNING};
	smol_auto_json cJSON *labels = cJSON_CreateObject();

	(void)state;
	smol_json_add_str(labels, "role", "web");
	smol_json_add_str(labels, "empty", "");
	vm.labels = labels;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(cases); i++)
		if (smol_select_fits(cases[i].part, &vm) != cases[i].fits)
			fail_msg("%s", cases[i].part);
}

/* A state's name wins; the label of that name is still to be had with its value. */
static void states_go_before_labels(void **state)
{
	struct smol_vm vm = {.name = (char[]){"web"}, .state = SMOL_VM_STOPPED};
	smol_auto_json cJSON *labels = cJSON_CreateObject();

	(void)state;
	smol_json_add_str(labels, "running", "often");
	vm.labels = labels;
	assert_false(smol_select_fits("@running", &vm));
	assert_true(smol_select_fits("@running=often", &vm));
	vm.state = SMOL_VM_PAUSED;
	assert_false(smol_select_fits("@running", &vm));
	assert_true(smol_select_fits("@paused", &vm));
}

static void what_can_choose_nothing_is_refused(void **state)
{
	static const char *const bad[] = {"@", "@=x", "@a b", "@1", "@web*"};
	static const char *const good[] = {"@all", "@a.b/c=1", "web*", "@running"};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		assert_int_equal(smol_select_check(bad[i], &err), -1);
		assert_int_equal(err.code, SMOL_E_USAGE);
		assert_non_null(err.hint);
	}
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(good); i++)
		assert_int_equal(smol_select_check(good[i], NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_one_vm),
	    cmocka_unit_test(the_rest_may_be_several),
	    cmocka_unit_test(each_part_chooses),
	    cmocka_unit_test(states_go_before_labels),
	    cmocka_unit_test(what_can_choose_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
