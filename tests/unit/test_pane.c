/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pane's command: it is one's own process, whenever the pane is closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <uv.h>

#include "ui/options.h"
#include "ui/pane/pane.h"

#define TIMES 200

static int heard;

static void on_signal(uv_signal_t *h, int signum)
{
	(void)h;
	(void)signum;
	heard++;
}

static void changed(struct smol_pane *p)
{
	(void)p;
}

/* Between fork and exec the child still has our handlers. What ends it then is not for us: the
 * screen would take it for its own end. */
static void a_command_that_has_hardly_begun_is_ended_alone(void **state)
{
	static const struct smol_ui_options options = {.program = "/bin/true"};
	uv_loop_t *loop = uv_default_loop();
	uv_signal_t hup;

	(void)state;
	uv_signal_init(loop, &hup);
	uv_signal_start(&hup, on_signal, SIGHUP);
	for (int i = 0; i < TIMES; i++) {
		struct smol_pane *p = smol_pane_new(loop, 1, 10, 80, changed, NULL);
		pid_t pid;

		assert_int_equal(smol_pane_start(p, &options, "list", NULL), 0);
		pid = p->pid;
		/* The earliest moment at which it can be signalled by its group. */
		while (kill(-pid, 0) < 0 && errno == ESRCH)
			sched_yield();
		smol_pane_free(p);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		uv_run(loop, UV_RUN_NOWAIT);
	}
	uv_close((uv_handle_t *)&hup, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(heard, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_command_that_has_hardly_begun_is_ended_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
