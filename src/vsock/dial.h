/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting, without the handshake. */
#ifndef SMOL_VSOCK_DIAL_H
#define SMOL_VSOCK_DIAL_H

#include "base/clock.h"
#include "base/err.h"
#include "vsock/addr.h"

/*
 * A connected, non-blocking, close-on-exec socket (caller closes), or -1: SMOL_E_REFUSED (nobody
 * listens), SMOL_E_DEADLINE, SMOL_E_UNSUPPORTED (no AF_VSOCK here), SMOL_E_IO, SMOL_E_PERMISSION.
 */
int smol_vsock_dial(
    const struct smol_vsock_addr *addr, smol_deadline deadline, struct smol_err *err);

/* The same, given up with SMOL_E_INTERRUPTED once interrupt_fd can be read. */
int smol_vsock_dial_or(const struct smol_vsock_addr *addr, smol_deadline deadline, int interrupt_fd,
    struct smol_err *err);

/* Begun, not waited for: the socket becomes writable once it is connected or cannot be. */
int smol_vsock_dial_begin(const struct smol_vsock_addr *addr, struct smol_err *err);

#endif
