/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The note to the host that the agent listens: see ready.h. */
#include "agent/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "agent/sysinfo.h"
#include "base/auto.h"
#include "proto/json.h"
#include "proto/request.h"

static void give_up(struct smol_server *s)
{
	smol_timer_stop(&s->ready_timer);
	smol_loop_close_watch(&s->loop, &s->ready);
}

static void on_timer(struct smol_timer *t)
{
	give_up(smol_container(t, struct smol_server, ready_timer));
}

static char *note(void)
{
	smol_auto_json cJSON *j = cJSON_CreateObject();
	smol_auto_free char *text = NULL;
	struct utsname u = {0};

	uname(&u);
	smol_json_add_bool(j, "ready", true);
	smol_json_add_int(j, "v", SMOL_PROTO_VERSION);
	smol_json_add_str(j, "agent", SMOL_VERSION);
	smol_json_add_str(j, "kernel", u.release);
	smol_json_add_int(j, "uptime_ms", smol_sysinfo_uptime_ms());
	text = smol_json_print(j);
	return smol_asprintf("%s\n", text);
}

static void on_connected(struct smol_watch *w, uint32_t events)
{
	struct smol_server *s = smol_container(w, struct smol_server, ready);
	smol_auto_free char *text = NULL;
	socklen_t len = sizeof(int);
	int failed = 0;

	(void)events;
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 && !failed) {
		text = note();
		/* A fresh connection has room for it; if not, nothing is lost but time. */
		if (send(w->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			failed = errno;
	}
	give_up(s);
}

void smol_ready_send(struct smol_server *s)
{
	struct sockaddr_vm sa = {
	    .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = s->cfg->ready_port};
	static const struct timeval patience = {.tv_sec = SMOL_READY_MS / 1000};

	s->ready_timer.fn = on_timer;
	s->ready = (struct smol_watch){
	    .fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    .fn = on_connected};
	if (s->ready.fd < 0)
		return;
	/* By itself the kernel gives up after two seconds, too soon for a guest on a busy host. */
	setsockopt(
	    s->ready.fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience));
	if (connect(s->ready.fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno != EINPROGRESS) {
		smol_loop_close_watch(&s->loop, &s->ready);
		return;
	}
	if (smol_loop_add(&s->loop, &s->ready, EPOLLOUT) < 0) {
		smol_loop_close_watch(&s->loop, &s->ready);
		return;
	}
	smol_timer_set(&s->loop, &s->ready_timer, SMOL_READY_MS);
}
