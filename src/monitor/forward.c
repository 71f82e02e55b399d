/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forwarded ports of the VM: each is a child, smolsh-forward, that lives as long as the VM unless
 * it is stopped. The listening socket is bound here, so that a port that is taken is said at once;
 * for the reverse the child tells whether the guest could listen, and the client is answered then.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "monitor/monitor.h"

struct smol_forwarded {
	struct smol_forwarded *next;
	struct smol_monitor_state *m;
	int64_t id;
	char *host, *guest; /* as shown: "127.0.0.1:8080", "80", "/run/x.sock" */
	bool reverse, over;
	struct smol_child child;
	struct smol_watch status_watch;
	int status_fd;
	struct smol_bound path;		  /* a Unix socket on the host that is listened on */
	struct smol_client_conn *asker;	  /* waits for the outcome; NULL: nobody */
	struct smol_client_conn *stopper; /* waits for its end; NULL: nobody */
};

/* "8080", "127.0.0.1:8080", "[::1]:8080", "/path" taken apart. */
struct place {
	char host[64];
	char port[8];
	const char *path; /* or this */
};

static int parse_place(const char *text, struct place *p, struct smol_err *err)
{
	const char *colon = strrchr(text, ':'), *host = text;
	size_t n = colon ? (size_t)(colon - text) : 0;

	*p = (struct place){.host = "127.0.0.1"};
	if (*text == '/') {
		p->path = text;
		return 0;
	}
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (n >= sizeof(p->host) || strlen(colon ? colon + 1 : text) >= sizeof(p->port))
		return smol_err_set(err, SMOL_E_INVALID, "'%.80s' is no address and port", text);
	if (n)
		snprintf(p->host, sizeof(p->host), "%.*s", (int)n, host);
	snprintf(p->port, sizeof(p->port), "%s", colon ? colon + 1 : text);
	return 0;
}

static int bind_tcp(struct smol_forwarded *w, const struct place *p, int *fd, struct smol_err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
			    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE},
			*found = NULL;
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	char host[64], port[8];
	int one = 1, rc = getaddrinfo(p->host, p->port, &hints, &found);
	smol_auto_close int s = -1;

	if (rc)
		return smol_err_set(
		    err, SMOL_E_INVALID, "%s:%s: %s", p->host, p->port, gai_strerror(rc));
	s = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s >= 0)
		setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (s < 0 || bind(s, found->ai_addr, found->ai_addrlen) < 0 || listen(s, 512) < 0) {
		rc = errno;
		freeaddrinfo(found);
		smol_err_errno(err, rc == EADDRINUSE ? SMOL_E_EXISTS : SMOL_E_IO, rc, "%s:%s",
		    p->host, p->port);
		return rc == EADDRINUSE ? smol_err_hint(err, "another port, or 0 for any") : -1;
	}
	freeaddrinfo(found);
	if (getsockname(s, (struct sockaddr *)&bound, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&bound, len, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		w->host = smol_asprintf(strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
	*fd = smol_steal_fd(&s);
	return 0;
}

static void close_all(struct smol_forwarded *w)
{
	int *const fds[] = {&w->status_fd, &w->child.stderr_fd, &w->child.pidfd};

	smol_bound_close(&w->path);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* One that never began. */
static void forwarded_free(struct smol_forwarded *w)
{
	struct smol_forwarded **p = &w->m->forwards;

	while (*p && *p != w)
		p = &(*p)->next;
	if (*p)
		*p = w->next;
	close_all(w);
	smol_buf_free(&w->child.stderr_buf);
	free(w->host);
	free(w->guest);
	free(w);
}

static cJSON *describe(const struct smol_forwarded *w)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_int(j, "id", w->id);
	smol_json_add_str(j, "host", w->host);
	smol_json_add_str(j, "guest", w->guest);
	smol_json_add_bool(j, "reverse", w->reverse);
	return j;
}

static void answer(struct smol_forwarded *w, const struct smol_err *err)
{
	cJSON *j;

	if (!w->asker)
		return;
	if (err) {
		j = smol_reply_failure(err);
	} else {
		j = cJSON_CreateObject();
		smol_json_add_bool(j, "ok", true);
		cJSON_AddItemToObject(j, "result", describe(w));
	}
	smol_control_reply(w->asker, j);
	w->asker = NULL;
}

static void on_status(void *ctx)
{
	struct smol_forwarded *w = ctx;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = NULL;
	char buf[4096];
	ssize_t n = read(w->status_fd, buf, sizeof(buf));
	char *nl = n > 0 ? memchr(buf, '\n', (size_t)n) : NULL;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	smol_watch_stop(&w->status_watch);
	/* One write of one line; without it the exit that follows is the answer. */
	if (nl)
		j = smol_reply_parse(buf, (size_t)(nl - buf), &err);
	if (j)
		answer(w, NULL);
	else if (nl)
		answer(w, &err);
}

static void on_exit_of(void *ctx)
{
	struct smol_forwarded *w = ctx;
	struct smol_child *c = &w->child;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int status;

	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	c->pid = 0;
	smol_watch_stop(&c->exit_watch);
	if (w->status_watch.active)
		on_status(w);
	smol_watch_stop(&w->status_watch);
	/* What it said last, up to the end. */
	while (c->stderr_watch.active && smol_io_wait(c->stderr_fd, POLLIN, smol_in_ms(0)) > 0)
		c->stderr_watch.fn(c->stderr_watch.ctx);
	smol_watch_stop(&c->stderr_watch);
	if (c->last_line[0])
		smol_err_set(&err, SMOL_E_IO, "the forward ended: %s", c->last_line);
	else
		smol_err_set(&err, SMOL_E_IO, "the forward ended");
	answer(w, &err);
	smol_journal(w->m, "forward-end", describe(w));
	/* The loop still holds the watches: freed with the process, which is one VM's. */
	w->over = true;
	close_all(w);
	if (w->stopper) {
		cJSON *j = cJSON_CreateObject();

		smol_json_add_bool(j, "ok", true);
		smol_control_reply(w->stopper, j);
		w->stopper = NULL;
	}
}

/* The token in a descriptor that ends behind it. */
static int token_fd(const struct smol_monitor_state *m, struct smol_err *err)
{
	smol_auto_close int fd = memfd_create("smolsh-token", MFD_CLOEXEC);

	if (fd < 0 || smol_io_write_all(fd, m->vm->token, SMOL_TOKEN_LEN, smol_in_ms(1000)) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "memfd");
	return smol_steal_fd(&fd);
}

static int spawn(struct smol_forwarded *w, int listen_fd, const struct place *host,
    const struct place *guest, struct smol_err *err)
{
	struct smol_monitor_state *m = w->m;
	smol_auto_free char *program = smol_path_helper("smolsh-forward", err);
	smol_auto_close int token = program ? token_fd(m, err) : -1;
	static const char *const env[] = {NULL};
	const char *argv[24];
	char port[16], cid[16];
	struct smol_vsock_addr agent;
	int n = 0, complaints[2], status[2];
	struct smol_spawn s = {
	    .argv = argv, .env = env, .nfds = 6, .die_with_parent = true, .new_session = true};
	int rc;

	if (token < 0)
		return -1;
	smol_vsock_agent_addr(m, &agent);
	snprintf(port, sizeof(port), "%u", agent.port);
	snprintf(cid, sizeof(cid), "%u", agent.cid);
#define ARG(a, b) (argv[n++] = (a), argv[n++] = (b))
	argv[n++] = program;
	if (agent.kind == SMOL_VSOCK_CID)
		ARG("--cid", cid);
	else
		ARG("--uds", agent.path);
	ARG("--agent-port", port);
	ARG("--token-fd", "3");
	ARG("--status-fd", "4");
	if (!w->reverse)
		ARG("--listen-fd", "5");
	else if (host->path)
		ARG("--to-path", host->path);
	else
		ARG("--to-host", host->host), ARG("--to-port", host->port);
	if (w->reverse)
		argv[n++] = "--reverse";
	if (guest->path)
		ARG("--guest-path", guest->path);
	else
		ARG("--guest-host", guest->host), ARG("--guest-port", guest->port);
#undef ARG
	argv[n] = NULL;
	if (pipe2(complaints, O_CLOEXEC) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	w->child.stderr_fd = complaints[0];
	if (pipe2(status, O_CLOEXEC) < 0) {
		close(complaints[1]);
		return smol_err_errno(err, SMOL_E_IO, errno, "pipe");
	}
	w->status_fd = status[0];
	s.fds[0] = s.fds[1] = -1;
	s.fds[2] = complaints[1];
	s.fds[3] = token;
	s.fds[4] = status[1];
	s.fds[5] = listen_fd;
	rc = smol_spawn(&s, &w->child.pid, &w->child.pidfd, err);
	close(complaints[1]);
	close(status[1]);
	return rc;
}

static void watch_all(struct smol_forwarded *w)
{
	smol_output_child(&w->child);
	smol_io_set_nonblock(w->status_fd, true);
	smol_watch_start(&w->m->loop, &w->status_watch, w->status_fd, on_status, w);
	smol_watch_start(&w->m->loop, &w->child.exit_watch, w->child.pidfd, on_exit_of, w);
}

static int begin(
    struct smol_forwarded *w, const char *host_text, const char *guest_text, struct smol_err *err)
{
	struct place host, guest;
	smol_auto_close int fd = -1;

	if (parse_place(host_text, &host, err) < 0 || parse_place(guest_text, &guest, err) < 0)
		return -1;
	if (!w->reverse && host.path) {
		if (smol_bound_listen(&w->path, host.path, err) < 0)
			return -1;
		fd = fcntl(w->path.fd, F_DUPFD_CLOEXEC, 0);
	} else if (!w->reverse && bind_tcp(w, &host, &fd, err) < 0) {
		return -1;
	}
	if (!w->host)
		w->host = host.path ? smol_strdup(host.path)
				    : smol_asprintf("%s:%s", host.host, host.port);
	return spawn(w, fd, &host, &guest, err);
}

void smol_forward_start(
    struct smol_monitor_state *m, struct smol_client_conn *asker, const cJSON *j)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *host = smol_json_str(j, "host"), *guest = smol_json_str(j, "guest");
	struct smol_forwarded *w;

	if (!host || !guest || !m->ready || m->ending) {
		if (host && guest)
			smol_err_set(&err, SMOL_E_STATE, "the VM's agent is not ready");
		else
			smol_err_set(&err, SMOL_E_INVALID, "forward takes host and guest");
		smol_control_reply(asker, smol_reply_failure(&err));
		return;
	}
	w = smol_alloc(sizeof(*w));
	w->m = m;
	w->id = ++m->forward_id;
	w->guest = smol_strdup(guest);
	w->reverse = smol_json_bool(j, "reverse", false);
	w->child =
	    (struct smol_child){.what = "smolsh-forward", .pidfd = -1, .stderr_fd = -1, .m = m};
	w->status_fd = w->path.fd = -1;
	w->next = m->forwards;
	m->forwards = w;
	if (begin(w, host, guest, &err) < 0) {
		smol_control_reply(asker, smol_reply_failure(&err));
		forwarded_free(w);
		return;
	}
	w->asker = asker;
	smol_journal(m, "forward", describe(w));
	watch_all(w);
}

cJSON *smol_forward_list(const struct smol_monitor_state *m)
{
	cJSON *list = cJSON_CreateArray();

	for (const struct smol_forwarded *w = m->forwards; w; w = w->next)
		if (!w->over)
			cJSON_AddItemToArray(list, describe(w));
	return list;
}

bool smol_forward_stop(struct smol_monitor_state *m, struct smol_client_conn *asker, int64_t id)
{
	for (struct smol_forwarded *w = m->forwards; w; w = w->next)
		if (w->id == id && !w->over) {
			smol_bound_close(&w->path);
			smol_proc_kill(w->child.pidfd, SIGKILL);
			w->over = true;
			w->stopper = asker;
			return true;
		}
	return false;
}

void smol_forward_asker_gone(struct smol_monitor_state *m, const struct smol_client_conn *c)
{
	for (struct smol_forwarded *w = m->forwards; w; w = w->next) {
		w->asker = w->asker == c ? NULL : w->asker;
		w->stopper = w->stopper == c ? NULL : w->stopper;
	}
}

void smol_forward_end(struct smol_monitor_state *m)
{
	for (struct smol_forwarded *w = m->forwards; w; w = w->next) {
		int status;

		smol_watch_stop(&w->child.exit_watch);
		smol_watch_stop(&w->child.stderr_watch);
		smol_watch_stop(&w->status_watch);
		smol_bound_close(&w->path);
		if (w->child.pid > 0) {
			smol_proc_kill(w->child.pidfd, SIGKILL);
			waitpid(w->child.pid, &status, 0);
			w->child.pid = 0;
		}
	}
}
