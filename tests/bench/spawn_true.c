/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs in the guest: starts /bin/true N times, one after another, and waits for each; prints the
 * microseconds that one took. What nobody who runs a command in that guest can go below.
 *
 *   spawn_true N
 */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "shared.h"

int main(int argc, char **argv)
{
	char *words[] = {"/bin/true", NULL}, *env[] = {NULL};
	int n = argc == 2 ? count_of(argv[1]) : 0, status;
	long long began = now_us();

	if (!n) {
		fputs("usage: spawn_true N\n", stderr);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		pid_t pid;

		if (posix_spawn(&pid, words[0], NULL, NULL, words, env) != 0 ||
		    waitpid(pid, &status, 0) != pid || status != 0) {
			fputs("spawn_true: /bin/true cannot be run\n", stderr);
			return 1;
		}
	}
	printf("%lld\n", (now_us() - began) / n);
	return 0;
}
