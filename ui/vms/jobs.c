/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which jobs run: see jobs.h. */
#include "ui/vms/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/spawn.h"
#include "base/text.h"
#include "proto/json.h"
#include "ui/app.h"

#define ANSWER_MAX (4 * 1024 * 1024)
#define ANSWER_MS  10000
#define JOBS_MAX   1000

/* A question that is under way. */
struct asked {
	struct smol_app *app;
	void (*done)(struct smol_app *a, const struct smol_jobs *jobs);
	struct smol_buf text;
	uv_poll_t poll;
	uv_timer_t deadline;
	int fd, handles;
};
static struct asked *current; /* NULL: none */

void smol_jobs_free(struct smol_jobs *jobs)
{
	for (int i = 0; i < jobs->n; i++) {
		free(jobs->list[i].vm);
		free(jobs->list[i].command);
	}
	free(jobs->list);
	*jobs = (struct smol_jobs){0};
}

static void add(struct smol_jobs *jobs, const cJSON *j)
{
	const char *vm = smol_json_str(j, "vm"), *command = smol_json_str(j, "command");
	const char *state = smol_json_str(j, "state");
	int64_t id;

	if (!vm || !state || smol_json_int(j, "id", 1, INT64_MAX / 2, &id) != 1 ||
	    (strcmp(state, "running") != 0 && strcmp(state, "queued") != 0))
		return;
	command = command ? command : "";
	jobs->list[jobs->n++] = (struct smol_job){.vm = smol_strdup(vm),
	    .command = smol_escape(command, strlen(command)),
	    .id = id,
	    .tty = smol_json_bool(j, "tty", false),
	    .attached = smol_json_bool(j, "attached", false)};
}

void smol_jobs_parse(const char *text, struct smol_jobs *jobs)
{
	smol_auto_json cJSON *answer = smol_json_parse(text, strlen(text), NULL);
	const cJSON *j;

	*jobs = (struct smol_jobs){.list = smol_alloc(JOBS_MAX * sizeof(*jobs->list))};
	cJSON_ArrayForEach (j, smol_json_get(answer, "data"))
		if (jobs->n < JOBS_MAX)
			add(jobs, j);
}

static void on_closed(uv_handle_t *h)
{
	struct asked *q = h->data;

	if (--q->handles)
		return;
	smol_buf_free(&q->text);
	free(q);
}

void smol_jobs_forget(void)
{
	struct asked *q = smol_steal(&current);

	if (!q)
		return;
	uv_close((uv_handle_t *)&q->poll, on_closed);
	uv_close((uv_handle_t *)&q->deadline, on_closed);
	close(q->fd); /* who still writes into it ends */
}

static void on_deadline(uv_timer_t *t)
{
	(void)t;
	smol_jobs_forget();
}

static void on_answer(uv_poll_t *h, int status, int events)
{
	struct asked *q = h->data;
	struct smol_jobs jobs;
	ssize_t n = read(q->fd, smol_buf_reserve(&q->text, 65536), 65536);

	(void)status;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		smol_buf_commit(&q->text, (size_t)n);
		if (smol_buf_len(&q->text) > ANSWER_MAX)
			smol_jobs_forget();
		return;
	}
	smol_jobs_parse(smol_buf_str(&q->text), &jobs);
	smol_jobs_forget();
	q->done(q->app, &jobs); /* it is freed by the loop, not before */
	smol_jobs_free(&jobs);
}

void smol_jobs_ask(struct smol_app *a, const char *names,
    void (*done)(struct smol_app *a, const struct smol_jobs *jobs))
{
	const char *argv[] = {a->options->program, "--json", "jobs", NULL, NULL};
	struct smol_spawn s = {
	    .argv = argv, .fds = {-1, -1, -1}, .nfds = 3, .die_with_parent = true};
	smol_auto_free char *copy = smol_strdup(names);
	struct asked *q;
	int p[2], rc;
	pid_t pid;

	smol_jobs_forget();
	argv[3] = copy;
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	fcntl(p[1], F_SETFL, 0);
	s.fds[1] = p[1];
	rc = smol_spawn(&s, &pid, NULL, NULL);
	close(p[1]);
	if (rc < 0) {
		close(p[0]);
		return;
	}
	q = current = smol_alloc(sizeof(*q));
	*q = (struct asked){.app = a, .done = done, .fd = p[0], .handles = 2};
	uv_poll_init(a->loop, &q->poll, q->fd);
	uv_timer_init(a->loop, &q->deadline);
	q->poll.data = q->deadline.data = q;
	uv_poll_start(&q->poll, UV_READABLE, on_answer);
	uv_timer_start(&q->deadline, on_deadline, ANSWER_MS, 0);
}
