/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All jobs: who may begin, who waits, what is asked about them. The list is newest first; of those
 * that are over the last SMOL_JOBS_KEPT stay in it.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/job_impl.h"
#include "agent/policy.h"
#include "base/auto.h"
#include "base/text.h"

/* A command in one line for people: cut, whole characters. */
static void describe(const struct smol_exec_request *e, char out[SMOL_JOB_COMMAND])
{
	smol_auto_buf struct smol_buf b = {0};
	size_t n = 0, len;

	if (e->command)
		smol_buf_append(&b, e->command, strnlen(e->command, SMOL_JOB_COMMAND));
	for (char **w = e->argv; w && *w && smol_buf_len(&b) < SMOL_JOB_COMMAND; w++) {
		smol_buf_puts(&b, w == e->argv ? "" : " ");
		smol_buf_append(&b, *w, strnlen(*w, SMOL_JOB_COMMAND));
	}
	len = smol_buf_len(&b);
	while (n < len) {
		size_t k = smol_utf8_len(smol_buf_head(&b) + n, len - n);

		k = k ? k : 1;
		if (n + k >= SMOL_JOB_COMMAND)
			break;
		memcpy(out + n, smol_buf_head(&b) + n, k);
		n += k;
	}
	out[n] = '\0';
}

static void enlist(struct smol_job *j)
{
	struct smol_server *s = j->server;

	j->next = s->jobs;
	if (j->next)
		j->next->link = &j->next;
	j->link = &s->jobs;
	s->jobs = j;
}

/* An id, and an entry in what PID 1 knows. */
static void enter(struct smol_job *j)
{
	struct smol_server *s = j->server;
	struct smol_roster *roster = s->cfg->roster;

	j->id = ++s->last_job;
	if (roster)
		roster->last_id = j->id;
	j->roster = smol_roster_take(roster);
	if (!j->roster)
		return;
	*j->roster =
	    (struct smol_roster_entry){.id = j->id, .group = j->pid, .started_ms = j->started_ms};
	memcpy(j->roster->command, j->command, sizeof(j->command));
	/* Last: PID 1 must not find half an entry. */
	__atomic_store_n(&j->roster->use, SMOL_ROSTER_LIVE, __ATOMIC_RELEASE);
}

static void attach(struct smol_job *j, struct smol_conn *c, bool stream)
{
	j->conn = c;
	j->stream = stream;
	j->in_said = false;
	c->job = j;
	c->state = SMOL_CONN_JOB;
	c->streamed = c->streamed || stream;
}

static cJSON *ok_reply(const struct smol_job *j)
{
	cJSON *o = cJSON_CreateObject();

	smol_json_add_bool(o, "ok", true);
	smol_json_add_int(o, "job", j->id);
	if (j->pid)
		smol_json_add_int(o, "pid", j->pid);
	return o;
}

static void reply_started(struct smol_job *j, struct smol_conn *c, bool detach, bool gives_input)
{
	cJSON *o = ok_reply(j);

	if (detach || j->state == SMOL_JOB_QUEUED)
		smol_json_add_str(o, "state", smol_job_state_name(j->state));
	smol_conn_reply(c, o);
	/* Who has input to give waits for the reply before giving it. */
	if (!detach && !gives_input && j->state == SMOL_JOB_RUNNING)
		smol_conn_hold(c);
}

int smol_jobs_exec(struct smol_conn *c, struct smol_exec_request *e, struct smol_err *err)
{
	struct smol_server *s = c->server;
	const struct smol_limits *l = &s->cfg->limits;
	bool turn = s->njobs < l->jobs && !s->nqueued, gives_input = e->want_stdin || e->tty;
	bool stream = e->stream, detach = e->detach;
	struct smol_job *j;

	if (smol_policy_apply(l, e, err) < 0)
		return -1;
	/* Behind it: what the image says is nobody's request. */
	smol_defaults_apply(&s->cfg->defaults, e);
	if (!turn && s->nqueued >= l->queue)
		return smol_err_set(err, SMOL_E_LIMIT_JOBS,
		    "too many commands at once (limit jobs, %d, and queue, %d)", (int)l->jobs,
		    (int)l->queue);
	j = s->spare ? smol_steal(&s->spare) : smol_job_make(s);
	if (!j)
		return smol_err_errno(err, SMOL_E_LIMIT, errno, "no pipe for the command");
	j->state = SMOL_JOB_QUEUED;
	j->queued_ms = smol_loop_now(&s->loop);
	j->tty = e->tty;
	describe(e, j->command);
	if (turn && smol_job_launch(j, e, err) < 0) {
		smol_job_free(j);
		return -1;
	}
	if (!turn) {
		/* Its pipes are made when its turn comes. */
		smol_job_io_close(j);
		j->request = *e;
		*e = (struct smol_exec_request){0};
		s->nqueued++;
	}
	enlist(j);
	enter(j);
	if (stream || detach)
		reply_started(j, c, detach, gives_input);
	if (!detach)
		attach(j, c, stream);
	else if (turn)
		smol_job_mark(j);
	return 0;
}

static struct smol_job *find(struct smol_conn *c, int64_t id, struct smol_err *err)
{
	struct smol_job *j = c->server->jobs;

	while (j && j->id != id)
		j = j->next;
	if (!j)
		smol_err_set(err, SMOL_E_NOT_FOUND,
		    "there is no job %lld, or it ended too long ago", (long long)id);
	return j;
}

/* Who was attached is told, and may ask for something else. */
static void take_over(struct smol_job *j)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_conn *c = j->conn;

	if (!c)
		return;
	smol_err_set(&err, SMOL_E_STATE, "job %lld has been attached elsewhere", (long long)j->id);
	smol_job_part(j);
	smol_job_say_error(c, j->stream, &err);
	smol_server_mark(c->server, c);
	c->server->loop.again = true;
}

int smol_jobs_attach(struct smol_conn *c, const struct smol_job_request *q, struct smol_err *err)
{
	struct smol_job *j = find(c, q->job, err);
	cJSON *o;

	if (!j)
		return -1;
	if (j->state == SMOL_JOB_LOST)
		return smol_err_set(err, SMOL_E_STATE,
		    "job %lld was lost when the agent died, and its output with it",
		    (long long)j->id);
	if (q->from_set && q->from > j->seq)
		return smol_err_set(err, SMOL_E_INVALID,
		    "job %lld has not written that far: its output ends at %llu", (long long)j->id,
		    (unsigned long long)j->seq);
	take_over(j);
	o = ok_reply(j);
	smol_json_add_str(o, "state", smol_job_state_name(j->state));
	smol_json_add_int(o, "from", (int64_t)q->from);
	if (j->tty)
		smol_json_add_bool(o, "tty", true);
	if (q->want_stdin) {
		j->in_granted = j->in_taken + SMOL_STDIN_WINDOW;
		smol_json_add_int(o, "stdin_seq", (int64_t)j->in_received);
		smol_json_add_int(o, "stdin_window", (int64_t)j->in_granted);
	}
	smol_conn_reply(c, o);
	attach(j, c, true);
	smol_job_rewind(j, q->from);
	return 0;
}

static cJSON *outcome(const struct smol_job *j)
{
	cJSON *o = smol_job_is_over(j) ? smol_exec_result_encode(&j->result) : cJSON_CreateObject();

	/* Nobody knows when it ended. */
	if (j->state == SMOL_JOB_LOST)
		cJSON_DeleteItemFromObjectCaseSensitive(o, "duration_ms");
	smol_json_add_str(o, "state", smol_job_state_name(j->state));
	if (j->failure.code != SMOL_E_NONE)
		smol_json_add_str(o, "failure", j->failure.msg);
	return o;
}

static void reply_outcome(struct smol_conn *c, const struct smol_job *j)
{
	cJSON *o = outcome(j);

	smol_json_add_bool(o, "ok", true);
	smol_json_add_int(o, "job", j->id);
	smol_conn_reply(c, o);
}

/* Answer now, or when it is over. */
static void answer_at_end(struct smol_conn *c, struct smol_job *j, int64_t timeout_ms)
{
	if (smol_job_is_over(j)) {
		reply_outcome(c, j);
		return;
	}
	c->awaits = j;
	c->state = SMOL_CONN_WAITING;
	if (timeout_ms)
		smol_timer_set(&c->server->loop, &c->timer, timeout_ms);
}

static void stop_waiting(struct smol_conn *c)
{
	c->awaits = NULL;
	c->state = SMOL_CONN_IDLE;
	smol_timer_stop(&c->timer);
	smol_server_mark(c->server, c);
	c->server->loop.again = true;
}

void smol_jobs_tell(struct smol_job *j)
{
	for (struct smol_conn *c = j->server->conns; c; c = c->next)
		if (c->awaits == j) {
			stop_waiting(c);
			reply_outcome(c, j);
		}
}

void smol_jobs_late(struct smol_conn *c)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	smol_err_set(&err, SMOL_E_DEADLINE, "job %lld is not over yet", (long long)c->awaits->id);
	stop_waiting(c);
	smol_conn_fail(c, &err);
}

int smol_jobs_wait(struct smol_conn *c, const struct smol_job_request *q, struct smol_err *err)
{
	struct smol_job *j = find(c, q->job, err);

	if (!j)
		return -1;
	answer_at_end(c, j, q->timeout_ms);
	return 0;
}

void smol_job_cancel(struct smol_job *j, int sig)
{
	if (smol_job_is_over(j))
		return;
	if (j->state == SMOL_JOB_QUEUED) {
		j->result = (struct smol_exec_result){
		    .exit_code = 128 + sig, .signal = sig, .cancelled = true};
		smol_job_finish(j, SMOL_JOB_CANCELLED);
		smol_job_mark(j);
		j->server->loop.again = true;
		return;
	}
	j->cancelled = true;
	smol_job_end(j, sig);
}

int smol_jobs_cancel(struct smol_conn *c, const struct smol_job_request *q, struct smol_err *err)
{
	struct smol_job *j = find(c, q->job, err);

	if (!j)
		return -1;
	smol_job_cancel(j, q->signal ? q->signal : SIGTERM);
	answer_at_end(c, j, 0);
	return 0;
}

static cJSON *list_item(const struct smol_job *j, int64_t now)
{
	cJSON *o = outcome(j);
	int64_t began = j->started_ms ? j->started_ms : j->queued_ms;

	smol_json_add_int(o, "id", j->id);
	smol_json_add_str(o, "command", j->command);
	if (began)
		smol_json_add_int(o, "started_ms_ago", now - began);
	if (j->state == SMOL_JOB_RUNNING)
		smol_json_add_int(o, "duration_ms", now - j->started_ms);
	if (!smol_job_is_over(j) && j->in_cut)
		smol_json_add_int(o, "input_cut", (int64_t)j->in_received);
	smol_json_add_int(o, "output_bytes", (int64_t)j->seq);
	smol_json_add_bool(o, "attached", j->conn != NULL);
	if (j->tty)
		smol_json_add_bool(o, "tty", true);
	return o;
}

void smol_jobs_list(struct smol_conn *c)
{
	cJSON *o = cJSON_CreateObject(), *list;

	smol_json_add_bool(o, "ok", true);
	list = cJSON_AddArrayToObject(o, "jobs");
	for (const struct smol_job *j = c->server->jobs; j; j = j->next)
		cJSON_InsertItemInArray(list, 0, list_item(j, smol_loop_now(&c->server->loop)));
	smol_conn_reply(c, o);
}

/* ---- as a whole ---- */

static void add_lost(struct smol_server *s, const struct smol_roster_entry *e)
{
	struct smol_job *j = smol_alloc(sizeof(*j));

	j->server = s;
	smol_job_io_init(j);
	j->id = e->id;
	j->state = SMOL_JOB_LOST;
	j->started_ms = e->started_ms;
	j->result.exit_code = smol_err_exit_code(&(struct smol_err){.code = SMOL_E_RESET});
	memcpy(j->command, e->command, sizeof(j->command));
	j->command[SMOL_JOB_COMMAND - 1] = '\0';
	enlist(j);
	s->nended++;
}

static int by_id(const void *a, const void *b)
{
	const struct smol_roster_entry *const *x = a, *const *y = b;

	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

void smol_jobs_open(struct smol_server *s)
{
	const struct smol_roster *r = s->cfg->roster;
	const struct smol_roster_entry **lost;
	size_t n = 0;

	if (!r)
		return;
	s->last_job = r->last_id;
	lost = smol_alloc(SMOL_ROSTER_MAX * sizeof(*lost));
	for (int i = 0; i < SMOL_ROSTER_MAX; i++)
		if (r->entries[i].use == SMOL_ROSTER_LOST)
			lost[n++] = &r->entries[i];
	qsort(lost, n, sizeof(*lost), by_id);
	for (size_t i = n > SMOL_JOBS_KEPT ? n - SMOL_JOBS_KEPT : 0; i < n; i++)
		add_lost(s, lost[i]);
	free(lost);
}

/* The one that has waited longest. */
static struct smol_job *next_in_turn(const struct smol_server *s)
{
	struct smol_job *first = NULL;

	for (struct smol_job *j = s->jobs; j; j = j->next)
		first = j->state == SMOL_JOB_QUEUED ? j : first;
	return first;
}

static void start_queued(struct smol_server *s)
{
	while (s->nqueued && s->njobs < s->cfg->limits.jobs) {
		struct smol_job *j = next_in_turn(s);
		struct smol_exec_request e = j->request;

		j->request = (struct smol_exec_request){0};
		if (smol_job_io_make(j) < 0)
			smol_err_errno(&j->failure, SMOL_E_LIMIT, errno, "no pipe for the command");
		else if (smol_job_launch(j, &e, &j->failure) == 0)
			s->nqueued--;
		smol_exec_request_free(&e);
		if (j->failure.code != SMOL_E_NONE) {
			j->result.exit_code = smol_err_exit_code(&j->failure);
			smol_job_finish(j, SMOL_JOB_EXITED);
		}
		smol_job_mark(j);
		s->loop.again = true;
	}
}

static void drop_rings(struct smol_job *j)
{
	for (int i = 0; i < 2; i++) {
		j->server->ring_bytes -= j->out[i].ring.cap;
		smol_ring_free(&j->out[i].ring);
		j->out[i].passed = 0;
	}
}

/*
 * Of what is over the latest output is kept, SMOL_JOBS_KEPT_BYTES together, or the last one's; less
 * where memory is wanted for what runs. What goes, goes as a whole: GAP tells of it. A few lines
 * are not what memory goes for.
 */
static void drop_old_output(struct smol_server *s)
{
	for (;;) {
		struct smol_job *oldest = NULL;
		size_t kept = 0, n = 0;

		for (struct smol_job *j = s->jobs; j; j = j->next) {
			size_t held = j->out[0].ring.cap + j->out[1].ring.cap;

			if (!smol_job_is_over(j) || j->conn || held <= SMOL_JOBS_KEPT_FEW)
				continue;
			kept += held;
			oldest = j;
			n++;
		}
		if (!oldest ||
		    (s->ring_bytes <= s->budget / 2 && (n == 1 || kept <= SMOL_JOBS_KEPT_BYTES)))
			return;
		drop_rings(oldest);
	}
}

/* Descriptors are closed, memory is fitted, the oldest are forgotten. */
static void tidy(struct smol_server *s)
{
	struct smol_job *next, *oldest;

	for (struct smol_job *j = s->jobs; j; j = j->next) {
		if (!j->untidy)
			continue;
		j->untidy = false;
		smol_job_io_close(j);
		for (int i = 0; i < 2; i++) {
			s->ring_bytes -= j->out[i].ring.cap;
			smol_ring_fit(&j->out[i].ring);
			s->ring_bytes += j->out[i].ring.cap;
		}
	}
	for (bool more = true; more && s->nended > SMOL_JOBS_KEPT;) {
		oldest = NULL;
		for (struct smol_job *j = s->jobs; j; j = next) {
			next = j->next;
			if (smol_job_is_over(j) && !j->conn && !j->dirty)
				oldest = j;
		}
		more = oldest != NULL;
		if (!oldest)
			break;
		drop_rings(oldest);
		smol_job_free(oldest);
		s->nended--;
	}
	drop_old_output(s);
}

void smol_jobs_sweep(struct smol_server *s)
{
	if (!s->untidy)
		return;
	s->untidy = false;
	/* On one CPU the kernel's worker that transmits what was just sent waits for us. */
	sched_yield();
	tidy(s);
	if (s->nqueued)
		start_queued(s);
	/* Now, while nobody waits: two pipes are a good part of a quick command's time. */
	if (!s->spare)
		s->spare = smol_job_make(s);
}

void smol_jobs_close(struct smol_server *s)
{
	while (s->jobs) {
		struct smol_job *j = s->jobs;

		if (j->state == SMOL_JOB_RUNNING && !j->exited)
			kill(-j->pid, SIGKILL);
		smol_job_free(j);
	}
	s->dirty_jobs = NULL;
	if (s->spare)
		smol_job_free(smol_steal(&s->spare));
}
