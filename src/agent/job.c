/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job's life: see job.h. */
#include "agent/job.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/job_impl.h"
#include "agent/launch.h"
#include "base/auto.h"

static void on_kill_timer(struct smol_timer *t);
static void on_drain_timer(struct smol_timer *t);
static void on_pace_timer(struct smol_timer *t);

static void job_free(struct smol_job *j)
{
	smol_timer_stop(&j->kill_timer);
	smol_timer_stop(&j->drain_timer);
	smol_timer_stop(&j->pace_timer);
	smol_job_io_close(j);
	smol_buf_free(&j->out[0].gather.held);
	smol_buf_free(&j->out[1].gather.held);
	if (j->link) {
		*j->link = j->next;
		if (j->next)
			j->next->link = j->link;
		j->link = NULL;
	}
	smol_loop_free_later(&j->server->loop, j);
}

static struct smol_job *job_make(struct smol_server *s)
{
	struct smol_job *j = smol_alloc(sizeof(*j));

	j->server = s;
	j->kill_timer.fn = on_kill_timer;
	j->drain_timer.fn = on_drain_timer;
	j->pace_timer.fn = on_pace_timer;
	if (smol_job_io_make(j) == 0)
		return j;
	job_free(j);
	return NULL;
}

/* Off the server's list; freed with smol_job_sweep(). */
static void job_retire(struct smol_job *j)
{
	smol_timer_stop(&j->kill_timer);
	smol_timer_stop(&j->drain_timer);
	smol_timer_stop(&j->pace_timer);
	j->conn = NULL;
	*j->link = j->next;
	if (j->next)
		j->next->link = j->link;
	j->link = NULL;
	j->next = j->server->finished;
	j->server->finished = j;
	j->server->njobs--;
}

static void job_enlist(struct smol_job *j, struct smol_conn *c)
{
	struct smol_server *s = j->server;

	j->conn = c;
	j->next = s->jobs;
	if (j->next)
		j->next->link = &j->next;
	j->link = &s->jobs;
	s->jobs = j;
	s->njobs++;
	s->nchildren++;
	c->job = j;
	c->state = SMOL_CONN_JOB;
}

/* The user asked for, or NULL where that is who the agent is anyway. */
static int find_user(const struct smol_exec_request *e, struct smol_user *u,
    const struct smol_user **out, struct smol_err *err)
{
	*out = NULL;
	if (!e->user)
		return 0;
	if (smol_user_find(u, e->user, "/etc/passwd", "/etc/group", err) < 0)
		return -1;
	if (geteuid() != 0) {
		if (u->uid == geteuid() && u->gid == getegid())
			return 0;
		return smol_err_set(
		    err, SMOL_E_NO_EXEC, "the agent is not root: it cannot change users");
	}
	*out = u;
	return 0;
}

static int launch(struct smol_job *j, const struct smol_exec_request *e, struct smol_err *err)
{
	const char *const shell[] = {"/bin/sh", "-c", e->command, NULL};
	smol_auto(smol_user_free) struct smol_user u = {0};
	smol_auto_close int in = -1;
	smol_auto_free char *path = NULL;
	struct smol_launch l = {
	    .tty = e->tty, .cwd = e->cwd, .reset_oom = j->server->cfg->supervised};
	char **env;
	int failed;

	if (find_user(e, &u, &l.user, err) < 0)
		return -1;
	if (e->tty)
		failed =
		    smol_job_io_tty(j, e, l.user ? u.uid : geteuid(), l.user ? u.gid : getegid());
	else
		failed = e->want_stdin ? smol_job_io_stdin(j, &in) : 0;
	if (failed)
		return smol_err_errno(err, SMOL_E_LIMIT, errno, "no stream for the command");
	l.fds[0] = e->tty ? j->out[0].child_end : in >= 0 ? in : j->server->null_fd;
	l.fds[1] = j->out[0].child_end;
	l.fds[2] = j->out[e->tty ? 0 : 1].child_end;
	env = smol_launch_env(e, l.user);
	l.env = (const char *const *)env;
	l.home = l.user ? u.home : getenv("HOME");
	l.home = l.home ? l.home : "/root";
	l.argv = e->argv ? (const char *const *)e->argv : shell;
	path = smol_launch_find(l.argv[0], env, err);
	l.path = path;
	j->pid = path ? smol_launch_run(&l, err) : -1;
	smol_launch_env_free(env);
	return j->pid < 0 ? -1 : 0;
}

int smol_job_start(struct smol_conn *c, const struct smol_exec_request *e, struct smol_err *err)
{
	struct smol_server *s = c->server;
	const struct smol_limits *l = &s->cfg->limits;
	int64_t timeout = e->timeout_ms;
	struct smol_job *j;

	if (s->njobs >= l->jobs)
		return smol_err_set(err, SMOL_E_LIMIT_JOBS,
		    "too many commands at once (limit jobs, %d)", (int)l->jobs);
	j = s->spare ? smol_steal(&s->spare) : job_make(s);
	if (!j)
		return smol_err_errno(err, SMOL_E_LIMIT, errno, "no pipe for the command");
	j->stream = e->stream;
	j->started_ms = smol_loop_now(&s->loop);
	if (launch(j, e, err) < 0) {
		job_free(j);
		return -1;
	}
	job_enlist(j, c);
	if (l->run_ms && (!timeout || timeout > l->run_ms))
		timeout = l->run_ms;
	if (timeout)
		smol_timer_set(&s->loop, &j->kill_timer, timeout);
	if (e->stream) {
		cJSON *reply = cJSON_CreateObject();

		smol_json_add_bool(reply, "ok", true);
		smol_json_add_int(reply, "pid", j->pid);
		smol_conn_reply(c, reply);
		/* Who has input to give waits for the reply before giving it. */
		if (!e->want_stdin && !e->tty)
			smol_conn_hold(c);
	}
	return 0;
}

static void signal_group(const struct smol_job *j, int sig)
{
	kill(-j->pid, sig);
	/* A stopped process acts on a signal only once it goes on. */
	if (sig != SIGKILL)
		kill(-j->pid, SIGCONT);
}

/* The next step towards the end of a job whose time is up or whose client is gone. Its group may
 * outlive the leader, whose number stays taken as long as it does. */
static void on_kill_timer(struct smol_timer *t)
{
	struct smol_job *j = smol_container(t, struct smol_job, kill_timer);
	struct smol_loop *loop = &j->server->loop;

	switch (j->stage) {
	case SMOL_JOB_RUNS:
		j->timed_out = true;
		j->stage = SMOL_JOB_TERMED;
		signal_group(j, SIGTERM);
		smol_timer_set(loop, t, SMOL_TERM_GRACE_MS);
		break;
	case SMOL_JOB_HUPPED:
		j->stage = SMOL_JOB_TERMED;
		signal_group(j, SIGTERM);
		smol_timer_set(loop, t, SMOL_GONE_GRACE_MS);
		break;
	case SMOL_JOB_TERMED:
		j->stage = SMOL_JOB_KILLED;
		signal_group(j, SIGKILL);
		break;
	case SMOL_JOB_KILLED:
		break;
	}
	if (!j->conn && j->exited && (j->stage == SMOL_JOB_KILLED || kill(-j->pid, 0) < 0))
		job_retire(j);
}

static void on_drain_timer(struct smol_timer *t)
{
	struct smol_job *j = smol_container(t, struct smol_job, drain_timer);

	j->drained = true;
	if (j->conn)
		smol_server_mark(j->server, j->conn);
}

static void on_pace_timer(struct smol_timer *t)
{
	struct smol_job *j = smol_container(t, struct smol_job, pace_timer);

	j->burst = false;
	smol_job_io_arm(j);
}

static struct smol_exec_result result_of(const struct smol_job *j, bool truncated)
{
	struct smol_exec_result r = {.timed_out = j->timed_out, .truncated = truncated};

	r.duration_ms = j->exited_ms - j->started_ms;
	if (WIFSIGNALED(j->status)) {
		r.signal = WTERMSIG(j->status);
		r.exit_code = 128 + r.signal;
	} else {
		r.exit_code = WEXITSTATUS(j->status);
	}
	if (j->timed_out)
		r.exit_code = 124;
	return r;
}

static void finish(struct smol_job *j, bool truncated)
{
	struct smol_exec_result r = result_of(j, truncated);
	struct smol_conn *c = j->conn;
	smol_auto_free char *text = NULL;

	/* What of its group ignored SIGTERM and outlived it. */
	if (j->timed_out)
		signal_group(j, SIGKILL);
	if (j->stream) {
		smol_auto_json cJSON *o = smol_exec_result_encode(&r);

		text = smol_json_print(o);
		smol_conn_frame(c, SMOL_FRAME_EXIT, 0, text, strlen(text));
	} else {
		text = smol_oneshot_reply(&r, &j->out[0].gather, &j->out[1].gather);
		smol_buf_puts(&c->out, text);
	}
	smol_conn_job_done(c);
	job_retire(j);
}

static bool is_open(const struct smol_job *j)
{
	return j->out[0].open || j->out[1].open;
}

static bool is_ready(const struct smol_job *j)
{
	return j->out[0].ready || j->out[1].ready;
}

/* What is in the pipes now is the command's, whoever else may write to them. */
static void note_owed(struct smol_job *j)
{
	for (int i = 0; i < 2; i++) {
		int held = 0;

		if (j->out[i].open && ioctl(j->out[i].watch.fd, FIONREAD, &held) == 0)
			j->out[i].owed = (size_t)held;
	}
	j->owed_known = true;
}

/* The process is gone, its output still open. Over when it is quiet, or when it has had its time
 * and all that was in the pipes at the exit has been passed on. */
static bool is_over(struct smol_job *j, bool came)
{
	struct smol_loop *loop = &j->server->loop;
	int64_t left = j->exited_ms + SMOL_DRAIN_MAX_MS - smol_loop_now(loop);

	if (!j->owed_known)
		note_owed(j);
	if (left <= 0 && !j->out[0].owed && !j->out[1].owed)
		return true;
	if (is_ready(j)) {
		j->drained = false;
		return false;
	}
	if (j->drained && !came)
		return true;
	j->drained = false;
	if (came || !j->drain_timer.link)
		smol_timer_set(loop, &j->drain_timer,
		    left > 0 && left < SMOL_DRAIN_QUIET_MS ? left : SMOL_DRAIN_QUIET_MS);
	return false;
}

bool smol_job_serve(struct smol_job *j)
{
	bool came = smol_job_io_pump(j);

	smol_job_io_feed(j);
	if (j->exited) {
		bool open = is_open(j);

		if (!open || is_over(j, came)) {
			finish(j, open);
			return false;
		}
	}
	smol_job_io_arm(j);
	return is_ready(j);
}

void smol_job_abandon(struct smol_job *j)
{
	j->conn = NULL;
	smol_timer_stop(&j->drain_timer);
	smol_timer_stop(&j->pace_timer);
	smol_job_io_close(j);
	if (j->exited) {
		if (j->timed_out)
			signal_group(j, SIGKILL);
		job_retire(j);
		return;
	}
	signal_group(j, SIGHUP);
	if (j->stage == SMOL_JOB_RUNS) {
		j->stage = SMOL_JOB_HUPPED;
		smol_timer_set(&j->server->loop, &j->kill_timer, SMOL_HUP_GRACE_MS);
	}
}

static void has_exited(struct smol_job *j, int status)
{
	j->exited = true;
	j->status = status;
	j->exited_ms = smol_loop_now(&j->server->loop);
	if (!j->conn) {
		if (j->stage == SMOL_JOB_KILLED || kill(-j->pid, 0) < 0)
			job_retire(j);
		return;
	}
	if (!j->timed_out)
		smol_timer_stop(&j->kill_timer);
	smol_job_io_exited(j);
	smol_server_mark(j->server, j->conn);
}

void smol_job_reap(struct smol_server *s)
{
	int status;
	pid_t pid;

	while (s->nchildren > 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct smol_job *j = s->jobs;

		while (j && (j->pid != pid || j->exited))
			j = j->next;
		if (!j)
			continue;
		s->nchildren--;
		has_exited(j, status);
	}
}

void smol_job_sweep(struct smol_server *s)
{
	if (!s->finished)
		return;
	while (s->finished) {
		struct smol_job *j = s->finished;

		s->finished = j->next;
		job_free(j);
	}
	/* Now, while nobody waits: two pipes are a good part of a quick command's time. */
	if (!s->spare)
		s->spare = job_make(s);
}

void smol_job_close_all(struct smol_server *s)
{
	while (s->jobs) {
		if (!s->jobs->exited)
			signal_group(s->jobs, SIGKILL);
		job_retire(s->jobs);
	}
	smol_job_sweep(s);
	if (s->spare)
		job_free(smol_steal(&s->spare));
}
