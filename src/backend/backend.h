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

/* X(enumerator, bit, name, what it means, "backend x cannot …") */
#define SMOL_CAPS(X)                                                                               \
	X(VSOCK_USER, 0, "vsock-user", "vsock by a device of ours (vhost-user)",                   \
	    "have vsock by smolsh-vsockd")                                                         \
	X(VSOCK_KERNEL, 1, "vsock-kernel", "vsock by the host's kernel (vhost-vsock)",             \
	    "have vsock by the host's kernel")                                                     \
	X(VSOCK_VMM, 2, "vsock-vmm", "vsock by the hypervisor itself", "have vsock of its own")    \
	X(PAUSE, 3, "pause", "pause and resume", "pause")                                          \
	X(SNAPSHOT, 4, "snapshot", "snapshots", "take snapshots")                                  \
	X(NET_USER, 5, "net-user", "user-mode network", "give a guest a user-mode network")        \
	X(NET_TAP, 6, "net-tap", "network by a tap device of the host", "use a tap device")        \
	X(DISK, 7, "disk", "disks", "attach disks")                                                \
	X(SHARE, 8, "share", "directories shared with the guest", "share directories")             \
	X(BALLOON, 9, "balloon", "memory given back while it runs", "take memory back")            \
	X(HOTPLUG, 10, "hotplug", "devices that come and go while it runs",                        \
	    "plug devices while it runs")                                                          \
	X(REBOOT, 11, "reboot", "a guest that reboots boots again", "let a guest reboot")          \
	X(POWEROFF, 12, "poweroff", "a guest that powers off ends the hypervisor",                 \
	    "end when the guest powers off")                                                       \
	X(EMULATE, 13, "emulate", "guests on a host without KVM", "run guests without KVM")
enum smol_cap {
#define X(e, bit, n, h, v) SMOL_CAP_##e = 1 << (bit),
	SMOL_CAPS(X)
#undef X
};

struct smol_cap_words {
	unsigned cap; /* one of enum smol_cap */
	const char *name, *text, *verb;
};
extern const struct smol_cap_words smol_caps[]; /* in the order above; ends with {0} */

/*
 * X(name): the backends that there are. Of two that can do what is asked the first is taken, so the
 * one that does most comes first.
 */
#define SMOL_BACKENDS(X)  X(qemu) X(firecracker)
#define SMOL_BACKENDS_MAX 8
#define SMOL_BACKEND_AUTO "auto" /* in a configuration that is not registered yet */

/* What is known of a hypervisor on this host. */
struct smol_probe {
	char *program;	       /* its path, or NULL where it is not installed */
	char *version;	       /* "7.2.22", or NULL */
	char *known;	       /* what this version is known for, "; " between; or NULL */
	enum smol_accel accel; /* KVM or TCG: what AUTO becomes */
	char *accel_reason;    /* "no vmx or svm in /proc/cpuinfo" */
};
void smol_probe_free(struct smol_probe *p);

/* A raw disk, as the guest is to see it. */
struct smol_drive {
	char *path; /* absolute */
	bool readonly;
	int fd; /* the monitor's: it holds the lock of the file (monitor/drives.c) */
};

/* Where and as whom a hypervisor that is to be jailed runs. */
struct smol_jail {
	char *base, *root; /* all jails; this one's root, which is there */
	uid_t uid;
	gid_t gid;
};

/* All that a start needs, made by the monitor; strings and descriptors stay the monitor's. */
struct smol_launch {
	const char *name;
	const char *id;		 /* of the VM: 32 hex digits */
	const char *runtime_dir; /* the VM's own, mode 0700 */
	const char *uds_path;	 /* its vsock; bound by a backend that has vsock of its own */
	const struct smol_vm_config *config;
	const struct smol_jail *jail; /* NULL: none */
	const char *kernel;	      /* file to boot: ELF with PVH note, or bzImage */
	const char *kernel_args;      /* of the image; the config's are appended behind */
	int initrd_fd;		      /* memfd, sealed */
	int console_fd;		      /* the hypervisor's end of the serial console's socket pair */
	int stderr_fd;		      /* what the hypervisor complains about */
	int vhost_listen_fd; /* listening socket of the vsock device, -1: no vsock; the device
			      * has connected to it already */
	int vhost_vsock_fd;  /* the kernel's vsock device, its CID claimed, instead; -1: none */
	uint32_t cid;
	const struct smol_drive *drives; /* in the guest's order: vda, vdb, … */
	int ndrives;
	int tap_fd; /* the tap device's other end; -1: none, or the hypervisor opens it itself */
	const int *share_fds;	  /* to the virtiofsd of each of the config's shares */
	const char *snapshot_dir; /* the guest comes back from it, as it was; NULL: it boots */
};

enum smol_backend_event_type {
	SMOL_BACKEND_UP,       /* the hypervisor answers */
	SMOL_BACKEND_RESET,    /* the guest reboots */
	SMOL_BACKEND_SHUTDOWN, /* the guest has powered off; the process will end */
	SMOL_BACKEND_PANIC,    /* the guest's kernel has panicked */
	SMOL_BACKEND_PAUSED,   /* its CPUs stand still */
	SMOL_BACKEND_RESUMED,  /* and go on */
	SMOL_BACKEND_HELD,     /* hold() is done */
	SMOL_BACKEND_LET_GO,   /* let_go() is done */
	SMOL_BACKEND_REFUSED,  /* it does not pause or resume: why */
	SMOL_BACKEND_BALLOON,  /* taken_mib has changed; with a detail: it will not, why */
	SMOL_BACKEND_SNAPSHOT, /* it is written; with a detail: it is not, why */
	SMOL_BACKEND_FAILED,   /* it could not start the guest: see smol_backend.failure */
	SMOL_BACKEND_SAYS,     /* a line of its log; foreign */
	SMOL_BACKEND_NOTE,     /* what is worth knowing of it, in our words */
	SMOL_BACKEND_METRICS,  /* its figures, a line of JSON; foreign */
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
	int control_fd;	   /* readable: call smol_backend_control(); -1: none */
	char *accel_used;  /* "tcg (…why)" */
	int64_t taken_mib; /* what the guest has given, as the hypervisor says; -1: it does not */
	struct smol_err failure; /* with FAILED: why */
	void (*event)(void *ctx, enum smol_backend_event_type type, const char *detail);
	void *ctx;
};

/* Why a backend cannot do something, and what does the same by another way (or NULL). */
struct smol_backend_lack {
	enum smol_cap cap;
	const char *why;     /* "it has no virtiofs" */
	const char *instead; /* "smolsh cp" */
};

/* What a backend is, without a VM. */
struct smol_backend_info {
	const char *name;
	const char *summary;   /* "QEMU: any Linux host, with KVM or emulated" */
	const char *program;   /* what is looked for in PATH: "qemu-system-x86_64" */
	unsigned capabilities; /* of enum smol_cap */
	const struct smol_backend_lack *lacks; /* of all others; ends with {0} */
	int cpus_max; /* that a guest can have; 0: as many as are configurable */
	/* A VM is only made for it where its probe says that it can be used here. */
	bool probe_first;
	/* The program that a VM's configuration names instead, or NULL; no slot: none can be named.
	 */
	const char *(*chosen)(const struct smol_vm_config *c);
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
	/*
	 * The guest stands still while the monitor changes something beside it, and goes on unless
	 * it stood still before: no PAUSED, no RESUMED, but HELD and LET_GO when it is done.
	 * Between the two there is no pause() and no resume(). hold() may be repeated.
	 */
	int (*hold)(struct smol_backend *b, struct smol_err *err);
	int (*let_go)(struct smol_backend *b, struct smol_err *err);
	/* Of a paused guest, into this directory; that it is written is an event, SNAPSHOT. */
	int (*snapshot)(struct smol_backend *b, const char *dir, struct smol_err *err);
	int (*stop)(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err);
	/* Take this many MiB from the guest; what it has given is an event, BALLOON. */
	int (*balloon)(struct smol_backend *b, int64_t mib, struct smol_err *err);
	void (*destroy)(struct smol_backend *b);
};

/* backend.c: both NULL-terminated tables have the same order. */
extern const struct smol_backend_info *const smol_backend_infos[];
/* "auto", then their names; NULL-terminated. */
extern const char *const smol_backend_names[];
/* SMOL_E_INVALID names those that there are. */
const struct smol_backend_info *smol_backend_lookup(const char *name, struct smol_err *err);
/* The program that this configuration names for it, or NULL: the one in PATH. */
const char *smol_backend_chosen(
    const struct smol_backend_info *info, const struct smol_vm_config *c);
int smol_backend_probe(const struct smol_backend_info *info, const char *program,
    struct smol_probe *out, struct smol_err *err);
/* Its entry for what it cannot do; NULL where it says nothing. */
const struct smol_backend_lack *smol_backend_lack(
    const struct smol_backend_info *info, enum smol_cap cap);
/* "backend x cannot share directories: it has no virtiofs", with what would work as the mend.
 * verb: other words than the capability's, or NULL. Always -1, SMOL_E_UNSUPPORTED. */
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
/* SMOL_E_UNSUPPORTED where its vsock is no device of ours. */
int smol_backend_hold(struct smol_backend *b, struct smol_err *err);
int smol_backend_let_go(struct smol_backend *b, struct smol_err *err);
int smol_backend_snapshot(struct smol_backend *b, const char *dir, struct smol_err *err);
int smol_backend_balloon(struct smol_backend *b, int64_t mib, struct smol_err *err);
int smol_backend_stop(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err);
void smol_backend_destroy(struct smol_backend *b);

/* KVM where it can work, else TCG, with the reason in words (malloc'd, caller frees). */
enum smol_accel smol_accel_choose(char **reason);
/* Can guests run so here? By the same look; KVM where it cannot work is SMOL_E_DEPENDENCY, why. */
int smol_accel_check(enum smol_accel a, struct smol_err *err);

#endif
