/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where an agent is reached: through a Unix socket with a CONNECT line (Firecracker's form, and
 * smolsh-vsockd's), or by the host kernel's AF_VSOCK. */
#ifndef SMOL_VSOCK_ADDR_H
#define SMOL_VSOCK_ADDR_H

#include <stdint.h>

#include "base/err.h"

#define SMOL_CID_MIN	  3U
#define SMOL_CID_MAX	  4294967294U
#define SMOL_UDS_PATH_MAX 96 /* bytes without NUL: sun_path holds 107, "_<port>" needs 11 */

enum smol_vsock_kind {
	SMOL_VSOCK_UNIX, /* path, then CONNECT port */
	SMOL_VSOCK_CID,	 /* AF_VSOCK */
};

struct smol_vsock_addr {
	enum smol_vsock_kind kind;
	char path[SMOL_UDS_PATH_MAX + 1];
	uint32_t cid;
	uint32_t port;
};

/* A CID in words: decimal, 3…4294967294. "0", "1", "2", "4294967295", "-1", "1e10" and "3x" are
 * refused with SMOL_E_INVALID and the range. */
int smol_cid_parse(const char *text, uint32_t *cid, struct smol_err *err);
/* A vsock port in words: 1…4294967294. */
int smol_vsock_port_parse(const char *text, uint32_t *port, struct smol_err *err);
/* Is path absolute and short enough for a vsock socket? SMOL_E_INVALID with the limit. */
int smol_uds_path_check(const char *path, struct smol_err *err);

#endif
