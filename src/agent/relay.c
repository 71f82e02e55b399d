/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ports of the guest: see relay.h. A relay owns its plain socket; its framed side is the
 * connection's, whose buffers it took over when it began.
 */
#include "agent/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/conn.h"
#include "base/auto.h"
#include "base/bound.h"
#include "proto/frame.h"
#include "proto/relay.h"

struct smol_agent_relay {
	struct smol_watch plain;
	struct smol_timer timer; /* while it connects */
	struct smol_relay relay;
	struct smol_conn *conn;
	bool connecting;
};

/* Accepted, and waiting to be fetched. */
struct waiting {
	struct waiting *next;
	int64_t id;
	int fd;
	smol_deadline until;
};

struct smol_agent_listener {
	struct smol_watch watch;
	struct smol_bound bound; /* a Unix socket: what watch.fd is */
	struct smol_timer timer; /* for the oldest that waits */
	struct smol_conn *conn;
	struct smol_agent_listener *next, **link; /* the server's list */
	struct waiting *waiting;
	int nwaiting;
};

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static int parse_address(
    const struct smol_relay_request *q, union address *a, socklen_t *len, struct smol_err *err)
{
	const char *host = q->host ? q->host : "127.0.0.1";

	memset(a, 0, sizeof(*a));
	if (q->path) {
		if (strlen(q->path) >= sizeof(a->un.sun_path))
			return smol_err_set(
			    err, SMOL_E_INVALID, "the path is too long for a socket");
		a->un.sun_family = AF_UNIX;
		memcpy(a->un.sun_path, q->path, strlen(q->path));
		*len = sizeof(a->un);
		return 0;
	}
	if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons((uint16_t)q->port);
		*len = sizeof(a->in);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)q->port);
		*len = sizeof(a->in6);
		return 0;
	}
	return smol_err_set(err, SMOL_E_INVALID, "the host must be an IP address");
}

static enum smol_code code_of(int errnum)
{
	return errnum == ECONNREFUSED || errnum == ENOENT || errnum == ETIMEDOUT ||
		       errnum == EHOSTUNREACH || errnum == ENETUNREACH
		   ? SMOL_E_REFUSED
		   : SMOL_E_IO;
}

static void relay_free(struct smol_agent_relay *a)
{
	struct smol_loop *loop = &a->conn->server->loop;

	smol_timer_stop(&a->timer);
	smol_loop_close_watch(loop, &a->plain);
	smol_relay_free(&a->relay);
	a->conn->relay = NULL;
	a->conn->server->nrelays--;
	smol_loop_free_later(loop, a);
}

/* It did not come about: the connection goes on as before. */
static void refuse(struct smol_agent_relay *a, int errnum)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_conn *c = a->conn;

	smol_err_errno(&err, code_of(errnum), errnum, "cannot connect in the guest");
	relay_free(a);
	c->state = SMOL_CONN_IDLE;
	smol_conn_fail(c, &err);
	smol_server_mark(c->server, c);
}

static void on_plain(struct smol_watch *w, uint32_t events)
{
	struct smol_agent_relay *a = smol_container(w, struct smol_agent_relay, plain);

	(void)events;
	smol_server_mark(a->conn->server, a->conn);
}

static void on_late(struct smol_timer *t)
{
	struct smol_agent_relay *a = smol_container(t, struct smol_agent_relay, timer);

	if (a->connecting)
		refuse(a, ETIMEDOUT);
}

/* From here on the connection's bytes are the relay's; what it has read already comes first. */
static void begin(struct smol_agent_relay *a)
{
	static const char ok[] = "{\"ok\":true}\n";
	struct smol_conn *c = a->conn;

	a->connecting = false;
	smol_timer_stop(&a->timer);
	smol_conn_watch_out(c); /* the relay sends by itself */
	smol_relay_init(&a->relay, a->plain.fd, c->watch.fd);
	smol_buf_append(&a->relay.out, smol_buf_len(&c->out) ? smol_buf_head(&c->out) : "",
	    smol_buf_len(&c->out));
	smol_buf_clear(&c->out);
	smol_buf_append(&a->relay.out, ok, sizeof(ok) - 1);
	if (smol_buf_len(&c->in))
		smol_relay_prime(&a->relay, smol_buf_head(&c->in), smol_buf_len(&c->in));
	smol_buf_clear(&c->in);
	smol_server_mark(c->server, c);
}

static struct smol_agent_relay *relay_new(struct smol_conn *c, int fd, struct smol_err *err)
{
	struct smol_agent_relay *a = smol_alloc(sizeof(*a));

	a->conn = c;
	a->plain = (struct smol_watch){.fd = fd, .fn = on_plain};
	a->timer.fn = on_late;
	if (smol_loop_add(&c->server->loop, &a->plain, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) <
	    0) {
		smol_err_errno(err, SMOL_E_LIMIT, errno, "epoll");
		close(fd);
		free(a);
		return NULL;
	}
	c->relay = a;
	c->state = SMOL_CONN_RELAY;
	smol_conn_grow(c);
	c->server->nrelays++;
	return a;
}

/* Relays are connections, which they must not take all of: what is asked of the agent itself, above
 * all to stop, needs some. */
static int check_room(const struct smol_server *s, struct smol_err *err)
{
	int most = (int)s->cfg->limits.connections;

	most -= most / 4 < SMOL_RELAY_SPARE ? most / 4 : SMOL_RELAY_SPARE;
	if (s->nrelays < most)
		return 0;
	return smol_err_set(err, SMOL_E_LIMIT_CONNECTIONS,
	    "too many relays at once (limit connections, of which they may have %d)", most);
}

static int start_connect(
    struct smol_conn *c, const struct smol_relay_request *q, struct smol_err *err)
{
	struct smol_agent_relay *a;
	union address to;
	socklen_t len;
	int fd;

	if (check_room(c->server, err) < 0 || parse_address(q, &to, &len, err) < 0)
		return -1;
	fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return smol_err_errno(err, SMOL_E_LIMIT, errno, "socket");
	if (connect(fd, &to.sa, len) < 0 && errno != EINPROGRESS) {
		int failed = errno;

		close(fd);
		return smol_err_errno(err, code_of(failed), failed, "cannot connect in the guest");
	}
	a = relay_new(c, fd, err);
	if (!a)
		return -1;
	a->connecting = true;
	smol_timer_set(&c->server->loop, &a->timer, SMOL_RELAY_CONNECT_MS);
	smol_server_mark(c->server, c);
	return 0;
}

/* Has connect() come to an end? True when the relay has begun; refused, it is gone. */
static bool has_connected(struct smol_agent_relay *a)
{
	struct pollfd p = {.fd = a->plain.fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int failed = 0;

	if (poll(&p, 1, 0) <= 0)
		return false;
	if (getsockopt(a->plain.fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0)
		failed = errno;
	if (failed) {
		refuse(a, failed);
		return false;
	}
	begin(a);
	return true;
}

/* Behind what waits: a part of a frame may have gone out. */
static void say_broken(struct smol_conn *c, const struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_reply_failure(err);
	smol_auto_free char *text = smol_json_print(j);
	const struct smol_buf *waits = &c->relay->relay.out;

	if (smol_buf_len(waits))
		smol_buf_append(&c->out, smol_buf_head(waits), smol_buf_len(waits));
	smol_conn_frame(c, SMOL_FRAME_ERROR, 0, text, strlen(text));
}

static void serve_relay(struct smol_conn *c)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_agent_relay *a = c->relay;
	struct pollfd p[2];
	int rc;

	if (a->connecting && !has_connected(a))
		return;
	rc = smol_relay_run(&a->relay, &err);
	if (rc < 0 && err.code == SMOL_E_PROTOCOL)
		say_broken(c, &err);
	if (rc <= 0) {
		relay_free(a);
		c->state = SMOL_CONN_IDLE; /* so that what is left in its buffer goes out */
		smol_conn_finish(c);
		return;
	}
	/* Edges have been used up: is there more to be moved right now? */
	smol_relay_wants(&a->relay, &p[0].events, &p[1].events);
	/* What nobody looks at now would report its error again and again. */
	p[0].fd = p[0].events ? a->plain.fd : -1;
	p[1].fd = p[1].events ? c->watch.fd : -1;
	if (poll(p, 2, 0) > 0) {
		smol_server_mark(c->server, c);
		c->server->loop.again = true;
	}
}

/* ---- listeners ---- */

static void forget_waiting(struct smol_agent_listener *l, struct waiting **w)
{
	struct waiting *gone = *w;

	*w = gone->next;
	close(gone->fd);
	free(gone);
	l->nwaiting--;
}

static void arm(struct smol_agent_listener *l)
{
	struct smol_loop *loop = &l->conn->server->loop;
	int64_t left;

	smol_timer_stop(&l->timer);
	if (!l->waiting)
		return;
	left = l->waiting->until - smol_loop_now(loop);
	smol_timer_set(loop, &l->timer, left > 0 ? left : 0);
}

static void on_unfetched(struct smol_timer *t)
{
	struct smol_agent_listener *l = smol_container(t, struct smol_agent_listener, timer);
	int64_t now = smol_loop_now(&l->conn->server->loop);

	while (l->waiting && l->waiting->until <= now)
		forget_waiting(l, &l->waiting);
	arm(l);
}

static void on_accept(struct smol_watch *w, uint32_t events)
{
	struct smol_agent_listener *l = smol_container(w, struct smol_agent_listener, watch);
	struct smol_server *s = l->conn->server;
	int fd;

	(void)events;
	while ((fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct waiting *n, **end = &l->waiting;
		cJSON *note;

		if (l->nwaiting >= SMOL_RELAY_WAITING || !smol_conn_has_room(l->conn)) {
			close(fd);
			continue;
		}
		n = smol_alloc(sizeof(*n));
		n->fd = fd;
		n->id = ++s->accepted_id;
		n->until = smol_loop_now(&s->loop) + SMOL_RELAY_FETCH_MS;
		while (*end)
			end = &(*end)->next;
		*end = n;
		l->nwaiting++;
		note = cJSON_CreateObject();
		smol_json_add_int(note, "accepted", n->id);
		smol_conn_reply(l->conn, note);
	}
	arm(l);
	smol_server_mark(s, l->conn);
}

/* A Unix socket goes with its name. */
static void close_listener(struct smol_agent_listener *l)
{
	l->bound.fd = -1;
	smol_bound_close(&l->bound);
	smol_loop_close_watch(&l->conn->server->loop, &l->watch);
}

static int listen_at(const struct smol_relay_request *q, struct smol_bound *bound, int64_t *port,
    struct smol_err *err)
{
	smol_auto_close int fd = -1;
	union address at;
	socklen_t len;
	int one = 1;

	if (parse_address(q, &at, &len, err) < 0)
		return -1;
	if (q->path)
		return smol_bound_listen(bound, q->path, err) < 0 ? -1 : bound->fd;
	fd = socket(at.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return smol_err_errno(err, SMOL_E_LIMIT, errno, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &at.sa, len) < 0 || listen(fd, SMOL_BOUND_BACKLOG) < 0 ||
	    getsockname(fd, &at.sa, &len) < 0)
		return smol_err_errno(err, errno == EADDRINUSE ? SMOL_E_EXISTS : SMOL_E_IO, errno,
		    "cannot listen in the guest");
	*port = ntohs(at.sa.sa_family == AF_INET ? at.in.sin_port : at.in6.sin6_port);
	return smol_steal_fd(&fd);
}

static int start_listen(
    struct smol_conn *c, const struct smol_relay_request *q, struct smol_err *err)
{
	struct smol_server *s = c->server;
	struct smol_agent_listener *l = smol_alloc(sizeof(*l));
	int64_t port = 0;
	cJSON *reply;

	l->conn = c;
	l->timer.fn = on_unfetched;
	l->bound.fd = -1;
	l->watch = (struct smol_watch){.fd = listen_at(q, &l->bound, &port, err), .fn = on_accept};
	if (l->watch.fd < 0) {
		free(l);
		return -1;
	}
	if (smol_loop_add(&s->loop, &l->watch, EPOLLIN) < 0) {
		smol_err_errno(err, SMOL_E_LIMIT, errno, "epoll");
		close_listener(l);
		free(l);
		return -1;
	}
	l->next = s->listeners;
	if (l->next)
		l->next->link = &l->next;
	l->link = &s->listeners;
	s->listeners = l;
	c->guest_listener = l;
	c->state = SMOL_CONN_LISTENER;
	reply = cJSON_CreateObject();
	smol_json_add_bool(reply, "ok", true);
	if (port)
		smol_json_add_int(reply, "port", port);
	smol_conn_reply(c, reply);
	return 0;
}

static int start_accept(struct smol_conn *c, int64_t id, struct smol_err *err)
{
	for (struct smol_agent_listener *l = c->server->listeners; l; l = l->next)
		for (struct waiting **w = &l->waiting; *w; w = &(*w)->next) {
			struct smol_agent_relay *a;
			int fd;

			if ((*w)->id != id)
				continue;
			fd = fcntl((*w)->fd, F_DUPFD_CLOEXEC, 0);
			forget_waiting(l, w);
			arm(l);
			if (fd < 0)
				return smol_err_errno(err, SMOL_E_LIMIT, errno, "no descriptor");
			if (check_room(c->server, err) < 0) {
				close(fd);
				return -1;
			}
			a = relay_new(c, fd, err);
			if (!a)
				return -1;
			begin(a);
			return 0;
		}
	return smol_err_set(err, SMOL_E_NOT_FOUND, "no connection with that id waits");
}

int smol_relay_start(struct smol_conn *c, const struct smol_request *r, struct smol_err *err)
{
	switch (r->op) {
	case SMOL_OP_CONNECT:
		return start_connect(c, &r->relay, err);
	case SMOL_OP_LISTEN:
		return start_listen(c, &r->relay, err);
	default:
		return start_accept(c, r->relay.id, err);
	}
}

void smol_relay_serve(struct smol_conn *c)
{
	if (c->relay)
		serve_relay(c);
}

void smol_relay_abandon(struct smol_conn *c)
{
	struct smol_agent_listener *l = c->guest_listener;

	if (c->relay)
		relay_free(c->relay);
	if (!l)
		return;
	while (l->waiting)
		forget_waiting(l, &l->waiting);
	smol_timer_stop(&l->timer);
	close_listener(l);
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	c->guest_listener = NULL;
	smol_loop_free_later(&c->server->loop, l);
}
