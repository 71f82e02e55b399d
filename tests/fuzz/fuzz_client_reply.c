/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client on whatever bytes a guest answers with: the first byte chooses between a one-shot call
 * and a stream. The server has said all it has to say before the client listens. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "vsock/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct smol_vsock_addr addr = {.kind = SMOL_VSOCK_UNIX, .port = 5000};
static int listener = -1;

static void remove_socket(void)
{
	unlink(addr.path);
}

static void open_listener(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int size = 4 * 1024 * 1024;

	snprintf(addr.path, sizeof(addr.path), "/tmp/smolsh-fuzz-%d", (int)getpid());
	memcpy(sa.sun_path, addr.path, strlen(addr.path) + 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (bind(listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(listener, 4) < 0)
		abort();
	atexit(remove_socket);
}

static int output(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	volatile char sum = 0;

	(void)ctx;
	(void)stream;
	for (size_t i = 0; i < n; i++)
		sum = (char)(sum + data[i]);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_client struct smol_client *c = NULL;
	struct smol_exec_io io = {.stdin_fd = -1, .output = output, .wake_fd = -1};
	struct smol_exec_request e = {.command = "x", .timeout_ms = 1};
	struct smol_request r = {.op = SMOL_OP_SYSTEM_INFO};
	struct smol_exec_result result;
	int fd;

	if (listener < 0)
		open_listener();
	c = size ? smol_client_open(&addr, "t", smol_in_ms(1000), NULL) : NULL;
	if (!c)
		return 0;
	fd = accept(listener, NULL, NULL);
	if (send(fd, data + 1, size - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && size > 1)
		abort();
	shutdown(fd, SHUT_WR);
	if (data[0] & 1) {
		cJSON_Delete(smol_client_call(c, &r, smol_in_ms(1000), &err));
	} else if (smol_client_exec(c, &e, &io, &result, &err) == 0) {
		if (result.exit_code < 0 || result.exit_code > 255)
			abort();
	}
	close(fd);
	return 0;
}
