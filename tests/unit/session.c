/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See session.h. */
#include "session.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_fixture.h"

void heard_free(struct heard *h)
{
	smol_buf_free(&h->out);
	smol_err_clear(&h->error);
	for (int i = 0; h->act && i < 2; i++)
		close(h->wake[i]);
}

static int on_output(void *ctx, enum smol_frame_type stream, const char *data, size_t n)
{
	struct heard *h = ctx;

	(void)stream;
	smol_buf_append(&h->out, data, n);
	if (h->until && strstr(smol_buf_str(&h->out), h->until)) {
		h->until = NULL;
		assert_int_equal(write(h->wake[1], "", 1), 1);
	}
	return 0;
}

static int on_wake(void *ctx, struct smol_client *c)
{
	struct heard *h = ctx;
	char byte;

	assert_int_equal(read(h->wake[0], &byte, 1), 1);
	h->act(c);
	return 0;
}

static void on_started(void *ctx, int64_t job)
{
	struct heard *h = ctx;

	h->job = job;
}

static void on_gap(void *ctx, uint64_t bytes)
{
	struct heard *h = ctx;

	h->gap += bytes;
}

struct smol_exec_io io_of(struct heard *h, int stdin_fd)
{
	struct smol_exec_io io = {.stdin_fd = stdin_fd,
	    .output = on_output,
	    .started = on_started,
	    .gap = on_gap,
	    .wake_fd = -1,
	    .wake = on_wake,
	    .ctx = h};

	if (h->act) {
		assert_int_equal(pipe2(h->wake, O_CLOEXEC), 0);
		io.wake_fd = h->wake[0];
	}
	return io;
}

void exec_on(
    struct smol_client *c, const struct smol_exec_request *e, int stdin_fd, struct heard *h)
{
	struct smol_exec_io io = io_of(h, stdin_fd);

	h->rc = smol_client_exec(c, e, &io, &h->result, &h->error);
}

void exec_in(struct smol_client *c, const char *cwd, const char *command, struct heard *h)
{
	struct smol_exec_request e = {.command = (char *)command, .cwd = (char *)cwd};

	exec_on(c, &e, -1, h);
}

void exec_sh(struct smol_client *c, const char *command, struct heard *h)
{
	exec_in(c, NULL, command, h);
}

void attach_on(struct smol_client *c, int64_t job, const uint64_t *from, struct heard *h)
{
	struct smol_job_request q = {.job = job, .from_set = from, .from = from ? *from : 0};
	struct smol_exec_io io = io_of(h, -1);

	h->rc = smol_client_attach(c, &q, &io, &h->result, &h->error);
}

int64_t start_on(struct smol_client *c, const char *command)
{
	struct smol_exec_request e = {.command = (char *)command};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int64_t job = 0;

	if (smol_client_start(c, &e, &job, &err) < 0)
		fail_msg("%s: %s", command, err.msg);
	assert_true(job > 0);
	return job;
}

cJSON *ask(struct smol_client *c, enum smol_op op, const struct smol_job_request *q)
{
	struct smol_request r = {.op = op, .job = *q};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	cJSON *j = smol_client_call(c, &r, smol_in_ms(WAIT_MS), &err);

	if (!j)
		fail_msg("%s: %s", smol_op_name(op), err.msg);
	return j;
}

void expect_ask(
    struct smol_client *c, enum smol_op op, const struct smol_job_request *q, enum smol_code code)
{
	struct smol_request r = {.op = op, .job = *q};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = smol_client_call(c, &r, smol_in_ms(WAIT_MS), &err);

	assert_null(j);
	assert_string_equal(smol_code_name(err.code), smol_code_name(code));
}

void expect_end(struct smol_client *c, int64_t job, const char *state, int exit_code)
{
	smol_auto_json cJSON *j = ask(c, SMOL_OP_WAIT, &(struct smol_job_request){.job = job});
	int64_t code = -1;

	assert_string_equal(smol_json_str(j, "state"), state);
	assert_int_equal(smol_json_int(j, "exit_code", 0, 255, &code), 1);
	assert_int_equal(code, exit_code);
}

const cJSON *listed(struct smol_client *c, int64_t job, cJSON **owner)
{
	const cJSON *v;

	*owner = ask(c, SMOL_OP_JOBS, &(struct smol_job_request){0});
	cJSON_ArrayForEach (v, smol_json_get(*owner, "jobs")) {
		int64_t id = 0;

		smol_json_int(v, "id", 1, INT64_MAX / 2, &id);
		if (id == job)
			return v;
	}
	return NULL;
}

void detach(struct smol_client *c)
{
	assert_int_equal(smol_client_detach(c), 0);
}
