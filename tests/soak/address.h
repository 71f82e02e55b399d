/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both ends of a vsock device by one kind of address, for programs that run in a guest and on the
 * host alike:
 *
 *   vsock:PORT     in a guest: the host's port to dial, the own port to listen at
 *   SOCKET:PORT    on the host: the guest's port to dial, through the device's socket (`CONNECT`)
 *   SOCKET_PORT    on the host: the socket to listen at for a guest that dials PORT
 */
#ifndef SMOL_SOAK_ADDRESS_H
#define SMOL_SOAK_ADDRESS_H

#include <stdbool.h>

/* A connected socket, close-on-exec, each call on which waits at most limit_s seconds; or -1 with
 * errno. One attempt: ECONNREFUSED where nobody listens. */
int address_dial(const char *address, int limit_s);
/* A listening one. A socket that is there already is replaced. */
int address_listen(const char *address);
/* Reads and writes on fd wait at most so long. */
void address_limit(int fd, int limit_s);
bool address_is_vsock(const char *address);

#endif
