/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client on whatever bytes a guest answers with: the first byte chooses what the client asks
 * for. The server has said all it has to say before the client listens. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "forward/forward.h"
#include "vsock/files.h"

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

static void call(struct smol_client *c, enum smol_op op)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_request r = {.op = op, .job = {.job = 1}};

	cJSON_Delete(smol_client_call(c, &r, smol_in_ms(1000), &err));
}

static void start(struct smol_client *c)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_exec_request e = {.command = "x"};
	int64_t job = 0;

	if (smol_client_start(c, &e, &job, &err) == 0 && job < 1)
		abort();
}

static void gap(void *ctx, uint64_t bytes)
{
	(void)ctx;
	if (!bytes)
		abort();
}

static void run(struct smol_client *c, bool attach, bool input)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_close int zero = input ? open("/dev/zero", O_RDONLY | O_CLOEXEC) : -1;
	struct smol_exec_io io = {.stdin_fd = zero, .output = output, .gap = gap, .wake_fd = -1};
	struct smol_exec_request e = {.command = "x", .timeout_ms = 1};
	struct smol_job_request j = {.job = 1, .from = 5, .from_set = input};
	struct smol_exec_result result = {0};
	int rc = attach ? smol_client_attach(c, &j, &io, &result, &err)
			: smol_client_exec(c, &e, &io, &result, &err);

	if (rc == 0 && (result.exit_code < 0 || result.exit_code > 255))
		abort();
	/* Nobody has asked to be detached. */
	if (rc > 0)
		abort();
}

static int drop(void *ctx, const char *data, size_t n)
{
	uint64_t *left = ctx;

	(void)data;
	/* Holes are spelled out: not for ever. */
	if (n > *left)
		return -1;
	*left -= n;
	return 0;
}

static const struct smol_files_io quiet = {.wake_fd = -1, .source_fd = -1};

static void get(struct smol_client *c)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	uint64_t left = 1 << 24;
	struct smol_files_target t = {.write = drop, .ctx = &left, .max_bytes = 1 << 24};
	struct smol_files_request q = {.path = "x", .recursive = true};
	struct smol_file_counts counts = {0};
	smol_auto_files_receiver struct smol_files_receiver *r = smol_files_receiver_open(&t, &err);

	smol_client_get(c, &q, r, &quiet, &counts, &err);
}

static void put(struct smol_client *c)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_close int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct smol_files_request q = {.path = "x"};
	struct smol_file_counts counts = {0};
	smol_auto_files_sender struct smol_files_sender *s = smol_files_sender_of_fd(null);

	smol_client_put(c, &q, s, &quiet, &counts, &err);
}

/* The client, and the server's end of its connection, on which all has been said. */
static struct smol_client *dial(const uint8_t *data, size_t size, int *fd)
{
	struct smol_client *c = smol_client_open(&addr, "t", smol_in_ms(1000), NULL);

	if (!c)
		abort();
	*fd = accept(listener, NULL, NULL);
	if (size && send(*fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		abort();
	shutdown(*fd, SHUT_WR);
	return c;
}

static void pass(struct smol_client *from, const uint8_t *data, size_t size)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_client struct smol_client *to = NULL;
	struct smol_files_request q = {.path = "x"};
	struct smol_file_counts counts = {0};
	smol_auto_close int fd = -1;

	/* The last few bytes are what the destination says. */
	to = dial(data + size - (size < 64 ? size : 64), size < 64 ? size : 64, &fd);
	smol_client_pass(from, &q, to, &q, &quiet, &counts, &err);
}

/* One connection of a forwarded port, or the one that tells of others. */
static void flow(const uint8_t *data, size_t size, bool control)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_forward f = {.agent = addr, .listen_fd = -1, .status_fd = -1};
	struct smol_request r = {
	    .op = control ? SMOL_OP_LISTEN : SMOL_OP_CONNECT, .token = "t", .relay = {.port = 80}};
	smol_auto_close int near = -1, fd = -1;
	struct smol_flow *w;
	int p[2] = {-1, -1};

	if (!control && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) < 0)
		abort();
	near = p[1];
	w = smol_flow_new(&f, p[0], &r, &err);
	if (!w)
		abort();
	w->control = control;
	fd = accept(listener, NULL, NULL);
	if (size && send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		abort();
	shutdown(fd, SHUT_WR);
	if (near >= 0 && send(near, "hello", 5, MSG_NOSIGNAL) == 5)
		shutdown(near, SHUT_WR);
	for (int i = 0; i < 1000 && w->stage != SMOL_FLOW_OVER; i++) {
		cJSON *answer = NULL;
		char trash[65536];

		smol_flow_serve(w, &answer, &err);
		cJSON_Delete(answer);
		smol_err_clear(&err);
		while (near >= 0 && recv(near, trash, sizeof(trash), MSG_DONTWAIT) > 0)
			;
	}
	/* All was said at the beginning: it must come to an end. */
	if (w->stage != SMOL_FLOW_OVER)
		abort();
	smol_flow_free(&f, w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	smol_auto_client struct smol_client *c = NULL;
	smol_auto_close int fd = -1;
	unsigned what;

	if (listener < 0)
		open_listener();
	if (!size)
		return 0;
	what = *data++ % 16;
	size--;
	if (what >= 14) {
		flow(data, size, what == 15);
		return 0;
	}
	c = dial(data, size, &fd);
	switch (what) {
	case 0 ... 3:
		run(c, what & 1, what & 2);
		break;
	case 4:
		start(c);
		break;
	case 5:
		get(c);
		break;
	case 6:
		put(c);
		break;
	case 7:
		pass(c, data, size);
		break;
	case 8:
		call(c, SMOL_OP_HEALTH);
		call(c, SMOL_OP_SYSTEM_INFO);
		break;
	case 9:
		call(c, SMOL_OP_JOBS);
		call(c, SMOL_OP_CANCEL);
		break;
	case 10:
		call(c, SMOL_OP_WAIT);
		run(c, false, false);
		break;
	case 11:
		run(c, true, false);
		run(c, true, true);
		break;
	default:
		get(c);
		call(c, SMOL_OP_SHUTDOWN);
	}
	return 0;
}
