/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * QEMU: a q35 machine with nothing but what the guest needs: memory that is shared with the vsock
 * device, a serial console on a socket pair, QMP on another, the vsock device's listener. No
 * descriptor of ours has a name in the file system but the vhost-user socket, so there is nothing
 * for others to connect to and little to clean up.
 *
 * Descriptors in the child: 0 /dev/null, 1 and 2 the complaints, then as enum below.
 */
#include "backend/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/qmp.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "vm/nettap.h"

enum {
	FD_CONSOLE = 3,
	FD_QMP,
	FD_INITRD,
	FD_VHOST,
	FD_TAP,
	FD_SHARE,
	FD__COUNT = FD_SHARE + SMOL_SHARES_MAX
};
_Static_assert(FD__COUNT <= SMOL_SPAWN_MAX_FDS, "room for all of them");

/*
 * What every guest gets on its command line. The console is the log of the VM, so it must stay
 * readable: errors and panics, no boot chatter. The rest is what emulated boots lose time with:
 * timer calibration checks, self-tests, mitigations for a CPU that does not exist, waiting for
 * devices that are not there.
 */
#define KERNEL_ARGS                                                                                \
	"console=ttyS0 quiet panic=-1 no_timer_check nokaslr mitigations=off random.trust_cpu=on " \
	"cryptomgr.notests audit=0 8250.nr_uarts=1 tsc=nowatchdog rcupdate.rcu_expedited=1"

struct qemu {
	struct smol_qmp qmp;
	int control; /* our end of QMP */
	char *program;
	enum smol_accel accel;
	int64_t memory_mib;
	int pauses;	    /* stop and cont that are not answered yet */
	bool holding;	    /* the stop of a hold is not answered yet */
	bool letting_go;    /* nor is its cont */
	bool stopped_by_it; /* the hold has stopped the guest: it is to go on behind it */
	struct smol_backend *b;
};

/* The ids of what is not told as a pause: QMP answers in order, so an event between an answer and
 * the next one belongs to that next one's command. */
#define ID_HOLD	  "hold"
#define ID_LET_GO "let-go"

static void add(char ***argv, int *n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void add(char ***argv, int *n, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = smol_strdup("");
	va_end(ap);
	*argv = smol_realloc(*argv, ((size_t)*n + 2) * sizeof(**argv));
	(*argv)[(*n)++] = s;
	(*argv)[*n] = NULL;
}

/* A comma in a value of QEMU's option syntax is written twice. */
static char *quoted(const char *s)
{
	struct smol_buf b = {0};

	for (; *s; s++)
		smol_buf_printf(&b, *s == ',' ? ",," : "%c", *s);
	return smol_buf_take(&b);
}

static bool is_block_device(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

/*
 * By path, and each on its own: the order of the slots is the order that the guest finds them in.
 * What the guest gives back (discard) makes the file sparse again. The host's page cache is used,
 * and a guest's flush reaches the disk (cache=writeback, QEMU's default).
 */
static void add_drives(char ***argv, int *n, const struct smol_launch *l)
{
	for (int i = 0; i < l->ndrives; i++) {
		smol_auto_free char *path = quoted(l->drives[i].path);

		add(argv, n, "-blockdev");
		add(argv, n,
		    "driver=raw,node-name=drive%d,read-only=%s,discard=unmap,"
		    "file.driver=%s,file.filename=%s",
		    i, l->drives[i].readonly ? "on" : "off",
		    is_block_device(l->drives[i].path) ? "host_device" : "file", path);
		add(argv, n, "-device");
		add(argv, n, "virtio-blk-pci,drive=drive%d", i);
	}
}

/* The tags are what vm.json calls them (monitor/launch.c). */
static void add_shares(char ***argv, int *n, const struct smol_vm_config *c)
{
	for (int i = 0; i < c->shares.n; i++) {
		add(argv, n, "-chardev");
		add(argv, n, "socket,id=share%d,fd=%d", i, FD_SHARE + i);
		add(argv, n, "-device");
		add(argv, n, "vhost-user-fs-pci,chardev=share%d,tag=share%d", i, i);
	}
}

/*
 * The kernel's words. An emulated guest reads this machine's own time stamp counter, and is told
 * how fast that is: where the machine is busy the kernel measures it wrong by ten times, and then
 * every clock of the guest, timeouts of commands included, is as wrong.
 */
static char *kernel_args(const struct smol_launch *l, enum smol_accel accel)
{
	const struct smol_vm_config *c = l->config;
	int64_t khz = accel == SMOL_ACCEL_TCG ? smol_tsc_khz() : 0;
	struct smol_buf b = {0};

	smol_buf_printf(&b, "%s", KERNEL_ARGS);
	if (khz)
		smol_buf_printf(&b, " tsc_early_khz=%lld", (long long)khz);
	/* With one CPU there is nobody to lock against: the kernel need not patch its locks. */
	if (c->cpus == 1)
		smol_buf_printf(&b, " noreplace-smp");
	if (*l->kernel_args)
		smol_buf_printf(&b, " %s", l->kernel_args);
	if (*c->kernel_args)
		smol_buf_printf(&b, " %s", c->kernel_args);
	return smol_buf_take(&b);
}

char **smol_qemu_argv(const char *program, const struct smol_launch *l, enum smol_accel accel)
{
	const struct smol_vm_config *c = l->config;
	smol_auto_free char *name = quoted(l->name);
	smol_auto_free char *args = kernel_args(l, accel);
	char **argv = NULL;
	int n = 0;

#define ADD(...) add(&argv, &n, __VA_ARGS__)
	ADD("%s", program);
	ADD("-name");
	ADD("guest=%s", name);
	ADD("-nodefaults");
	ADD("-no-user-config");
	ADD("-display");
	ADD("none");
	ADD("-accel");
	ADD("%s", accel == SMOL_ACCEL_KVM ? "kvm" : "tcg,thread=multi");
	ADD("-cpu");
	/* Emulated, the "fast" string instructions go byte by byte, and guests that see them use
	 * them for every copy. */
	ADD("%s", accel == SMOL_ACCEL_KVM ? "host" : "max,-erms,-fsrm");
	ADD("-M");
	ADD("q35,memory-backend=mem,vmport=off,smbus=off,sata=off,hpet=off");
	ADD("-object");
	ADD("memory-backend-memfd,id=mem,size=%lldM,share=on", (long long)c->memory_mib);
	ADD("-m");
	ADD("%lldM", (long long)c->memory_mib);
	ADD("-smp");
	ADD("%d", c->cpus);
	ADD("-kernel");
	ADD("%s", l->kernel);
	ADD("-initrd");
	ADD("/proc/self/fd/%d", FD_INITRD);
	ADD("-append");
	ADD("%s", args);
	ADD("-chardev");
	ADD("socket,id=con,fd=%d", FD_CONSOLE);
	ADD("-serial");
	ADD("chardev:con");
	ADD("-chardev");
	ADD("socket,id=qmp,fd=%d", FD_QMP);
	ADD("-mon");
	ADD("chardev=qmp,mode=control");
	if (l->vhost_listen_fd >= 0) {
		ADD("-chardev");
		ADD("socket,id=vsock,fd=%d,server=on,wait=on", FD_VHOST);
		ADD("-device");
		ADD("vhost-user-vsock-pci,chardev=vsock");
	} else if (l->vhost_vsock_fd >= 0) {
		ADD("-device");
		ADD("vhost-vsock-pci,guest-cid=%u,vhostfd=%d", l->cid, FD_VHOST);
	}
	add_drives(&argv, &n, l);
	add_shares(&argv, &n, c);
	if (c->net == SMOL_NET_USER) {
		ADD("-netdev");
		ADD("user,id=net0");
		ADD("-device");
		ADD("virtio-net-pci,netdev=net0,romfile=");
	}
	if (c->balloon) {
		ADD("-device");
		ADD("virtio-balloon-pci,deflate-on-oom=on");
	}
	if (c->net == SMOL_NET_TAP) {
		char mac[18];

		smol_nettap_mac(l->id, mac);
		ADD("-netdev");
		ADD("tap,id=net0,fd=%d", FD_TAP);
		ADD("-device");
		ADD("virtio-net-pci,netdev=net0,mac=%s,romfile=", mac);
	}
	ADD("-sandbox");
	ADD("on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
#undef ADD
	return argv;
}

void smol_qemu_argv_free(char **argv)
{
	for (char **p = argv; p && *p; p++)
		free(*p);
	free(argv);
}

/* A hold's own stop and cont are nobody's pause. */
static bool is_of_hold(struct qemu *q, const char *name)
{
	bool stop = strcmp(name, "STOP") == 0;

	if (q->pauses || (!stop && strcmp(name, "RESUME") != 0) ||
	    !(stop ? q->holding : q->letting_go))
		return false;
	q->stopped_by_it = stop;
	return true;
}

static void on_event(void *ctx, const char *name, const cJSON *data)
{
	struct qemu *q = ctx;
	const char *reason = data ? smol_json_str(data, "reason") : NULL;
	static const struct {
		const char *name, *reason;
		enum smol_backend_event_type type;
	} map[] = {
	    {"SHUTDOWN", "guest-shutdown", SMOL_BACKEND_SHUTDOWN},
	    {"SHUTDOWN", "guest-panic", SMOL_BACKEND_PANIC},
	    {"RESET", "guest-reset", SMOL_BACKEND_RESET},
	    {"GUEST_PANICKED", NULL, SMOL_BACKEND_PANIC},
	    {"STOP", NULL, SMOL_BACKEND_PAUSED},
	    {"RESUME", NULL, SMOL_BACKEND_RESUMED},
	};

	if (is_of_hold(q, name))
		return;
	if (strcmp(name, "BALLOON_CHANGE") == 0 &&
	    smol_qmp_taken(data, q->memory_mib, &q->b->taken_mib) == 0)
		q->b->event(q->b->ctx, SMOL_BACKEND_BALLOON, NULL);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(map); i++)
		if (strcmp(map[i].name, name) == 0 &&
		    (!map[i].reason || (reason && strcmp(map[i].reason, reason) == 0))) {
			q->b->event(q->b->ctx, map[i].type, NULL);
			return;
		}
}

static void on_up(void *ctx)
{
	struct qemu *q = ctx;

	q->b->event(q->b->ctx, SMOL_BACKEND_UP, NULL);
}

static bool is_pause(const char *id)
{
	return id && (strcmp(id, "stop") == 0 || strcmp(id, "cont") == 0);
}

static void on_done(void *ctx, const char *id)
{
	struct qemu *q = ctx;

	if (is_pause(id) && q->pauses) {
		q->pauses--;
	} else if (id && strcmp(id, ID_HOLD) == 0 && q->holding) {
		q->holding = false;
		q->b->event(q->b->ctx, SMOL_BACKEND_HELD, NULL);
	} else if (id && strcmp(id, ID_LET_GO) == 0 && q->letting_go) {
		q->letting_go = false;
		q->b->event(q->b->ctx, SMOL_BACKEND_LET_GO, NULL);
	}
}

/* What fails but these was never to fail. */
static void on_failed(void *ctx, const char *id, const char *desc)
{
	struct qemu *q = ctx;
	bool pause = is_pause(id), balloon = id && strcmp(id, "balloon") == 0;

	if (pause && q->pauses)
		q->pauses--;
	q->b->event(q->b->ctx,
	    pause     ? SMOL_BACKEND_REFUSED
	    : balloon ? SMOL_BACKEND_BALLOON
		      : SMOL_BACKEND_LOST,
	    desc);
}

static int qemu_prepare(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err)
{
	struct qemu *q = smol_alloc(sizeof(*q));
	smol_auto_free char *reason = NULL;

	b->priv = q;
	b->control_fd = b->pidfd = -1;
	*q = (struct qemu){.control = -1, .b = b};
	q->qmp = (struct smol_qmp){
	    .event = on_event, .up = on_up, .done = on_done, .failed = on_failed, .ctx = q};
	q->memory_mib = l->config->memory_mib;
	q->program = smol_qemu_program(err);
	if (!q->program)
		return -1;
	q->accel = l->config->accel;
	if (smol_accel_check(q->accel, err) < 0)
		return -1;
	if (q->accel == SMOL_ACCEL_AUTO)
		q->accel = smol_accel_choose(&reason);
	else
		reason = smol_strdup("as asked");
	b->accel_used = smol_asprintf("%s (%s)", smol_accel_name(q->accel), reason);
	return 0;
}

static int qemu_start(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err)
{
	struct qemu *q = b->priv;
	struct smol_spawn s = {.nfds = FD__COUNT, .die_with_parent = true, .new_session = true};
	char **argv;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "socketpair");
	q->control = pair[0];
	s.fds[0] = -1;
	s.fds[1] = s.fds[2] = l->stderr_fd;
	s.fds[FD_CONSOLE] = l->console_fd;
	s.fds[FD_QMP] = pair[1];
	s.fds[FD_INITRD] = l->initrd_fd;
	s.fds[FD_VHOST] = l->vhost_listen_fd >= 0 ? l->vhost_listen_fd : l->vhost_vsock_fd;
	s.fds[FD_TAP] = l->tap_fd;
	for (int i = 0; i < SMOL_SHARES_MAX; i++)
		s.fds[FD_SHARE + i] = i < l->config->shares.n ? l->share_fds[i] : -1;
	argv = smol_qemu_argv(q->program, l, q->accel);
	s.argv = (const char *const *)argv;
	rc = smol_spawn(&s, &b->pid, &b->pidfd, err);
	smol_qemu_argv_free(argv);
	close(pair[1]);
	if (rc < 0)
		return -1;
	b->control_fd = q->control;
	/*
	 * QEMU reads it once it has said its greeting; there is room for it in the socket. One that
	 * has ended already cannot be told: its exit is about to be seen, and says why.
	 */
	smol_auto_free char *hello = smol_qmp_command("qmp_capabilities");
	if (send(q->control, hello, strlen(hello), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return smol_err_errno(err, SMOL_E_IO, errno, "QMP");
	return 0;
}

static void qemu_control(struct smol_backend *b)
{
	struct qemu *q = b->priv;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	char buf[16384];
	ssize_t n = read(q->control, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		b->event(b->ctx, SMOL_BACKEND_LOST, NULL);
	else if (smol_qmp_feed(&q->qmp, buf, (size_t)n, &err) < 0)
		b->event(b->ctx, SMOL_BACKEND_LOST, err.msg);
}

/* Commands are few and short: one that does not fit into the socket will not be read. */
static int send_line(struct smol_backend *b, const char *line, struct smol_err *err)
{
	struct qemu *q = b->priv;

	if (smol_io_write_all(q->control, line, strlen(line), smol_in_ms(0)) == 0)
		return 0;
	return smol_err_errno(err, SMOL_E_IO, errno, "QMP");
}

static int command(struct smol_backend *b, const char *name, struct smol_err *err)
{
	smol_auto_free char *line = smol_qmp_command(name);

	return send_line(b, line, err);
}

/* QEMU is told what the guest is to keep. */
static int qemu_balloon(struct smol_backend *b, int64_t mib, struct smol_err *err)
{
	struct qemu *q = b->priv;
	smol_auto_free char *line =
	    smol_qmp_command_int("balloon", "value", (q->memory_mib - mib) << 20);

	return send_line(b, line, err);
}

static int pause_or_resume(struct smol_backend *b, const char *name, struct smol_err *err)
{
	struct qemu *q = b->priv;

	if (command(b, name, err) < 0)
		return -1;
	q->pauses++;
	return 0;
}

static int qemu_pause(struct smol_backend *b, struct smol_err *err)
{
	return pause_or_resume(b, "stop", err);
}

static int qemu_resume(struct smol_backend *b, struct smol_err *err)
{
	return pause_or_resume(b, "cont", err);
}

/* Stopping a guest that is stopped changes nothing, and no event tells of it. */
static int qemu_hold(struct smol_backend *b, struct smol_err *err)
{
	struct qemu *q = b->priv;
	smol_auto_free char *line = smol_qmp_command_as(ID_HOLD, "stop");

	if (q->holding)
		return 0;
	if (send_line(b, line, err) < 0)
		return -1;
	q->holding = true;
	return 0;
}

static int qemu_let_go(struct smol_backend *b, struct smol_err *err)
{
	struct qemu *q = b->priv;
	smol_auto_free char *line = smol_qmp_command_as(ID_LET_GO, "cont");

	if (!q->stopped_by_it) {
		b->event(b->ctx, SMOL_BACKEND_LET_GO, NULL);
		return 0;
	}
	if (send_line(b, line, err) < 0)
		return -1;
	q->letting_go = true;
	return 0;
}

static int qemu_stop(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err)
{
	if (b->pidfd < 0)
		return 0;
	if (how == SMOL_STOP_QUIT)
		return command(b, "quit", err);
	if (smol_proc_kill(b->pidfd, SIGKILL) < 0 && errno != ESRCH)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot kill QEMU");
	return 0;
}

static void qemu_destroy(struct smol_backend *b)
{
	struct qemu *q = b->priv;

	if (!q)
		return;
	if (q->control >= 0)
		close(q->control);
	if (b->pidfd >= 0)
		close(b->pidfd);
	smol_qmp_free(&q->qmp);
	free(q->program);
	free(q);
	b->priv = NULL;
	b->control_fd = b->pidfd = -1;
}

const struct smol_backend_ops smol_backend_qemu = {
    .info = &smol_backend_qemu_info,
    .prepare = qemu_prepare,
    .start = qemu_start,
    .control = qemu_control,
    .pause = qemu_pause,
    .resume = qemu_resume,
    .hold = qemu_hold,
    .let_go = qemu_let_go,
    .balloon = qemu_balloon,
    .stop = qemu_stop,
    .destroy = qemu_destroy,
};
