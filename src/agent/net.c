/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's network: see net.h. The addresses are QEMU's documented defaults, so no DHCP is
 * waited for.
 */
#include "agent/net.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"

#define USER_SCRIPT                                                                                \
	"cd /sys/class/net || exit 1; "                                                            \
	"for i in *; do [ \"$i\" = lo ] && continue; "                                             \
	"ip addr add 10.0.2.15/24 dev \"$i\" && ip link set \"$i\" up && "                         \
	"ip route add default via 10.0.2.2 && "                                                    \
	"{ [ -s /etc/resolv.conf ] || echo nameserver 10.0.2.3 >/etc/resolv.conf; }; exit; done; " \
	"exit 1"

/* Who is at the other end is not known: an address comes by DHCP, at some time, or by hand. */
#define TAP_SCRIPT                                                                                 \
	"cd /sys/class/net || exit 1; "                                                            \
	"for i in *; do [ \"$i\" = lo ] && continue; "                                             \
	"ip link set \"$i\" up || exit 1; "                                                        \
	"udhcpc -i \"$i\" -s /etc/udhcpc/default.script -b -t 4 -T 1 -A 10 -S >/dev/null 2>&1 "    \
	"</dev/null & exit 0; done; exit 1"

static void run(const char *script, void (*say)(const char *fmt, ...))
{
	smol_deadline deadline = smol_in_ms(SMOL_NET_MS);
	pid_t pid = fork(), done;
	sigset_t chld;
	int status = 0;

	if (pid == 0) {
		smol_signals_default(); /* PID 1 has blocked those that it waits for */
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	if (pid < 0) {
		say("network: %s", strerror(errno));
		return;
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD); /* blocked by PID 1 */
	while ((done = waitpid(pid, &status, WNOHANG)) == 0) {
		int ms = smol_poll_ms(deadline);
		struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

		if (ms == 0)
			break;
		sigtimedwait(&chld, NULL, &ts);
	}
	if (done == 0)
		say("network: not set up within %d ms", SMOL_NET_MS);
	else if (status)
		say("network: cannot be set up (status %d)", status);
}

void smol_net_up(const char *net, void (*say)(const char *fmt, ...))
{
	if (strcmp(net, "user") == 0)
		run(USER_SCRIPT, say);
	else if (strcmp(net, "tap") == 0)
		run(TAP_SCRIPT, say);
}
