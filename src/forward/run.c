/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop of a forwarded port: see forward.h. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "forward/forward.h"

#define OTHER_FDS   16	 /* that belong to no flow */
#define COMPLAIN_MS 1000 /* between two complaints */

static cJSON *ok(void)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_bool(j, "ok", true);
	return j;
}

/* How it began (NULL: well): said once, to the monitor that waits for it, in one short line and
 * never in the guest's own words. */
static void say_status(struct smol_forward *f, const struct smol_err *err)
{
	smol_auto_json cJSON *j = err ? smol_reply_failure(err) : ok();
	smol_auto_free char *text = smol_json_print(j);
	smol_auto_free char *line = smol_asprintf("%s\n", text);

	if (f->status_fd < 0)
		return;
	smol_io_write_all(f->status_fd, line, strlen(line), smol_in_ms(1000));
	close(f->status_fd);
	f->status_fd = -1;
}

static int dial_tcp(const struct smol_forward *f, struct smol_err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
			    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
			*found = NULL;
	int fd, rc = getaddrinfo(f->host, f->host_port, &hints, &found);

	if (rc)
		return smol_err_set(err, SMOL_E_INVALID, "%s: %s", f->host, gai_strerror(rc));
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		smol_err_errno(err, SMOL_E_REFUSED, errno, "%s port %s", f->host, f->host_port);
	freeaddrinfo(found);
	return fd;
}

static int dial_host(const struct smol_forward *f, struct smol_err *err)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	smol_auto_close int fd = -1;

	if (!f->host_path)
		return dial_tcp(f, err);
	if (strlen(f->host_path) >= sizeof(un.sun_path))
		return smol_err_set(err, SMOL_E_INVALID, "%s: too long for a socket", f->host_path);
	memcpy(un.sun_path, f->host_path, strlen(f->host_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		return smol_err_errno(err, SMOL_E_REFUSED, errno, "%s", f->host_path);
	return smol_steal_fd(&fd);
}

/* Seldom: a guest that connects again and again must not push all else out of the journal. */
static void complain(const struct smol_err *err)
{
	static smol_deadline again;
	static unsigned left_out;
	smol_auto_free char *more = NULL;

	if (smol_poll_ms(again)) {
		left_out++;
		return;
	}
	more = left_out ? smol_asprintf(" (and %u more)", left_out) : NULL;
	fprintf(stderr, "smolsh-forward: %s%s\n", err->msg ? err->msg : "failed", more ? more : "");
	left_out = 0;
	again = smol_in_ms(COMPLAIN_MS);
}

/* A connection on the host: the guest is asked to make the other half. */
static void accept_one(struct smol_forward *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_request r = {.op = SMOL_OP_CONNECT, .token = f->token, .relay = f->guest};
	int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && !smol_flow_new(f, fd, &r, &err))
		complain(&err);
}

/* A connection in the guest: it is fetched, and its other half made here. */
static void fetch(struct smol_forward *f, const cJSON *note)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_request r = {.op = SMOL_OP_ACCEPT, .token = f->token};
	int fd;

	if (smol_json_int(note, "accepted", 1, INT64_MAX / 2, &r.relay.id) != 1 ||
	    f->nflows >= f->max_flows)
		return;
	fd = dial_host(f, &err);
	if (fd < 0)
		complain(&err);
	smol_err_clear(&err);
	/* Fetched in any case: who waits at the other end is to learn that nobody comes. */
	if (!smol_flow_new(f, fd, &r, &err))
		complain(&err);
}

/* One that listened a moment ago is most likely back soon, with its VM's device; but one that
 * listens and goes, again and again, must not keep us busy. */
static void retry(struct smol_forward *f)
{
	f->retry = smol_in_ms(f->pause_ms);
	f->pause_ms =
	    2 * f->pause_ms < SMOL_REVERSE_PAUSE_MS ? 2 * f->pause_ms : SMOL_REVERSE_PAUSE_MS;
}

static void begin_reverse(struct smol_forward *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_request r = {.op = SMOL_OP_LISTEN, .token = f->token, .relay = f->guest};
	struct smol_flow *w = smol_flow_new(f, -1, &r, &err);

	f->retry = SMOL_NEVER;
	if (w)
		w->control = true;
	else
		retry(f);
}

static void serve(struct smol_forward *f, struct smol_flow *w, bool *failed)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	bool control = w->control, first = w->stage == SMOL_FLOW_GREETING;
	cJSON *answer;

	do {
		smol_flow_serve(w, &answer, &err);
		if (answer && control && first) {
			say_status(f, NULL);
			f->pause_ms = SMOL_REVERSE_FIRST_MS;
		} else if (answer && control) {
			fetch(f, answer);
		}
		first = false;
		cJSON_Delete(answer);
	} while (answer && control);
	if (w->stage != SMOL_FLOW_OVER)
		return;
	if (err.code && err.code != SMOL_E_RESET)
		complain(&err);
	if (control) {
		/* What cannot be from the beginning is not tried again. */
		*failed = f->status_fd >= 0;
		say_status(f, &err);
		retry(f);
	}
	smol_flow_free(f, w);
}

static int until(const struct smol_forward *f)
{
	smol_deadline d = f->retry;

	for (const struct smol_flow *w = f->flows; w; w = w->next)
		if (w->stage == SMOL_FLOW_GREETING && w->deadline < d)
			d = w->deadline;
	return smol_poll_ms(d);
}

/* As many as there can be descriptors for, two each: one that is accepted and cannot be dialled for
 * would be lost, and one that cannot be accepted would be reported again and again. */
static int flows_max(void)
{
	struct rlimit r = {OTHER_FDS + 2 * SMOL_FLOWS_MAX, RLIM_INFINITY}, was;
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &was) == 0 && was.rlim_cur < r.rlim_cur) {
		r.rlim_max = was.rlim_max;
		r.rlim_cur = r.rlim_cur < r.rlim_max ? r.rlim_cur : r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	n = r.rlim_cur > OTHER_FDS + 2 ? (r.rlim_cur - OTHER_FDS) / 2 : 1;
	return n < SMOL_FLOWS_MAX ? (int)n : SMOL_FLOWS_MAX;
}

int smol_forward_run(struct smol_forward *f)
{
	static struct pollfd p[2 * SMOL_FLOWS_MAX + 4];
	static struct smol_flow *order[SMOL_FLOWS_MAX + 2];
	bool failed = false;

	f->max_flows = flows_max();
	f->retry = SMOL_NEVER;
	f->pause_ms = SMOL_REVERSE_FIRST_MS;
	if (f->reverse)
		begin_reverse(f);
	else
		say_status(f, NULL);
	while (!failed) {
		int n = 0;

		for (struct smol_flow *w = f->flows; w; w = w->next) {
			order[n] = w;
			smol_flow_poll(w, &p[1 + 2 * n++]);
		}
		p[0] = (struct pollfd){
		    .fd = f->nflows < f->max_flows ? f->listen_fd : -1, .events = POLLIN};
		if (poll(p, (nfds_t)(1 + 2 * n), until(f)) < 0 && errno != EINTR)
			return 1;
		for (int i = 0; i < n; i++)
			if (p[1 + 2 * i].revents || p[2 + 2 * i].revents ||
			    (order[i]->stage == SMOL_FLOW_GREETING &&
				smol_poll_ms(order[i]->deadline) == 0))
				serve(f, order[i], &failed);
		if (p[0].revents)
			accept_one(f);
		if (f->retry != SMOL_NEVER && smol_poll_ms(f->retry) == 0 && !failed)
			begin_reverse(f);
	}
	return 1;
}
