/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of commands, and the script that it becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "shell/grammar.h"
#include "ui/page/log.h"

#define T0 INT64_C(1795554000000) /* 2026-11-24 21:00:00 UTC */

static void script_is(const struct smol_log *log, const char *script)
{
	char *got = smol_log_script(log);

	assert_string_equal(got, script);
	free(got);
}

#define HEAD "#!/usr/bin/env -S smolsh -f\n# What was run on smolsh's screen"
#define FOOT ". What did not succeed is here as a comment.\n"

static void a_script(void **state)
{
	struct smol_log log = {0};
	int a = 0, b = 0, c = 0, d = 0;

	(void)state;
	script_is(&log, HEAD FOOT);
	smol_log_add(&log, &a, "create web", false, T0, 0);
	smol_log_end(&log, &a, T0 + 12000, 0);
	smol_log_add(&log, &a, "exec web -- sh -c 'exit 3'", false, T0 + 13000, 0);
	smol_log_add(&log, &b, "logs -f web", false, T0 + 14000, 0);
	smol_log_end(&log, &a, T0 + 15000, 3);
	smol_log_leave(&log, &b, T0 + 16000);
	smol_log_add(&log, &c, "shell web", true, T0 + 17000, 0);
	smol_log_end(&log, &c, T0 + 18000, 0);
	smol_log_add(&log, NULL, "set history 5", false, T0 + 19000, 0);
	smol_log_add(&log, &d, "exec web -- sleep 9", false, T0 + 60000, 0);
	script_is(&log,
	    HEAD " on 2026-11-24 from 21:00 to 21:01" FOOT "\n# 21:00:00  12s\ncreate web\n"
		 "\n# 21:00:13  2s  exit 3\n# exec web -- sh -c 'exit 3'\n"
		 "\n# 21:00:14  2s  left early\n# logs -f web\n"
		 "\n# 21:00:17  1s  needs a person\n# shell web\n"
		 "\n# 21:00:19  0s\nset history 5\n"
		 "\n# 21:01:00  runs still\n# exec web -- sleep 9\n");
	smol_log_free(&log);
}

/* Lines of several lines, as they are pasted: none of them may slip out of its comment. */
static void many_lines(void **state)
{
	struct smol_log log = {0};
	struct smol_script parsed = {0};
	int a = 0;
	char *text;

	(void)state;
	smol_log_add(&log, &a, "exec web -- echo 'one\ntwo'", false, T0, 0);
	smol_log_end(&log, &a, T0, 0);
	smol_log_add(&log, &a, "delete web\ndelete db", false, T0, 0);
	smol_log_end(&log, &a, T0, 2);
	text = smol_log_script(&log);
	assert_int_equal(smol_grammar_parse(text, strlen(text), &parsed, NULL), 0);
	assert_int_equal(parsed.n, 1);
	assert_string_equal(parsed.statements[0].words[4].text, "one\ntwo");
	smol_script_free(&parsed);
	free(text);
	smol_log_free(&log);
}

static void it_is_bounded(void **state)
{
	struct smol_log log = {0};
	char line[32];

	(void)state;
	for (int i = 0; i < SMOL_LOG_MAX + 5; i++) {
		snprintf(line, sizeof(line), "line %d", i);
		smol_log_add(&log, NULL, line, false, T0, 0);
	}
	assert_int_equal(log.n, SMOL_LOG_MAX);
	assert_string_equal(log.entries[0].line, "line 5");
	smol_log_end(&log, &log, T0, 1);
	smol_log_free(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_script),
	    cmocka_unit_test(many_lines),
	    cmocka_unit_test(it_is_bounded),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
