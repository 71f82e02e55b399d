/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte stream in frames: see relay.h. */
#include "proto/relay.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"
#include "proto/frame.h"
#include "proto/json.h"

#define CHUNK  (64 * 1024)
#define ROUNDS 8 /* per call, so that other connections get their turn */

void smol_relay_init(struct smol_relay *r, int plain, int framed)
{
	*r = (struct smol_relay){.plain = plain, .framed = framed};
}

void smol_relay_prime(struct smol_relay *r, const void *data, size_t n)
{
	smol_buf_append(&r->in, data, n);
}

void smol_relay_free(struct smol_relay *r)
{
	smol_buf_free(&r->in);
	smol_buf_free(&r->out);
	smol_buf_free(&r->data);
}

static bool takes_plain(const struct smol_relay *r)
{
	return !r->plain_eof && smol_buf_len(&r->out) < SMOL_RELAY_BOUND;
}

/* Both ends have been said and are on their way: the peer may close now, and an end that is never
 * read would be reported for as long as plain does not take the rest. */
static bool is_said(const struct smol_relay *r)
{
	return r->framed_eof && r->plain_eof && !smol_buf_len(&r->out);
}

static bool takes_framed(const struct smol_relay *r)
{
	return !is_said(r) && smol_buf_len(&r->data) < SMOL_RELAY_BOUND &&
	       smol_buf_len(&r->in) < SMOL_RELAY_BOUND + SMOL_FRAME_MAX;
}

void smol_relay_wants(const struct smol_relay *r, short *plain, short *framed)
{
	*plain = *framed = 0;
	if (takes_plain(r))
		*plain |= POLLIN;
	if (smol_buf_len(&r->data))
		*plain |= POLLOUT;
	if (takes_framed(r))
		*framed |= POLLIN;
	if (smol_buf_len(&r->out))
		*framed |= POLLOUT;
}

static void add_frame(struct smol_relay *r, enum smol_frame_type type, uint32_t n)
{
	struct smol_frame f = {.type = type, .length = n, .seq = n ? r->sent : 0};

	smol_frame_encode(&f, (unsigned char *)smol_buf_reserve(&r->out, SMOL_FRAME_HEADER + n));
	smol_buf_commit(&r->out, SMOL_FRAME_HEADER + n);
	r->sent += n;
}

/* Nobody reads plain any more; what is held for it, and what still comes, goes nowhere. */
static void lose_plain(struct smol_relay *r)
{
	smol_buf_clear(&r->data);
	r->plain_lost = r->plain_shut = true;
}

/* plain → out. True when something came. */
static bool read_plain(struct smol_relay *r)
{
	char *p;
	ssize_t n;

	if (!takes_plain(r))
		return false;
	p = smol_buf_reserve(&r->out, SMOL_FRAME_HEADER + CHUNK);
	n = read(r->plain, p + SMOL_FRAME_HEADER, CHUNK);
	if (n > 0) {
		add_frame(r, SMOL_FRAME_DATA, (uint32_t)n);
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* A reset is no end in order: the peer is not told that it is one. */
	if (n < 0)
		lose_plain(r);
	else
		add_frame(r, SMOL_FRAME_EOF, 0);
	r->plain_eof = true;
	return true;
}

static int write_framed(struct smol_relay *r, bool *did, struct smol_err *err)
{
	ssize_t n;

	if (!smol_buf_len(&r->out))
		return 0;
	n = send(
	    r->framed, smol_buf_head(&r->out), smol_buf_len(&r->out), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return smol_err_errno(err, SMOL_E_RESET, errno, "the relay's connection broke");
	if (n > 0) {
		smol_buf_consume(&r->out, (size_t)n);
		*did = true;
	}
	return 0;
}

static int read_framed(struct smol_relay *r, bool *did, struct smol_err *err)
{
	ssize_t n;

	if (!takes_framed(r))
		return 0;
	n = read(r->framed, smol_buf_reserve(&r->in, CHUNK), CHUNK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return smol_err_errno(err, SMOL_E_RESET, errno, "the relay's connection broke");
	if (n == 0)
		return smol_err_set(err, SMOL_E_RESET, "the relay's connection ended early");
	smol_buf_commit(&r->in, (size_t)n);
	*did = true;
	return 0;
}

static int take_error(const char *payload, uint32_t n, struct smol_err *err)
{
	smol_auto_json cJSON *j = smol_json_parse_object(payload, n, NULL);
	const char *text = j ? smol_json_str(j, "error") : NULL;
	smol_auto_free char *safe = smol_escape(text ? text : "", text ? strnlen(text, 500) : 0);

	return smol_err_set(err, smol_code_from_name(j ? smol_json_str(j, "code") : NULL), "%s",
	    text ? safe : "the other end gave no reason");
}

static int take_frame(
    struct smol_relay *r, const struct smol_frame *f, const char *payload, struct smol_err *err)
{
	if (f->type == SMOL_FRAME_ERROR)
		return take_error(payload, f->length, err);
	if (r->framed_eof)
		return smol_err_set(err, SMOL_E_PROTOCOL, "a frame behind the end of a relay");
	if (f->type == SMOL_FRAME_EOF) {
		r->framed_eof = true;
		return 0;
	}
	if (f->type != SMOL_FRAME_DATA || f->seq != r->received)
		return smol_err_set(err, SMOL_E_PROTOCOL, "a frame that no relay sends");
	r->received += f->length;
	if (!r->plain_lost)
		smol_buf_append(&r->data, payload, f->length);
	return 0;
}

static int decode(struct smol_relay *r, bool *did, struct smol_err *err)
{
	while (smol_buf_len(&r->in) >= SMOL_FRAME_HEADER &&
	       smol_buf_len(&r->data) < SMOL_RELAY_BOUND) {
		const char *head = smol_buf_head(&r->in);
		struct smol_frame f;

		if (smol_frame_decode((const unsigned char *)head, &f, err) < 0)
			return -1;
		if (smol_buf_len(&r->in) < SMOL_FRAME_HEADER + f.length)
			return 0;
		if (take_frame(r, &f, head + SMOL_FRAME_HEADER, err) < 0)
			return -1;
		smol_buf_consume(&r->in, SMOL_FRAME_HEADER + f.length);
		*did = true;
	}
	return 0;
}

static bool write_plain(struct smol_relay *r)
{
	bool did = false;

	if (smol_buf_len(&r->data)) {
		ssize_t n = send(r->plain, smol_buf_head(&r->data), smol_buf_len(&r->data),
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			smol_buf_consume(&r->data, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			lose_plain(r);
		did = n > 0;
	}
	if (r->framed_eof && !r->plain_shut && !smol_buf_len(&r->data)) {
		shutdown(r->plain, SHUT_WR);
		r->plain_shut = did = true;
	}
	return did;
}

int smol_relay_run(struct smol_relay *r, struct smol_err *err)
{
	bool did = true;

	for (int i = 0; i < ROUNDS && did; i++) {
		did = read_plain(r);
		if (write_framed(r, &did, err) < 0 || decode(r, &did, err) < 0 ||
		    read_framed(r, &did, err) < 0 || decode(r, &did, err) < 0)
			return -1;
		did |= write_plain(r);
	}
	/* Whoever sends at the other end would do so for ever if it were not told. */
	if (r->plain_lost && r->plain_eof && !smol_buf_len(&r->out))
		return smol_err_set(err, SMOL_E_RESET, "nobody takes what the relay carries");
	return is_said(r) && r->plain_shut ? 0 : 1;
}
