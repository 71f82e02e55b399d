/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Firecracker: its process, and what is said to it over its API (fc_api.c) in which order
 * (fc_request.c). Its console is its standard input and output, its log and its metrics come
 * through FIFOs that are gone from the file system once it has opened them, its initramfs is a
 * descriptor. It binds the vsock's socket itself.
 *
 * control_fd is an epoll descriptor: the API's, and both FIFOs'. The FIFOs are open for writing
 * here too, so that they are readable only when something has been written.
 */
#include "backend/firecracker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backend/fc_api.h"
#include "backend/fc_jail.h"
#include "base/auto.h"
#include "base/bound.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/spawn.h"

enum { FD_INITRD = 3, FD__COUNT };

#define INITRD_PATH "/proc/self/fd/3"

/*
 * Deadlines, in ms. Firecracker opens its socket within 20 ms and answers most requests within 1;
 * the rest is for a host that is busy. A start reads kernel and initramfs, and prepares memory.
 */
#define UP_MS	    10000
#define REQUEST_MS  5000
#define START_MS    30000
/* It writes all of the guest's memory. */
#define SNAPSHOT_MS 300000

/* In a snapshot's directory. */
#define STATE_FILE  "state"
#define MEMORY_FILE "memory"

/* Its guest takes its time to give memory, and nothing tells when it has: it is looked at. */
#define BALLOON_AGAIN_MS 250
#define BALLOON_ASKS	 240

#define LINE_MAX_BYTES (64 * 1024) /* of the log or the metrics: longer ones are dropped */

/* A FIFO that it writes lines into. */
struct pipe_in {
	char *path;
	int fd;
	struct smol_buf buf;
	enum smol_backend_event_type what; /* what each line is told as */
};

struct firecracker {
	struct smol_backend *b;
	struct smol_fc_api *api;
	struct smol_fc_version version;
	unsigned quirks;
	char *program, *socket;
	char *jailer, *root; /* NULL: it is not jailed */
	struct pipe_in log, metrics;
	int epoll, timer;
	int64_t balloon_mib; /* what the guest was told to give last */
	int asked;	     /* how often it was looked since, whether it has */
	bool up;	     /* the guest has been started */
	bool failed;	     /* and will not be */
	bool inside;	     /* the API's callback */
};

/* ---- what it says ---- */

static void tell(struct firecracker *f, enum smol_backend_event_type type, const char *detail)
{
	f->b->event(f->b->ctx, type, detail);
}

static void drain(struct firecracker *f, struct pipe_in *p)
{
	ssize_t n = read(p->fd, smol_buf_reserve(&p->buf, 8192), 8192);
	char *line;
	size_t len;

	if (n <= 0)
		return;
	smol_buf_commit(&p->buf, (size_t)n);
	while ((line = smol_buf_line(&p->buf, &len)))
		tell(f, p->what, line);
	if (smol_buf_len(&p->buf) > LINE_MAX_BYTES)
		smol_buf_clear(&p->buf);
}

/* The first failure ends it; what was still to be asked is not. */
static void fail(struct firecracker *f, const struct smol_err *err)
{
	if (f->failed)
		return;
	f->failed = true;
	smol_err_set(&f->b->failure, err->code, "%s", err->msg);
	if (err->hint)
		smol_err_hint(&f->b->failure, "%s", err->hint);
	smol_fc_api_drop(f->api);
	tell(f, SMOL_BACKEND_FAILED, f->b->failure.msg);
}

static bool is(const struct smol_fc_request *r, const char *method, const char *path)
{
	return strcmp(r->method, method) == 0 && strcmp(r->path, path) == 0;
}

/* It has the file open, or will never: its name is not needed any more. */
static void forget_name(struct pipe_in *p)
{
	if (p->path)
		unlink(p->path);
	free(smol_steal(&p->path));
}

static bool starts(const struct smol_fc_request *r)
{
	return is(r, "PUT", "/actions") || is(r, "PUT", "/snapshot/load");
}

static void booting(
    struct firecracker *f, const struct smol_fc_request *r, const struct smol_err *err)
{
	if (is(r, "PUT", "/logger"))
		forget_name(&f->log);
	else if (is(r, "PUT", "/metrics"))
		forget_name(&f->metrics);
	if (err) {
		fail(f, err);
	} else if (starts(r)) {
		f->up = true;
		if (f->root)
			smol_fc_jail_empty(f->root);
		tell(f, SMOL_BACKEND_UP, NULL);
	}
}

/* How far is the guest? */
static void ask_balloon(struct firecracker *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	f->asked++;
	if (smol_fc_api_send(f->api, smol_fc_get_balloon_stats(), REQUEST_MS, &err) < 0)
		tell(f, SMOL_BACKEND_NOTE, err.msg);
}

static void ask_balloon_later(struct firecracker *f)
{
	const struct itimerspec in = {.it_value.tv_nsec = BALLOON_AGAIN_MS * 1000000L};

	timerfd_settime(f->timer, 0, &in, NULL);
}

/* What was asked of it is accepted; or how much it has given by now. */
static void balloon(struct firecracker *f, const struct smol_fc_request *r, const cJSON *reply,
    const struct smol_err *err)
{
	bool patch = is(r, "PATCH", "/balloon");
	int64_t given = -1;

	if (patch && err) {
		tell(f, SMOL_BACKEND_BALLOON, err->msg);
	} else if (patch) {
		smol_json_int(r->body, "amount_mib", 0, INT64_MAX / 2, &f->balloon_mib);
		f->asked = 0;
		ask_balloon(f);
	} else {
		if (err)
			tell(f, SMOL_BACKEND_NOTE, err->msg);
		else
			smol_json_int(reply, "actual_mib", 0, SMOL_MEMORY_MAX_MIB, &given);
		f->b->taken_mib = given;
		tell(f, SMOL_BACKEND_BALLOON, NULL);
		if (given >= 0 && given != f->balloon_mib && f->asked < BALLOON_ASKS)
			ask_balloon_later(f);
	}
}

static void running(
    struct firecracker *f, const struct smol_fc_request *r, const struct smol_err *err)
{
	const char *state = is(r, "PATCH", "/vm") ? smol_json_str(r->body, "state") : NULL;

	if (is(r, "PUT", "/snapshot/create"))
		tell(f, SMOL_BACKEND_SNAPSHOT, err ? err->msg : NULL);
	else if (!state && err)
		tell(f, SMOL_BACKEND_NOTE, err->msg);
	else if (state && err)
		tell(f, SMOL_BACKEND_REFUSED, err->msg);
	else if (state)
		tell(f, strcmp(state, "Paused") == 0 ? SMOL_BACKEND_PAUSED : SMOL_BACKEND_RESUMED,
		    NULL);
}

static void on_done(
    void *ctx, const struct smol_fc_request *r, const cJSON *reply, const struct smol_err *err)
{
	struct firecracker *f = ctx;

	if (f->up && strncmp(r->path, "/balloon", 8) == 0)
		balloon(f, r, reply, err);
	else
		(f->up ? running : booting)(f, r, err);
}

static void fc_control(struct smol_backend *b)
{
	struct firecracker *f = b->priv;
	struct epoll_event e[4];
	uint64_t ticks;
	int n = f->inside ? 0 : epoll_wait(f->epoll, e, SMOL_ARRAY_SIZE(e), 0);

	f->inside = true;
	/* What it has logged comes before what it answers: it explains that. */
	for (int i = 0; i < n; i++)
		if (e[i].data.ptr == &f->timer && read(f->timer, &ticks, sizeof(ticks)) > 0)
			ask_balloon(f);
		else if (e[i].data.ptr && e[i].data.ptr != &f->timer)
			drain(f, e[i].data.ptr);
	for (int i = 0; i < n; i++)
		if (!e[i].data.ptr)
			smol_fc_api_turn(f->api);
	f->inside = false;
}

/* ---- before it starts ---- */

static int watch(struct firecracker *f, int fd, void *what, struct smol_err *err)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = what};

	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &e) < 0
		   ? smol_err_errno(err, SMOL_E_IO, errno, "epoll")
		   : 0;
}

static int open_pipe(struct firecracker *f, struct pipe_in *p, const struct smol_jail *jail,
    const char *dir, const char *name, struct smol_err *err)
{
	p->path = smol_asprintf("%s/%s", dir, name);
	if (mkfifo(p->path, 0600) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", p->path);
	if (jail && smol_fc_jail_own(jail, p->path, err) < 0)
		return -1;
	p->fd = open(p->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (p->fd < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "%s", p->path);
	return watch(f, p->fd, p, err);
}

/* A bzImage is known from 1.17 on. */
static int check_kernel(const struct smol_fc_version *v, const char *path, struct smol_err *err)
{
	static const struct smol_fc_version bzimage = {1, 17, 0};
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[4];

	if (fd < 0)
		return smol_err_errno(err, SMOL_E_INVALID, errno, "%s", path);
	if (smol_fc_version_cmp(v, &bzimage) >= 0 ||
	    (read(fd, magic, 4) == 4 && memcmp(magic, "\177ELF", 4) == 0))
		return 0;
	smol_err_set(err, SMOL_E_INVALID,
	    "%s is no ELF file, and Firecracker %d.%d.%d boots nothing else", path, v->major,
	    v->minor, v->patch);
	return smol_err_hint(err, "give an uncompressed kernel (vmlinux) with --kernel");
}

static int fc_prepare(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err)
{
	struct firecracker *f = smol_alloc(sizeof(*f));
	smol_auto_free char *reason = NULL;
	struct sockaddr_un sa;
	const char *dir;

	b->priv = f;
	b->control_fd = b->pidfd = -1;
	*f = (struct firecracker){.b = b,
	    .epoll = -1,
	    .timer = -1,
	    .log = {.fd = -1, .what = SMOL_BACKEND_SAYS},
	    .metrics = {.fd = -1, .what = SMOL_BACKEND_METRICS}};
	f->program = smol_fc_find(l->config->firecracker, &f->version, err);
	if (!f->program || (!l->snapshot_dir && check_kernel(&f->version, l->kernel, err) < 0))
		return -1;
	f->quirks = smol_fc_quirks(&f->version);
	dir = l->jail ? l->jail->root : l->runtime_dir;
	if (l->jail && !(f->jailer = smol_fc_jailer(f->program, err)))
		return -1;
	f->root = l->jail ? smol_strdup(l->jail->root) : NULL;
	f->socket = smol_asprintf("%s/fc.sock", dir);
	if (smol_bound_address(f->socket, &sa, err) < 0 ||
	    smol_bound_clear_stale(f->socket, err) < 0)
		return -1;
	b->accel_used = smol_accel_choose(&reason) == SMOL_ACCEL_KVM
			    ? smol_asprintf("kvm (%s)", reason)
			    : smol_asprintf("that of %s (%s)", f->program, reason);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (f->epoll < 0 || f->timer < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "epoll");
	if (watch(f, f->timer, &f->timer, err) < 0)
		return -1;
	if (open_pipe(f, &f->log, l->jail, dir, "fc.log", err) < 0 ||
	    open_pipe(f, &f->metrics, l->jail, dir, "fc.metrics", err) < 0)
		return -1;
	f->api = smol_fc_api_new(f->socket, UP_MS, on_done, f, err);
	return f->api ? watch(f, smol_fc_api_fd(f->api), NULL, err) : -1;
}

static int spawn(struct firecracker *f, const struct smol_launch *l, struct smol_err *err)
{
	const char *argv[] = {
	    f->program, "--api-sock", f->socket, "--id", l->id, "--level", "Warning", NULL};
	/* The kernel forgets die_with_parent when the jailer takes its user: the next command ends
	 * what a monitor that was killed left (vm/children.h). */
	struct smol_spawn s = {
	    .argv = argv, .nfds = FD__COUNT, .die_with_parent = true, .new_session = true};
	char **words = l->jail ? smol_fc_jail_argv(f->jailer, f->program, l) : NULL;
	int rc;

	s.fds[0] = s.fds[1] = l->console_fd;
	s.fds[2] = l->stderr_fd;
	s.fds[FD_INITRD] = l->initrd_fd;
	if (words) {
		s.argv = (const char *const *)words;
		s.nfds = FD_INITRD;
	}
	rc = smol_spawn(&s, &f->b->pid, &f->b->pidfd, err);
	for (char **p = words; p && *p; p++)
		free(*p);
	free(words);
	return rc;
}

/* What is known to be wrong with this one: in the journal, before anybody wonders. */
static void tell_quirks(struct firecracker *f)
{
	for (unsigned bit = 1; bit && bit <= f->quirks; bit <<= 1) {
		smol_auto_free char *text = NULL;

		if (!(f->quirks & bit))
			continue;
		text = smol_asprintf("Firecracker %d.%d.%d: %s", f->version.major, f->version.minor,
		    f->version.patch, smol_fc_quirk_text(bit));
		tell(f, SMOL_BACKEND_NOTE, text);
	}
}

/* As the jailed one sees it. */
static const struct smol_fc_places jailed = {.kernel = SMOL_FC_JAIL_KERNEL,
    .initrd = SMOL_FC_JAIL_INITRD,
    .log = "/fc.log",
    .metrics = "/fc.metrics",
    .uds = SMOL_FC_JAIL_VSOCK};

/* All that is to be asked of it, up to the start. */
static int make_requests(struct firecracker *f, const struct smol_launch *l,
    struct smol_fc_requests *list, struct smol_err *err)
{
	smol_auto_free char *state = NULL, *memory = NULL;
	struct smol_fc_places places = {.kernel = l->kernel,
	    .initrd = INITRD_PATH,
	    .log = f->log.path,
	    .metrics = f->metrics.path,
	    .uds = l->uds_path};

	if (l->jail) {
		places = jailed;
		if (smol_fc_jail_fill(l, err) < 0)
			return -1;
	}
	if (!l->config->vsock.enabled)
		places.uds = NULL;
	if (!l->snapshot_dir)
		return smol_fc_boot(l, &places, list, err);
	state = smol_asprintf("%s/" STATE_FILE, l->snapshot_dir);
	memory = smol_asprintf("%s/" MEMORY_FILE, l->snapshot_dir);
	return smol_fc_restore(&places, state, memory, list, err);
}

static int fc_start(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err)
{
	struct firecracker *f = b->priv;
	struct smol_fc_requests list;
	int rc = 0;

	if (make_requests(f, l, &list, err) < 0)
		return -1;
	if (spawn(f, l, err) < 0) {
		smol_fc_requests_free(&list);
		return -1;
	}
	b->control_fd = f->epoll;
	tell_quirks(f);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		bool start = starts(&list.v[i]);

		rc = smol_fc_api_send(
		    f->api, smol_fc_request_steal(&list.v[i]), start ? START_MS : REQUEST_MS, err);
	}
	smol_fc_requests_free(&list);
	return rc;
}

/* ---- while it runs ---- */

static int fc_pause(struct smol_backend *b, struct smol_err *err)
{
	struct firecracker *f = b->priv;

	if (f->quirks & SMOL_FC_QUIRK_RESUME_DEAF) {
		smol_err_set(err, SMOL_E_UNSUPPORTED,
		    "Firecracker %d.%d.%d cannot pause safely: %s", f->version.major,
		    f->version.minor, f->version.patch,
		    smol_fc_quirk_text(SMOL_FC_QUIRK_RESUME_DEAF));
		return smol_err_hint(err, "another Firecracker, with --firecracker PATH");
	}
	return smol_fc_api_send(f->api, smol_fc_patch_vm(true), REQUEST_MS, err);
}

static int fc_resume(struct smol_backend *b, struct smol_err *err)
{
	struct firecracker *f = b->priv;

	return smol_fc_api_send(f->api, smol_fc_patch_vm(false), REQUEST_MS, err);
}

static int fc_snapshot(struct smol_backend *b, const char *dir, struct smol_err *err)
{
	struct firecracker *f = b->priv;
	smol_auto_free char *state = smol_asprintf("%s/" STATE_FILE, dir);
	smol_auto_free char *memory = smol_asprintf("%s/" MEMORY_FILE, dir);

	return smol_fc_api_send(f->api, smol_fc_snapshot_create(state, memory), SNAPSHOT_MS, err);
}

static int fc_balloon(struct smol_backend *b, int64_t mib, struct smol_err *err)
{
	struct firecracker *f = b->priv;

	return smol_fc_api_send(f->api, smol_fc_patch_balloon(mib), REQUEST_MS, err);
}

static int fc_stop(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err)
{
	struct firecracker *f = b->priv;

	if (b->pidfd < 0)
		return 0;
	if (how == SMOL_STOP_QUIT && (!f->up || f->quirks & SMOL_FC_QUIRK_NO_CTRL_ALT_DEL))
		return smol_err_set(
		    err, SMOL_E_UNSUPPORTED, "this Firecracker has no way to tell a guest to end");
	if (how == SMOL_STOP_QUIT)
		return smol_fc_api_send(
		    f->api, smol_fc_action(SMOL_FC_CTRL_ALT_DEL), REQUEST_MS, err);
	if (smol_proc_kill(b->pidfd, SIGKILL) < 0 && errno != ESRCH)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot kill Firecracker");
	return 0;
}

static void close_pipe(struct pipe_in *p)
{
	forget_name(p);
	if (p->fd >= 0)
		close(p->fd);
	smol_buf_free(&p->buf);
}

static void fc_destroy(struct smol_backend *b)
{
	struct firecracker *f = b->priv;

	if (!f)
		return;
	smol_fc_api_free(f->api);
	close_pipe(&f->log);
	close_pipe(&f->metrics);
	if (f->epoll >= 0)
		close(f->epoll);
	if (f->timer >= 0)
		close(f->timer);
	if (b->pidfd >= 0)
		close(b->pidfd);
	/* It leaves its socket behind. */
	if (f->socket)
		smol_bound_clear_stale(f->socket, NULL);
	free(f->socket);
	free(f->jailer);
	free(f->root);
	free(f->program);
	free(f);
	b->priv = NULL;
	b->control_fd = b->pidfd = -1;
}

const struct smol_backend_ops smol_backend_firecracker = {
    .info = &smol_backend_firecracker_info,
    .prepare = fc_prepare,
    .start = fc_start,
    .control = fc_control,
    .pause = fc_pause,
    .resume = fc_resume,
    .snapshot = fc_snapshot,
    .stop = fc_stop,
    .balloon = fc_balloon,
    .destroy = fc_destroy,
};
