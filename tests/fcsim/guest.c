/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guest, for real: QEMU (emulating) with the kernel, initramfs and devices that were
 * configured, and smolsh-vsockd at uds_path. The vsock device sits behind a root port and memory in
 * a file, so that it can be unplugged and the rest saved: the device itself cannot.
 *
 * A guest that reboots ends QEMU's run and then the simulator, one that powers off does not: as
 * with Firecracker on x86.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "tests/fcsim/qmp.h"
#include "tests/fcsim/sim.h"

#define QEMU	   "qemu-system-x86_64"
#define SIM_END_MS 5000

enum { FD_QMP = 3, FD_MEM, FD_KERNEL, FD_INITRD, FD_VHOST, FD_TAP };

/* What is different with virtio-mmio. */
static const struct machine_kind {
	const char *machine, *suffix;
	const char *more[2]; /* words of QEMU's */
} kinds[] = {
    {"q35,memory-backend=mem,vmport=off,smbus=off,sata=off,hpet=off", "pci",
	{"-device", "pcie-root-port,id=rp0,chassis=1,slot=1"}},
    {"microvm,memory-backend=mem,acpi=on,pic=on,pit=on,rtc=on,isa-serial=on", "device",
	{"-device", "i8042"}},
};

struct words {
	char **v;
	size_t n;
};

static void add(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct words *w, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = smol_strdup("");
	va_end(ap);
	w->v = smol_realloc(w->v, (w->n + 2) * sizeof(*w->v));
	w->v[w->n++] = s;
	w->v[w->n] = NULL;
}

static void words_free(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
}

/* A comma in a value of QEMU's option syntax is written twice. */
static char *quoted(const char *s)
{
	struct smol_buf b = {0};

	for (; *s; s++)
		smol_buf_printf(&b, *s == ',' ? ",," : "%c", *s);
	return smol_buf_take(&b);
}

/*
 * The kernel's words, without pci=off where the devices are PCI's, and with the root device that
 * Firecracker adds. On a microvm that is emulated the kernel hangs, now and then, in finding out
 * how fast its clock is: it is told.
 */
static char *kernel_args(const struct sim *s)
{
	const char *args = smol_json_str(smol_json_get(s->config, "boot-source"), "boot_args");
	smol_auto_free char *copy = smol_strdup(args ? args : "reboot=k panic=1 nomodule");
	struct smol_buf out = {0};
	char *save = NULL;
	const cJSON *d;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (s->mmio || strcmp(w, "pci=off") != 0)
			smol_buf_printf(&out, "%s%s", smol_buf_len(&out) ? " " : "", w);
	cJSON_ArrayForEach (d, smol_json_get(s->config, "drives"))
		if (smol_json_bool(d, "is_root_device", false))
			smol_buf_printf(&out, " root=/dev/vda %s",
			    smol_json_bool(d, "is_read_only", false) ? "ro" : "rw");
	if (s->mmio)
		smol_buf_printf(&out, " tsc_early_khz=%lld", (long long)smol_tsc_khz());
	return smol_buf_take(&out);
}

static void add_devices(const struct sim *s, struct words *w)
{
	const cJSON *d, *balloon = smol_json_get(s->config, "balloon");
	const char *suffix = kinds[s->mmio].suffix;
	int i = 0;

	cJSON_ArrayForEach (d, smol_json_get(s->config, "drives")) {
		smol_auto_free char *path = quoted(smol_json_str(d, "path_on_host"));

		add(w, "-drive");
		add(w, "if=none,id=disk%d,format=raw,readonly=%s,file=%s", i,
		    smol_json_bool(d, "is_read_only", false) ? "on" : "off", path);
		add(w, "-device");
		add(w, "virtio-blk-%s,drive=disk%d", suffix, i++);
	}
	i = 0;
	cJSON_ArrayForEach (d, smol_json_get(s->config, "network-interfaces")) {
		const char *mac = smol_json_str(d, "guest_mac");

		add(w, "-netdev");
		add(w, "tap,id=net%d,fd=%d", i, FD_TAP + i);
		add(w, "-device");
		add(w, "virtio-net-%s,netdev=net%d%s%s%s", suffix, i++,
		    s->mmio ? "" : ",romfile=", mac ? ",mac=" : "", mac ? mac : "");
	}
	if (balloon) {
		add(w, "-device");
		add(w, "virtio-balloon-%s,id=balloon0,deflate-on-oom=%s", suffix,
		    smol_json_bool(balloon, "deflate_on_oom", false) ? "on" : "off");
	}
	if (smol_json_get(s->config, "entropy")) {
		add(w, "-device");
		add(w, "virtio-rng-%s", suffix);
	}
	if (s->vhost_fd >= 0) {
		add(w, "-chardev");
		add(w, "socket,id=vsock,fd=%d", FD_VHOST);
		add(w, "-device");
		add(w, "vhost-user-vsock-device,chardev=vsock");
	}
}

static int64_t machine(const struct sim *s, const char *key)
{
	int64_t v = 1;

	smol_json_int(api_machine(s), key, 1, 1 << 30, &v);
	return v;
}

static struct words qemu_words(const struct sim *s, bool incoming)
{
	long long mib = (long long)machine(s, "mem_size_mib");
	smol_auto_free char *args = kernel_args(s);
	struct words w = {0};
	const struct machine_kind *kind = &kinds[s->mmio];
	static const char *const fixed[] = {QEMU, "-nodefaults", "-no-user-config", "-display",
	    "none", "-accel", "tcg,thread=multi", "-cpu", "max,-erms,-fsrm", "-action",
	    "reboot=shutdown,shutdown=pause", "-chardev", "stdio,id=con,signal=off", "-serial",
	    "chardev:con", "-mon", "chardev=qmp,mode=control", "-S"};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fixed); i++)
		add(&w, "%s", fixed[i]);
	add(&w, "-M");
	add(&w, "%s", kind->machine);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(kind->more); i++)
		add(&w, "%s", kind->more[i]);
	add(&w, "-chardev");
	add(&w, "socket,id=qmp,fd=%d", FD_QMP);
	add(&w, "-object");
	add(&w, "memory-backend-file,id=mem,size=%lldM,share=on,mem-path=/proc/self/fd/%d", mib,
	    FD_MEM);
	add(&w, "-m");
	add(&w, "%lldM", mib);
	add(&w, "-smp");
	add(&w, "%lld", (long long)machine(s, "vcpu_count"));
	/* A state that comes in has both in its memory. */
	if (incoming) {
		add(&w, "-incoming");
		add(&w, "defer");
	} else {
		add(&w, "-kernel");
		add(&w, "/proc/self/fd/%d", FD_KERNEL);
		add(&w, "-append");
		add(&w, "%s", args);
	}
	if (s->initrd_fd >= 0) {
		add(&w, "-initrd");
		add(&w, "/proc/self/fd/%d", FD_INITRD);
	}
	add_devices(s, &w);
	return w;
}

static int start_device(struct sim *s, int vhost, struct smol_err *err)
{
	const cJSON *vsock = smol_json_get(s->config, "vsock");
	int64_t cid = 0;
	char text[24];
	const char *argv[] = {s->vsockd, "--vhost-fd", "3", "--listen-fd", "4", "--uds-path",
	    smol_json_str(vsock, "uds_path"), "--guest-cid", text, NULL};
	struct smol_spawn spawn = {.argv = argv, .nfds = 5, .die_with_parent = true};

	smol_json_int(vsock, "guest_cid", 3, UINT32_MAX, &cid);
	snprintf(text, sizeof(text), "%lld", (long long)cid);
	spawn.fds[0] = spawn.fds[1] = -1;
	spawn.fds[2] = STDERR_FILENO;
	spawn.fds[3] = vhost;
	spawn.fds[4] = s->vsock_fd;
	return smol_spawn(&spawn, &s->device.pid, &s->device.pidfd, err);
}

int guest_start_qemu(struct sim *s, bool incoming, struct smol_err *err)
{
	struct words w = qemu_words(s, incoming);
	struct smol_spawn spawn = {
	    .argv = (const char *const *)w.v, .nfds = FD_TAP + s->ntaps, .die_with_parent = true};
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		words_free(&w);
		return smol_err_errno(err, SMOL_E_IO, errno, "socketpair");
	}
	spawn.fds[0] = STDIN_FILENO;
	spawn.fds[1] = STDOUT_FILENO;
	spawn.fds[2] = STDERR_FILENO;
	spawn.fds[FD_QMP] = pair[1];
	spawn.fds[FD_MEM] = s->mem_fd;
	spawn.fds[FD_KERNEL] = s->kernel_fd;
	spawn.fds[FD_INITRD] = s->initrd_fd;
	spawn.fds[FD_VHOST] = s->vhost_fd;
	for (int i = 0; i < s->ntaps; i++)
		spawn.fds[FD_TAP + i] = s->taps[i];
	rc = smol_spawn(&spawn, &s->qemu.pid, &s->qemu.pidfd, err);
	words_free(&w);
	close(pair[1]);
	s->qmp = pair[0];
	return rc == 0 ? qmp_hello(s, err) : -1;
}

int guest_make_memory(struct sim *s, struct smol_err *err)
{
	s->mem_fd = memfd_create("fc-sim-memory", MFD_CLOEXEC);
	if (s->mem_fd < 0 || ftruncate(s->mem_fd, machine(s, "mem_size_mib") << 20) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "guest memory");
	return 0;
}

/* {"id":"vsock","backend":{"type":"socket","data":{"addr":{"type":"fd","data":{"str":"vhost"}},
 * "server":false}}} */
static cJSON *chardev_args(void)
{
	cJSON *args = cJSON_CreateObject(), *data, *addr;

	smol_json_add_str(args, "id", "vsock");
	data = cJSON_AddObjectToObject(args, "backend");
	smol_json_add_str(data, "type", "socket");
	data = cJSON_AddObjectToObject(data, "data");
	smol_json_add_bool(data, "server", false);
	addr = cJSON_AddObjectToObject(data, "addr");
	smol_json_add_str(addr, "type", "fd");
	smol_json_add_str(cJSON_AddObjectToObject(addr, "data"), "str", "vhost");
	return args;
}

int guest_plug_vsock(struct sim *s, struct smol_err *err)
{
	cJSON *args = cJSON_CreateObject();
	int pair[2], rc;

	smol_json_add_str(args, "driver", "vhost-user-vsock-pci");
	smol_json_add_str(args, "id", "vsock0");
	smol_json_add_str(args, "chardev", "vsock");
	smol_json_add_str(args, "bus", "rp0");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		cJSON_Delete(args);
		return smol_err_errno(err, SMOL_E_IO, errno, "socketpair");
	}
	rc = start_device(s, pair[0], err);
	close(pair[0]);
	if (rc == 0)
		rc = qmp_send_fd(s, "vhost", pair[1], err);
	close(pair[1]);
	if (rc == 0)
		rc = qmp_do(s, "chardev-add", chardev_args(), err);
	if (rc < 0) {
		cJSON_Delete(args);
		return -1;
	}
	return qmp_do(s, "device_add", args, err);
}

/* Before QEMU, which has the device from its beginning. */
static int build_in_vsock(struct sim *s, struct smol_err *err)
{
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "socketpair");
	rc = start_device(s, pair[0], err);
	close(pair[0]);
	s->vhost_fd = pair[1];
	return rc;
}

static int start(struct sim *s, struct smol_err *err)
{
	bool vsock = smol_json_get(s->config, "vsock") != NULL;

	if (guest_make_memory(s, err) < 0 || (vsock && s->mmio && build_in_vsock(s, err) < 0) ||
	    guest_start_qemu(s, false, err) < 0 ||
	    (vsock && !s->mmio && guest_plug_vsock(s, err) < 0))
		return -1;
	return qmp_do(s, "cont", NULL, err);
}

int guest_start(struct sim *s, struct smol_err *err)
{
	int rc = start(s, err);

	if (s->vhost_fd >= 0)
		close(s->vhost_fd);
	s->vhost_fd = -1;
	if (rc < 0)
		guest_end(s);
	return rc;
}

/* A device that stands still would hold up QEMU as well, whenever that talks to it. */
static void stop_device(struct sim *s, bool still)
{
	if (s->fault.name == FAULT_DEAF && s->device.pid > 0)
		smol_proc_kill(s->device.pidfd, still ? SIGSTOP : SIGCONT);
}

int guest_pause(struct sim *s, struct smol_err *err)
{
	stop_device(s, false);
	return s->off ? 0 : qmp_do(s, "stop", NULL, err);
}

int guest_resume(struct sim *s, struct smol_err *err)
{
	if (!s->off && qmp_do(s, "cont", NULL, err) < 0)
		return -1;
	stop_device(s, true);
	return 0;
}

int guest_ctrl_alt_del(struct sim *s, struct smol_err *err)
{
	static const char *const keys[] = {"ctrl", "alt", "delete"};
	cJSON *args = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(args, "keys");

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(keys); i++) {
		cJSON *key = cJSON_CreateObject();

		smol_json_add_str(key, "type", "qcode");
		smol_json_add_str(key, "data", keys[i]);
		cJSON_AddItemToArray(list, key);
	}
	return qmp_do(s, "send-key", args, err);
}

int guest_balloon(struct sim *s, int64_t amount_mib, struct smol_err *err)
{
	cJSON *args = cJSON_CreateObject();

	smol_json_add_int(args, "value", (machine(s, "mem_size_mib") - amount_mib) << 20);
	return qmp_do(s, "balloon", args, err);
}

int64_t guest_balloon_actual(struct sim *s, struct smol_err *err)
{
	smol_auto_json cJSON *r = qmp_call(s, "query-balloon", NULL, err);
	int64_t left = 0;

	if (!r || smol_json_int(r, "actual", 0, INT64_MAX, &left) != 1)
		return -1;
	return machine(s, "mem_size_mib") - (left >> 20);
}

void guest_events(struct sim *s)
{
	qmp_drain(s);
}

void guest_end_process(struct sim_process *p)
{
	if (p->pid <= 0)
		return;
	smol_proc_kill(p->pidfd, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->pidfd);
	*p = (struct sim_process){0};
}

void guest_end(struct sim *s)
{
	stop_device(s, false);
	/* Told, QEMU writes out what the console still holds. */
	if (s->qemu.pid > 0 && qmp_do(s, "quit", NULL, NULL) == 0)
		smol_io_wait(s->qemu.pidfd, POLLIN, smol_in_ms(SIM_END_MS));
	guest_end_process(&s->qemu);
	guest_end_process(&s->device);
	if (s->qmp >= 0)
		close(s->qmp);
	if (s->mem_fd >= 0)
		close(s->mem_fd);
	s->qmp = s->mem_fd = -1;
	smol_buf_clear(&s->qmp_in);
}
