/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smolsh-monitor: started by smolsh for one VM, detached; see monitor.h. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "monitor/monitor.h"

#define TERM_ASK_MS 5000 /* for the guest when the monitor itself is told to end */

static struct smol_monitor_state monitor = {
    .console_fd = -1,
    .home_fd = -1,
    .tap_fd = -1,
    .reserve_fd = -1,
    .control = {.fd = -1},
    .uds = {.fd = -1},
    .ready_sock = {.fd = -1},
    .vhost_vsock_fd = -1,
    .ready_port = SMOL_PORT_READY,
    .vhost = {.fd = -1},
    .console = {.fd = -1},
    .journal = {.fd = -1},
    .hypervisor = {.pidfd = -1, .stderr_fd = -1, .m = &monitor},
    .care = {.table_fd = -1, .ready_fd = -1},
    .device = {.what = "smolsh-vsockd", .pidfd = -1, .stderr_fd = -1, .m = &monitor},
};

static void on_term(uv_signal_t *s, int signum)
{
	(void)signum;
	smol_machine_stop(s->data, TERM_ASK_MS, false);
}

static int usage(void)
{
	fputs("usage: smolsh-monitor --id ID [--starter-fd N] [--hold] [--snapshot NAME]\n"
	      "Started by smolsh; not to be started by hand.\n",
	    stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"id", required_argument, NULL, 'i'},
	    {"starter-fd", required_argument, NULL, 's'}, {"hold", no_argument, NULL, 'h'},
	    {"snapshot", required_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
	const char *id = NULL;
	int starter = -1, c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'i')
			id = optarg;
		else if (c == 's')
			starter = atoi(optarg);
		else if (c == 'r')
			monitor.restore = optarg;
		else if (c == 'h')
			monitor.hold = true;
		else
			return usage();
	}
	if (!id || optind != argc)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* A limit on the size of files is a full log, not a death. */
	signal(SIGXFSZ, SIG_IGN);
	/* Whoever started it may want to unmount where that was. */
	if (chdir("/") < 0)
		return 1;
	uv_loop_init(&monitor.loop);
	uv_signal_init(&monitor.loop, &monitor.on_term);
	monitor.on_term.data = &monitor;
	uv_signal_start(&monitor.on_term, on_term, SIGTERM);
	smol_machine_begin(&monitor, id, starter);
	if (!monitor.finished)
		uv_run(&monitor.loop, UV_RUN_DEFAULT);
	smol_rotlog_close(&monitor.console);
	smol_rotlog_close(&monitor.journal);
	smol_registry_close(monitor.registry);
	return monitor.failure.code ? 1 : 0;
}
