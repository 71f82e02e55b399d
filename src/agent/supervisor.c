/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PID 1: mounts, modules, the VM's configuration; then it reaps, restarts the agent, and shuts the
 * machine down when a signal asks for it (the ones busybox's poweroff, reboot and halt send).
 *
 * Invariants: it never exits; it holds no descriptor of a job; the token lives in its memory only
 * (a forked agent inherits it), the file it came in is overwritten and removed.
 */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/modules.h"
#include "agent/mounts.h"
#include "agent/net.h"
#include "agent/root.h"
#include "agent/shares.h"
#include "agent/roster.h"
#include "agent/server.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "proto/json.h"
#include "proto/request.h"

#define DEATHS	      5 /* of the agent within DEATHS_MS: then it waits */
#define DEATHS_MS     10000
#define RESTART_MS    1000
#define TERM_GRACE_MS 2000 /* for all processes at shutdown */
#define KILL_GRACE_MS 1000 /* and for those that it takes SIGKILL for */
#define CONFIG_MAX    65536
#define PCI_HOST      "/sys/bus/pci/devices/0000:00:00.0"
#define PCI_VSOCK     "pci:v00001AF4d00001053sv00001AF4sd00001100bc02sc80i00"
#define PATH_OF_JOBS  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct vm {
	char token[SMOL_TOKEN_LEN + 1];
	char *name;
	char *net; /* "none", "user", "tap" */
	struct smol_root_disks root;
	int has_root; /* 1; 0: the initramfs is all there is; -1: it should, and cannot */
	struct smol_agent_share shares[SMOL_AGENT_SHARES_MAX];
	int nshares; /* -1: they should be there, and cannot */
	struct smol_agent_config agent;
};

static struct smol_modules modules;

/* A line on the console. */
static __attribute__((format(printf, 1, 2))) void say(const char *fmt, ...)
{
	char line[256] = "smolsh-agent: ";
	size_t n = strlen(line);
	va_list ap;
	int more;

	va_start(ap, fmt);
	more = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	n += more < 0 ? 0 : (size_t)more;
	n = n < sizeof(line) - 2 ? n : sizeof(line) - 2;
	line[n++] = '\n';
	if (write(2, line, n) < 0)
		return; /* there is nowhere else to say it */
}

/* The kernel opens /dev/console for us where the image holds it. */
static void open_console(void)
{
	int fd;

	if (fcntl(2, F_GETFD) >= 0)
		return;
	mkdir("/dev", 0755);
	mknod("/dev/console", S_IFCHR | 0600, makedev(5, 1));
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	for (int i = 0; i < 3; i++)
		if (fd >= 0 && fd != i)
			dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* What shells expect of /dev and devtmpfs does not bring. */
static void link_all(void)
{
	static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
	    {"/proc/self/fd/0", "/dev/stdin"}, {"/proc/self/fd/1", "/dev/stdout"},
	    {"/proc/self/fd/2", "/dev/stderr"}};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(links); i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			say("%s: %s", links[i][1], strerror(errno));
}

/*
 * A page of a program that is touched is mapped together with the 15 around it. Of the small
 * programs that a guest runs most of that is never used, and mapping and unmapping it is a fifth of
 * running one; with 3 around it larger programs take no longer. The kernel takes it from debugfs
 * only, which is not left mounted.
 */
static void map_fewer_around(void)
{
	static const char dir[] = "/sys/kernel/debug", bytes[] = "16384";
	smol_auto_close int fd = -1;

	if (mount("debugfs", dir, "debugfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return;
	fd = open("/sys/kernel/debug/fault_around_bytes", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, bytes, strlen(bytes)) < 0)
		say("fault_around_bytes: %s", strerror(errno));
	umount2(dir, MNT_DETACH);
}

static void raise_loopback(void)
{
	smol_auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) < 0)
		say("lo: %s", strerror(errno));
}

/* The buses first: the devices on the last one are there once its driver is. */
static void load_modules(void)
{
	static const char *const buses[] = {
	    "/sys/bus/pci/devices", "/sys/bus/platform/devices", "/sys/bus/virtio/devices"};

	smol_modules_open(&modules, NULL, say);
	smol_modules_load(&modules, SMOL_MODULES_ORDER);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(buses); i++)
		smol_modules_scan(&modules, buses[i]);
	/* A vsock device may be plugged in later, where nothing of virtio's is yet. */
	if (access(PCI_HOST, F_OK) == 0)
		smol_modules_serve(&modules, PCI_VSOCK);
}

/* Overwrite and remove the file that held the token, and what we read of it. */
static void wipe(const char *path, struct smol_buf *b)
{
	smol_auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = smol_buf_len(b);

	if (b->data)
		explicit_bzero(b->data, b->cap);
	if (fd >= 0 && n && pwrite(fd, b->data, n, 0) < 0)
		say("%s: %s", path, strerror(errno));
	if (unlink(path) < 0 && errno != ENOENT)
		say("%s: %s", path, strerror(errno));
}

/* Where a guest that powers off leaves the hypervisor running, its reboot ends it. */
static bool reboot_ends;

static void read_config(struct vm *vm)
{
	smol_auto_buf struct smol_buf b = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = NULL;
	int64_t guest_port = SMOL_PORT_AGENT, ready_port = SMOL_PORT_READY;
	const char *token, *name;

	if (smol_file_read(SMOL_VM_JSON, CONFIG_MAX, &b, &err) == 0)
		j = smol_json_parse_object(smol_buf_str(&b), smol_buf_len(&b), &err);
	if (err.code != SMOL_E_NONE)
		say("no configuration: %s", err.msg);
	wipe(SMOL_VM_JSON, &b);
	token = smol_json_str(j, "token");
	if (token && strlen(token) == SMOL_TOKEN_LEN) {
		memcpy(vm->token, token, SMOL_TOKEN_LEN + 1);
		vm->agent.token = vm->token;
	}
	if (token)
		explicit_bzero((char *)token, strlen(token));
	name = smol_json_str(j, "name");
	vm->name = smol_strdup(name && *name ? name : "smolsh");
	vm->net = smol_strdup(smol_json_str(j, "net") ?: "none");
	smol_json_int(j, "guest_port", 1, UINT32_MAX - 1, &guest_port);
	smol_json_int(j, "ready_port", 0, UINT32_MAX - 1, &ready_port);
	vm->agent.guest_port = (uint32_t)guest_port;
	vm->agent.ready_port = (uint32_t)ready_port;
	vm->agent.supervised = true;
	smol_limits_init(&vm->agent.limits);
	smol_limits_decode(smol_json_get(j, "limits"), &vm->agent.limits);
	reboot_ends = smol_json_str(j, "end") && strcmp(smol_json_str(j, "end"), "reboot") == 0;
	smol_defaults_decode(smol_json_get(j, "defaults"), &vm->agent.defaults);
	vm->nshares = smol_agent_shares_decode(smol_json_get(j, "shares"), vm->shares, &err);
	vm->has_root = smol_root_disks_decode(smol_json_get(j, "root"), &vm->root, &err);
}

static void exempt_from_oom(void)
{
	smol_auto_close int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, SMOL_OOM_EXEMPT, strlen(SMOL_OOM_EXEMPT)) < 0)
		say("oom_score_adj: %s", strerror(errno));
}

static pid_t start_agent(const struct vm *vm)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	static struct smol_server server;
	pid_t pid = fork();

	if (pid < 0)
		say("cannot start the agent: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_NAME, "smolsh-agent");
	if (smol_server_open(&server, &vm->agent, &err) < 0 || smol_server_run(&server, &err) < 0) {
		say("%s", err.msg);
		_exit(1);
	}
	_exit(0);
}

/* All processes become our children once their own parents are gone. */
static void await_all(int64_t grace_ms)
{
	smol_deadline deadline = smol_in_ms(grace_ms);
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		int ms = smol_poll_ms(deadline);
		struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 || (pid == 0 && ms == 0))
			return;
		if (pid == 0)
			sigtimedwait(&chld, NULL, &ts);
	}
}

static _Noreturn void end_machine(int sig)
{
	static const struct {
		int sig, how;
		const char *word;
	} ends[] = {{SIGUSR2, RB_POWER_OFF, "powering off"}, {SIGUSR1, RB_HALT_SYSTEM, "halting"},
	    {SIGTERM, RB_AUTOBOOT, "rebooting"}};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	size_t i = 0;

	while (i < SMOL_ARRAY_SIZE(ends) - 1 && ends[i].sig != sig)
		i++;
	say("%s", ends[i].word);
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	await_all(TERM_GRACE_MS);
	kill(-1, SIGKILL);
	await_all(KILL_GRACE_MS);
	sync();
	if (smol_root_leave(&err) < 0)
		say("%s", err.msg);
	for (;;) {
		reboot(reboot_ends && ends[i].how == RB_POWER_OFF ? RB_AUTOBOOT : ends[i].how);
		say("reboot: %s", strerror(errno));
		sleep(1);
	}
}

/* How long to wait before the agent is started again, its death noted in the ring of times. */
static int64_t restart_delay(int64_t times[DEATHS], unsigned *n)
{
	int64_t now = smol_now_ms(), oldest = times[*n % DEATHS];

	times[(*n)++ % DEATHS] = now;
	return *n > DEATHS && now - oldest < DEATHS_MS ? RESTART_MS : 0;
}

static bool reap(pid_t agent)
{
	bool died = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != agent)
			continue;
		died = true;
		if (WIFSIGNALED(status))
			say("the agent died of signal %d", WTERMSIG(status));
		else
			say("the agent exited with %d", WEXITSTATUS(status));
	}
	return died;
}

static _Noreturn void supervise(const struct vm *vm, const sigset_t *set)
{
	int64_t deaths[DEATHS] = {0};
	smol_deadline restart = 0;
	unsigned n = 0;
	pid_t agent = -1;

	for (;;) {
		struct timespec ts = {0};
		int sig, ms;

		if (agent < 0 && (ms = smol_poll_ms(restart)) == 0) {
			agent = start_agent(vm);
			if (agent < 0)
				restart = smol_in_ms(RESTART_MS);
		}
		if (agent < 0) {
			ms = smol_poll_ms(restart);
			ts = (struct timespec){ms / 1000, ms % 1000 * 1000000L};
			sig = sigtimedwait(set, NULL, &ts);
		} else {
			sig = sigwaitinfo(set, NULL);
		}
		if (sig == SIGCHLD && reap(agent)) {
			int lost = smol_roster_bury(vm->agent.roster);

			if (lost)
				say("%d jobs are lost with it", lost);
			agent = -1;
			restart = smol_in_ms(restart_delay(deaths, &n));
		}
		if (sig == SIGUSR1 || sig == SIGUSR2 || sig == SIGTERM || sig == SIGINT)
			end_machine(sig);
	}
}

/* Without its root the VM is not what was asked for: it ends, and its console says why. */
static void enter_root(const struct vm *vm)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (!vm->has_root)
		return;
	if (vm->has_root > 0 &&
	    smol_root_enter(&vm->root, vm->agent.defaults.cwd, &modules, &err) == 0)
		return;
	say("%s", err.msg ? err.msg : "the root cannot be mounted: the configuration is unsound");
	end_machine(SIGUSR2);
}

/* The same of what is shared with it. */
static void mount_shares(const struct vm *vm)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	if (vm->nshares >= 0 &&
	    smol_agent_shares_mount(vm->shares, vm->nshares, &modules, &err) == 0)
		return;
	say("%s", err.msg ? err.msg : "shared directories: the configuration is unsound");
	end_machine(SIGUSR2);
}

void smol_supervisor_run(void)
{
	static struct vm vm;
	sigset_t set;

	open_console();
	say("up");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	umask(0);
	smol_mounts_make(say);
	link_all();
	umask(022);
	reboot(RB_DISABLE_CAD); /* Ctrl-Alt-Del becomes SIGINT */
	load_modules();
	read_config(&vm);
	prctl(PR_SET_DUMPABLE, 0);
	exempt_from_oom();
	map_fewer_around();
	setenv("PATH", PATH_OF_JOBS, 1);
	setenv("HOME", "/root", 1);
	unsetenv("TERM");
	if (sethostname(vm.name, strlen(vm.name)) < 0)
		say("hostname: %s", strerror(errno));
	raise_loopback();
	smol_net_up(vm.net, say);
	/* Last: what comes before is the initramfs's business, whatever the root holds. */
	enter_root(&vm);
	smol_mounts_done();
	mount_shares(&vm);
	vm.agent.roster = smol_roster_make();
	supervise(&vm, &set);
}
