/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plays the monitor of VMs that are registered and do not run: they are "running" for whoever asks
 * the registry, and the first one's agent is a process on this machine. So one can measure what
 * smolsh does with output without measuring an emulated guest.
 *
 *   fake_vm AGENT NAME…      says "ready" on stdout, and goes on until it is ended; then the VMs
 *                          are taken for those of a monitor that was killed
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/clock.h"
#include "base/spawn.h"
#include "vm/lifecycle.h"
#include "vm/registry.h"

static int start_agent(
    const char *agent, const struct smol_vm *vm, pid_t *pid, struct smol_err *err)
{
	smol_auto_free char *uds = smol_vm_uds_path(vm, err), *dir = smol_strdup(uds);
	smol_auto_free char *token = NULL;
	struct smol_spawn s = {.fds = {-1, 2, 2}, .nfds = 3, .die_with_parent = true};

	if (!uds)
		return -1;
	*strrchr(dir, '/') = '\0';
	if (smol_mkdir_p(dir, 0700, err) < 0)
		return -1;
	token = smol_asprintf("%s/token", dir);
	if (smol_file_write(token, vm->token, strlen(vm->token), 0600, err) < 0)
		return -1;
	unlink(uds);
	s.argv = (const char *const[]){agent, "--unix", uds, "--token-file", token, NULL};
	if (smol_spawn(&s, pid, NULL, err) < 0)
		return -1;
	for (smol_deadline d = smol_in_ms(5000); access(uds, F_OK) != 0;)
		if (smol_poll_ms(d) == 0)
			return smol_err_set(err, SMOL_E_TIMEOUT, "%s does not start", agent);
	return 0;
}

/* Returns only on failure. */
static int play(const char *agent, char **names, int n, struct smol_err *err)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(err);
	pid_t pid;

	for (int i = n; r && i-- > 0;) {
		smol_auto_vm struct smol_vm *vm = smol_registry_find(r, names[i], err);

		if (!vm || smol_registry_claim(r, vm, getpid(), err) < 0 ||
		    smol_registry_set_ready(r, vm->id, err) < 0 ||
		    (i == 0 && start_agent(agent, vm, &pid, err) < 0))
			return -1;
	}
	if (!r)
		return -1;
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (argc < 3) {
		fprintf(stderr, "Usage: fake_vm AGENT NAME...\n");
		return 2;
	}
	play(argv[1], argv + 2, argc - 2, &err);
	fprintf(stderr, "fake_vm: %s\n", err.msg);
	return 1;
}
