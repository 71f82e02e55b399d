/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A byte stream carried in frames: what stands between a plain socket and a framed connection
 * (docs/protocol.md, "Relays"). Both ends of a forwarded port run this. The end of a direction is
 * an EOF frame and never a half-close, which not every vsock device keeps apart from a close.
 *
 * No waiting and no event loop: the owner polls both descriptors for what smol_relay_wants()
 * says and calls smol_relay_run(), which moves what can be moved. Each direction holds at most
 * SMOL_RELAY_BOUND plus one frame; a side that does not read stops the other.
 */
#ifndef SMOL_PROTO_RELAY_H
#define SMOL_PROTO_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SMOL_RELAY_BOUND (256 * 1024) /* bytes */

struct smol_relay {
	int plain, framed;	 /* non-blocking; the owner's */
	struct smol_buf in;	 /* from framed, not yet taken apart */
	struct smol_buf out;	 /* frames for framed */
	struct smol_buf data;	 /* payload for plain */
	uint64_t sent, received; /* bytes of payload, either way */
	bool plain_eof;		 /* plain has ended; its EOF frame is in out or sent */
	bool framed_eof;	 /* the peer's EOF frame has come */
	bool plain_shut;	 /* and has been passed on; or plain takes nothing more */
	bool plain_lost;	 /* plain is broken, or its peer reads no more */
};

void smol_relay_init(struct smol_relay *r, int plain, int framed);
/* Bytes that were read from framed before the relay began. */
void smol_relay_prime(struct smol_relay *r, const void *data, size_t n);
void smol_relay_free(struct smol_relay *r); /* the descriptors stay open */
/* poll() events to wait for on each; 0: none. */
void smol_relay_wants(const struct smol_relay *r, short *plain, short *framed);
/* Move what can be moved. 1: goes on; 0: both directions have ended in order; -1: broken
 * (SMOL_E_RESET, also when plain takes nothing more and all it sent has been passed on;
 * SMOL_E_PROTOCOL; or what the peer said in an ERROR frame). */
int smol_relay_run(struct smol_relay *r, struct smol_err *err);

#endif
