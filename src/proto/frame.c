/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames: see frame.h. */
#include "proto/frame.h"

void smol_put_le32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

uint32_t smol_get_le32(const unsigned char *p)
{
	uint32_t v = 0;

	for (int i = 3; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

void smol_put_le64(unsigned char *p, uint64_t v)
{
	smol_put_le32(p, (uint32_t)v);
	smol_put_le32(p + 4, (uint32_t)(v >> 32));
}

uint64_t smol_get_le64(const unsigned char *p)
{
	return (uint64_t)smol_get_le32(p + 4) << 32 | smol_get_le32(p);
}

/* The largest payload of each type; SMOL_FRAME_MAX where it carries data. */
static const struct {
	uint32_t min, max;
} lengths[SMOL_FRAME__COUNT] = {
    [SMOL_FRAME_STDIN] = {1, SMOL_FRAME_MAX},
    [SMOL_FRAME_STDIN_EOF] = {0, 0},
    [SMOL_FRAME_STDOUT] = {1, SMOL_FRAME_MAX},
    [SMOL_FRAME_STDERR] = {1, SMOL_FRAME_MAX},
    [SMOL_FRAME_RESIZE] = {4, 4},
    [SMOL_FRAME_SIGNAL] = {4, 4},
    [SMOL_FRAME_EXIT] = {2, 4096},
    [SMOL_FRAME_ERROR] = {2, 4096},
    [SMOL_FRAME_GAP] = {8, 8},
    [SMOL_FRAME_WINDOW] = {8, 8},
    [SMOL_FRAME_DATA] = {1, SMOL_FRAME_MAX},
    [SMOL_FRAME_EOF] = {0, 0},
    [SMOL_FRAME_ENTRY] = {32, 32 + 255 + 4095},
    [SMOL_FRAME_HOLE] = {8, 8},
    [SMOL_FRAME_ENTRY_END] = {32, 32},
    [SMOL_FRAME_DONE] = {2, 4096},
    [SMOL_FRAME_DETACH] = {0, 0},
};

void smol_frame_encode(const struct smol_frame *f, unsigned char out[SMOL_FRAME_HEADER])
{
	out[0] = (unsigned char)f->type;
	out[1] = out[2] = out[3] = 0;
	smol_put_le32(out + 4, f->length);
	smol_put_le64(out + 8, f->seq);
}

int smol_frame_decode(
    const unsigned char in[SMOL_FRAME_HEADER], struct smol_frame *f, struct smol_err *err)
{
	unsigned type = in[0];

	if (type == 0 || type >= SMOL_FRAME__COUNT)
		return smol_err_set(err, SMOL_E_PROTOCOL, "unknown frame type %u", type);
	if (in[1] || in[2] || in[3])
		return smol_err_set(err, SMOL_E_PROTOCOL, "reserved bits set in a frame");
	f->type = type;
	f->length = smol_get_le32(in + 4);
	f->seq = smol_get_le64(in + 8);
	if (f->length < lengths[type].min || f->length > lengths[type].max)
		return smol_err_set(
		    err, SMOL_E_PROTOCOL, "frame type %u with %u bytes", type, f->length);
	return 0;
}
