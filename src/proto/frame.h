/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of the stream form (docs/protocol.md, "Frames"). A frame is a header of 16 bytes, all
 * fields little-endian, and a payload:
 *
 *   0  u8   type      enum smol_frame_type
 *   1  u8   flags     0
 *   2  u16  reserved  0
 *   4  u32  length    of the payload, at most SMOL_FRAME_MAX
 *   8  u64  seq       position of the payload's first byte: for STDOUT and STDERR in the job's
 *                     output (both streams counted together, so their order is known), for STDIN
 *                     in its input; in GAP and DETACH the position at which output goes on; else 0
 */
#ifndef SMOL_PROTO_FRAME_H
#define SMOL_PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SMOL_FRAME_HEADER 16
#define SMOL_FRAME_MAX	  (256 * 1024)
/* STDIN that may be sent before the first WINDOW frame. Who keeps to the window never has a signal
 * or a resize waiting behind input that the command does not take. */
#define SMOL_STDIN_WINDOW (1024 * 1024)

enum smol_frame_type {
	SMOL_FRAME_STDIN = 1,
	SMOL_FRAME_STDIN_EOF = 2, /* no payload */
	SMOL_FRAME_STDOUT = 3,
	SMOL_FRAME_STDERR = 4,
	SMOL_FRAME_RESIZE = 5,	/* u16 rows, u16 columns */
	SMOL_FRAME_SIGNAL = 6,	/* u32 signal number, sent to the job's process group */
	SMOL_FRAME_EXIT = 7,	/* JSON: struct smol_exec_result; the last frame of a job */
	SMOL_FRAME_ERROR = 8,	/* JSON {"code","error"}; the last frame of a job */
	SMOL_FRAME_GAP = 9,	/* u64 bytes of output that are no longer held */
	SMOL_FRAME_WINDOW = 10, /* u64: STDIN may be sent up to this position */
	SMOL_FRAME_DATA = 11,	/* a relay's or a file's bytes; seq: their position in it */
	SMOL_FRAME_EOF = 12,	/* a relay's direction has ended; no payload */
	SMOL_FRAME_ENTRY = 13,	/* a file, directory or link begins: proto/files.h */
	SMOL_FRAME_HOLE = 14, /* u64 bytes of a file that are zero and not stored; seq as in DATA */
	SMOL_FRAME_ENTRY_END = 15, /* a file has ended; its SHA-256 */
	SMOL_FRAME_DONE = 16,	   /* JSON: counts; the last frame of files */
	SMOL_FRAME_DETACH = 17, /* no payload. From a client: the job is to go on without it. From
				 * an agent, the last frame then; seq: where the output goes on */
	SMOL_FRAME__COUNT
};

struct smol_frame {
	enum smol_frame_type type;
	uint32_t length;
	uint64_t seq;
};

void smol_frame_encode(const struct smol_frame *f, unsigned char out[SMOL_FRAME_HEADER]);
/* -1 and SMOL_E_PROTOCOL for an unknown type, a reserved bit, or a length past its bound. */
int smol_frame_decode(
    const unsigned char in[SMOL_FRAME_HEADER], struct smol_frame *f, struct smol_err *err);

void smol_put_le32(unsigned char *p, uint32_t v);
uint32_t smol_get_le32(const unsigned char *p);
void smol_put_le64(unsigned char *p, uint64_t v);
uint64_t smol_get_le64(const unsigned char *p);

#endif
