/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a VM is to be, in options: see vm_args.h. */
#include "shell/vm_args.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/firecracker.h"
#include "backend/choose.h"
#include "backend/vhost_vsock.h"
#include "base/auto.h"
#include "base/buf.h"
#include "proto/limits.h"
#include "shell/output.h"
#include "shell/rootfs.h"
#include "vm/jail.h"
#include "vm/snapshot.h"
#include "vsock/addr.h"

#define X(e, n) n,
static const char *const accel_names[] = {SMOL_ACCELS(X) NULL};
static const char *const vsock_names[] = {SMOL_VSOCKS(X) NULL};
#undef X
#define X(n)	     ", " #n
#define BACKEND_HELP "hypervisor: auto" SMOL_BACKENDS(X) " (auto)"

const struct smol_option smol_config_options[] = {
    {.name = "name", .type = SMOL_OPTION_STRING, .arg = "NAME", .help = "the VM's name"},
    {.name = "image",
	.type = SMOL_OPTION_STRING,
	.arg = "IMAGE",
	.help = "the image it boots (base)",
	.absent = "base",
	.complete = SMOL_COMPLETE_IMAGE},
    {.name = "memory",
	.letter = 'm',
	.type = SMOL_OPTION_MEMORY,
	.arg = "SIZE",
	.help = "its memory: 128, 512M, 1.5G (128M)",
	.absent = "128M"},
    {.name = "cpus",
	.type = SMOL_OPTION_INT,
	.arg = "N",
	.help = "its processors (1)",
	.absent = "1",
	.min = 1,
	.max = SMOL_CPUS_MAX},
    {.name = "accel",
	.type = SMOL_OPTION_ENUM,
	.arg = "NAME",
	.help = "accelerator: auto, kvm or tcg (auto)",
	.absent = "auto",
	.values = accel_names},
    {.name = "backend",
	.type = SMOL_OPTION_ENUM,
	.arg = "NAME",
	.help = BACKEND_HELP,
	.absent = "auto",
	.values = smol_backend_names},
    {.name = "firecracker",
	.type = SMOL_OPTION_STRING,
	.arg = "PATH",
	.help = "run this Firecracker (the one in PATH)",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "jailer",
	.type = SMOL_OPTION_STRING,
	.arg = "USER",
	.help = "jail Firecracker as this user, UID:GID (as root)"},
    {.name = "kernel",
	.type = SMOL_OPTION_STRING,
	.arg = "FILE",
	.help = "boot this kernel instead of the image's",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "kernel-args",
	.type = SMOL_OPTION_STRING,
	.arg = "TEXT",
	.help = "appended to the kernel's command line",
	.empty = true},
    {.name = "net",
	.type = SMOL_OPTION_STRING,
	.arg = "NAME",
	.help = "guest network: none, user or tap=DEVICE (none)",
	.absent = "none"},
    {.name = "rootfs",
	.type = SMOL_OPTION_STRING,
	.arg = "ROOT",
	.help = "its root: a root image, directory, tar, container image",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "rootfs-size",
	.type = SMOL_OPTION_STRING,
	.arg = "SIZE",
	.help = "the disk for what it writes over that root (4G)",
	.absent = "4G"},
    {.name = "disk",
	.type = SMOL_OPTION_LIST,
	.arg = "SIZE|FILE",
	.help = "a new disk (2G) or a raw FILE[:ro], /dev/vda on (repeat)",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "balloon", .help = "memory can be taken from it while it runs"},
    {.name = "share",
	.type = SMOL_OPTION_LIST,
	.arg = "DIR:PLACE",
	.help = "share DIR with the guest at PLACE; :ro behind it (repeat)",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "no-vsock", .help = "no vsock: the agent cannot be reached"},
    {.name = "vsock",
	.type = SMOL_OPTION_ENUM,
	.arg = "NAME",
	.help = "vsock device: auto, kernel or user (auto)",
	.absent = "auto",
	.values = vsock_names},
    {.name = "cid",
	.type = SMOL_OPTION_STRING,
	.arg = "N",
	.help = "its CID, 3 to 4294967294 (derived from its id)"},
    {.name = "vsock-port",
	.type = SMOL_OPTION_STRING,
	.arg = "N",
	.help = "the guest port of the agent (5000)",
	.absent = "5000"},
    {.name = "vsock-path",
	.type = SMOL_OPTION_STRING,
	.arg = "PATH",
	.help = "the host's Unix socket for its vsock",
	.complete = SMOL_COMPLETE_FILE},
    {.name = "label",
	.letter = 'l',
	.type = SMOL_OPTION_LIST,
	.arg = "K=V",
	.help = "a label to select it by (may be repeated)"},
    {.name = "limit",
	.type = SMOL_OPTION_LIST,
	.arg = "NAME=VALUE",
	.help = "a limit of its agent, as in `smolsh info` (repeat)"},
    {.name = "allow-cwd",
	.type = SMOL_OPTION_LIST,
	.arg = "DIR",
	.help = "commands run below this directory only (repeat)"},
    {.name = "allow-env",
	.type = SMOL_OPTION_LIST,
	.arg = "NAME",
	.help = "commands may be given this variable only (repeat)"},
    {.name = "run-as",
	.type = SMOL_OPTION_STRING,
	.arg = "USER",
	.help = "commands run as this user only"},
    {.name = "boot-timeout",
	.type = SMOL_OPTION_DURATION,
	.arg = "TIME",
	.help = "give up when it is not ready by then (120s)",
	.absent = "120s"},
    {0},
};

static void put(char **to, const char *from)
{
	if (!from)
		return;
	free(*to);
	*to = smol_strdup(from);
}

/* ELF, or the header magic of a bzImage (Linux, Documentation/arch/x86/boot.rst). */
static int check_kernel(const char *path, struct smol_err *err)
{
	smol_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	char elf[4] = "", boot[4] = "";

	if (fd < 0)
		return smol_err_errno(err, SMOL_E_INVALID, errno, "--kernel: %s", path);
	if (pread(fd, elf, 4, 0) == 4 && memcmp(elf, "\177ELF", 4) == 0)
		return 0;
	if (pread(fd, boot, 4, 0x202) == 4 && memcmp(boot, "HdrS", 4) == 0)
		return 0;
	smol_err_set(err, SMOL_E_INVALID, "--kernel: %s is no kernel", path);
	return smol_err_hint(err, "give a vmlinux (ELF) or a bzImage, such as /boot/vmlinuz-*");
}

/* Who names one wants it: --backend need not be said as well. */
static int take_firecracker(const char *file, struct smol_vm_config *c, struct smol_err *err)
{
	smol_auto_free char *path = NULL;

	if (!file)
		return 0;
	if (strcmp(c->backend, "firecracker") != 0 && strcmp(c->backend, SMOL_BACKEND_AUTO) != 0)
		return smol_err_set(
		    err, SMOL_E_USAGE, "--firecracker excludes --backend %s", c->backend);
	path = realpath(file, NULL);
	if (!path)
		return smol_err_errno(err, SMOL_E_INVALID, errno, "--firecracker: %s", file);
	put(&c->firecracker, path);
	put(&c->backend, "firecracker");
	return 0;
}

/* The program's own file name is part of the jail's: it has to be known from here on. */
static int take_jailer(const char *user, struct smol_vm_config *c, struct smol_err *err)
{
	smol_auto_free char *program = NULL, *path = NULL, *ids = NULL;
	struct smol_fc_version version;
	uid_t uid;
	gid_t gid;

	if (!user)
		return 0;
	if (strcmp(c->backend, "firecracker") != 0)
		return smol_err_set(err, SMOL_E_USAGE, "--jailer is for --backend firecracker");
	if (smol_jail_user(user, &uid, &gid, err) < 0)
		return smol_err_wrap(err, "--jailer");
	if (geteuid() != 0) {
		smol_err_set(err, SMOL_E_PERMISSION, "--jailer: only root can make a jail");
		return smol_err_hint(err, "sudo smolsh …, or leave --jailer out");
	}
	if (!c->firecracker) {
		program = smol_fc_find(NULL, &version, err);
		path = program ? realpath(program, NULL) : NULL;
		if (!path)
			return program ? smol_err_errno(err, SMOL_E_IO, errno, "%s", program) : -1;
		put(&c->firecracker, path);
	}
	ids = smol_asprintf("%u:%u", (unsigned)uid, (unsigned)gid);
	put(&c->jailer, ids);
	return 0;
}

static int take_kernel(const char *file, struct smol_vm_config *c, struct smol_err *err)
{
	smol_auto_free char *path = NULL;

	if (!file)
		return 0;
	/* Absolute: the monitor has another working directory. */
	path = realpath(file, NULL);
	if (!path)
		return smol_err_errno(err, SMOL_E_INVALID, errno, "--kernel: %s", file);
	if (check_kernel(path, err) < 0)
		return -1;
	put(&c->kernel, path);
	return 0;
}

static int take_vsock(
    const struct smol_args *args, struct smol_vsock_config *v, struct smol_err *err)
{
	const char *cid = smol_args_str(args, "cid"), *port = smol_args_str(args, "vsock-port");
	const char *path = smol_args_str(args, "vsock-path");
	smol_auto_free char *cwd = NULL, *full = NULL;

	v->enabled = !smol_args_flag(args, "no-vsock");
	v->kind = (enum smol_vsock_by)smol_args_int(args, "vsock", v->kind);
	if (!v->enabled && (v->kind || cid || port || path))
		return smol_err_set(err, SMOL_E_USAGE, "--no-vsock excludes --%s",
		    v->kind ? "vsock"
		    : cid   ? "cid"
		    : port  ? "vsock-port"
			    : "vsock-path");
	if (cid && smol_cid_parse(cid, &v->guest_cid, err) < 0)
		return smol_err_wrap(err, "--cid");
	if (port && smol_vsock_port_parse(port, &v->guest_port, err) < 0)
		return smol_err_wrap(err, "--vsock-port");
	if (!path)
		return 0;
	if (*path != '/') {
		cwd = getcwd(NULL, 0);
		full = smol_asprintf("%s/%s", cwd ? cwd : "", path);
		path = full;
	}
	if (smol_uds_path_check(path, err) < 0)
		return smol_err_wrap(err, "--vsock-path");
	put(&v->uds_path, path);
	return 0;
}

static int put_limit(
    cJSON *limits, const char *name, const char *text, const char *eq, struct smol_err *err)
{
	smol_auto_free char *own = name ? NULL : smol_strndup(text, (size_t)(eq - text));

	return smol_limits_put(limits, name ? name : own, name ? text : eq + 1, err);
}

/* The options about limits and policy, into c->limits. */
static int take_limits(const struct smol_args *args, struct smol_vm_config *c, struct smol_err *err)
{
	static const struct {
		const char *option, *name; /* NULL: the text holds it */
	} known[] = {
	    {"limit", NULL}, {"allow-cwd", "cwd"}, {"allow-env", "env"}, {"run-as", "user"}};

	for (int i = 0; i < args->ngiven; i++) {
		const struct smol_arg *a = &args->given[i];
		const char *eq = a->text ? strchr(a->text, '=') : NULL;
		size_t k = 0;

		while (k < SMOL_ARRAY_SIZE(known) && strcmp(known[k].option, a->option->name) != 0)
			k++;
		if (k == SMOL_ARRAY_SIZE(known))
			continue;
		if (!known[k].name && !eq) {
			smol_err_set(err, SMOL_E_INVALID, "--limit: no value");
			return smol_err_hint(err, "--limit jobs=4");
		}
		if (!c->limits)
			c->limits = cJSON_CreateObject();
		if (put_limit(c->limits, known[k].name, a->text, eq, err) < 0)
			return smol_err_wrap(err, "--%s", a->option->name);
	}
	return 0;
}

static int take_disks(const struct smol_args *args, struct smol_disks *d, struct smol_err *err)
{
	for (int i = 0; i < args->ngiven; i++)
		if (strcmp(args->given[i].option->name, "disk") == 0 &&
		    smol_disks_add(d, args->given[i].text, err) < 0)
			return smol_err_wrap(err, "--disk");
	return 0;
}

static int take_shares(const struct smol_args *args, struct smol_shares *s, struct smol_err *err)
{
	for (int i = 0; i < args->ngiven; i++)
		if (strcmp(args->given[i].option->name, "share") == 0 &&
		    smol_shares_add(s, args->given[i].text, err) < 0)
			return smol_err_wrap(err, "--share");
	return 0;
}

static int check_labels(const struct smol_args *args, struct smol_err *err)
{
	for (int i = 0; i < args->ngiven; i++)
		if (strcmp(args->given[i].option->name, "label") == 0 &&
		    smol_pair_check(SMOL_PAIRS_LABELS, args->given[i].text, true, err) < 0)
			return smol_err_wrap(err, "--label");
	return 0;
}

struct smol_vm *smol_vm_from_args(struct smol_registry *r, const struct smol_args *args,
    const char *name, const struct smol_vm_config *c, bool ephemeral, struct smol_err *err)
{
	smol_auto_vm struct smol_vm *vm = NULL;
	char **labels = NULL;
	int rc;

	if (smol_registry_create(r, name, c, ephemeral, &vm, err) < 0)
		return NULL;
	labels = smol_args_list(args, "label");
	rc = smol_rootfs_take(vm, err) == 0 ? smol_vm_disks_make(vm, err) : -1;
	if (rc == 0 && labels)
		rc = smol_registry_change_pairs(
		    r, vm->id, SMOL_PAIRS_LABELS, (const char *const *)labels, NULL, err);
	for (char **p = labels; p && *p; p++)
		free(*p);
	free(labels);
	if (rc == 0)
		return labels ? smol_registry_find(r, vm->id, err) : smol_steal(&vm);
	smol_vm_delete(r, vm, true, NULL);
	return NULL;
}

int smol_config_from_args(
    const struct smol_args *args, struct smol_vm_config *c, struct smol_err *err)
{
	smol_vm_config_init(c);
	put(&c->image, smol_args_str(args, "image"));
	put(&c->backend, smol_args_str(args, "backend"));
	put(&c->kernel_args, smol_args_str(args, "kernel-args"));
	c->memory_mib = smol_args_int(args, "memory", c->memory_mib);
	c->cpus = (int)smol_args_int(args, "cpus", c->cpus);
	c->accel = (enum smol_accel)smol_args_int(args, "accel", c->accel);
	c->balloon = smol_args_flag(args, "balloon");
	const char *net = smol_args_str(args, "net");

	if (net && smol_net_take(net, c, err) < 0)
		return smol_err_wrap(err, "--net");
	if (check_labels(args, err) < 0 || take_limits(args, c, err) < 0 ||
	    take_disks(args, &c->disks, err) < 0 || take_shares(args, &c->shares, err) < 0 ||
	    take_firecracker(smol_args_str(args, "firecracker"), c, err) < 0 ||
	    take_jailer(smol_args_str(args, "jailer"), c, err) < 0 ||
	    take_kernel(smol_args_str(args, "kernel"), c, err) < 0 ||
	    take_vsock(args, &c->vsock, err) < 0)
		return -1;
	if (smol_vm_config_check(c, err) < 0 || smol_accel_check(c->accel, err) < 0)
		return -1;
	return smol_backend_resolve(c, err) < 0 ? -1 : smol_vsock_check(c, err);
}

struct start {
	struct smol_shell *sh;
	struct smol_spinner *spinner;
	int64_t began_ms;
};

static void on_phase(void *ctx, const char *phase)
{
	struct start *s = ctx;
	int64_t ms = smol_now_ms() - s->began_ms;

	smol_spinner_phase(s->spinner, phase);
	smol_out_detail(
	    s->sh, "%s %lld.%03lld s", phase, (long long)ms / 1000, (long long)ms % 1000);
}

/* Can it come back from this one? Before a monitor is started for it. */
static int check_snapshot(const struct smol_vm *vm, const char *name, struct smol_err *err)
{
	const struct smol_backend_info *info = smol_backend_lookup(vm->config.backend, err);
	struct smol_snapshot s;
	int rc;

	if (!info)
		return -1;
	if (!(info->capabilities & SMOL_CAP_SNAPSHOT))
		return smol_backend_cannot(info, NULL, SMOL_CAP_SNAPSHOT, err);
	rc = smol_snapshot_read(vm, name, &s, err);
	explicit_bzero(s.token, sizeof(s.token));
	return rc;
}

int smol_shell_start(struct smol_shell *sh, struct smol_vm *vm, const struct smol_args *args,
    struct smol_signals *signals, struct smol_hold **hold, struct smol_spinner **spinner,
    struct smol_err *err)
{
	/* --verbose prints the phases as lines: the spinner would be drawn across them. */
	smol_auto_spinner struct smol_spinner *own =
	    sh->verbose ? NULL : smol_spinner_start(sh, "booting");
	struct start s = {.sh = sh, .spinner = own, .began_ms = smol_now_ms()};
	int64_t timeout_ms = smol_args_int(args, "boot-timeout", SMOL_BOOT_TIMEOUT_MS);
	struct smol_start_opts o = {
	    .deadline = smol_in_ms(timeout_ms),
	    .timeout_ms = timeout_ms,
	    .phase = on_phase,
	    .ctx = &s,
	    .interrupt_fd = signals->fd,
	};

	/* Not every command that starts one has the option. */
	if (smol_command_option(args->command, "snapshot", strlen("snapshot")))
		o.snapshot = smol_args_str(args, "snapshot");
	if (o.snapshot && check_snapshot(vm, o.snapshot, err) < 0)
		return -1;
	smol_spinner_phase(own, "starting");
	if (smol_vm_start(sh->registry, vm, &o, hold, err) < 0)
		return -1;
	if (spinner)
		*spinner = smol_steal(&own);
	return 0;
}
