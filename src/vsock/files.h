/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files to, from and between guests, over the client's connections. */
#ifndef SMOL_VSOCK_FILES_H
#define SMOL_VSOCK_FILES_H

#include "proto/files_receive.h"
#include "proto/files_send.h"
#include "vsock/client.h"

#define SMOL_FILES_STALL_MS 60000 /* an agent that neither takes nor gives anything for so long */

struct smol_files_io {
	/* When wake_fd (or -1) becomes readable, wake() is called; -1 gives up with
	 * SMOL_E_INTERRUPTED. Nobody is told: the connection's end tells. */
	int wake_fd;
	int (*wake)(void *ctx);
	/* Now and then; file is the entry that is under way where that is known, or NULL. Or NULL.
	 */
	void (*progress)(
	    void *ctx, const struct smol_file_counts *counts, const struct smol_file_entry *file);
	void *ctx;
	/* Readable when the sender's own descriptor has something to give; -1: always. */
	int source_fd;
	/* Where it fails: the guest whose agent said why, else untouched. Or NULL. */
	const struct smol_client **who;
};

/*
 * All of these: 0 with *counts, or -1. The request's reply has to come within SMOL_IO_TIMEOUT_MS,
 * and then something at least every SMOL_FILES_STALL_MS. A connection that ends early is
 * SMOL_E_RESET, never success. After a failure the connection is of no use any more.
 */
int smol_client_put(struct smol_client *c, const struct smol_files_request *q,
    struct smol_files_sender *s, const struct smol_files_io *io, struct smol_file_counts *counts,
    struct smol_err *err);
int smol_client_get(struct smol_client *c, const struct smol_files_request *q,
    struct smol_files_receiver *r, const struct smol_files_io *io, struct smol_file_counts *counts,
    struct smol_err *err);
/* From one guest to another: frames are checked and passed on, nothing is kept. */
int smol_client_pass(struct smol_client *from, const struct smol_files_request *get,
    struct smol_client *to, const struct smol_files_request *put, const struct smol_files_io *io,
    struct smol_file_counts *counts, struct smol_err *err);

#endif
