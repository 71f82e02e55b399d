/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client's conversation with an agent about jobs, for tests. Everything here fails the test that
 * calls it when something is not as expected. */
#ifndef SMOL_TESTS_SESSION_H
#define SMOL_TESTS_SESSION_H

#include <stdint.h>

#include "base/auto.h"
#include "base/buf.h"
#include "vsock/client.h"

/* A session of exec or attach, and what it heard. */
struct heard {
	struct smol_buf out;
	struct smol_exec_result result;
	struct smol_err error;
	uint64_t gap;
	int64_t job;
	int rc;
	const char *until; /* wake up when the output holds this … */
	int wake[2];
	void (*act)(struct smol_client *c); /* … and do that */
};

void heard_free(struct heard *h);
#define auto_heard smol_auto(heard_free) struct heard

/* What a session calls for h; where h->act is set it is woken for that. */
struct smol_exec_io io_of(struct heard *h, int stdin_fd);
/* Run a command, its output into h; stdin_fd -1: none. */
void exec_on(
    struct smol_client *c, const struct smol_exec_request *e, int stdin_fd, struct heard *h);
void exec_in(struct smol_client *c, const char *cwd, const char *command, struct heard *h);
void exec_sh(struct smol_client *c, const char *command, struct heard *h);
/* from: where in the output, NULL for where it is. */
void attach_on(struct smol_client *c, int64_t job, const uint64_t *from, struct heard *h);
/* Start it detached: its job. */
int64_t start_on(struct smol_client *c, const char *command);
/* A request and its reply, which the caller deletes; or one that is refused with this code. */
cJSON *ask(struct smol_client *c, enum smol_op op, const struct smol_job_request *q);
void expect_ask(
    struct smol_client *c, enum smol_op op, const struct smol_job_request *q, enum smol_code code);
/* Wait for a job: this is how it ended. */
void expect_end(struct smol_client *c, int64_t job, const char *state, int exit_code);
/* The list's entry of a job, NULL: none; the list is *owner's. */
const cJSON *listed(struct smol_client *c, int64_t job, cJSON **owner);
/* For heard.act: leave the job, which goes on. */
void detach(struct smol_client *c);

#endif
