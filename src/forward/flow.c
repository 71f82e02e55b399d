/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection of a forwarded port: see forward.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "forward/forward.h"
#include "vsock/dial.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct smol_flow *smol_flow_new(
    struct smol_forward *f, int plain, const struct smol_request *r, struct smol_err *err)
{
	smol_auto_free char *line = smol_request_encode(r, err);
	smol_auto_close int owned = plain;
	struct smol_flow *w;
	int fd = line ? smol_vsock_dial(&f->agent, smol_in_ms(SMOL_FLOW_GREET_MS), err) : -1;

	if (fd < 0)
		return NULL;
	w = smol_alloc(sizeof(*w));
	w->plain = smol_steal_fd(&owned);
	w->framed = fd;
	w->deadline = smol_in_ms(SMOL_FLOW_GREET_MS);
	if (f->agent.kind == SMOL_VSOCK_UNIX)
		smol_buf_printf(&w->out, "CONNECT %u\n", f->agent.port);
	else
		w->ok_seen = true;
	smol_buf_puts(&w->out, line);
	w->next = f->flows;
	f->flows = w;
	f->nflows++;
	return w;
}

void smol_flow_free(struct smol_forward *f, struct smol_flow *w)
{
	struct smol_flow **p = &f->flows;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	f->nflows--;
	close_fd(&w->plain);
	close_fd(&w->framed);
	smol_buf_free(&w->in);
	smol_buf_free(&w->out);
	smol_relay_free(&w->relay);
	free(w);
}

void smol_flow_poll(const struct smol_flow *w, struct pollfd p[2])
{
	p[0] = (struct pollfd){.fd = -1};
	p[1] = (struct pollfd){.fd = w->framed, .events = POLLIN};
	if (w->stage == SMOL_FLOW_RELAYING) {
		short plain, framed;

		smol_relay_wants(&w->relay, &plain, &framed);
		/* A descriptor nobody waits for would report its hang-up again and again. */
		p[0] = (struct pollfd){.fd = plain ? w->plain : -1, .events = plain};
		p[1] = (struct pollfd){.fd = framed ? w->framed : -1, .events = framed};
	} else if (smol_buf_len(&w->out)) {
		p[1].events |= POLLOUT;
	}
}

static int send_out(struct smol_flow *w, struct smol_err *err)
{
	ssize_t n;

	if (!smol_buf_len(&w->out))
		return 0;
	n = send(
	    w->framed, smol_buf_head(&w->out), smol_buf_len(&w->out), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return smol_err_errno(err, SMOL_E_REFUSED, errno, "the agent's connection broke");
	smol_buf_consume(&w->out, n > 0 ? (size_t)n : 0);
	return 0;
}

static int read_in(struct smol_flow *w, struct smol_err *err)
{
	ssize_t n = recv(w->framed, smol_buf_reserve(&w->in, 4096), 4096, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0 && !w->ok_seen)
		return smol_err_set(
		    err, SMOL_E_REFUSED, "nothing listens on the agent's port in the guest");
	if (n <= 0)
		return smol_err_set(err, SMOL_E_RESET, "the agent's connection ended");
	smol_buf_commit(&w->in, (size_t)n);
	return smol_buf_len(&w->in) > SMOL_LINE_MAX
		   ? smol_err_set(err, SMOL_E_PROTOCOL, "the agent's answer is too long")
		   : 0;
}

static void begin_relay(struct smol_flow *w)
{
	smol_relay_init(&w->relay, w->plain, w->framed);
	if (smol_buf_len(&w->in))
		smol_relay_prime(&w->relay, smol_buf_head(&w->in), smol_buf_len(&w->in));
	smol_buf_clear(&w->in);
	w->stage = SMOL_FLOW_RELAYING;
}

/* One line of the greeting, or of a control connection. 1 taken, 0 none, -1. */
static int take_line(struct smol_flow *w, cJSON **answer, struct smol_err *err)
{
	size_t n;
	char *line = smol_buf_len(&w->in) ? smol_buf_line(&w->in, &n) : NULL;

	if (!line)
		return 0;
	if (!w->ok_seen) {
		if (strncmp(line, "OK ", 3) != 0)
			return smol_err_set(err, SMOL_E_PROTOCOL, "no OK from the vsock socket");
		w->ok_seen = true;
		return 1;
	}
	if (w->stage == SMOL_FLOW_CONTROL) {
		*answer = smol_json_parse_object(line, n, err);
		return *answer ? 1 : -1;
	}
	*answer = smol_reply_from_agent(line, n, err);
	if (!*answer)
		return -1;
	if (w->control)
		w->stage = SMOL_FLOW_CONTROL;
	else if (w->plain < 0)
		w->stage = SMOL_FLOW_OVER; /* fetched to be closed */
	else
		begin_relay(w);
	return 1;
}

static int greet(struct smol_flow *w, cJSON **answer, struct smol_err *err)
{
	int took;

	if (w->stage == SMOL_FLOW_GREETING && smol_poll_ms(w->deadline) == 0)
		return smol_err_set(err, SMOL_E_DEADLINE, "the agent did not answer in time");
	if (send_out(w, err) < 0)
		return -1;
	/* What is held first: a control connection's lines come in bunches. */
	while ((took = take_line(w, answer, err)) > 0)
		if (*answer || w->stage == SMOL_FLOW_RELAYING)
			return 0;
	if (took < 0 || read_in(w, err) < 0)
		return -1;
	while ((took = take_line(w, answer, err)) > 0)
		if (*answer || w->stage == SMOL_FLOW_RELAYING)
			return 0;
	return took;
}

void smol_flow_serve(struct smol_flow *w, cJSON **answer, struct smol_err *err)
{
	*answer = NULL;
	if (w->stage == SMOL_FLOW_GREETING || w->stage == SMOL_FLOW_CONTROL) {
		if (greet(w, answer, err) < 0)
			w->stage = SMOL_FLOW_OVER;
		if (w->stage != SMOL_FLOW_RELAYING)
			return;
	}
	if (w->stage == SMOL_FLOW_RELAYING && smol_relay_run(&w->relay, err) <= 0)
		w->stage = SMOL_FLOW_OVER;
}
