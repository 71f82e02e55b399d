/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hypervisors behind one vtable. A backend is used by one monitor for one VM: prepare checks what
 * can be checked and builds the command, start runs it, events come back through a callback, stop
 * ends it in the way asked, destroy frees all. Only backend.c dereferences the vtable; an empty
 * slot becomes "backend X cannot do Y".
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
	X(PAUSE, 2, "pause", "pause and resume")                                                   \
	X(SNAPSHOT, 3, "snapshot", "snapshots")                                                    \
	X(NET_USER, 4, "net-user", "user-mode network")                                            \
	X(REBOOT, 5, "reboot", "a guest that reboots boots again")
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

struct smol_backend_ops {
	const char *name;
	unsigned capabilities;
	int (*probe)(struct smol_probe *out, struct smol_err *err);
	int (*prepare)(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err);
	int (*start)(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err);
	void (*control)(struct smol_backend *b);
	/* Both only ask: that it is so is an event, PAUSED or RESUMED, or REFUSED. */
	int (*pause)(struct smol_backend *b, struct smol_err *err);
	int (*resume)(struct smol_backend *b, struct smol_err *err);
	int (*snapshot)(struct smol_backend *b, const char *path, struct smol_err *err);
	int (*stop)(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err);
	void (*destroy)(struct smol_backend *b);
};

/* NULL-terminated. */
extern const struct smol_backend_ops *const smol_backends[];
/* SMOL_E_INVALID names those that there are. */
const struct smol_backend_ops *smol_backend_lookup(const char *name, struct smol_err *err);

int smol_backend_probe(
    const struct smol_backend_ops *ops, struct smol_probe *out, struct smol_err *err);
int smol_backend_prepare(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err);
int smol_backend_start(struct smol_backend *b, const struct smol_launch *l, struct smol_err *err);
void smol_backend_control(struct smol_backend *b);
/* SMOL_E_UNSUPPORTED says which backends can. */
int smol_backend_pause(struct smol_backend *b, struct smol_err *err);
int smol_backend_resume(struct smol_backend *b, struct smol_err *err);
int smol_backend_stop(struct smol_backend *b, enum smol_stop_how how, struct smol_err *err);
void smol_backend_destroy(struct smol_backend *b);

/* KVM where it can work, else TCG, with the reason in words (malloc'd, caller frees). */
enum smol_accel smol_accel_choose(char **reason);
/* Can guests run so here? By the same look; KVM where it cannot work is SMOL_E_DEPENDENCY, why. */
int smol_accel_check(enum smol_accel a, struct smol_err *err);

#endif
