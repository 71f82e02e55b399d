/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection to an agent, and requests with one reply: see client.h. */
#include "vsock/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "vsock/client_impl.h"
#include "vsock/dial.h"

#define CHUNK_FIRST   (16 * 1024)
#define CHUNK_MAX     (256 * 1024)
#define HANDSHAKE_MAX 64 /* bytes of "OK <number>\n" */
#define ANSWER	      "the answer came"

struct smol_client *smol_client_open(const struct smol_vsock_addr *addr, const char *token,
    smol_deadline deadline, struct smol_err *err)
{
	return smol_client_open_or(addr, token, deadline, -1, err);
}

struct smol_client *smol_client_open_or(const struct smol_vsock_addr *addr, const char *token,
    smol_deadline deadline, int interrupt_fd, struct smol_err *err)
{
	struct smol_client *c;
	int fd = smol_vsock_dial_or(addr, deadline, interrupt_fd, err);

	if (fd < 0)
		return NULL;
	c = smol_alloc(sizeof(*c));
	c->fd = fd;
	c->addr = *addr;
	c->token = smol_strdup(token);
	c->connected = c->connect_sent = addr->kind == SMOL_VSOCK_CID;
	c->chunk = CHUNK_FIRST;
	return c;
}

void smol_client_close(struct smol_client *c)
{
	if (!c)
		return;
	close(c->fd);
	if (c->token)
		explicit_bzero(c->token, strlen(c->token));
	free(c->token);
	smol_buf_free(&c->in);
	smol_buf_free(&c->out);
	free(c);
}

bool smol_client_is_connected(const struct smol_client *c)
{
	return c->connected;
}

int smol_client_queue(struct smol_client *c, const struct smol_request *r, struct smol_err *err)
{
	struct smol_request mine = *r; /* borrows all of it */
	smol_auto_free char *line = NULL;

	if (c->broken || c->deaf)
		return smol_err_set(err, SMOL_E_RESET, "the connection to the agent is over");
	mine.token = c->token;
	line = smol_request_encode(&mine, err);
	if (!line)
		return -1;
	if (!c->connect_sent) {
		smol_buf_printf(&c->out, "CONNECT %u\n", c->addr.port);
		c->connect_sent = true;
		c->dial_deadline = smol_in_ms(SMOL_DIAL_TIMEOUT_MS);
	}
	smol_buf_puts(&c->out, line);
	return 0;
}

void smol_client_flush(struct smol_client *c)
{
	while (smol_buf_len(&c->out) && !c->deaf) {
		ssize_t n = send(c->fd, smol_buf_head(&c->out), smol_buf_len(&c->out),
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			smol_buf_consume(&c->out, (size_t)n);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			c->deaf = true;
	}
	if (c->deaf)
		smol_buf_clear(&c->out);
}

static int ended(struct smol_client *c, const char *awaited, struct smol_err *err)
{
	c->broken = true;
	if (!c->connected)
		return smol_err_set(
		    err, SMOL_E_REFUSED, "nothing listens on port %u in the guest", c->addr.port);
	return smol_err_set(err, SMOL_E_RESET, "the connection ended before %s", awaited);
}

int smol_client_fill(struct smol_client *c, const char *awaited, struct smol_err *err)
{
	char *to = smol_buf_reserve(&c->in, c->chunk);
	ssize_t n = recv(c->fd, to, c->chunk, MSG_DONTWAIT);

	if (n > 0) {
		smol_buf_commit(&c->in, (size_t)n);
		if ((size_t)n == c->chunk)
			c->chunk = CHUNK_MAX;
		return 0;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == 0 || errno == ECONNRESET || errno == EPIPE || errno == ENOTCONN)
		return ended(c, awaited, err);
	c->broken = true;
	return smol_err_errno(err, SMOL_E_IO, errno, "reading from the agent");
}

/* A line of at most max bytes, its newline included; as smol_client_take_line(). */
static int take(struct smol_client *c, size_t max, const char *what, char **line, size_t *len,
    struct smol_err *err)
{
	size_t held = smol_buf_len(&c->in);
	bool found = held > c->scanned &&
		     memchr(smol_buf_head(&c->in) + c->scanned, '\n', held - c->scanned);

	if (found) {
		c->scanned = 0;
		*line = smol_buf_line(&c->in, len);
		if (*len < max)
			return 1;
	} else {
		c->scanned = held;
		if (held < max)
			return 0;
	}
	c->broken = true;
	return smol_err_set(
	    err, SMOL_E_PROTOCOL, "the guest sent %s longer than %zu bytes", what, max);
}

static int take_ok(struct smol_client *c, struct smol_err *err)
{
	char *line;
	int64_t port;
	size_t len;
	int r = take(c, HANDSHAKE_MAX, "a handshake", &line, &len, err);

	if (r <= 0)
		return r;
	if (strncmp(line, "OK ", 3) != 0 || smol_parse_int(line + 3, 0, UINT32_MAX, &port) < 0) {
		smol_auto_free char *safe = smol_escape(line, len);

		c->broken = true;
		return smol_err_set(
		    err, SMOL_E_PROTOCOL, "the vsock socket answered '%s' and not OK", safe);
	}
	c->connected = true;
	return 1;
}

int smol_client_take_line(struct smol_client *c, char **line, size_t *len, struct smol_err *err)
{
	if (!c->connected) {
		int r = take_ok(c, err);

		if (r <= 0)
			return r;
	}
	return take(c, SMOL_LINE_MAX, "a reply", line, len, err);
}

smol_deadline smol_client_until(const struct smol_client *c, smol_deadline deadline)
{
	return !c->connected && c->dial_deadline < deadline ? c->dial_deadline : deadline;
}

void smol_client_set_patience(struct smol_client *c, int64_t (*more)(void *ctx), void *ctx)
{
	c->more = more;
	c->more_ctx = ctx;
}

int smol_client_too_late(
    struct smol_client *c, smol_deadline *deadline, const char *awaited, struct smol_err *err)
{
	int64_t more = c->more ? c->more(c->more_ctx) : 0;

	if (more > 0) {
		if (!c->connected && c->dial_deadline < *deadline)
			deadline = &c->dial_deadline;
		*deadline = smol_in_ms(more);
		return 0;
	}
	c->broken = true;
	if (!c->connected)
		return smol_err_set(err, SMOL_E_DEADLINE,
		    "the guest did not take the connection to port %u in time", c->addr.port);
	return smol_err_set(err, SMOL_E_DEADLINE, "smolsh's own wait was over before %s", awaited);
}

/* A command may take its time; the wait for its result must not be shorter. */
static smol_deadline patience(const struct smol_request *r, smol_deadline deadline)
{
	int64_t timeout_ms = r->op == SMOL_OP_WAIT ? r->job.timeout_ms : r->exec.timeout_ms;
	smol_deadline least;

	if (r->op != SMOL_OP_WAIT && (r->op != SMOL_OP_EXEC || r->exec.detach))
		return deadline;
	if (!timeout_ms)
		return SMOL_NEVER;
	least = smol_in_ms(timeout_ms + SMOL_IO_MARGIN_MS);
	return deadline > least ? deadline : least;
}

uint64_t smol_client_position(const struct smol_client *c)
{
	return c->position;
}

int smol_client_start(
    struct smol_client *c, const struct smol_exec_request *r, int64_t *job, struct smol_err *err)
{
	struct smol_request q = {.op = SMOL_OP_EXEC, .exec = *r}; /* borrows all of it */
	smol_auto_json cJSON *j = NULL;

	q.exec.detach = true;
	q.exec.stream = false;
	j = smol_client_call(c, &q, smol_in_ms(SMOL_IO_TIMEOUT_MS), err);
	if (!j)
		return -1;
	if (smol_json_int(j, "job", 1, INT64_MAX / 2, job) == 1)
		return 0;
	smol_err_set(err, SMOL_E_UNSUPPORTED,
	    "the guest's agent is older than this smolsh: it knows no detached jobs");
	return smol_err_hint(err, "smolsh image build --force, then restart the VM");
}

int smol_client_begin(struct smol_client *c, const struct smol_request *r, struct smol_err *err)
{
	if (smol_client_queue(c, r, err) < 0)
		return -1;
	smol_client_flush(c);
	return 0;
}

void smol_client_wants(const struct smol_client *c, struct pollfd *p)
{
	*p = (struct pollfd){
	    .fd = c->fd, .events = (short)(POLLIN | (smol_buf_len(&c->out) ? POLLOUT : 0))};
}

int smol_client_step(struct smol_client *c, short revents, cJSON **reply, struct smol_err *err)
{
	char *line;
	size_t len;
	int got;

	smol_client_flush(c);
	if (revents & ~POLLOUT && smol_client_fill(c, ANSWER, err) < 0)
		return -1;
	got = smol_client_take_line(c, &line, &len, err);
	if (got <= 0)
		return got;
	*reply = smol_reply_from_agent(line, len, err);
	return *reply ? 1 : -1;
}

cJSON *smol_client_call(struct smol_client *c, const struct smol_request *r, smol_deadline deadline,
    struct smol_err *err)
{
	cJSON *reply = NULL;

	if (smol_client_begin(c, r, err) < 0)
		return NULL;
	deadline = patience(r, deadline);
	for (short revents = 0;;) {
		struct pollfd p;
		int got = smol_client_step(c, revents, &reply, err), n;

		if (got)
			return got < 0 ? NULL : reply;
		smol_client_wants(c, &p);
		n = poll(&p, 1, smol_poll_ms(smol_client_until(c, deadline)));
		if (n == 0 && smol_client_too_late(c, &deadline, ANSWER, err) < 0)
			return NULL;
		revents = n > 0 ? p.revents : 0;
	}
}
