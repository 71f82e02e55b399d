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
#include "agent/sysinfo.h"
#include "base/auto.h"

#define OOM_MS	      1000
#define OOM_FAILED_MS 10

static void on_kill_timer(struct smol_timer *t);
static void on_drain_timer(struct smol_timer *t);
static void on_pace_timer(struct smol_timer *t);

void smol_job_free(struct smol_job *j)
{
	smol_timer_stop(&j->kill_timer);
	smol_timer_stop(&j->drain_timer);
	smol_timer_stop(&j->pace_timer);
	smol_job_io_close(j);
	for (int i = 0; i < 2; i++) {
		j->server->ring_bytes -= j->out[i].ring.cap;
		smol_ring_free(&j->out[i].ring);
		smol_buf_free(&j->out[i].gather.held);
	}
	smol_exec_request_free(&j->request);
	smol_err_clear(&j->failure);
	if (j->link) {
		*j->link = j->next;
		if (j->next)
			j->next->link = j->link;
		j->link = NULL;
	}
	smol_loop_free_later(&j->server->loop, j);
}

struct smol_job *smol_job_make(struct smol_server *s)
{
	struct smol_job *j = smol_alloc(sizeof(*j));

	j->server = s;
	j->kill_timer.fn = on_kill_timer;
	j->drain_timer.fn = on_drain_timer;
	j->pace_timer.fn = on_pace_timer;
	smol_job_io_init(j);
	if (smol_job_io_make(j) == 0)
		return j;
	smol_job_free(j);
	return NULL;
}

void smol_job_mark(struct smol_job *j)
{
	if (j->conn) {
		smol_server_mark(j->server, j->conn);
		return;
	}
	if (j->dirty)
		return;
	j->dirty = true;
	j->next_dirty = j->server->dirty_jobs;
	j->server->dirty_jobs = j;
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

static int spawn(struct smol_job *j, const struct smol_exec_request *e, struct smol_err *err)
{
	const char *const shell[] = {"/bin/sh", "-c", e->command, NULL};
	smol_auto(smol_user_free) struct smol_user u = {0};
	smol_auto_close int in = -1;
	smol_auto_free char *path = NULL;
	struct smol_launch l = {.tty = e->tty,
	    .cwd = e->cwd,
	    .oom_fd = j->server->oom_fd,
	    .files = j->server->job_files_known ? &j->server->job_files : NULL};
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

int smol_job_launch(struct smol_job *j, const struct smol_exec_request *e, struct smol_err *err)
{
	struct smol_server *s = j->server;
	int64_t run_ms = s->cfg->limits.run_ms, timeout = e->timeout_ms;

	j->started_ms = smol_loop_now(&s->loop);
	if (spawn(j, e, err) < 0) {
		j->started_ms = j->pid = 0;
		return -1;
	}
	j->state = SMOL_JOB_RUNNING;
	s->njobs++;
	s->nchildren++;
	if (j->roster) {
		j->roster->group = j->pid;
		j->roster->started_ms = j->started_ms;
	}
	j->vm_limit = run_ms && (!timeout || timeout > run_ms);
	timeout = j->vm_limit ? run_ms : timeout;
	if (timeout)
		smol_timer_set(&s->loop, &j->kill_timer, timeout);
	return 0;
}

static void signal_group(const struct smol_job *j, int sig)
{
	kill(-j->pid, sig);
	/* A stopped process acts on a signal only once it goes on. */
	if (sig != SIGKILL)
		kill(-j->pid, SIGCONT);
}

void smol_job_end(struct smol_job *j, int sig)
{
	signal_group(j, sig);
	if (j->stage != SMOL_JOB_RUNS)
		return;
	j->stage = SMOL_JOB_TERMED;
	smol_timer_set(&j->server->loop, &j->kill_timer, SMOL_TERM_GRACE_MS);
}

/* Its time is up, or what was to end has not. Its group may outlive the leader, whose number stays
 * taken as long as it does. */
static void on_kill_timer(struct smol_timer *t)
{
	struct smol_job *j = smol_container(t, struct smol_job, kill_timer);

	if (j->stage == SMOL_JOB_RUNS) {
		j->timed_out = true;
		smol_job_end(j, SIGTERM);
	} else if (j->stage == SMOL_JOB_TERMED) {
		j->stage = SMOL_JOB_KILLED;
		signal_group(j, SIGKILL);
	}
}

static void on_drain_timer(struct smol_timer *t)
{
	struct smol_job *j = smol_container(t, struct smol_job, drain_timer);

	j->drained = true;
	smol_job_mark(j);
}

static void on_pace_timer(struct smol_timer *t)
{
	struct smol_job *j = smol_container(t, struct smol_job, pace_timer);

	j->burst = false;
	smol_job_io_arm(j);
}

/*
 * Did the guest's memory run out while it ran? Asking is a good part of a quick command's time,
 * in which none runs out.
 */
static bool ran_out_of_memory(const struct smol_job *j, const struct smol_exec_result *r)
{
	struct smol_server *s = j->server;
	int64_t kills;

	if (r->duration_ms >= (r->exit_code ? OOM_FAILED_MS : OOM_MS)) {
		kills = smol_sysinfo_oom_kills();
		if (kills > s->oom_kills)
			s->oom_ms = smol_loop_now(&s->loop);
		s->oom_kills = kills;
	}
	return r->exit_code != 0 && s->oom_ms && s->oom_ms >= j->started_ms;
}

static struct smol_exec_result result_of(const struct smol_job *j, bool truncated)
{
	struct smol_exec_result r = {.timed_out = j->timed_out,
	    .cancelled = j->cancelled,
	    .output_truncated = j->cut,
	    .truncated = truncated};

	r.duration_ms = j->exited_ms - j->started_ms;
	if (j->cut)
		r.limit = SMOL_E_LIMIT_OUTPUT;
	if (j->timed_out && j->vm_limit)
		r.limit = SMOL_E_LIMIT_RUN;
	if (WIFSIGNALED(j->status)) {
		r.signal = WTERMSIG(j->status);
		r.exit_code = 128 + r.signal;
	} else {
		r.exit_code = WEXITSTATUS(j->status);
	}
	r.input_cut = j->in_cut;
	r.input_bytes = j->in_cut ? (int64_t)j->in_received : 0;
	r.out_of_memory = ran_out_of_memory(j, &r);
	if (j->timed_out)
		r.exit_code = 124;
	return r;
}

void smol_job_finish(struct smol_job *j, enum smol_job_state state)
{
	struct smol_server *s = j->server;

	if (j->state == SMOL_JOB_RUNNING)
		s->njobs--;
	else
		s->nqueued--;
	j->state = state;
	j->untidy = true;
	s->nended++;
	s->untidy = true;
	smol_timer_stop(&j->kill_timer);
	smol_timer_stop(&j->drain_timer);
	smol_timer_stop(&j->pace_timer);
	if (j->roster)
		j->roster->use = SMOL_ROSTER_FREE;
	j->roster = NULL;
	smol_jobs_tell(j);
}

static void finish(struct smol_job *j, bool truncated)
{
	enum smol_job_state state = WIFSIGNALED(j->status) ? SMOL_JOB_SIGNALLED : SMOL_JOB_EXITED;

	/* What of its group ignored the first signal and outlived it. */
	if (j->timed_out || j->cancelled)
		signal_group(j, SIGKILL);
	if (j->timed_out)
		state = SMOL_JOB_TIMED_OUT;
	else if (j->cancelled)
		state = SMOL_JOB_CANCELLED;
	j->result = result_of(j, truncated);
	smol_job_finish(j, state);
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

void smol_job_serve(struct smol_job *j)
{
	bool came;

	if (j->state == SMOL_JOB_RUNNING) {
		came = smol_job_io_pump(j);
		smol_job_io_feed(j);
		if (j->exited) {
			bool open = is_open(j);

			if (!open || is_over(j, came))
				finish(j, open);
		}
	}
	if (j->conn)
		smol_job_pass(j);
	if (j->state == SMOL_JOB_RUNNING)
		smol_job_io_arm(j);
}

struct smol_job *smol_job_serve_alone(struct smol_job *j)
{
	struct smol_job *next = j->next_dirty;

	j->dirty = false;
	if (!j->conn)
		smol_job_serve(j);
	/* Attached meanwhile, or more than one round takes. */
	if (j->conn || smol_job_has_more(j, false)) {
		smol_job_mark(j);
		j->server->loop.again = true;
	}
	return next;
}

bool smol_job_has_more(const struct smol_job *j, bool sendable)
{
	if (j->conn && j->stream && sendable && smol_job_unsent(j))
		return true;
	return j->state == SMOL_JOB_RUNNING && smol_job_io_can_read(j);
}

/* Nobody is attached any more. */
static void go_on_alone(struct smol_job *j)
{
	if (smol_job_is_over(j))
		return;
	/* Nobody is left to give the rest of its input; a terminal may be taken up again. */
	if (!j->tty)
		smol_job_input_cut(j);
	smol_job_mark(j);
	j->server->loop.again = true;
}

void smol_job_abandon(struct smol_job *j)
{
	/* Whoever it was gets nothing more, so nothing needs to be completed. */
	j->mid = 0;
	smol_job_part(j);
	go_on_alone(j);
}

void smol_job_disown(struct smol_job *j)
{
	smol_job_part(j);
	go_on_alone(j);
}

static void has_exited(struct smol_job *j, int status)
{
	j->exited = true;
	j->status = status;
	j->exited_ms = smol_loop_now(&j->server->loop);
	if (!j->timed_out && !j->cancelled)
		smol_timer_stop(&j->kill_timer);
	smol_job_io_exited(j);
	smol_job_mark(j);
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
