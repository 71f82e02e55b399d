/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's connections on whatever bytes a client sends: handshake, request lines, frames. The
 * first byte chooses whether a CONNECT line is expected and in what pieces the rest comes.
 *
 * A fuzzer that has guessed a request must do no harm to the machine it runs on. No command is ever
 * run: the limit of jobs is 0, and what is asked for waits in the queue. Files are those of one
 * directory of ours and relays lead to sockets in another, whatever path was asked for (the
 * linker's --wrap puts that before the real thing).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/files.h"
#include "agent/job.h"
#include "agent/relay.h"
#include "agent/server.h"
#include "base/auto.h"
#include "base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __real_smol_agent_files_start(
    struct smol_conn *c, const struct smol_request *r, struct smol_err *err);
int __wrap_smol_agent_files_start(
    struct smol_conn *c, const struct smol_request *r, struct smol_err *err);
int __real_smol_relay_start(
    struct smol_conn *c, const struct smol_request *r, struct smol_err *err);
int __wrap_smol_relay_start(
    struct smol_conn *c, const struct smol_request *r, struct smol_err *err);

static char home[64], files[80], near[80], far[80]; /* far: where `listen` listens */
static int listener = -1;			    /* at near: where `connect` leads */
static bool touched;				    /* files were asked for */

static void remove_home(void)
{
	smol_rmdir_r(home, NULL);
}

/* The files that can be got: nothing that is put is ever kept. */
static void make_files(void)
{
	smol_auto_free char *link = smol_asprintf("%s/link", files);
	smol_auto_free char *file = smol_asprintf("%s/file", files);

	if (smol_rmdir_r(files, NULL) < 0 || mkdir(files, 0755) < 0 ||
	    smol_file_write(file, "abc", 3, 0644, NULL) < 0 || symlink("/etc", link) < 0)
		abort();
}

static void make_home(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	snprintf(home, sizeof(home), "/tmp/smolsh-fuzz-XXXXXX");
	if (!mkdtemp(home))
		abort();
	snprintf(files, sizeof(files), "%s/files", home);
	snprintf(near, sizeof(near), "%s/near", home);
	snprintf(far, sizeof(far), "%s/far", home);
	memcpy(sa.sun_path, near, strlen(near) + 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (mkdir(files, 0755) < 0 || bind(listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(listener, 64) < 0)
		abort();
	make_files();
	atexit(remove_home);
}

int __wrap_smol_agent_files_start(
    struct smol_conn *c, const struct smol_request *r, struct smol_err *err)
{
	struct smol_request ours = *r;

	ours.files.path = files;
	touched = true;
	return __real_smol_agent_files_start(c, &ours, err);
}

int __wrap_smol_relay_start(struct smol_conn *c, const struct smol_request *r, struct smol_err *err)
{
	struct smol_request ours = *r;

	ours.relay.port = 0;
	ours.relay.host = NULL;
	ours.relay.path = r->op == SMOL_OP_LISTEN ? far : near;
	return __real_smol_relay_start(c, &ours, err);
}

/* The other side of relays: says a word, and its end. */
static void answer_relays(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	smol_auto_close int caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		send(fd, "hello", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
	}
	memcpy(sa.sun_path, far, strlen(far) + 1);
	if (access(far, F_OK) == 0 && connect(caller, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		send(caller, "hello", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
}

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

	if (!*home)
		make_home();
	if (size < 1 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) < 0)
		return 0;
	smol_limits_init(&cfg.limits);
	cfg.limits.jobs = 0;
	cfg.limits.queue = 4;
	cfg.limits.file_bytes = 1 << 20;
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
		answer_relays();
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
	unlink(far);
	if (touched)
		make_files();
	touched = false;
	return 0;
}
