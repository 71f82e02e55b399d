/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smolsh-vsockd: a virtio socket device for one VM, outside of its hypervisor.
 *
 * Started by the monitor with both of its sockets given (--vhost-fd, --listen-fd), or by a person
 * with paths. This file reads options, makes or takes the sockets and locks the process up. What
 * runs from then on is in serve.c and below; here it is only end_sweeper() and the last line.
 *
 * Sockets with a name are removed by a process that stays outside, in which no guest has a say: the
 * device need not be able to write where they lie, and they go, too, when it is killed.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/bound.h"
#include "vsockd/device.h"
#include "vsockd/isolation.h"
#include "vsockd/log.h"
#include "vsockd/serve.h"

#define DEFAULT_CONNECTIONS 1023u

struct options {
	int vhost_fd, listen_fd, ready_fd, notes_fd;
	const char *vhost_socket, *vhost_connect, *uds_path;
	uint32_t guest_cid, max_connections;
};

static struct smol_vsockd device;

static const char usage[] =
    "Usage: smolsh-vsockd --uds-path PATH --guest-cid CID VHOST [option...]\n"
    "A virtio socket device for one VM, behind vhost-user.\n"
    "\n"
    "VHOST is one of\n"
    "  --vhost-fd N            a connected socket to the hypervisor\n"
    "  --vhost-connect PATH    connect to the hypervisor's listening socket\n"
    "  --vhost-socket PATH     listen there for the hypervisor, again after it went\n"
    "Options\n"
    "  --uds-path PATH         clients connect here and say CONNECT <port>; connections of the\n"
    "                          guest lead to PATH_<port>; its directory becomes the root\n"
    "  --guest-cid CID         3 to 4294967294\n"
    "  --listen-fd N           the socket listening at PATH already\n"
    "  --max-connections N     1 to 65536 (1023)\n"
    "  --table-fd N            a memfd in which open connections are noted; the next device given\n"
    "                          it resets those that this one left\n"
    "  --ready-fd N            gets one byte when the device is ready, another one when the first\n"
    "                          connection is open\n"
    "  --help\n";

/* ---- options ---- */

static int number(
    const char *name, const char *text, uint64_t max, uint64_t *v, struct smol_err *err)
{
	char *end;

	errno = 0;
	*v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || *v > max)
		return smol_err_set(err, SMOL_E_USAGE, "--%s: not a number up to %llu", name,
		    (unsigned long long)max);
	return 0;
}

static const struct option long_options[] = {
    {"vhost-fd", required_argument, NULL, 'v'},
    {"vhost-connect", required_argument, NULL, 'c'},
    {"vhost-socket", required_argument, NULL, 's'},
    {"listen-fd", required_argument, NULL, 'l'},
    {"uds-path", required_argument, NULL, 'u'},
    {"guest-cid", required_argument, NULL, 'g'},
    {"max-connections", required_argument, NULL, 'm'},
    {"ready-fd", required_argument, NULL, 'r'},
    {"table-fd", required_argument, NULL, 't'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int option(struct options *o, int c, const char *name, struct smol_err *err)
{
	uint64_t v = 0;

	switch (c) {
	case 'c':
		o->vhost_connect = optarg;
		return 0;
	case 's':
		o->vhost_socket = optarg;
		return 0;
	case 'u':
		o->uds_path = optarg;
		return 0;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	}
	if (number(name, optarg, c == 'g' || c == 'm' ? UINT32_MAX : 1 << 20, &v, err) < 0)
		return -1;
	switch (c) {
	case 'v':
		o->vhost_fd = (int)v;
		break;
	case 'l':
		o->listen_fd = (int)v;
		break;
	case 'r':
		o->ready_fd = (int)v;
		break;
	case 't':
		o->notes_fd = (int)v;
		break;
	case 'g':
		o->guest_cid = (uint32_t)v;
		break;
	case 'm':
		o->max_connections = (uint32_t)v;
		break;
	}
	return 0;
}

static int parse(struct options *o, int argc, char **argv, struct smol_err *err)
{
	int c, at = 0;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", long_options, &at)) != -1) {
		if (c == '?' || c == ':')
			return smol_err_set(err, SMOL_E_USAGE, "%s: %s; see --help",
			    argv[optind - 1],
			    c == ':' ? "it needs a value" : "not an option of this program");
		if (option(o, c, long_options[at].name, err) < 0)
			return -1;
	}
	if (optind < argc)
		return smol_err_set(
		    err, SMOL_E_USAGE, "%s: only options are taken; see --help", argv[optind]);
	if (!o->uds_path || !o->guest_cid)
		return smol_err_set(
		    err, SMOL_E_USAGE, "--uds-path and --guest-cid are needed; see --help");
	if ((o->vhost_fd >= 0) + !!o->vhost_connect + !!o->vhost_socket != 1)
		return smol_err_set(err, SMOL_E_USAGE,
		    "one of --vhost-fd, --vhost-connect and --vhost-socket is needed; see --help");
	if (o->max_connections == 0 || o->max_connections > SMOL_CONN_MAX)
		return smol_err_set(err, SMOL_E_USAGE, "--max-connections: 1 to %u", SMOL_CONN_MAX);
	return 0;
}

/* ---- wiring ---- */

/* A region that loses its file (the front end truncated it), or a huge page the host does not have:
 * it cannot be served; say so. */
static void on_sigbus(int sig)
{
	static const char text[] = "smolsh-vsockd: guest memory went away\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

static int signals(struct smol_err *err)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, bus = {.sa_handler = on_sigbus};
	sigset_t set;
	int fd;

	sigaction(SIGPIPE, &ignore, NULL);
	/* a front end whose event counter is a file: writing it fails, and that is all */
	sigaction(SIGXFSZ, &ignore, NULL);
	sigaction(SIGBUS, &bus, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : smol_err_errno(err, SMOL_E_IO, errno, "cannot watch signals");
}

static int connect_to(const char *path, struct smol_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return smol_err_set(err, SMOL_E_INVALID,
		    "%s: longer than the %zu bytes of a socket path", path,
		    sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		smol_err_errno(err, SMOL_E_REFUSED, errno, "%s: cannot connect", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* Both are its own from here on: it waits for the end of this process. */
static int start_sweeper(
    struct smol_bound *own, struct smol_bound *front, int *at_end, struct smol_err *err)
{
	struct timeval patience = {.tv_sec = 1};
	int p[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0 ||
	    setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "socketpair");
	switch (fork()) {
	case -1:
		return smol_err_errno(err, SMOL_E_LIMIT, errno, "fork");
	case 0:
		/* a listener that lived on in here would be one that nobody serves */
		dup2(p[1], STDIN_FILENO);
		close_range(STDIN_FILENO + 1, ~0U, 0);
		own->fd = front->fd = -1;
		while (read(STDIN_FILENO, &c, 1) < 0 && errno == EINTR)
			;
		smol_bound_close(own);
		smol_bound_close(front);
		_exit(0);
	}
	close(p[1]);
	*at_end = p[0];
	free(smol_steal(&own->path));
	free(smol_steal(&front->path));
	return 0;
}

/* When this process has ended they are gone. */
static void end_sweeper(int at_end)
{
	char c;

	if (at_end >= 0 && shutdown(at_end, SHUT_WR) == 0 && read(at_end, &c, 1) < 0)
		smol_vsockd_log("the sockets are still to be removed");
}

static int run(const struct options *o, struct smol_err *err)
{
	smol_auto_close int signal_fd = signals(err);
	/* sockets with a name that are ours to remove: of clients, of front ends */
	struct smol_bound own = {.fd = -1}, front = {.fd = -1};
	int at_end = -1;
	struct smol_vsockd_config cfg = {
	    .guest_cid = o->guest_cid,
	    .max_connections = o->max_connections,
	    .uds_path = o->uds_path,
	    .listen_fd = o->listen_fd,
	    .notes_fd = o->notes_fd,
	};
	int vhost = o->vhost_fd, rc;

	if (signal_fd < 0 || smol_vsockd_limit_files(&cfg.max_connections, err) < 0)
		return -1;
	if (strlen(o->uds_path) > SMOL_VSOCKD_UDS_MAX)
		return smol_err_set(err, SMOL_E_INVALID, "%s: a vsock path has at most %u bytes",
		    o->uds_path, SMOL_VSOCKD_UDS_MAX);
	if (o->vhost_connect && (vhost = connect_to(o->vhost_connect, err)) < 0)
		return -1;
	if (cfg.listen_fd < 0) {
		if (smol_bound_listen(&own, o->uds_path, err) < 0)
			return -1;
		cfg.listen_fd = smol_steal_fd(&own.fd);
	}
	if (o->vhost_socket && smol_bound_listen(&front, o->vhost_socket, err) < 0) {
		smol_bound_close(&own);
		return -1;
	}
	if ((own.path || front.path) && start_sweeper(&own, &front, &at_end, err) < 0) {
		smol_bound_close(&own);
		smol_bound_close(&front);
		return -1;
	}
	if (smol_vsockd_init(&device, &cfg, err) < 0 ||
	    smol_vsockd_watch(&device, signal_fd, err) < 0 ||
	    (front.fd >= 0 && smol_vsockd_watch(&device, front.fd, err) < 0) ||
	    (vhost >= 0 && smol_vsockd_attach(&device, vhost, err) < 0) ||
	    smol_vsockd_isolate(device.uds_path, err) < 0)
		rc = -1;
	else
		rc = smol_vsockd_serve(&device,
		    &(struct smol_serve){
			.signal_fd = signal_fd, .front_fd = front.fd, .ready_fd = o->ready_fd},
		    err);
	end_sweeper(at_end);
	return rc;
}

int main(int argc, char **argv)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct options o = {.vhost_fd = -1,
	    .listen_fd = -1,
	    .ready_fd = -1,
	    .notes_fd = -1,
	    .max_connections = DEFAULT_CONNECTIONS};

	if (parse(&o, argc, argv, &err) == 0 && run(&o, &err) == 0)
		return 0;
	smol_vsockd_log("%s", err.msg ? err.msg : "failed");
	return err.code == SMOL_E_USAGE ? 2 : 1;
}
