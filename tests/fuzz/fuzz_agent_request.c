/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's connections on whatever bytes a client sends: handshake, request lines, frames. The
 * first byte chooses whether a CONNECT line is expected and in what pieces the rest comes. No
 * command is ever run: the limit of jobs is 0, and what is asked for waits in the queue.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/job.h"
#include "agent/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void after(void *ctx)
{
	struct smol_server *s = ctx;

	smol_server_serve(s);
	s->shutdown = NULL;
}

static void drain(int fd)
{
	char trash[65536];

	while (recv(fd, trash, sizeof(trash), MSG_DONTWAIT) > 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smol_agent_config cfg = {.token = "t"};
	struct smol_server s = {.cfg = &cfg};
	size_t piece, off = 1;
	int p[2];

	if (size < 1 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) < 0)
		return 0;
	smol_limits_init(&cfg.limits);
	cfg.limits.jobs = 0;
	cfg.limits.queue = 4;
	cfg.unix_path = data[0] & 1 ? "x" : NULL;
	piece = (data[0] >> 1) + 1U;
	piece = piece > 100 ? 65536 : piece;
	if (smol_loop_init(&s.loop, NULL) < 0)
		abort();
	s.loop.after = after;
	s.loop.ctx = &s;
	if (!smol_conn_new(&s, p[0], false))
		abort();
	while (off < size && s.conns) {
		size_t n = size - off < piece ? size - off : piece;
		ssize_t w = send(p[1], data + off, n, MSG_NOSIGNAL);

		off += w > 0 ? (size_t)w : 0;
		smol_loop_round(&s.loop, 0);
		drain(p[1]);
	}
	shutdown(p[1], SHUT_WR);
	for (int i = 0; i < 8 && s.conns; i++) {
		smol_loop_round(&s.loop, 0);
		drain(p[1]);
	}
	close(p[1]);
	while (s.conns)
		smol_conn_drop(s.conns);
	after(&s);
	smol_jobs_close(&s);
	smol_loop_close(&s.loop);
	return 0;
}
