/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a VM is to be: the part that its user decides. Stored as JSON in the registry. */
#ifndef SMOL_VM_CONFIG_H
#define SMOL_VM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/json.h"
#include "vm/disk.h"
#include "vm/share.h"
#include "vsock/addr.h"

#define SMOL_MEMORY_MIN_MIB	80		  /* less does not boot the base image */
#define SMOL_MEMORY_MAX_MIB	(4 * 1024 * 1024) /* and no more than the host has */
#define SMOL_MEMORY_DEFAULT_MIB 128
#define SMOL_BALLOON_MIN_MIB	SMOL_MEMORY_MIN_MIB /* what a balloon leaves to a guest */
#define SMOL_CPUS_MAX		64
#define SMOL_NAME_MAX		40
#define SMOL_KERNEL_ARGS_MAX	1024
#define SMOL_ROOTFS_MIN		(INT64_C(16) << 20) /* bytes that a VM's own files may take */
#define SMOL_ROOTFS_MAX		(INT64_C(16) << 40)
#define SMOL_ROOTFS_DEFAULT	(INT64_C(4) << 30)

#define SMOL_ACCELS(X) X(AUTO, "auto") X(KVM, "kvm") X(TCG, "tcg")
enum smol_accel {
#define X(e, n) SMOL_ACCEL_##e,
	SMOL_ACCELS(X)
#undef X
	    SMOL_ACCEL__COUNT
};

#define SMOL_NETS(X) X(NONE, "none") X(USER, "user") X(TAP, "tap")
enum smol_net {
#define X(e, n) SMOL_NET_##e,
	SMOL_NETS(X)
#undef X
	    SMOL_NET__COUNT
};

/* Who is the vsock device: the host's kernel (vhost-vsock), or a program of ours (vhost-user). */
#define SMOL_VSOCKS(X) X(AUTO, "auto") X(KERNEL, "kernel") X(USER, "user")
enum smol_vsock_by {
#define X(e, n) SMOL_VSOCK_BY_##e,
	SMOL_VSOCKS(X)
#undef X
	    SMOL_VSOCK_BY__COUNT
};

struct smol_vsock_config {
	bool enabled;		 /* true */
	enum smol_vsock_by kind; /* AUTO: chosen at each start */
	uint32_t guest_port;	 /* 5000 */
	uint32_t guest_cid;	 /* 0: derived from the VM's id when it is registered */
	char *uds_path;		 /* NULL: in the VM's runtime directory */
};

struct smol_vm_config {
	char *image;	      /* "base" */
	char *backend;	      /* "qemu"; "auto" until it is known which (backend/choose.h) */
	char *backend_reason; /* why that one; or NULL */
	char *firecracker;    /* this program instead of the one in PATH, absolute; or NULL */
	char *jailer;	      /* the user that a jailed hypervisor runs as, "UID:GID"; or NULL */
	char *kernel;	      /* another kernel file than the image's, absolute; or NULL */
	enum smol_accel accel;
	int cpus;	    /* 1…SMOL_CPUS_MAX */
	int64_t memory_mib; /* SMOL_MEMORY_MIN_MIB… */
	char *kernel_args;  /* appended; "" */
	enum smol_net net;
	char *net_tap; /* SMOL_NET_TAP: the host's tap device; else NULL */
	/* The root image (image/root.h's record) that is its root, or NULL: the initramfs is;
	 * owned. Its own files lie on a disk of rootfs_size bytes. */
	cJSON *rootfs;
	int64_t rootfs_size;
	struct smol_disks disks;
	struct smol_shares shares;
	bool balloon; /* it has a balloon: memory can be taken from it while it runs */
	struct smol_vsock_config vsock;
	cJSON *limits; /* what differs from the defaults (proto/limits.h), or NULL; owned */
};

/* Defaults; free with smol_vm_config_free(). */
void smol_vm_config_init(struct smol_vm_config *c);
void smol_vm_config_free(struct smol_vm_config *c);
/* Everything that can be said of it before it is started. SMOL_E_INVALID: what and which range. */
int smol_vm_config_check(const struct smol_vm_config *c, struct smol_err *err);
cJSON *smol_vm_config_encode(const struct smol_vm_config *c);
int smol_vm_config_decode(const cJSON *j, struct smol_vm_config *c, struct smol_err *err);

const char *smol_accel_name(enum smol_accel a);
const char *smol_net_name(enum smol_net n);
const char *smol_vsock_by_name(enum smol_vsock_by k);
/* -1 and SMOL_E_INVALID with the names there are. */
int smol_accel_parse(const char *text, enum smol_accel *a, struct smol_err *err);
/* "none", "user" or "tap=NAME", which must be a tap device of this host. */
int smol_net_take(const char *text, struct smol_vm_config *c, struct smol_err *err);
int smol_net_parse(const char *text, enum smol_net *n, struct smol_err *err);
int smol_vsock_by_parse(const char *text, enum smol_vsock_by *k, struct smol_err *err);
/* a-z A-Z 0-9 . _ - ; starts with a letter or digit; at most SMOL_NAME_MAX; not all hex digits
 * of an id's length. */
int smol_vm_name_check(const char *name, struct smol_err *err);

#endif
