/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Those who ask: commands on monitor.sock, and the process that started the monitor on the socket
 * it was given. One JSON object a line, with a version (vm/monitor_client.h). A client that sends
 * too much or does not read is dropped; the VM never waits for it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/text.h"
#include "monitor/monitor.h"
#include "vm/monitor_client.h"

#define OUT_MAX (256 * 1024)		  /* bytes not yet read by a client */
#define ASK_MAX (10LL * 24 * 3600 * 1000) /* ms: what a duration may be at most */

struct smol_client_conn {
	struct smol_watch watch;
	int fd;
	struct smol_buf in;
	bool watching; /* wants events */
	bool holding;  /* the VM goes with it */
	struct smol_monitor_state *m;
	struct smol_client_conn *next;
};

static void drop(struct smol_client_conn *c)
{
	struct smol_monitor_state *m = c->m;
	struct smol_client_conn **p = &m->clients;
	bool held = c->holding;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	m->nclients--;
	smol_buf_free(&c->in);
	smol_forward_asker_gone(m, c);
	smol_watch_stop_free(&c->watch, c);
	close(c->fd);
	if (held)
		smol_machine_stop(m, 0, true);
}

/* Send a line; the object is deleted. The socket's own buffer is what a client may be behind. */
static bool say(struct smol_client_conn *c, cJSON *object)
{
	smol_auto_json cJSON *j = object;
	smol_auto_free char *text = smol_json_print(j);
	smol_auto_free char *line = smol_asprintf("%s\n", text);
	size_t n = strlen(line);

	return send(c->fd, line, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static cJSON *ok(void)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_bool(j, "ok", true);
	return j;
}

static cJSON *failure(enum smol_code code, const char *message)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	smol_err_set(&err, code, "%s", message);
	return smol_reply_failure(&err);
}

static void add_process(cJSON *j, const char *key, pid_t pid, const char *program)
{
	cJSON *o;

	if (pid <= 0)
		return;
	o = cJSON_AddObjectToObject(j, key);
	smol_json_add_str(o, "program", program);
	smol_json_add_int(o, "pid", pid);
	smol_json_add_int(o, "resident_bytes", (int64_t)smol_proc_rss(pid));
}

static cJSON *status(const struct smol_monitor_state *m)
{
	cJSON *j = ok(), *r = cJSON_AddObjectToObject(j, "result"), *death;

	smol_json_add_int(r, "v", SMOL_MONITOR_VERSION);
	smol_json_add_str(r, "version", SMOL_VERSION);
	smol_json_add_str(r, "phase", m->ending ? "ending" : m->phase);
	smol_json_add_int(r, "uptime_ms", smol_now_ms() - m->begun_ms);
	smol_json_add_int(r, "paused_ms", smol_pause_ms(m));
	if (m->cut_ms)
		smol_json_add_int(r, "cut_ms_ago", smol_now_ms() - m->cut_ms);
	smol_json_add_str(r, "backend", m->backend.ops ? m->backend.ops->info->name : NULL);
	smol_json_add_str(r, "accel", m->backend.accel_used);
	if (m->agent_version[0])
		smol_json_add_str(r, "agent", m->agent_version);
	if (m->guest_kernel[0])
		smol_json_add_str(r, "guest_kernel", m->guest_kernel);
	add_process(r, "monitor", getpid(), "smolsh-monitor");
	add_process(r, "hypervisor", m->hypervisor.pid, m->hypervisor.what);
	add_process(r, "device", m->device.pid, m->device.what);
	if ((death = smol_device_json(m)))
		cJSON_AddItemToObject(r, "device_death", death);
	return j;
}

static cJSON *phase_event(const struct smol_monitor_state *m)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "event", "phase");
	smol_json_add_str(j, "phase", m->phase);
	return j;
}

static cJSON *ready_event(void)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, "event", "ready");
	return j;
}

/* From here on it hears what happens, beginning with where things stand. */
static bool watch(struct smol_client_conn *c)
{
	c->watching = true;
	return say(c, phase_event(c->m)) && (!c->m->ready || c->m->paused || say(c, ready_event()));
}

static bool stop(struct smol_client_conn *c, const cJSON *j)
{
	int64_t ask_ms = 0;

	if (smol_json_int(j, "ask_ms", 0, ASK_MAX, &ask_ms) < 0)
		return say(c, failure(SMOL_E_INVALID, "ask_ms is out of range"));
	if (!say(c, ok()))
		return false;
	smol_machine_stop(c->m, ask_ms, smol_json_bool(j, "force", false));
	return true;
}

static bool pause_or_resume(struct smol_client_conn *c, bool pause)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (c->m->snapshot)
		return say(c, failure(SMOL_E_STATE, "a snapshot of it is being taken"));
	if (smol_pause_ask(c->m, pause, &err) < 0)
		return say(c, smol_reply_failure(&err));
	return say(c, ok());
}

static bool snapshot(struct smol_client_conn *c, const cJSON *j)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *name = smol_json_str(j, "name");

	if (!name)
		return say(c, failure(SMOL_E_INVALID, "name is missing"));
	if (smol_snapshot_ask(c->m, name, &err) < 0)
		return say(c, smol_reply_failure(&err));
	return say(c, ok());
}

static bool balloon(struct smol_client_conn *c, const cJSON *j)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int64_t mib = 0;
	int given = smol_json_int(j, "memory_mib", 1, SMOL_MEMORY_MAX_MIB, &mib);
	cJSON *reply;

	if (given < 0)
		return say(c, failure(SMOL_E_INVALID, "memory_mib is out of range"));
	if (given && smol_balloon_ask(c->m, mib, &err) < 0)
		return say(c, smol_reply_failure(&err));
	reply = ok();
	cJSON_AddItemToObject(reply, "result", smol_balloon_json(c->m));
	return say(c, reply);
}

void smol_control_reply(struct smol_client_conn *c, cJSON *object)
{
	/* One that does not take it learns of that by the end of the connection. */
	if (!say(c, object))
		shutdown(c->fd, SHUT_RDWR);
}

static bool forwards(struct smol_client_conn *c)
{
	cJSON *j = ok();

	cJSON_AddItemToObject(j, "result", smol_forward_list(c->m));
	return say(c, j);
}

static bool unforward(struct smol_client_conn *c, const cJSON *j)
{
	int64_t id = 0;

	if (smol_json_int(j, "id", 1, INT64_MAX / 2, &id) == 1 && smol_forward_stop(c->m, c, id))
		return true;
	return say(c, failure(SMOL_E_NOT_FOUND, "no forward has that id"));
}

/* One request. false: the client is to be dropped. */
static bool serve(struct smol_client_conn *c, const char *line, size_t n)
{
	smol_auto_json cJSON *j = smol_json_parse_object(line, n, NULL);
	const char *op = j ? smol_json_str(j, "op") : NULL;
	int64_t v = 0;

	if (!op)
		return say(c, failure(SMOL_E_PROTOCOL, "not a request"));
	if (smol_json_int(j, "v", SMOL_MONITOR_VERSION, SMOL_MONITOR_VERSION, &v) != 1)
		return say(c, failure(SMOL_E_UNSUPPORTED, "this monitor speaks version 1"));
	if (strcmp(op, "status") == 0) {
		smol_device_look(c->m);
		return say(c, status(c->m));
	}
	if (strcmp(op, "watch") == 0)
		return watch(c);
	if (strcmp(op, "stop") == 0)
		return stop(c, j);
	if (strcmp(op, "pause") == 0 || strcmp(op, "resume") == 0)
		return pause_or_resume(c, *op == 'p');
	if (strcmp(op, "snapshot") == 0)
		return snapshot(c, j);
	if (strcmp(op, "balloon") == 0)
		return balloon(c, j);
	if (strcmp(op, "forwards") == 0)
		return forwards(c);
	if (strcmp(op, "unforward") == 0)
		return unforward(c, j);
	if (strcmp(op, "forward") == 0) {
		smol_forward_start(c->m, c, j);
		return true;
	}
	return say(c, failure(SMOL_E_UNSUPPORTED, "unknown op"));
}

static void on_request(void *ctx)
{
	struct smol_client_conn *c = ctx;
	ssize_t n = read(c->fd, smol_buf_reserve(&c->in, 4096), 4096);
	char *line;
	size_t len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	smol_buf_commit(&c->in, (size_t)n);
	while ((line = smol_buf_line(&c->in, &len)))
		if (!serve(c, line, len)) {
			drop(c);
			return;
		}
	if (smol_buf_len(&c->in) > SMOL_MONITOR_LINE_MAX) {
		say(c, failure(SMOL_E_LIMIT, "a request longer than 64 KiB"));
		drop(c);
	}
}

static struct smol_client_conn *add_client(struct smol_monitor_state *m, int fd)
{
	struct smol_client_conn *c = smol_alloc(sizeof(*c));
	int size = OUT_MAX;

	smol_io_set_nonblock(fd, true);
	smol_io_set_cloexec(fd, true);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	c->fd = fd;
	c->m = m;
	c->next = m->clients;
	m->clients = c;
	m->nclients++;
	smol_watch_start(&m->loop, &c->watch, fd, on_request, c);
	return c;
}

/* The device sees the directory that this socket lies in, and whoever has taken it over would have
 * the whole VM by a request. It has none to make. */
static bool is_device(const struct smol_monitor_state *m, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       smol_device_is(m, peer.pid);
}

static void on_connect(void *ctx)
{
	struct smol_monitor_state *m = ctx;
	int fd = accept4(m->control.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (m->nclients >= SMOL_CLIENTS_MAX || is_device(m, fd)) {
		close(fd);
		return;
	}
	add_client(m, fd);
}

void smol_control_adopt(struct smol_monitor_state *m, int starter_fd)
{
	struct smol_client_conn *c = add_client(m, starter_fd);

	c->watching = true;
	c->holding = m->hold;
}

int smol_control_begin(struct smol_monitor_state *m, struct smol_err *err)
{
	smol_auto_free char *path = smol_asprintf("%s/monitor.sock", m->runtime_dir);

	if (smol_mkdir_p(m->runtime_dir, 0700, err) < 0)
		return -1;
	if (smol_bound_listen(&m->control, path, err) < 0)
		return smol_err_hint(err, "set SMOLSH_HOME or XDG_RUNTIME_DIR to another path");
	smol_watch_start(&m->loop, &m->control_watch, m->control.fd, on_connect, m);
	return 0;
}

void smol_control_event(struct smol_monitor_state *m, cJSON *event)
{
	smol_auto_json cJSON *j = event;

	/* A watcher that is so far behind that its buffer is full learns of it by the end of the
	 * connection; one that holds the VM is not dropped for that. It goes when the loop sees the
	 * end: what happens may be of its own asking, and it is still being served. */
	for (struct smol_client_conn *c = m->clients; c; c = c->next)
		if (c->watching && !say(c, cJSON_Duplicate(j, 1)) && !c->holding) {
			c->watching = false;
			shutdown(c->fd, SHUT_RDWR);
		}
}

void smol_control_end(struct smol_monitor_state *m)
{
	smol_watch_stop(&m->control_watch);
	smol_bound_close(&m->control);
	while (m->clients) {
		m->clients->holding = false;
		drop(m->clients);
	}
}
