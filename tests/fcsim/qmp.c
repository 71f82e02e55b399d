/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QMP: see qmp.h. */
#include "tests/fcsim/qmp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"

#define ANSWER_MS      30000 /* a QEMU that emulates on a busy machine */
#define LINE_MAX_BYTES (1 << 20)

static void take_event(struct sim *s, const cJSON *j)
{
	const char *name = smol_json_str(j, "event");
	const cJSON *data = smol_json_get(j, "data");
	const char *why = data ? smol_json_str(data, "reason") : NULL;

	if (strcmp(name, "DEVICE_DELETED") == 0 && smol_json_str(data, "device"))
		s->unplugged = true;
	if (strcmp(name, "SHUTDOWN") != 0 || !why)
		return;
	if (strcmp(why, "guest-reset") == 0)
		s->rebooted = true;
	if (strcmp(why, "guest-shutdown") == 0) {
		sim_log(s, SIM_INFO,
		    "The guest has powered off; as with Firecracker the process stays");
		s->off = true;
	}
}

/* One line off the buffer: an event is taken, anything else is returned. */
static cJSON *take_line(struct sim *s)
{
	char *line;
	size_t n;

	while ((line = smol_buf_line(&s->qmp_in, &n))) {
		cJSON *j = smol_json_parse_object(line, n && line[n - 1] == '\r' ? n - 1 : n, NULL);

		if (!j)
			continue;
		if (!smol_json_str(j, "event"))
			return j;
		take_event(s, j);
		cJSON_Delete(j);
	}
	return NULL;
}

/* What is no event, from QEMU, until the deadline. */
static cJSON *receive(struct sim *s, smol_deadline deadline, struct smol_err *err)
{
	for (;;) {
		cJSON *j = take_line(s);
		ssize_t n;

		if (j)
			return j;
		n = smol_buf_len(&s->qmp_in) > LINE_MAX_BYTES
			? 0
			: smol_io_read_some(
			      s->qmp, smol_buf_reserve(&s->qmp_in, 65536), 65536, deadline);
		if (n <= 0) {
			smol_err_set(err, SMOL_E_IO, "fc-sim: QEMU %s",
			    n == 0 ? "has ended" : strerror(errno));
			return NULL;
		}
		smol_buf_commit(&s->qmp_in, (size_t)n);
	}
}

/* A command's line, with a descriptor beside it where fd is not -1. */
static int send_line(struct sim *s, const char *line, int fd, struct smol_err *err)
{
	struct iovec iov = {.iov_base = (void *)line, .iov_len = strlen(line)};
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.room);
		control.h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
		    .cmsg_level = SOL_SOCKET,
		    .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
	}
	/* Lines are short and QEMU reads each before it answers: there is room. */
	if (s->qmp < 0 || sendmsg(s->qmp, &msg, MSG_NOSIGNAL) != (ssize_t)strlen(line))
		return smol_err_set(err, SMOL_E_IO, "fc-sim: QEMU has ended");
	return 0;
}

static cJSON *call(struct sim *s, const char *name, cJSON *args, int fd, struct smol_err *err)
{
	smol_auto_json cJSON *command = cJSON_CreateObject(), *answer = NULL;
	const cJSON *error;

	smol_json_add_str(command, "execute", name);
	if (args)
		cJSON_AddItemToObject(command, "arguments", args);
	smol_auto_free char *text = smol_json_print(command);
	smol_auto_free char *line = smol_asprintf("%s\n", text);
	if (send_line(s, line, fd, err) < 0)
		return NULL;
	answer = receive(s, smol_in_ms(ANSWER_MS), err);
	if (!answer)
		return NULL;
	error = smol_json_get(answer, "error");
	if (error) {
		const char *desc = smol_json_str(error, "desc");

		smol_err_set(err, SMOL_E_IO, "fc-sim: %s: %s", name, desc ? desc : "?");
		return NULL;
	}
	return cJSON_DetachItemFromObjectCaseSensitive(answer, "return");
}

cJSON *qmp_call(struct sim *s, const char *name, cJSON *args, struct smol_err *err)
{
	return call(s, name, args, -1, err);
}

int qmp_send_fd(struct sim *s, const char *name, int fd, struct smol_err *err)
{
	cJSON *args = cJSON_CreateObject();

	smol_json_add_str(args, "fdname", name);
	smol_auto_json cJSON *r = call(s, "getfd", args, fd, err);
	return r ? 0 : -1;
}

int qmp_do(struct sim *s, const char *name, cJSON *args, struct smol_err *err)
{
	smol_auto_json cJSON *r = qmp_call(s, name, args, err);

	return r ? 0 : -1;
}

int qmp_hello(struct sim *s, struct smol_err *err)
{
	smol_auto_json cJSON *greeting = receive(s, smol_in_ms(ANSWER_MS), err);

	if (!greeting)
		return -1;
	return qmp_do(s, "qmp_capabilities", NULL, err);
}

int qmp_wait(struct sim *s, const bool *flag, int64_t ms)
{
	smol_deadline deadline = smol_in_ms(ms);

	while (!*flag && s->qmp >= 0 && smol_io_wait(s->qmp, POLLIN, deadline) > 0)
		qmp_drain(s);
	return *flag ? 0 : -1;
}

void qmp_drain(struct sim *s)
{
	while (s->qmp >= 0 && smol_io_wait(s->qmp, POLLIN, smol_in_ms(0)) > 0) {
		ssize_t n = read(s->qmp, smol_buf_reserve(&s->qmp_in, 65536), 65536);

		if (n <= 0) {
			close(s->qmp);
			s->qmp = -1;
			return;
		}
		smol_buf_commit(&s->qmp_in, (size_t)n);
		cJSON_Delete(take_line(s));
	}
}
