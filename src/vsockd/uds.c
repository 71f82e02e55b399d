/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Purpose: listener, handshake and outgoing connections on the host's side.
 *
 * Invariant: of a client's bytes, the handshake takes those up to its newline and not one more
 * (they are peeked at first). The rest stays in the socket until the guest has answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vsockd/log.h"
#include "vsockd/uds.h"

#define ACCEPT_BATCH	64
#define DIAL_WAIT_MS	10u
#define DIAL_TRIES	200u
#define ACCEPT_PAUSE_MS 1000u

int64_t smol_uds_parse(const char *line, unsigned len)
{
	static const char word[] = "CONNECT ";
	const unsigned skip = sizeof(word) - 1;
	uint64_t port = 0;

	if (len <= skip || len > skip + 10 || memcmp(line, word, skip) != 0)
		return -1;
	for (unsigned i = skip; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return -1;
		port = port * 10 + (uint64_t)(line[i] - '0');
	}
	return port >= SMOL_VSOCK_PORT_ANY ? -1 : (int64_t)port;
}

/* No descriptor to accept with: use the one kept for this, so that the client learns of it and
 * the listener does not stay readable. False: nobody was there, which accept4() cannot tell without
 * a descriptor. */
static bool refuse_with_reserve(struct smol_vsockd *d)
{
	int fd;

	if (d->reserve_fd >= 0)
		close(d->reserve_fd);
	fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	d->reserve_fd = fcntl(d->epfd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0;
}

static void pause_listener(struct smol_vsockd *d)
{
	if (d->listening)
		epoll_ctl(d->epfd, EPOLL_CTL_DEL, d->listen_fd, NULL);
	d->listening = false;
	d->listen_again = smol_vsockd_now() + ACCEPT_PAUSE_MS;
}

void smol_uds_listen_again(struct smol_vsockd *d)
{
	d->listen_again = 0;
	d->listening =
	    smol_vsockd_add(d, d->listen_fd, EPOLLIN, smol_vsockd_token(SMOL_TAG_LISTEN)) == 0;
	if (!d->listening)
		pause_listener(d);
}

static void refused(struct smol_vsockd *d, const char *why)
{
	if (smol_vsockd_seldom(&d->stats.refused))
		smol_vsockd_log(
		    "client refused: %s (%llu so far)", why, (unsigned long long)d->stats.refused);
}

/* Have the socket hold a whole window of the guest's, so that what it sends at once is passed on at
 * once; without, it would be copied into our buffer first. What the system's limit leaves of it
 * does as well. */
static void enlarge(int fd)
{
	int window = SMOL_CONN_BUF;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &window, sizeof(window)) < 0)
		return;
}

void smol_uds_accept(struct smol_vsockd *d)
{
	for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct smol_conn *c;

		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 && errno == EMFILE && d->reserve_fd >= 0) {
			if (!refuse_with_reserve(d))
				return;
			refused(d, "no descriptor is free");
			continue;
		}
		if (fd < 0) {
			/* the system lacks something; asking again at once would be a busy loop */
			pause_listener(d);
			return;
		}
		enlarge(fd);
		c = smol_conn_new(&d->conns, fd);
		if (!c) {
			close(fd);
			refused(d, "all connections are in use");
			continue;
		}
		smol_vsockd_deadline(d, c, SMOL_VSOCKD_HANDSHAKE_MS);
		smol_uds_handshake(d, c);
		/* Most clients are served without another look at the listener; for the others it
		 * is still readable. */
		return;
	}
}

static void request(struct smol_vsockd *d, struct smol_conn *c, uint32_t guest_port)
{
	smol_conn_hash(&d->conns, c, guest_port, smol_conn_port(&d->conns, guest_port));
	c->state = SMOL_CONN_REQUESTED;
	c->due = SMOL_DUE_REQUEST;
	/* what follows the line was not read; whether there is any will be seen */
	c->readable = true;
	smol_vsockd_deadline(d, c, SMOL_VSOCKD_HANDSHAKE_MS);
	smol_vsockd_queue(d, c);
}

void smol_uds_handshake(struct smol_vsockd *d, struct smol_conn *c)
{
	for (;;) {
		size_t room = SMOL_CONN_LINE - c->line_len;
		char *at = c->line + c->line_len, *nl;
		ssize_t n = room ? recv(c->fd, at, room, MSG_PEEK) : 0;
		int64_t port;

		if (n < 0 && errno == EINTR)
			continue;
		/* Only a client that makes us wait is watched before the guest has answered; bytes
		 * that came meanwhile are reported when it is added. */
		if (n < 0 && errno == EAGAIN && smol_vsockd_watch_conn(d, c) == 0)
			return;
		/* closed, failed, or a line that is too long */
		if (n <= 0)
			break;
		nl = memchr(at, '\n', (size_t)n);
		if (nl)
			n = nl - at + 1;
		n = recv(c->fd, at, (size_t)n, 0);
		if (n <= 0)
			break;
		c->line_len = (uint8_t)(c->line_len + n);
		if (!nl)
			continue;
		port = smol_uds_parse(c->line, c->line_len - 1u);
		if (port < 0)
			break;
		request(d, c, (uint32_t)port);
		return;
	}
	smol_vsockd_drop(d, c);
}

int smol_uds_ok(struct smol_conn *c)
{
	char line[24];
	int n = snprintf(line, sizeof(line), "OK %u\n", c->host_port);

	/* Nothing was written to this socket yet: a line this short always fits. */
	return send(c->fd, line, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -1;
}

void smol_uds_dial(struct smol_vsockd *d, struct smol_conn *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	/* uds_path is at most SMOL_VSOCKD_UDS_MAX bytes: it fits */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s_%u", d->uds_path, c->host_port);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
	    smol_vsockd_watch_conn(d, c) == 0) {
		c->state = SMOL_CONN_OPEN;
		d->stats.opened++;
		c->due |= SMOL_DUE_RESPONSE;
		c->deadline = 0;
		c->readable = true;
		enlarge(c->fd);
		smol_vsockd_queue(d, c);
		return;
	}
	/* A full backlog is the one failure that passes; a Unix socket cannot be waited on for it.
	 */
	if (c->fd >= 0 && errno == EAGAIN && ++c->tries < DIAL_TRIES) {
		smol_conn_close_fd(c);
		smol_vsockd_deadline(d, c, DIAL_WAIT_MS);
		return;
	}
	smol_vsockd_retire(d, c, true);
}
