/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fc-sim, a simulator of Firecracker for tests: its command line, its API on a Unix socket, and
 * behind it a real guest under QEMU. This file reads the options, owns the connections and ends the
 * process when the guest does; the rules are in api.c, the guest in guest.c, the faults that a test
 * asks for in fault.h.
 *
 * What differs from Firecracker: the machine is QEMU's, and emulated: its microvm with virtio-mmio
 * devices that ACPI tells of, as Firecracker has them, where FC_SIM_MACHINE=microvm, else its q35
 * with PCI devices, which can be saved and has a keyboard; rate limiters, MMDS, hot-plug, CPU
 * templates and metrics do nothing; there is no jail. The same as there: the order of requests, the
 * JSON that is taken, a vsock socket that is bound at PUT /vsock and left behind, an API socket
 * that is left behind, log lines on standard output until a file is named, a guest that reboots
 * ending the process with 0, one that powers off not.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/spawn.h"
#include "tests/fcsim/http.h"
#include "tests/fcsim/sim.h"

#define CONNECTIONS_MAX 10 /* as Firecracker has it */
#define TEN_MB		(10 << 20)

struct connection {
	int fd; /* -1: free */
	struct smol_buf in, out;
	/* What of out is behind `held` bytes goes once the time has come. */
	size_t held; /* bytes at out's end */
	smol_deadline until;
	bool close_after, die_after;
};

struct server {
	struct sim sim;
	int listen_fd; /* -1: never opened */
	struct connection conns[CONNECTIONS_MAX];
};

/* ---- the log ---- */

bool sim_level_is_quiet(const char *level)
{
	return strcasecmp(level, "Warning") == 0 || strcasecmp(level, "Error") == 0 ||
	       strcasecmp(level, "Off") == 0;
}

void sim_log(const struct sim *s, enum sim_level level, const char *fmt, ...)
{
	smol_auto_free char *text = NULL;
	char when[32];
	va_list ap;

	if (level == SIM_INFO && s->quiet)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	smol_wall_text(smol_wall_ms(), when);
	dprintf(s->log_fd, "%.23s [%s:fc-sim:%s] %s\n", when, s->id,
	    level == SIM_INFO ? "INFO" : "ERROR", text);
}

int sim_log_to(struct sim *s, const char *path, struct smol_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", path);
	if (s->log_fd != STDOUT_FILENO)
		close(s->log_fd);
	s->log_fd = fd;
	return 0;
}

/* ---- connections ---- */

static void drop(struct connection *c)
{
	close(c->fd);
	smol_buf_free(&c->in);
	smol_buf_free(&c->out);
	*c = (struct connection){.fd = -1};
}

/* The answer, as it is or as the fault has it. */
static void put_answer(struct connection *c, const struct fault *f, bool hit, struct answer *a)
{
	const char *body = smol_buf_len(&a->body) ? smol_buf_str(&a->body) : NULL;
	size_t n = smol_buf_len(&a->body);
	smol_auto_buf struct smol_buf big = {0};

	switch (hit ? f->name : FAULT_NONE) {
	case FAULT_RUBBISH:
		smol_buf_puts(&c->out, "\026\003\001 220 smtp.example ESMTP\r\n\r\n");
		c->close_after = true;
		return;
	case FAULT_NO_JSON:
		http_answer(&c->out, 400, "<h1>Bad Request</h1>", 20);
		return;
	case FAULT_TEN_MB:
		smol_buf_puts(&big, "{\"fault_message\":\"");
		memset(smol_buf_reserve(&big, TEN_MB), 'x', TEN_MB);
		smol_buf_commit(&big, TEN_MB);
		smol_buf_puts(&big, "\"}");
		http_answer(&c->out, 400, smol_buf_str(&big), smol_buf_len(&big));
		return;
	case FAULT_LENGTH_LONG:
		http_answer(&c->out, 400, "{\"fault_message\":\"cut", 4096);
		return;
	case FAULT_LENGTH_SHORT:
		http_answer(
		    &c->out, 400, "{\"fault_message\":\"cut short by its own length\"}", 20);
		return;
	default:
		http_answer(&c->out, a->status, body, n);
	}
}

static void hold(struct connection *c, size_t before, const struct fault *f)
{
	size_t n = smol_buf_len(&c->out) - before;

	if (f->name == FAULT_SLOW)
		c->held = n;
	else if (f->name == FAULT_HALVES || f->name == FAULT_HALF)
		c->held = n / 2;
	else
		return;
	c->until = f->name == FAULT_HALF ? SMOL_NEVER : smol_in_ms(f->ms);
}

static void serve(struct server *sv, struct connection *c, struct http_request *r)
{
	struct sim *s = &sv->sim;
	struct answer a = {0};
	bool hit = fault_at(&s->fault, s->fault.name, r->method, r->path);
	size_t before = smol_buf_len(&c->out);

	sim_log(s, SIM_INFO, "The API server received a %s request on \"%s\".", r->method, r->path);
	if (hit && s->fault.name == FAULT_DIES_AT) {
		sim_log(s, SIM_ERROR, "fc-sim was told to end at this request");
		exit(1);
	}
	if (hit && s->fault.name == FAULT_HANGS)
		return;
	if (hit && s->fault.name == FAULT_REFUSES) {
		a.status = 400;
		smol_buf_puts(&a.body, "{\"fault_message\":\"fc-sim was told to refuse this.\"}");
	} else {
		api_serve(s, r->method, r->path, r->body, r->body_len, &a);
	}
	if (a.status != 204 && a.status != 200)
		sim_log(s, SIM_ERROR, "%s", smol_buf_str(&a.body));
	put_answer(c, &s->fault, hit, &a);
	if (hit)
		hold(c, before, &s->fault);
	c->die_after = s->broken || (hit && s->fault.name == FAULT_DIES_AFTER);
	smol_buf_free(&a.body);
}

static void requests(struct server *sv, struct connection *c)
{
	static const char unreadable[] = "{\"error\":\"the request cannot be read\"}";
	struct http_request r;

	for (;;) {
		enum http_took took = http_take(&c->in, &r);

		if (took == HTTP_MORE)
			return;
		if (took == HTTP_REQUEST) {
			serve(sv, c, &r);
			http_request_free(&r);
			continue;
		}
		/* As there: an "error", no fault_message. */
		http_answer(
		    &c->out, took == HTTP_BAD ? 400 : 413, unreadable, sizeof(unreadable) - 1);
		c->close_after = true;
		return;
	}
}

static size_t sendable(const struct connection *c)
{
	size_t n = smol_buf_len(&c->out);

	return c->held && smol_poll_ms(c->until) != 0 ? n - c->held : n;
}

static void flush(struct connection *c)
{
	size_t n = sendable(c);
	ssize_t w = n ? send(c->fd, smol_buf_head(&c->out), n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

	if (w < 0 && errno != EAGAIN && errno != EINTR) {
		drop(c);
		return;
	}
	if (w > 0)
		smol_buf_consume(&c->out, (size_t)w);
	if (smol_buf_len(&c->out) == 0) {
		c->held = 0;
		if (c->die_after)
			exit(1);
		if (c->close_after)
			drop(c);
	}
}

static void readable(struct server *sv, struct connection *c)
{
	ssize_t n = read(c->fd, smol_buf_reserve(&c->in, 65536), 65536);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	smol_buf_commit(&c->in, (size_t)n);
	requests(sv, c);
}

static void admit(struct server *sv)
{
	int fd = accept4(sv->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (sv->conns[i].fd < 0) {
			sv->conns[i].fd = fd;
			return;
		}
	close(fd);
}

/* ---- the loop ---- */

enum { P_LISTEN, P_QMP, P_QEMU, P_DEVICE, P_CONNS };

static int wait_for(struct server *sv, struct pollfd *p)
{
	struct sim *s = &sv->sim;
	smol_deadline next = SMOL_NEVER;

	p[P_LISTEN] = (struct pollfd){.fd = sv->listen_fd, .events = POLLIN};
	p[P_QMP] = (struct pollfd){.fd = s->qmp, .events = POLLIN};
	p[P_QEMU] = (struct pollfd){.fd = s->qemu.pid ? s->qemu.pidfd : -1, .events = POLLIN};
	p[P_DEVICE] = (struct pollfd){.fd = s->device.pid ? s->device.pidfd : -1, .events = POLLIN};
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &sv->conns[i];

		p[P_CONNS + i] = (struct pollfd){.fd = c->fd, .events = POLLIN};
		if (c->fd >= 0 && sendable(c))
			p[P_CONNS + i].events |= POLLOUT;
		else if (c->fd >= 0 && c->held && c->until < next)
			next = c->until;
	}
	return poll(p, P_CONNS + CONNECTIONS_MAX, smol_poll_ms(next));
}

/* The exit code of a process whose guest has ended, or -1: it has not. */
static int guest_over(struct server *sv, const struct pollfd *p)
{
	struct sim *s = &sv->sim;

	/* Even where QEMU is gone: its last event says why. */
	if (p[P_QMP].revents || p[P_QEMU].revents)
		guest_events(s);
	if (s->rebooted) {
		sim_log(s, SIM_INFO,
		    "The guest has rebooted: Firecracker exiting successfully. exit_code=0");
		api_flush_metrics(s);
		guest_end(s);
		return 0;
	}
	if (p[P_QEMU].revents || p[P_DEVICE].revents) {
		sim_log(s, SIM_ERROR, "fc-sim: %s has ended",
		    p[P_QEMU].revents ? "QEMU" : "smolsh-vsockd");
		fprintf(
		    stderr, "fc-sim: %s has ended\n", p[P_QEMU].revents ? "QEMU" : "smolsh-vsockd");
		guest_end(s);
		return 1;
	}
	return -1;
}

static int loop(struct server *sv)
{
	struct pollfd p[P_CONNS + CONNECTIONS_MAX];

	for (;;) {
		int code;

		if (wait_for(sv, p) < 0 && errno != EINTR)
			return 1;
		code = guest_over(sv, p);
		if (code >= 0)
			return code;
		if (p[P_LISTEN].revents)
			admit(sv);
		for (int i = 0; i < CONNECTIONS_MAX; i++) {
			struct connection *c = &sv->conns[i];

			if (c->fd >= 0 && c->fd == p[P_CONNS + i].fd && p[P_CONNS + i].revents)
				readable(sv, c);
			if (c->fd >= 0)
				flush(c);
		}
	}
}

/* ---- starting ---- */

static int open_api_socket(const char *path, struct smol_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	smol_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(sa.sun_path))
		return smol_err_set(err, SMOL_E_INVALID, "%s: too long for a socket", path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 128) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot listen at %s", path);
	return smol_steal_fd(&fd);
}

/* smolsh-vsockd is where FC_SIM_VSOCKD says, or at the top of the build tree that this is in. */
static char *find_vsockd(void)
{
	const char *set = getenv("FC_SIM_VSOCKD");
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (set)
		return smol_strdup(set);
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	return smol_asprintf("%s/../../smolsh-vsockd", self);
}

struct options {
	const char *api_sock, *id, *log_path, *level;
	bool version;
};

static int parse(struct options *o, int argc, char **argv, struct smol_err *err)
{
	static const struct option known[] = {{"api-sock", required_argument, NULL, 'a'},
	    {"id", required_argument, NULL, 'i'}, {"log-path", required_argument, NULL, 'l'},
	    {"metrics-path", required_argument, NULL, 0}, {"version", no_argument, NULL, 'v'},
	    {"level", required_argument, NULL, 'e'}, {"module", required_argument, NULL, 0},
	    {"show-level", no_argument, NULL, 0}, {"show-log-origin", no_argument, NULL, 0},
	    {"no-seccomp", no_argument, NULL, 0}, {"boot-timer", no_argument, NULL, 0},
	    {"enable-pci", no_argument, NULL, 0}, {"start-time-us", required_argument, NULL, 0},
	    {"start-time-cpu-us", required_argument, NULL, 0},
	    {"parent-cpu-time-us", required_argument, NULL, 0},
	    {"http-api-max-payload-size", required_argument, NULL, 0}, {NULL, 0, NULL, 0}};
	int c;

	*o = (struct options){.api_sock = "/run/firecracker.socket", .id = "anonymous-instance"};
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == '?')
			return smol_err_set(err, SMOL_E_USAGE,
			    "Arguments parsing error: '%s' is not known", argv[optind - 1]);
		if (c == 'a')
			o->api_sock = optarg;
		else if (c == 'i')
			o->id = optarg;
		else if (c == 'l')
			o->log_path = optarg;
		else if (c == 'e')
			o->level = optarg;
		else if (c == 'v')
			o->version = true;
	}
	if (optind < argc)
		return smol_err_set(
		    err, SMOL_E_USAGE, "Arguments parsing error: '%s' is not known", argv[optind]);
	return 0;
}

static int begin(struct server *sv, const struct options *o, struct smol_err *err)
{
	struct sim *s = &sv->sim;
	cJSON *machine = cJSON_AddObjectToObject(s->config, "machine-config");
	const char *kind = getenv("FC_SIM_MACHINE");

	smol_json_add_int(machine, "vcpu_count", 1);
	smol_json_add_int(machine, "mem_size_mib", 128);
	smol_json_add_bool(machine, "smt", false);
	smol_json_add_bool(machine, "track_dirty_pages", false);
	s->id = o->id;
	s->mmio = kind && strcmp(kind, "microvm") == 0;
	s->quiet = o->level && sim_level_is_quiet(o->level);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		sv->conns[i].fd = -1;
	if (fault_parse(getenv("FC_SIM_FAULT"), &s->fault, err) < 0 ||
	    (o->log_path && sim_log_to(s, o->log_path, err) < 0))
		return -1;
	sim_log(s, SIM_INFO, "Running Firecracker v%s (fc-sim, a simulator)", s->version);
	if (s->fault.name == FAULT_EXITS)
		return smol_err_set(err, SMOL_E_INTERNAL, "fc-sim was told to end");
	s->api = openapi_open(FCSIM_YAML, err);
	if (!s->api)
		return -1;
	sv->listen_fd = -1;
	if (s->fault.name == FAULT_NO_SOCKET)
		return 0;
	sv->listen_fd = open_api_socket(o->api_sock, err);
	return sv->listen_fd < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	static struct server sv = {.sim = {.log_fd = STDOUT_FILENO,
				       .metrics_fd = -1,
				       .kernel_fd = -1,
				       .initrd_fd = -1,
				       .vsock_fd = -1,
				       .qmp = -1,
				       .mem_fd = -1,
				       .vhost_fd = -1}};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	const char *version = getenv("FC_SIM_VERSION");
	struct options o;

	sv.sim.version = version ? version : "1.12.1";
	if (parse(&o, argc, argv, &err) < 0) {
		fprintf(stderr, "Error: %s\n", err.msg);
		return 153;
	}
	if (o.version) {
		printf("Firecracker v%s\n\n", sv.sim.version);
		return 0;
	}
	smol_auto_free char *vsockd = find_vsockd();
	sv.sim.vsockd = vsockd;
	sv.sim.config = cJSON_CreateObject();
	if (begin(&sv, &o, &err) < 0) {
		sim_log(&sv.sim, SIM_ERROR, "Error: %s", err.msg);
		fprintf(stderr, "Error: %s\n", err.msg);
		return 1;
	}
	return loop(&sv);
}
