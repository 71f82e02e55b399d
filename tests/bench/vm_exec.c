/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs `true` in one of our VMs N times, one after another on one connection, with the client that
 * smolsh itself uses; prints the microseconds that one took. The connection stands, and has carried
 * a command, before the clock starts.
 *
 *   vm_exec VM N
 */
#include <stdio.h>

#include "base/auto.h"
#include "base/err.h"
#include "shared.h"
#include "vm/lifecycle.h"
#include "vm/registry.h"
#include "vsock/client.h"

static int output(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	(void)ctx, (void)stream, (void)data, (void)n;
	return 0;
}

static int run(struct smol_client *c, struct smol_err *err)
{
	char *words[] = {"true", NULL};
	const struct smol_exec_request request = {.argv = words};
	const struct smol_exec_io io = {.stdin_fd = -1, .output = output, .wake_fd = -1};
	struct smol_exec_result result;

	if (smol_client_exec(c, &request, &io, &result, err) < 0)
		return -1;
	return result.exit_code
		   ? smol_err_set(err, SMOL_E_INTERNAL, "true gave %d", result.exit_code)
		   : 0;
}

static struct smol_client *dial(const char *name, struct smol_err *err)
{
	smol_auto_registry struct smol_registry *r = smol_registry_open(err);
	smol_auto_vm struct smol_vm *vm = r ? smol_registry_find(r, name, err) : NULL;
	struct smol_vsock_addr addr;

	if (!vm || smol_vm_agent_addr(vm, &addr, err) < 0)
		return NULL;
	return smol_client_open(&addr, vm->token, smol_in_ms(SMOL_DIAL_TIMEOUT_MS), err);
}

static int measure(const char *name, int n, struct smol_err *err)
{
	smol_auto_client struct smol_client *c = dial(name, err);
	long long begun;

	if (!c || run(c, err) < 0)
		return -1;
	begun = now_us();
	for (int i = 0; i < n; i++)
		if (run(c, err) < 0)
			return -1;
	printf("%.1f\n", (double)(now_us() - begun) / n);
	return 0;
}

int main(int argc, char **argv)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int n = argc == 3 ? count_of(argv[2]) : 0;

	if (!n) {
		fprintf(stderr, "Usage: vm_exec VM N\n");
		return 2;
	}
	if (measure(argv[1], n, &err) == 0)
		return 0;
	fprintf(stderr, "vm_exec: %s\n", err.msg);
	return 1;
}
