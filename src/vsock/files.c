/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files to, from and between guests: see files.h. One loop serves all three: whatever has come from
 * the source is taken, whatever the destination has room for is given, and then it waits.
 */
#include "vsock/files.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "vsock/client_impl.h"

#define OUT_BOUND    (512 * 1024) /* held for a destination that does not take it yet */
#define ROUND_FRAMES 64
#define AWAITED	     "all was copied"

struct run {
	struct smol_client *from, *to; /* the guests; NULL where that end is ours */
	struct smol_files_sender *s;   /* ours, where from is NULL */
	struct smol_files_receiver *r; /* ours, where to is NULL */
	struct smol_files_check check; /* of what is passed on */
	struct smol_file_entry entry;  /* the last that came or went */
	const struct smol_files_io *io;
	struct smol_file_counts *counts; /* the destination's word */
	bool sent;			 /* the source has said DONE */
	bool done;
	bool more;  /* may be taken without waiting */
	bool moved; /* something has, since the deadline was set */
	bool source_ready;
	smol_deadline deadline;
};

static void blame(const struct smol_files_io *io, const struct smol_client *c)
{
	if (io->who)
		*io->who = c;
}

static int start(struct smol_client *c, enum smol_op op, const struct smol_files_request *q,
    const struct smol_files_io *io, struct smol_err *err)
{
	struct smol_request r = {.op = op, .files = *q}; /* borrows all of it */
	smol_auto_json cJSON *j = NULL;

	j = smol_client_call(c, &r, smol_in_ms(SMOL_IO_TIMEOUT_MS), err);
	if (!j)
		blame(io, c);
	return j ? 0 : -1;
}

/* The next whole frame that has come: 1, or 0, or -1. */
static int next_frame(
    struct smol_client *c, struct smol_frame *f, const char **payload, struct smol_err *err)
{
	struct smol_buf *in = &c->in;

	if (smol_buf_len(in) < SMOL_FRAME_HEADER)
		return 0;
	if (smol_frame_decode((const unsigned char *)smol_buf_head(in), f, err) < 0)
		return -1;
	if (smol_buf_len(in) < SMOL_FRAME_HEADER + f->length)
		return 0;
	*payload = smol_buf_head(in) + SMOL_FRAME_HEADER;
	return 1;
}

static bool has_room(const struct run *r)
{
	return !r->to || smol_buf_len(&r->to->out) < OUT_BOUND;
}

static int take_from_guest(struct run *r, struct smol_err *err)
{
	struct smol_frame f;
	const char *payload;
	int got = next_frame(r->from, &f, &payload, err), rc = 0;

	if (got <= 0)
		return got;
	if (f.type == SMOL_FRAME_ERROR)
		blame(r->io, r->from);
	if (r->to) {
		rc = smol_files_check(&r->check, &f, payload, &r->entry, err);
		if (rc == 0)
			smol_buf_append(
			    &r->to->out, payload - SMOL_FRAME_HEADER, SMOL_FRAME_HEADER + f.length);
		r->sent = r->check.done;
	} else {
		if (f.type == SMOL_FRAME_ENTRY)
			smol_file_entry_decode(payload, f.length, &r->entry, NULL);
		rc = smol_files_receiver_frame(r->r, &f, payload, err);
		r->sent = rc > 0;
	}
	smol_buf_consume(&r->from->in, SMOL_FRAME_HEADER + f.length);
	return rc < 0 ? -1 : 1;
}

static int take_own(struct run *r, struct smol_err *err)
{
	int rc;

	if (r->io->source_fd >= 0 && !r->source_ready)
		return 0;
	rc = smol_files_sender_next(r->s, &r->to->out, err);
	r->source_ready = false;
	r->sent = rc == 0;
	return rc < 0 ? -1 : 1;
}

/* From the source, as long as there is something and room for it. */
static int take(struct run *r, struct smol_err *err)
{
	int rc = 1;

	for (int i = 0; i < ROUND_FRAMES && rc > 0 && !r->sent && has_room(r); i++) {
		rc = r->from ? take_from_guest(r, err) : take_own(r, err);
		r->moved = r->moved || rc > 0;
	}
	r->more = rc > 0 && !r->sent && has_room(r);
	return rc;
}

/* What the destination says: DONE, or why not. */
static int hear(struct run *r, struct smol_err *err)
{
	struct smol_files_check ignored = {0};
	struct smol_frame f;
	const char *payload;
	int got = next_frame(r->to, &f, &payload, err);

	if (got <= 0)
		return got;
	if (f.type == SMOL_FRAME_ERROR) {
		blame(r->io, r->to);
		return smol_files_check(&ignored, &f, payload, NULL, err);
	}
	if (f.type != SMOL_FRAME_DONE || !r->sent)
		return smol_err_set(err, SMOL_E_PROTOCOL, "files: an answer out of place");
	if (smol_file_counts_decode(payload, f.length, r->counts, err) < 0)
		return -1;
	smol_buf_consume(&r->to->in, SMOL_FRAME_HEADER + f.length);
	r->done = true;
	return 1;
}

static void tell(struct run *r)
{
	const struct smol_file_counts *c = r->s	  ? smol_files_sender_counts(r->s)
					   : r->r ? smol_files_receiver_counts(r->r)
						  : &r->check.counts;

	if (r->io->progress)
		r->io->progress(r->io->ctx, c, r->from ? &r->entry : NULL);
}

static int receive(struct smol_client *c, const struct pollfd *p, struct smol_err *err)
{
	return p->revents & ~POLLOUT ? smol_client_fill(c, AWAITED, err) : 0;
}

/* Wait for whatever can be done next. */
static int await(struct run *r, struct smol_err *err)
{
	bool own = !r->from && !r->sent && has_room(r), asleep = own && r->io->source_fd >= 0;
	bool at_once = r->more && !asleep;
	bool wants = r->from && !r->sent && has_room(r);
	struct pollfd p[4] = {{.fd = wants ? r->from->fd : -1, .events = POLLIN},
	    {.fd = r->to ? r->to->fd : -1, .events = POLLIN},
	    {.fd = asleep ? r->io->source_fd : -1, .events = POLLIN},
	    {.fd = r->io->wake_fd, .events = POLLIN}};
	size_t before = r->to ? smol_buf_len(&r->to->out) : 0;
	int ms, n;

	if (before)
		p[1].events |= POLLOUT;
	if (r->moved)
		r->deadline = smol_in_ms(SMOL_FILES_STALL_MS);
	r->moved = false;
	/* Who waits for our own stdin has as long as that takes. */
	ms = at_once ? 0 : asleep && !before ? -1 : smol_poll_ms(r->deadline);
	n = poll(p, 4, ms);
	if (n < 0)
		return errno == EINTR ? 0 : smol_err_errno(err, SMOL_E_IO, errno, "poll");
	if (n == 0 && !at_once)
		return smol_client_too_late(r->to ? r->to : r->from, &r->deadline, AWAITED, err);
	if (p[3].revents && r->io->wake(r->io->ctx) < 0)
		return smol_err_set(err, SMOL_E_INTERRUPTED, "interrupted");
	r->source_ready = p[2].revents;
	if (r->to)
		smol_client_flush(r->to);
	r->moved = r->to && smol_buf_len(&r->to->out) < before;
	if (r->from && receive(r->from, &p[0], err) < 0)
		return -1;
	/* Peers that are gone may have said why: that is read first. */
	return r->to ? receive(r->to, &p[1], err) : 0;
}

static int run(struct run *r, struct smol_err *err)
{
	r->deadline = smol_in_ms(SMOL_FILES_STALL_MS);
	while (!r->done) {
		if (r->to && hear(r, err) < 0)
			return -1;
		if (r->done)
			break;
		if (take(r, err) < 0)
			return -1;
		tell(r);
		if (r->sent && !r->to)
			r->done = true;
		else if (await(r, err) < 0)
			return -1;
	}
	return 0;
}

static int finish(struct run *r, int rc)
{
	if (rc < 0 && r->from)
		r->from->broken = true;
	if (rc < 0 && r->to)
		r->to->broken = true;
	return rc;
}

int smol_client_put(struct smol_client *c, const struct smol_files_request *q,
    struct smol_files_sender *s, const struct smol_files_io *io, struct smol_file_counts *counts,
    struct smol_err *err)
{
	struct run r = {.to = c, .s = s, .io = io, .counts = counts};

	if (start(c, SMOL_OP_PUT, q, io, err) < 0)
		return -1;
	return finish(&r, run(&r, err));
}

int smol_client_get(struct smol_client *c, const struct smol_files_request *q,
    struct smol_files_receiver *receiver, const struct smol_files_io *io,
    struct smol_file_counts *counts, struct smol_err *err)
{
	struct run r = {.from = c, .r = receiver, .io = io};

	if (start(c, SMOL_OP_GET, q, io, err) < 0 || finish(&r, run(&r, err)) < 0)
		return -1;
	*counts = *smol_files_receiver_counts(receiver);
	return 0;
}

int smol_client_pass(struct smol_client *from, const struct smol_files_request *get,
    struct smol_client *to, const struct smol_files_request *put, const struct smol_files_io *io,
    struct smol_file_counts *counts, struct smol_err *err)
{
	struct run r = {.from = from, .to = to, .io = io, .counts = counts};

	if (start(from, SMOL_OP_GET, get, io, err) < 0 || start(to, SMOL_OP_PUT, put, io, err) < 0)
		return -1;
	if (finish(&r, run(&r, err)) < 0)
		return -1;
	counts->skipped = r.check.counts.skipped;
	return 0;
}
