/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent proper: see server.h. Here: sockets, signals, rounds. */
#include "agent/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "agent/conn.h"
#include "agent/job.h"
#include "agent/ready.h"
#include "agent/sysinfo.h"
#include "base/auto.h"

#define BACKLOG		512
#define REFUSAL_MS	10000 /* between two words about refused tokens */
#define REFUSALS	32    /* connections beyond the cap that are told so */
#define ACCEPT_AGAIN_MS 200
#define SEND_AGAIN_MS	50
#define FILES_MAX	65536 /* descriptors: for all connections, jobs and trees that may be */
#define BUDGET_LEAST	(2 * 1024 * 1024)
#define CROWDED		(256 * 1024) /* of the budget for a job */

static int listen_unix(const char *path, struct smol_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	smol_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (strlen(path) >= sizeof(sa.sun_path))
		return smol_err_set(err, SMOL_E_INVALID, "%s: longer than %zu bytes", path,
		    sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid())
		unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, BACKLOG) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot listen on %s", path);
	return smol_steal_fd(&fd);
}

/* VMADDR_CID_ANY needs no device: one that is plugged in later is served all the same. */
static int listen_vsock(uint32_t port, struct smol_err *err)
{
	struct sockaddr_vm sa = {
	    .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
	smol_auto_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	uint64_t size = SMOL_CONN_AHEAD, most = SMOL_CONN_AHEAD_MOST;

	if (fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "no vsock in this kernel");
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &most, sizeof(most));
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, BACKLOG) < 0)
		return smol_err_errno(
		    err, SMOL_E_IO, errno, "cannot listen on vsock port %u", port);
	return smol_steal_fd(&fd);
}

static void listener_on(struct smol_server *s, bool on)
{
	s->listener_off = !on;
	smol_loop_modify(&s->loop, &s->listener, on ? EPOLLIN : 0);
}

static void on_accept_again(struct smol_timer *t)
{
	listener_on(smol_container(t, struct smol_server, accept_again), true);
}

void smol_server_send_again(struct smol_server *s, struct smol_conn *c)
{
	c->writable = false;
	c->starved = true;
	if (!s->send_again.link)
		smol_timer_set(&s->loop, &s->send_again, SEND_AGAIN_MS);
}

static void on_send_again(struct smol_timer *t)
{
	struct smol_server *s = smol_container(t, struct smol_server, send_again);

	for (struct smol_conn *c = s->conns; c; c = c->next) {
		if (!c->starved)
			continue;
		c->starved = false;
		c->writable = true;
		smol_server_mark(s, c);
	}
}

static void on_listener(struct smol_watch *w, uint32_t events)
{
	struct smol_server *s = smol_container(w, struct smol_server, listener);
	int cap = (int)s->cfg->limits.connections;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct smol_conn *c;

	(void)events;
	if (fd < 0) {
		/* Out of descriptors or memory: the event would come for ever. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			listener_on(s, false);
			smol_timer_set(&s->loop, &s->accept_again, ACCEPT_AGAIN_MS);
		}
		return;
	}
	if (s->nconns >= cap + REFUSALS) {
		close(fd);
		return;
	}
	c = smol_conn_new(s, fd, s->nconns >= cap);
	if (c)
		smol_server_mark(s, c);
}

static void on_signals(struct smol_watch *w, uint32_t events)
{
	struct smol_server *s = smol_container(w, struct smol_server, signals);
	struct signalfd_siginfo si[4];
	ssize_t n = read(w->fd, si, sizeof(si));

	(void)events;
	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(si[0]); i++) {
		if (si[i].ssi_signo == SIGCHLD)
			smol_job_reap(s);
		else
			s->loop.stop = true;
	}
}

void smol_server_mark(struct smol_server *s, struct smol_conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = s->dirty;
	s->dirty = c;
}

void smol_server_conn_gone(struct smol_server *s, struct smol_conn *c)
{
	(void)c;
	s->nconns--;
	if (s->listener_off) {
		smol_timer_stop(&s->accept_again);
		listener_on(s, true);
	}
}

bool smol_server_hold(struct smol_server *s, size_t *held, size_t n)
{
	if (*held || s->ring_bytes + s->promised + n > s->budget)
		return *held != 0;
	s->promised += n;
	*held = n;
	return true;
}

bool smol_server_crowded(const struct smol_server *s)
{
	return (size_t)s->njobs > s->budget / CROWDED;
}

void smol_server_release(struct smol_server *s, size_t *held)
{
	s->promised -= *held;
	*held = 0;
}

/* An eighth of what is free as we begin: files in memory and processes have the rest. */
static size_t budget(void)
{
	struct sysinfo si = {0};
	uint64_t bytes;

	sysinfo(&si);
	bytes = (uint64_t)si.freeram * si.mem_unit / 8;
	return bytes > BUDGET_LEAST ? (size_t)bytes : BUDGET_LEAST;
}

/* The shutdown that was asked for, once its reply is on its way. */
static void shut_down(struct smol_server *s)
{
	int sig = strcmp(s->shutdown, "reboot") == 0 ? SIGTERM : SIGUSR2;

	s->shutdown = NULL;
	if (s->cfg->supervised)
		kill(getppid(), sig);
	else
		s->loop.stop = true;
}

static void serve_jobs(struct smol_server *s)
{
	struct smol_job *j = s->dirty_jobs, *next;

	s->dirty_jobs = NULL;
	for (; j; j = next)
		next = smol_job_serve_alone(j);
}

void smol_server_serve(struct smol_server *s)
{
	struct smol_conn *c = s->dirty, *next;

	/* Taken off as a whole: who marks itself again has its turn in the next round. */
	s->dirty = NULL;
	for (; c; c = next) {
		next = c->next_dirty;
		c->dirty = false;
		if (c->state == SMOL_CONN_DEAD)
			smol_loop_free_later(&s->loop, c);
		else
			smol_conn_serve(c);
	}
	serve_jobs(s);
	smol_jobs_sweep(s);
}

static void after_round(void *ctx)
{
	struct smol_server *s = ctx;

	smol_server_serve(s);
	if (s->shutdown)
		shut_down(s);
}

void smol_server_refused(struct smol_server *s, const char *why)
{
	int64_t now = smol_loop_now(&s->loop);

	s->refusals++;
	if (s->refusal_ms && now - s->refusal_ms < REFUSAL_MS)
		return;
	if (s->refusals > 1)
		dprintf(2, "smolsh-agent: refused %d requests, the last: %s\n", s->refusals, why);
	else
		dprintf(2, "smolsh-agent: refused a request: %s\n", why);
	s->refusal_ms = now;
	s->refusals = 0;
}

/* No handlers are ever set, so that a job's process need not undo any; what the agent's starter
 * ignores must not be ignored by its jobs. */
static int take_signals(struct smol_server *s, struct smol_err *err)
{
	sigset_t set;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	s->signals = (struct smol_watch){
	    .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .fn = on_signals};
	/* Blocked, not ignored: a write to a closed pipe gives EPIPE and the mask is not
	 * inherited through our launch. */
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (s->signals.fd < 0 || smol_loop_add(&s->loop, &s->signals, EPOLLIN) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "signalfd");
	return 0;
}

/* Limits that can be set are worth nothing beyond the descriptors there are. Jobs get what the
 * agent was started with: programs close, or poll, as many as they may have. */
static void raise_files(struct smol_server *s)
{
	struct rlimit r = {FILES_MAX, FILES_MAX};

	if (getrlimit(RLIMIT_NOFILE, &s->job_files) < 0)
		return;
	s->job_files_known = true;
	if (s->job_files.rlim_cur >= FILES_MAX)
		return;
	if (s->job_files.rlim_max > FILES_MAX)
		r.rlim_max = s->job_files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == 0)
		return;
	r.rlim_cur = r.rlim_max = s->job_files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

int smol_server_open(
    struct smol_server *s, const struct smol_agent_config *cfg, struct smol_err *err)
{
	*s = (struct smol_server){.cfg = cfg, .null_fd = -1, .oom_fd = -1};
	s->listener.fd = s->signals.fd = s->ready.fd = -1;
	s->accept_again.fn = on_accept_again;
	s->send_again.fn = on_send_again;
	s->budget = budget();
	umask(022);
	raise_files(s);
	if (smol_loop_init(&s->loop, err) < 0 || take_signals(s, err) < 0)
		return -1;
	s->loop.after = after_round;
	s->loop.ctx = s;
	s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->null_fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "/dev/null");
	if (cfg->supervised)
		s->oom_fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	s->listener.fd =
	    cfg->unix_path ? listen_unix(cfg->unix_path, err) : listen_vsock(cfg->guest_port, err);
	s->listener.fn = on_listener;
	if (s->listener.fd < 0)
		return -1;
	s->oom_kills = smol_sysinfo_oom_kills();
	smol_jobs_open(s);
	if (smol_loop_add(&s->loop, &s->listener, EPOLLIN) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "epoll");
	return 0;
}

int smol_server_run(struct smol_server *s, struct smol_err *err)
{
	if (!s->cfg->unix_path && s->cfg->ready_port)
		smol_ready_send(s);
	while (!s->loop.stop)
		if (smol_loop_round(&s->loop, -1) < 0)
			return smol_err_errno(err, SMOL_E_IO, errno, "epoll");
	return 0;
}

void smol_server_close(struct smol_server *s)
{
	smol_timer_stop(&s->accept_again);
	smol_timer_stop(&s->send_again);
	smol_timer_stop(&s->ready_timer);
	while (s->conns)
		smol_conn_drop(s->conns);
	after_round(s);
	smol_jobs_close(s);
	if (s->cfg->unix_path && s->listener.fd >= 0)
		unlink(s->cfg->unix_path);
	smol_loop_close_watch(&s->loop, &s->listener);
	smol_loop_close_watch(&s->loop, &s->signals);
	smol_loop_close_watch(&s->loop, &s->ready);
	if (s->null_fd >= 0)
		close(s->null_fd);
	if (s->oom_fd >= 0)
		close(s->oom_fd);
	smol_loop_close(&s->loop);
}
