/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a client may write to a monitor. The machine is a stand-in that ends when it is told to,
 * which is the worst moment for the connection that asked: control.c then runs into its own end.
 * All that is answered must be JSON objects, one a line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "monitor/monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void smol_machine_stop(struct smol_monitor_state *m, int64_t ask_ms, bool force)
{
	cJSON *j = cJSON_CreateObject();

	(void)force;
	if (ask_ms < 0)
		abort();
	smol_json_add_str(j, "event", "end");
	m->ending = m->finished = true;
	smol_control_event(m, j);
	smol_control_end(m);
}

int smol_pause_ask(struct smol_monitor_state *m, bool pause, struct smol_err *err)
{
	if (!pause)
		return smol_err_set(err, SMOL_E_STATE, "it goes on");
	m->paused = true;
	return 0;
}

int smol_snapshot_ask(struct smol_monitor_state *m, const char *name, struct smol_err *err)
{
	if (!*name)
		return smol_err_set(err, SMOL_E_INVALID, "it has no name");
	m->paused = true;
	return 0;
}

void smol_device_look(struct smol_monitor_state *m)
{
	(void)m;
}

bool smol_device_is(const struct smol_monitor_state *m, pid_t pid)
{
	(void)m, (void)pid;
	return false;
}

cJSON *smol_device_json(const struct smol_monitor_state *m)
{
	cJSON *j = m->ending ? NULL : cJSON_CreateObject();

	if (j)
		smol_json_add_str(j, "how", "it was killed");
	return j;
}

int64_t smol_pause_ms(const struct smol_monitor_state *m)
{
	return m->paused;
}

int smol_balloon_ask(struct smol_monitor_state *m, int64_t mib, struct smol_err *err)
{
	if (mib < 1 || mib > SMOL_MEMORY_MAX_MIB)
		abort();
	if (mib % 2)
		return smol_err_set(err, SMOL_E_STATE, "it gives nothing");
	m->keep_mib = mib;
	return 0;
}

cJSON *smol_balloon_json(const struct smol_monitor_state *m)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_int(j, "target_mib", m->keep_mib);
	return j;
}

int smol_bound_listen(struct smol_bound *b, const char *path, struct smol_err *err)
{
	(void)b;
	(void)path;
	return smol_err_set(err, SMOL_E_INTERNAL, "not here");
}

void smol_bound_close(struct smol_bound *b)
{
	(void)b;
}

void smol_forward_start(
    struct smol_monitor_state *m, struct smol_client_conn *asker, const cJSON *request)
{
	(void)m;
	(void)request;
	smol_control_reply(asker, cJSON_CreateObject());
}

cJSON *smol_forward_list(const struct smol_monitor_state *m)
{
	(void)m;
	return cJSON_CreateArray();
}

bool smol_forward_stop(struct smol_monitor_state *m, struct smol_client_conn *asker, int64_t id)
{
	(void)m;
	(void)asker;
	return id % 2;
}

void smol_forward_asker_gone(struct smol_monitor_state *m, const struct smol_client_conn *c)
{
	(void)m;
	(void)c;
}

/* Take what has been answered. false: the connection has ended. */
static bool take_answers(int fd, struct smol_buf *b)
{
	ssize_t n;
	char *line;
	size_t len;

	while ((n = recv(fd, smol_buf_reserve(b, 4096), 4096, MSG_DONTWAIT)) > 0)
		smol_buf_commit(b, (size_t)n);
	while ((line = smol_buf_line(b, &len))) {
		smol_auto_json cJSON *j = smol_json_parse_object(line, len, NULL);

		if (!j)
			abort();
	}
	return n != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smol_monitor_state m = {.phase = "ready", .ready = true, .control = {.fd = -1}};
	smol_auto_buf struct smol_buf answers = {0};
	int pair[2];
	bool open = true;

	if (!size || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	uv_loop_init(&m.loop);
	m.hold = data[0] & 1;
	smol_control_adopt(&m, pair[0]);
	for (size_t at = 1; open && at < size;) {
		ssize_t n = send(pair[1], data + at, size - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		at += n > 0 ? (size_t)n : 0;
		uv_run(&m.loop, UV_RUN_NOWAIT);
		open = take_answers(pair[1], &answers) && m.clients;
	}
	while (open && m.clients && recv(pair[0], &(char){0}, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		uv_run(&m.loop, UV_RUN_NOWAIT);
		open = take_answers(pair[1], &answers);
	}
	close(pair[1]);
	uv_run(&m.loop, UV_RUN_NOWAIT);
	smol_control_end(&m);
	uv_run(&m.loop, UV_RUN_DEFAULT);
	if (m.nclients || uv_loop_close(&m.loop) != 0)
		abort();
	return 0;
}
