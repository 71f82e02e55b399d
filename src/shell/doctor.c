/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checks of doctor: see doctor.h. Each stands alone; none changes anything but that the state
 * and runtime directories are made where they are missing.
 */
#include "shell/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "backend/firecracker.h"
#include "backend/vhost_vsock.h"
#include "backend/qemu.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"
#include "image/image.h"
#include "vm/children.h"
#include "vm/registry.h"
#include "vsock/addr.h"

#define QEMU	     "qemu-system-x86_64"
#define QEMU_MAJOR   7
#define QEMU_MINOR   2
#define QEMU_WAIT_MS 10000
#define HELP_MAX     (512 * 1024)  /* bytes of QEMU's list of devices */
#define NOFILE_MIN   256	   /* descriptors */
#define MEMORY_MIN   (256LL << 20) /* a default VM and QEMU itself */
#define DISK_MIN     (64LL << 20)  /* logs, the registry */

static const struct {
	const char *name, *glyph;
} levels[] = {
#define X(e, n, g) [SMOL_FINDING_##e] = {n, g},
    SMOL_FINDINGS(X)
#undef X
};
_Static_assert(SMOL_ARRAY_SIZE(levels) == SMOL_FINDING__COUNT, "a name for each level");

const char *smol_finding_name(enum smol_finding_level level)
{
	return levels[level].name;
}

const char *smol_finding_glyph(enum smol_finding_level level)
{
	return levels[level].glyph;
}

void smol_finding_free(struct smol_finding *f)
{
	free(f->text);
	free(f->mend);
	*f = (struct smol_finding){0};
}

static void found(struct smol_finding *f, enum smol_finding_level level, const char *mend,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void found(
    struct smol_finding *f, enum smol_finding_level level, const char *mend, const char *fmt, ...)
{
	va_list ap;

	smol_finding_free(f);
	f->level = level;
	f->mend = smol_strdup(mend);
	va_start(ap, fmt);
	if (vasprintf(&f->text, fmt, ap) < 0)
		f->text = NULL;
	va_end(ap);
}

static void found_err(
    struct smol_finding *f, enum smol_finding_level level, const struct smol_err *err)
{
	found(f, level, err->hint, "%s", err->msg ? err->msg : "failed");
}

static void look_accelerator(struct smol_finding *f)
{
	smol_auto_free char *why = NULL;
	enum smol_accel a = smol_accel_choose(&why);
	/* A CPU without its extension makes no use of rights on the device. */
	bool denied = why && strstr(why, "/dev/kvm") && access("/dev/kvm", F_OK) == 0 &&
		      access("/dev/kvm", R_OK | W_OK) < 0;

	if (a == SMOL_ACCEL_KVM)
		found(f, SMOL_FINDING_OK, NULL, "kvm (%s)", why);
	else
		found(f, SMOL_FINDING_WARN,
		    denied
			? "sudo usermod -aG kvm \"$USER\", then log in again"
			: "turn virtualization on in the firmware, or nested virtualization in the "
			  "host of this machine; everything works without it, slower",
		    "tcg (%s)", why);
}

static void look_vhost(struct smol_finding *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_close int fd = smol_vhost_vsock_open(smol_vhost_vsock_path(), &err);

	if (fd >= 0)
		found(f, SMOL_FINDING_OK, NULL, "%s is usable: vsock is the kernel's",
		    smol_vhost_vsock_path());
	else
		found(f, SMOL_FINDING_OK, NULL,
		    "%s, and none is needed: smolsh-vsockd is the device", err.msg);
}

static void look_qemu(struct smol_finding *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_probe p = {0};
	int major = 0, minor = 0;

	if (smol_backend_probe(&smol_backend_qemu_info, NULL, &p, &err) < 0) {
		found_err(f, SMOL_FINDING_BAD, &err);
	} else if (!p.program) {
		found(f, SMOL_FINDING_BAD, "apt-get install qemu-system-x86", QEMU " is not there");
	} else if (!p.version || sscanf(p.version, "%d.%d", &major, &minor) != 2 ||
		   major < QEMU_MAJOR || (major == QEMU_MAJOR && minor < QEMU_MINOR)) {
		found(f, SMOL_FINDING_BAD, "apt-get install qemu-system-x86",
		    "%s is version %s; %d.%d or later is needed", p.program,
		    p.version ? p.version : "?", QEMU_MAJOR, QEMU_MINOR);
	} else {
		found(f, SMOL_FINDING_OK, NULL, "%s, version %s", p.program, p.version);
	}
	smol_probe_free(&p);
}

/* Nobody needs it: what is wrong with it is worth a word only where somebody may mean to use it. */
static void look_firecracker(struct smol_finding *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_probe p = {0};

	if (smol_backend_probe(&smol_backend_firecracker_info, NULL, &p, &err) == 0)
		found(f, SMOL_FINDING_OK, NULL, "%s, version %s%s%s", p.program, p.version,
		    p.known ? "; " : "", p.known ? p.known : "");
	else if (err.code == SMOL_E_UNSUPPORTED)
		found_err(f, SMOL_FINDING_WARN, &err);
	else
		found(f, SMOL_FINDING_OK, NULL, "%s; qemu is used", err.msg);
	smol_probe_free(&p);
}

static void look_device(struct smol_finding *f)
{
	static const char *const argv[] = {QEMU, "-device", "help", NULL};
	struct smol_spawn s = {
	    .argv = argv, .fds = {-1, -1, -1}, .nfds = 3, .die_with_parent = true};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf out = {0};
	int status;

	if (smol_spawn_read(&s, HELP_MAX, smol_in_ms(QEMU_WAIT_MS), &out, &status, &err) < 0)
		found_err(f, SMOL_FINDING_BAD, &err);
	else if (!strstr(smol_buf_str(&out), "\"vhost-user-vsock-pci\""))
		found(f, SMOL_FINDING_BAD, "apt-get install qemu-system-x86",
		    "this QEMU has no vhost-user-vsock-pci device");
	else
		found(f, SMOL_FINDING_OK, NULL, "vhost-user-vsock-pci is there");
}

static void look_helpers(struct smol_finding *f)
{
	static const char *const names[] = {
	    "smolsh-monitor", "smolsh-vsockd", "smolsh-forward", "smolsh-image", "smolsh-agent"};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf all = {0};

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(names); i++) {
		smol_auto_free char *path = smol_path_helper(names[i], &err);

		if (!path) {
			found_err(f, SMOL_FINDING_BAD, &err);
			return;
		}
		smol_buf_printf(&all, "%s%s", i ? ", " : "", path);
	}
	found(f, SMOL_FINDING_OK, NULL, "%s", smol_buf_str(&all));
}

static void look_image(struct smol_finding *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_image struct smol_image *img = smol_image_open(SMOL_IMAGE_DEFAULT, &err);

	if (!img || smol_image_verify(img, true, &err) < 0)
		found_err(f, SMOL_FINDING_BAD, &err);
	else if (smol_image_agent_current(img, NULL) == 0)
		found(f, SMOL_FINDING_WARN, "smolsh image build --force",
		    "%s in %s holds another agent than this smolsh's: what one knows the other "
		    "may not",
		    img->name, img->dir);
	else if (!smol_image_recipe_current(img))
		found(f, SMOL_FINDING_WARN, "smolsh image build --force",
		    "%s in %s does not hold the modules and files of this smolsh's images",
		    img->name, img->dir);
	else
		found(f, SMOL_FINDING_OK, NULL, "%s is whole: %s, kernel %s", img->name, img->dir,
		    img->kernel_version ? img->kernel_version : "?");
}

/* Made where it is missing, and a file can be made in it. */
static void look_dir(struct smol_finding *f, char *(*get)(struct smol_err *))
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *dir = get(&err);
	smol_auto_free char *probe = dir ? smol_asprintf("%s/.probe-XXXXXX", dir) : NULL;
	smol_auto_close int fd = -1;

	if (!dir) {
		found_err(f, SMOL_FINDING_BAD, &err);
		return;
	}
	fd = mkostemp(probe, O_CLOEXEC);
	if (fd < 0) {
		smol_auto_free char *mend =
		    smol_asprintf("make %s writable, or set SMOLSH_HOME", dir);

		found(f, SMOL_FINDING_BAD, mend, "%s: %s", dir, strerror(errno));
		return;
	}
	unlink(probe);
	found(f, SMOL_FINDING_OK, NULL, "%s", dir);
}

static void look_state(struct smol_finding *f)
{
	look_dir(f, smol_path_state);
}

static void look_runtime(struct smol_finding *f)
{
	look_dir(f, smol_path_runtime);
	if (f->level == SMOL_FINDING_OK && smol_path_runtime_is_session()) {
		smol_auto_free char *dir = smol_path_runtime(NULL);

		found(f, SMOL_FINDING_WARN, "loginctl enable-linger",
		    "%s goes away when you log out, and with it the VMs' sockets", dir);
	}
}

static void look_vsock_path(struct smol_finding *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *dir = smol_path_runtime(&err);
	size_t len = dir ? strlen(dir) + 1 + SMOL_ID_LEN + strlen("/vsock.sock") : 0;

	if (!dir)
		found_err(f, SMOL_FINDING_BAD, &err);
	else if (len > SMOL_UDS_PATH_MAX)
		found(f, SMOL_FINDING_BAD, "set XDG_RUNTIME_DIR or SMOLSH_HOME to a shorter path",
		    "sockets below %s would have paths of %zu bytes; %d are possible", dir, len,
		    SMOL_UDS_PATH_MAX);
	else
		found(f, SMOL_FINDING_OK, NULL, "%zu of %d bytes", len, SMOL_UDS_PATH_MAX);
}

static void look_files(struct smol_finding *f)
{
	struct rlimit r = {0};

	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur < NOFILE_MIN)
		found(f, SMOL_FINDING_WARN, "ulimit -n 1024", "at most %llu open files",
		    (unsigned long long)r.rlim_cur);
	else
		found(f, SMOL_FINDING_OK, NULL, "at most %llu", (unsigned long long)r.rlim_cur);
}

static void look_memory(struct smol_finding *f)
{
	smol_auto_buf struct smol_buf b = {0};
	const char *p;
	uint64_t bytes = 0;
	char text[16];

	if (smol_file_read("/proc/meminfo", 65536, &b, NULL) == 0 &&
	    (p = strstr(smol_buf_str(&b), "MemAvailable:")))
		bytes = strtoull(p + strlen("MemAvailable:"), NULL, 10) * 1024;
	smol_size_text(bytes, text);
	if (bytes < MEMORY_MIN)
		found(f, SMOL_FINDING_WARN, "stop what is not needed: smolsh list",
		    "%s are available; a VM wants 128M and QEMU some itself", text);
	else
		found(f, SMOL_FINDING_OK, NULL, "%s available", text);
}

static void look_disk(struct smol_finding *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *dir = smol_path_state(&err);
	smol_auto_free char *mend = NULL;
	struct statvfs v;
	uint64_t bytes;
	char text[16];

	if (!dir || statvfs(dir, &v) < 0) {
		found(f, SMOL_FINDING_BAD, "see the state directory", "not known");
		return;
	}
	bytes = (uint64_t)v.f_bavail * v.f_frsize;
	smol_size_text(bytes, text);
	mend = smol_asprintf("free some space on the disk that holds %s", dir);
	if (bytes < DISK_MIN)
		found(f, SMOL_FINDING_WARN, mend, "%s free for logs and the registry", text);
	else
		found(f, SMOL_FINDING_OK, NULL, "%s free", text);
}

static void look_registry(struct smol_finding *f)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_registry struct smol_registry *r = smol_registry_open(&err);
	smol_auto_vm_list struct smol_vm **list = NULL;
	smol_auto_buf struct smol_buf pids = {0}, ids = {0};
	int bad = 0, n = 0, strays;

	list = r ? smol_registry_list(r, &bad, &err) : NULL;
	if (!list) {
		found_err(f, SMOL_FINDING_BAD, &err);
		return;
	}
	while (list[n])
		n++;
	strays = smol_children_unknown(list, &pids, &ids);
	if (strays && !bad) {
		smol_auto_free char *mend = smol_asprintf("kill%s", smol_buf_str(&pids));

		found(f, SMOL_FINDING_WARN, mend, "VMs run that are not in it:%s",
		    smol_buf_str(&ids));
		return;
	}
	if (bad)
		found(f, SMOL_FINDING_BAD,
		    "move the registry away (VMs that run are then unknown; their logs stay)",
		    "%d of its rows cannot be read", bad);
	else
		found(f, SMOL_FINDING_OK, NULL, "readable, %d VM%s", n, n == 1 ? "" : "s");
}

const struct smol_check smol_checks[] = {
    {"accelerator", look_accelerator},
    {"vhost-vsock", look_vhost},
    {"qemu", look_qemu},
    {"firecracker", look_firecracker},
    {"vsock device", look_device},
    {"helpers", look_helpers},
    {"image", look_image},
    {"state directory", look_state},
    {"runtime directory", look_runtime},
    {"vsock paths", look_vsock_path},
    {"registry", look_registry},
    {"open files", look_files},
    {"memory", look_memory},
    {"disk", look_disk},
    {0},
};
