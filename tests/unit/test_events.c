/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A journal's record as a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "shell/events.h"

static void check(const char *record, const char *line)
{
	char *text = smol_event_text(record, strlen(record));

	assert_string_equal(text, line);
	free(text);
}

static void records(void **state)
{
	(void)state;
	check("{\"name\":\"web\",\"time\":\"2026-11-24T21:05:08.675Z\",\"event\":\"start\"}",
	    "11-24 21:05:08  start           name web");
	check("{\"phase\":\"ready\",\"after_ms\":12686,\"time\":\"2026-11-24T21:05:11.357Z\","
	      "\"event\":\"phase\"}",
	    "11-24 21:05:11  phase           ready, after 12s");
	check("{\"how\":\"it was killed\",\"pause_ms\":140,\"time\":\"2026-11-24T21:05:11.357Z\","
	      "\"event\":\"device-exit\"}",
	    "11-24 21:05:11  device-exit     how it was killed, pause 0.14s");
	check("{\"time\":\"2026-01-02T03:04:05Z\",\"event\":\"stop\"}", "01-02 03:04:05  stop");
	check("{\"event\":\"exit\",\"code\":3,\"list\":[1,2]}",
	    "                exit            code 3, list [1,2]");
}

static void foreign_text(void **state)
{
	(void)state;
	check("{\"event\":\"message\",\"text\":\"a\\u001b]0;x\\u0007\\nb\"}",
	    "                message         text a\\x1b]0;x\\x07\\nb");
	check("not \033 JSON", "not \\x1b JSON");
	check("", "");
	check("[]", "[]");
	check("{\"event\":7}", "{\"event\":7}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records),
	    cmocka_unit_test(foreign_text),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
