/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each request does: see ops.h. Who may ask is decided here and nowhere else: without the
 * right token `health` tells that the agent lives, and all else is refused before it is looked at.
 */
#include "agent/ops.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "agent/conn.h"
#include "agent/files.h"
#include "agent/job.h"
#include "agent/relay.h"
#include "agent/sysinfo.h"
#include "base/auto.h"
#include "base/text.h"
#include "proto/request.h"

static cJSON *ok_reply(void)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_bool(j, "ok", true);
	return j;
}

static void do_health(struct smol_conn *c, const struct smol_request *r)
{
	cJSON *j = ok_reply();

	smol_json_add_int(j, "v", SMOL_PROTO_VERSION);
	smol_json_add_str(j, "agent", SMOL_VERSION);
	if (r->token) {
		smol_json_add_int(j, "uptime_ms", smol_sysinfo_uptime_ms());
		smol_json_add_int(j, "jobs", c->server->njobs);
		smol_json_add_int(j, "connections", c->server->nconns);
	}
	smol_conn_reply(c, j);
}

static void do_system_info(struct smol_conn *c)
{
	cJSON *j = ok_reply();

	smol_json_add_int(j, "v", SMOL_PROTO_VERSION);
	smol_json_add_str(j, "agent", SMOL_VERSION);
	smol_sysinfo_add(j);
	smol_json_add_int(j, "jobs", c->server->njobs);
	smol_json_add_int(j, "connections", c->server->nconns);
	cJSON_AddItemToObject(j, "limits", smol_limits_encode(&c->server->cfg->limits));
	smol_conn_reply(c, j);
}

/* A request that concerns a job; most answer it themselves, now or later. */
static void do_job(struct smol_conn *c, struct smol_request *r)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int rc = 0;

	if (r->op == SMOL_OP_EXEC)
		rc = smol_jobs_exec(c, &r->exec, &err);
	else if (r->op == SMOL_OP_ATTACH)
		rc = smol_jobs_attach(c, &r->job, &err);
	else if (r->op == SMOL_OP_CANCEL)
		rc = smol_jobs_cancel(c, &r->job, &err);
	else if (r->op == SMOL_OP_WAIT)
		rc = smol_jobs_wait(c, &r->job, &err);
	else
		smol_jobs_list(c);
	if (rc < 0)
		smol_conn_fail(c, &err);
}

/* The VM is about to stand still: no time is to pass in it. */
static void do_pausing(struct smol_conn *c)
{
	smol_loop_hold(&c->server->loop);
	smol_conn_reply(c, ok_reply());
}

/* It goes on: the guest's wall clock stood still, or is where it was, and is put right. */
static void do_resumed(struct smol_conn *c, const struct smol_request *r)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct timespec ts = {
	    .tv_sec = r->realtime_ms / 1000, .tv_nsec = r->realtime_ms % 1000 * 1000000};
	int64_t step = r->realtime_ms - smol_wall_ms();
	cJSON *j;

	smol_loop_release(&c->server->loop);
	/* Outside a VM the clock is the host's own. */
	if (c->server->cfg->supervised && clock_settime(CLOCK_REALTIME, &ts) < 0) {
		smol_err_errno(&err, SMOL_E_IO, errno, "cannot set the guest's clock");
		smol_conn_fail(c, &err);
		return;
	}
	j = ok_reply();
	smol_json_add_int(j, "clock_step_ms", step);
	smol_conn_reply(c, j);
}

static void do_shutdown(struct smol_conn *c, const struct smol_request *r)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	bool reboot = r->how && strcmp(r->how, "reboot") == 0;

	if (r->how && !reboot && strcmp(r->how, "poweroff") != 0) {
		smol_err_set(&err, SMOL_E_INVALID, "how must be poweroff or reboot");
		smol_conn_fail(c, &err);
		return;
	}
	smol_conn_reply(c, ok_reply());
	c->server->shutdown = reboot ? "reboot" : "poweroff";
}

/* What is not known here another version may know: the reply says which one this is. */
static void refuse(struct smol_conn *c, const struct smol_err *err)
{
	cJSON *j = smol_reply_failure(err);

	if (err->code == SMOL_E_UNSUPPORTED)
		smol_json_add_int(j, "v", SMOL_PROTO_VERSION);
	smol_conn_reply(c, j);
}

/* Is the sender allowed to ask for more than liveness? A wrong token is refused even there. */
static int authorize(struct smol_conn *c, const struct smol_request *r, struct smol_err *err)
{
	const char *token = c->server->cfg->token;

	if (!r->token && r->op == SMOL_OP_HEALTH)
		return 0;
	if (!token)
		return smol_err_set(err, SMOL_E_UNAUTHORIZED, "the agent was given no token");
	if (!r->token)
		return smol_err_set(err, SMOL_E_UNAUTHORIZED, "the request carries no token");
	if (!smol_equal_secret(r->token, token))
		return smol_err_set(err, SMOL_E_UNAUTHORIZED, "wrong token");
	return 0;
}

void smol_ops_handle(struct smol_conn *c, const char *line, size_t n)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT, denied = SMOL_ERR_INIT;
	smol_auto(smol_request_free) struct smol_request r = {0};
	int decoded = smol_request_decode(line, n, &r, &err);

	/* What is wrong with a request is told only to those who may make it. */
	if (authorize(c, &r, &denied) < 0 && (decoded == 0 || err.code != SMOL_E_PROTOCOL)) {
		smol_server_refused(c->server, denied.msg);
		smol_conn_fail(c, &denied);
		return;
	}
	if (decoded < 0) {
		refuse(c, &err);
		return;
	}
	switch (r.op) {
	case SMOL_OP_HEALTH:
		do_health(c, &r);
		break;
	case SMOL_OP_SYSTEM_INFO:
		do_system_info(c);
		break;
	case SMOL_OP_EXEC:
	case SMOL_OP_JOBS:
	case SMOL_OP_ATTACH:
	case SMOL_OP_CANCEL:
	case SMOL_OP_WAIT:
		do_job(c, &r);
		break;
	case SMOL_OP_SHUTDOWN:
		do_shutdown(c, &r);
		break;
	case SMOL_OP_PAUSING:
		do_pausing(c);
		break;
	case SMOL_OP_RESUMED:
		do_resumed(c, &r);
		break;
	case SMOL_OP_CONNECT:
	case SMOL_OP_LISTEN:
	case SMOL_OP_ACCEPT:
		if (smol_relay_start(c, &r, &err) < 0)
			smol_conn_fail(c, &err);
		break;
	case SMOL_OP_PUT:
	case SMOL_OP_GET:
		if (smol_agent_files_start(c, &r, &err) < 0)
			smol_conn_fail(c, &err);
		break;
	case SMOL_OP__COUNT:
		break;
	}
}
