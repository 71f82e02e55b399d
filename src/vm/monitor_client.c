/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection to a VM's monitor: see monitor_client.h. */
#include "vm/monitor_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"
#include "vm/lifecycle.h"

#define SEND_MS 5000

struct smol_monitor {
	int fd;
	struct smol_buf in;
};

struct smol_monitor *smol_monitor_adopt(int fd)
{
	struct smol_monitor *m = smol_alloc(sizeof(*m));

	m->fd = fd;
	smol_io_set_nonblock(fd, true);
	return m;
}

struct smol_monitor *smol_monitor_open(const struct smol_vm *vm, struct smol_err *err)
{
	smol_auto_free char *dir = smol_vm_runtime_dir(vm, err);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	/* A monitor that hangs with a full queue must not hang those who connect. */
	struct timeval limit = {.tv_sec = SEND_MS / 1000};
	smol_auto_close int fd = -1;

	if (!dir)
		return NULL;
	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/monitor.sock", dir) >=
	    (int)sizeof(sa.sun_path)) {
		smol_err_set(err, SMOL_E_INVALID, "the path %s/monitor.sock is too long", dir);
		return NULL;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		smol_err_errno(
		    err, SMOL_E_REFUSED, errno, "the monitor of VM '%s' does not answer", vm->name);
		return NULL;
	}
	return smol_monitor_adopt(smol_steal_fd(&fd));
}

void smol_monitor_close(struct smol_monitor *m)
{
	if (!m)
		return;
	close(m->fd);
	smol_buf_free(&m->in);
	free(m);
}

cJSON *smol_monitor_request(const char *op)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_int(j, "v", SMOL_MONITOR_VERSION);
	smol_json_add_str(j, "op", op);
	return j;
}

int smol_monitor_send(struct smol_monitor *m, cJSON *request, struct smol_err *err)
{
	smol_auto_json cJSON *j = request;
	smol_auto_free char *text = smol_json_print(j);
	smol_auto_free char *line = smol_asprintf("%s\n", text);
	size_t n = strlen(line), sent = 0;
	smol_deadline deadline = smol_in_ms(SEND_MS);

	while (sent < n) {
		ssize_t w = send(m->fd, line + sent, n - sent, MSG_NOSIGNAL);

		if (w > 0)
			sent += (size_t)w;
		else if (errno != EAGAIN && errno != EINTR)
			return smol_err_errno(
			    err, SMOL_E_RESET, errno, "the VM's monitor has gone");
		else if (smol_io_wait(m->fd, POLLOUT, deadline) == 0)
			return smol_err_set(err, SMOL_E_DEADLINE, "the VM's monitor does not read");
	}
	return 0;
}

/* Read what there is. 0, or -1 with the reason why no more will come. */
static int fill(
    struct smol_monitor *m, smol_deadline deadline, int interrupt_fd, struct smol_err *err)
{
	struct pollfd p[2] = {
	    {.fd = m->fd, .events = POLLIN}, {.fd = interrupt_fd, .events = POLLIN}};
	int ready = poll(p, 2, smol_poll_ms(deadline));
	ssize_t n;

	if (ready == 0)
		return smol_err_set(
		    err, SMOL_E_DEADLINE, "the VM's monitor gave no answer in time");
	if (ready > 0 && p[1].revents)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	n = ready < 0 ? 0 : read(m->fd, smol_buf_reserve(&m->in, 4096), 4096);
	if (ready < 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return 0;
	if (n <= 0)
		return smol_err_set(err, SMOL_E_RESET, "the VM's monitor has gone");
	smol_buf_commit(&m->in, (size_t)n);
	if (smol_buf_len(&m->in) > SMOL_MONITOR_LINE_MAX)
		return smol_err_set(err, SMOL_E_PROTOCOL, "the monitor's line is too long");
	return 0;
}

cJSON *smol_monitor_next(
    struct smol_monitor *m, smol_deadline deadline, int interrupt_fd, struct smol_err *err)
{
	char *line;
	size_t n;

	while (!(line = smol_buf_line(&m->in, &n)))
		if (fill(m, deadline, interrupt_fd, err) < 0)
			return NULL;
	return smol_json_parse_object(line, n, err);
}

struct smol_monitor *smol_monitor_reach(
    const struct smol_vm *vm, smol_deadline deadline, int interrupt_fd, struct smol_err *err)
{
	smol_auto_close int pidfd = smol_proc_open(vm->monitor_pid, vm->monitor_start);
	smol_deadline last = smol_in_ms(SMOL_MONITOR_REACH_MS);
	smol_auto_monitor struct smol_monitor *m = NULL;

	if (deadline < last)
		last = deadline;
	while (!(m = smol_monitor_open(vm, err)) && pidfd >= 0) {
		struct pollfd p[] = {
		    {.fd = pidfd, .events = POLLIN}, {.fd = interrupt_fd, .events = POLLIN}};

		if (smol_poll_ms(last) == 0 || poll(p, 2, 20) > 0)
			break;
	}
	if (!m || smol_monitor_send(m, smol_monitor_request("watch"), err) < 0)
		return NULL;
	smol_err_clear(err);
	return smol_steal(&m);
}

static void take_str(char **to, const cJSON *j, const char *key)
{
	free(*to);
	*to = smol_strdup(smol_json_str(j, key));
}

int smol_monitor_end_error(const cJSON *j, const char *name, struct smol_err *err)
{
	const cJSON *e = smol_json_get(j, "error");
	const char *cause = smol_json_str(j, "cause");

	if (e) {
		smol_err_set(err, smol_code_from_name(smol_json_str(e, "code")), "%s",
		    smol_json_str(e, "message") ? smol_json_str(e, "message") : "failed");
		if (err)
			take_str(&err->hint, e, "hint");
	} else {
		smol_err_set(err, SMOL_E_VM_DIED, "VM '%s' %s: %s", name,
		    smol_json_bool(j, "died", true) ? "died" : "stopped", cause ? cause : "?");
	}
	if (err)
		take_str(&err->tail, j, "console");
	return -1;
}

bool smol_monitor_is_event(const cJSON *j, const char *name)
{
	const char *e = smol_json_str(j, "event");

	return e && strcmp(e, name) == 0;
}

int smol_monitor_refuses(const cJSON *j, struct smol_err *err)
{
	const char *text = smol_json_str(j, "error");

	if (smol_json_bool(j, "ok", true))
		return 0;
	return smol_err_set(err, smol_code_from_name(smol_json_str(j, "code")),
	    "the VM's monitor refuses: %s", text ? text : "it does not say why");
}
