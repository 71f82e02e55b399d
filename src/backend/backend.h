/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hypervisors behind one vtable, in two halves. What a backend is and can do (info) is linked
 * everywhere, for it is asked before a VM is made; what runs it (ops) into the monitor alone, and
 * with it the libraries that it needs. A backend is used by one monitor for one VM: prepare checks
 * what can be checked and builds the command, start runs it, events come back through a callback,
 * stop ends it in the way asked, destroy frees all. Only backend.c and hypervisor.c dereference the
 * halves; an empty slot becomes "backend X cannot do Y".
 */
#ifndef SMOL_BACKEND_BACKEND_H
#define SMOL_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "proto/json.h"
#include "vm/config.h"

/* X(enumerator, bit, name, what it means) */
#define SMOL_CAPS(X)                                                                               \
	X(VSOCK_USER, 0, "vsock-user", "vsock by a device of ours (vhost-user)")                   \
	X(VSOCK_KERNEL, 1, "vsock-kernel", "vsock by the host's kernel (vhost-vsock)")             \
	X(VSOCK_VMM, 2, "vsock-vmm", "vsock by the hypervisor itself")                             \
	X(PAUSE, 3, "pause", "pause and resume")                                                   \
	X(SNAPSHOT, 4, "snapshot", "snapshots")                                                    \
	X(NET_USER, 5, "net-user", "user-mode network")                                            \
	X(NET_TAP, 6, "net-tap", "network by a tap device of the host")                            \
	X(DISK, 7, "disk", "disks")                                                                \
	X(SHARE, 8, "share", "directories shared with the guest")                                  \
	X(BALLOON, 9, "balloon", "memory given back while it runs")                                \
	X(HOTPLUG, 10, "hotplug", "devices that come and go while it runs")                        \
	X(REBOOT, 11, "reboot", "a guest that reboots boots again")                                \
	X(POWEROFF, 12, "poweroff", "a guest that powers off ends the hypervisor")
enum smol_cap {
#define X(e, bit, n, h) SMOL_CAP_##e = 1 << (bit),
	SMOL_CAPS(X)
#undef X
};

/* What is known of a hypervisor on this host. */
struct smol_probe {
	char *program;	       /* its path, or NULL where it is not installed */
	char *version;	       /* "7.2.22", or NULL */
	enum smol_accel accel; /* KVM or TCG: what AUTO becomes */
	char *accel_reason;    /* "no vmx or svm in /proc/cpuinfo" */
};
void smol_probe_free(struct smol_probe *p);

/* All that a start needs, made by the monitor; strings and descriptors stay the monitor's. */
struct smol_launch {
	const char *name;
	const struct smol_vm_config *config;
	const char *kernel;	 /* file to boot: ELF with PVH note, or bzImage */
	const char *kernel_args; /* of the image; the config's are appended behind */
	int initrd_fd;		 /* memfd, sealed */
	int console_fd;		 /* the hypervisor's end of the serial console's socket pair */
	int stderr_fd;		 /* what the hypervisor complains about */
	int vhost_listen_fd;	 /* listening socket of the vsock device, -1: no vsock; the device
				  * has connected to it already */
	uint32_t cid;
};

enum smol_backend_event_type {
	SMOL_BACKEND_UP,       /* the hypervisor answers */
	SMOL_BACKEND_RESET,    /* the guest reboots */
	SMOL_BACKEND_SHUTDOWN, /* the guest has powered off; the process will end */
	SMOL_BACKEND_PANIC,    /* the guest's kernel has panicked */
	SMOL_BACKEND_PAUSED,   /* its CPUs stand still */
	SMOL_BACKEND_RESUMED,  /* and go on */
	SMOL_BACKEND_REFUSED,  /* it does not pause or resume: why */
	SMOL_BACKEND_LOST,     /* the control connection is gone or speaks nonsense */
};

enum smol_stop_how {
	SMOL_STOP_QUIT, /* the hypervisor is told to end */
	SMOL_STOP_KILL,
};

struct smol_backend {
	const struct smol_backend_ops *ops;
	void *priv; /* the backend's own */
	/* Set by start. The monitor watches both descriptors and owns neither. */
	pid_t pid;
	int pidfd;
	int control_fd;	  /* readable: call smol_backend_control(); -1: none */
	char *accel_used; /* "tcg (…why)" */
	void (*event)(void *ctx, enum smol_backend_event_type type, const char *detail);
	void *ctx;
};

/* What a backend is, without a VM. */
struct smol_backend_info {
	const char *name;
	const char *summary;   /* "QEMU: any Linux host, with KVM or emulated" */
	unsigned capabilities; /* of enum smol_cap */
	/* program: the file to ask, NULL: the first in PATH. *out is set in any case. */
	int (*probe)(const char *program, struct smol_probe *out, struct smol_err *err);
};

struct smol_backend_ops {
	const struct smol_backend_info *info;
	int (*prepare)(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err);
	int (*start)(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err);
	void (*control)(struct smol_backend *b);
	/* Both only ask: that it is so is an event, PAUSED or RESUMED, or REFUSED. */
	int (*pause)(struct smol_backend *b, struct smol_err *err);
	int (*resume)(struct smol_backend *b, struct smol_err *err);
	int (*snapshot)(struct smol_backend *b, const char *path, struct smol_err *err);
	int (*stop)(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err);
	/* Take this many MiB from the guest. */
	int (*balloon)(struct smol_backend *b, int64_t mib, struct smol_err *err);
	void (*destroy)(struct smol_backend *b);
};

/* backend.c: both NULL-terminated tables have the same order. */
extern const struct smol_backend_info *const smol_backend_infos[];
/* SMOL_E_INVALID names those that there are. */
const struct smol_backend_info *smol_backend_lookup(const char *name, struct smol_err *err);
int smol_backend_probe(const struct smol_backend_info *info, const char *program,
    struct smol_probe *out, struct smol_err *err);
/* "backend x cannot pause; qemu can": always -1, SMOL_E_UNSUPPORTED. */
int smol_backend_cannot(const struct smol_backend_info *info, const char *verb, enum smol_cap cap,
    struct smol_err *err);

/* hypervisor.c: the monitor's. */
extern const struct smol_backend_ops *const smol_backends[];
const struct smol_backend_ops *smol_backend_ops_lookup(const char *name, struct smol_err *err);
int smol_backend_prepare(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err);
int smol_backend_start(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err);
void smol_backend_control(struct smol_backend *b);
/* SMOL_E_UNSUPPORTED says which backends can. */
int smol_backend_pause(struct smol_backend *b, struct smol_err *err);
int smol_backend_resume(struct smol_backend *b, struct smol_err *err);
int smol_backend_balloon(struct smol_backend *b, int64_t mib, struct smol_err *err);
int smol_backend_stop(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err);
void smol_backend_destroy(struct smol_backend *b);

/* KVM where it can work, else TCG, with the reason in words (malloc'd, caller frees). */
enum smol_accel smol_accel_choose(char **reason);
/* Can guests run so here? By the same look; KVM where it cannot work is SMOL_E_DEPENDENCY, why. */
int smol_accel_check(enum smol_accel a, struct smol_err *err);

#endif
