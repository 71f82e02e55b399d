/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a job's rings to its connection. Both rings hold frames; they are passed on in the order of
 * their positions, a hole between them as a GAP. Small frames go by way of the connection's buffer,
 * so that they travel together with what surrounds them; large ones are sent straight from the
 * ring, and may be cut short by the socket: then the rest comes before all else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/conn.h"
#include "agent/job_impl.h"
#include "base/auto.h"

#define COPY_MAX (8 * 1024) /* payload of a frame that is copied */
#define PIECES	 16	    /* of one send */

/* The next frame in order, looked for from these positions in the rings; or -1. */
static int next_frame(const struct smol_job *j, const uint64_t at[2], struct smol_frame *f)
{
	struct smol_frame g;
	int found = -1;

	*f = (struct smol_frame){0};
	for (int i = 0; i < 2; i++)
		if (smol_ring_frame(&j->out[i].ring, at[i], &g) && (found < 0 || g.seq < f->seq)) {
			*f = g;
			found = i;
		}
	return found;
}

size_t smol_job_unsent(const struct smol_job *j)
{
	size_t n = smol_buf_len(&j->conn->out);

	for (int i = 0; i < 2; i++)
		n += (size_t)(j->out[i].ring.head - j->out[i].passed);
	return n;
}

void smol_job_rewind(struct smol_job *j, uint64_t from)
{
	struct smol_frame f;

	for (int i = 0; i < 2; i++) {
		struct smol_output *o = &j->out[i];

		o->passed = o->ring.tail;
		while (smol_ring_frame(&o->ring, o->passed, &f) && f.seq + f.length <= from)
			o->passed += SMOL_FRAME_HEADER + f.length;
	}
	j->told = from;
	j->mid = 0;
}

static void say_gap(struct smol_job *j, uint64_t until)
{
	unsigned char payload[8];

	smol_put_le64(payload, until - j->told);
	smol_conn_frame(j->conn, SMOL_FRAME_GAP, until, payload, sizeof(payload));
	j->told = until;
}

void smol_job_say_error(struct smol_conn *c, bool stream, const struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_reply_failure(err);
	smol_auto_free char *text = smol_json_print(j);

	if (stream)
		smol_conn_frame(c, SMOL_FRAME_ERROR, 0, text, strlen(text));
	else
		smol_conn_fail(c, err);
}

/* All has been passed on, and nothing more will come. */
static void say_end(struct smol_job *j)
{
	struct smol_conn *c = j->conn;
	smol_auto_free char *text = NULL;

	if (j->failure.code != SMOL_E_NONE) {
		smol_job_say_error(c, j->stream, &j->failure);
	} else if (j->stream) {
		smol_auto_json cJSON *o = smol_exec_result_encode(&j->result);

		text = smol_json_print(o);
		smol_conn_frame(c, SMOL_FRAME_EXIT, 0, text, strlen(text));
	} else {
		text = smol_oneshot_reply(&j->result, &j->out[0].gather, &j->out[1].gather);
		smol_buf_puts(&c->out, text);
	}
	smol_job_part(j);
}

/* The frame at the front, or what of it the connection does not have yet. */
static void copy_frame(struct smol_job *j, struct smol_output *o, const struct smol_frame *f)
{
	uint32_t skip = (uint32_t)(j->told - f->seq), n = f->length - skip;
	struct smol_frame part = {.type = f->type, .length = n, .seq = j->told};
	struct smol_buf *b = &j->conn->out;
	char *p = smol_buf_reserve(b, SMOL_FRAME_HEADER + n);

	smol_frame_encode(&part, (unsigned char *)p);
	smol_ring_copy(&o->ring, o->passed + SMOL_FRAME_HEADER + skip, p + SMOL_FRAME_HEADER, n);
	smol_buf_commit(b, SMOL_FRAME_HEADER + n);
	o->passed += SMOL_FRAME_HEADER + f->length;
	j->told += n;
	j->conn->holding = false;
}

void smol_job_pass(struct smol_job *j)
{
	struct smol_frame f;
	int i = -1;

	if (j->mid)
		return;
	while (j->stream && smol_conn_has_room(j->conn)) {
		i = next_frame(j, (uint64_t[]){j->out[0].passed, j->out[1].passed}, &f);
		if (i < 0)
			break;
		if (f.seq > j->told)
			say_gap(j, f.seq);
		if (f.seq == j->told && f.length > COPY_MAX) {
			j->conn->holding = false;
			return;
		}
		copy_frame(j, &j->out[i], &f);
	}
	if (i >= 0 || !smol_job_is_over(j) || (j->stream && !smol_conn_has_room(j->conn)))
		return;
	if (j->stream && j->told < j->seq)
		say_gap(j, j->seq);
	say_end(j);
}

bool smol_job_mid_frame(const struct smol_job *j)
{
	return j->mid != 0;
}

/* The pieces of as many frames as one send takes. */
static int gather_pieces(const struct smol_job *j, struct iovec v[PIECES])
{
	uint64_t at[2] = {j->out[0].passed, j->out[1].passed}, told = j->told;
	struct smol_frame f;
	uint32_t skip = j->mid;
	int n = 0;

	while (n + 2 <= PIECES) {
		int i = next_frame(j, at, &f);

		/* A hole is not sent but said. */
		if (i < 0 || f.seq != told)
			break;
		n += smol_ring_pieces(
		    &j->out[i].ring, at[i] + skip, SMOL_FRAME_HEADER + f.length - skip, v + n);
		at[i] += SMOL_FRAME_HEADER + f.length;
		told += f.length;
		skip = 0;
	}
	return n;
}

/* So many bytes have gone out. */
static void advance(struct smol_job *j, size_t n)
{
	struct smol_frame f;

	n += j->mid;
	j->mid = 0;
	while (n) {
		int i = next_frame(j, (uint64_t[]){j->out[0].passed, j->out[1].passed}, &f);

		if (n < SMOL_FRAME_HEADER + f.length) {
			j->mid = (uint32_t)n;
			j->mid_of = i;
			return;
		}
		n -= SMOL_FRAME_HEADER + f.length;
		j->out[i].passed += SMOL_FRAME_HEADER + f.length;
		j->told = f.seq + f.length;
	}
}

ssize_t smol_job_send(struct smol_job *j, int fd)
{
	struct iovec v[PIECES];
	struct msghdr m = {.msg_iov = v};
	ssize_t n;

	if (!j->stream)
		return 0;
	m.msg_iovlen = (size_t)gather_pieces(j, v);
	if (!m.msg_iovlen)
		return 0;
	n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n <= 0)
		return n;
	advance(j, (size_t)n);
	smol_job_pass(j);
	return n;
}

/* What is left of a frame that has begun to go out goes before all that waits. */
static void complete_frame(struct smol_job *j)
{
	struct smol_output *o = &j->out[j->mid_of];
	struct smol_buf *b = &j->conn->out, whole = {0};
	struct smol_frame f;
	size_t n;

	if (!smol_ring_frame(&o->ring, o->passed, &f))
		return;
	n = SMOL_FRAME_HEADER + f.length - j->mid;
	smol_ring_copy(&o->ring, o->passed + j->mid, smol_buf_reserve(&whole, n), n);
	smol_buf_commit(&whole, n);
	if (smol_buf_len(b))
		smol_buf_append(&whole, smol_buf_head(b), smol_buf_len(b));
	smol_buf_free(b);
	*b = whole;
	o->passed += SMOL_FRAME_HEADER + f.length;
	j->told = f.seq + f.length;
	j->mid = 0;
}

struct smol_conn *smol_job_part(struct smol_job *j)
{
	struct smol_conn *c = j->conn;

	if (j->mid)
		complete_frame(j);
	for (int i = 0; i < 2; i++)
		smol_buf_free(&j->out[i].gather.held);
	j->conn = NULL;
	/* What it still holds counts as kept from now on. */
	j->server->untidy = j->server->untidy || smol_job_is_over(j);
	smol_conn_job_done(c);
	return c;
}
