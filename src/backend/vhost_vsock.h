/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vsock by the host's kernel: /dev/vhost-vsock. Each open of it is one guest's device; the CID that
 * it claims is its own on the whole host until it is closed, and no other program can have it.
 */
#ifndef SMOL_BACKEND_VHOST_VSOCK_H
#define SMOL_BACKEND_VHOST_VSOCK_H

#include <stdint.h>

#include "vm/config.h"

/* The device's file: SMOLSH_VHOST_VSOCK where that is set (tests), else /dev/vhost-vsock. */
const char *smol_vhost_vsock_path(void);
/*
 * Open the device, close-on-exec; the caller closes. Nothing is claimed yet. -1: SMOL_E_DEPENDENCY,
 * SMOL_E_PERMISSION or SMOL_E_UNSUPPORTED, why it cannot be used and what would mend it.
 */
int smol_vhost_vsock_open(const char *path, struct smol_err *err);
/*
 * Claim a CID for an open device. It may be done again, and by whoever has the descriptor: that
 * this process becomes the device's owner is avoided, for the owner must be the hypervisor.
 * SMOL_E_EXISTS: another program has this CID; SMOL_E_IO.
 */
int smol_vhost_vsock_claim(int fd, uint32_t cid, struct smol_err *err);

/* What is asked for can be had here: where the kernel's vsock is asked for, the errors of open. */
int smol_vsock_check(const struct smol_vm_config *c, struct smol_err *err);
/*
 * Which of KERNEL and USER a VM gets, for a backend that can do both. *fd is the open device for
 * KERNEL, else -1; *why the reason in words (malloc'd). -1 where the kernel's was asked for and
 * cannot be had: the errors of open.
 */
int smol_vsock_choose(const struct smol_vsock_config *c, enum smol_vsock_by *kind, int *fd,
    char **why, struct smol_err *err);

#endif
