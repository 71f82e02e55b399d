/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two relays back to back: bytes, ends, backpressure, and a peer that breaks the rules. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/io.h"
#include "proto/frame.h"
#include "proto/relay.h"

struct rig {
	int host, guest; /* what the two programs at the ends hold */
	struct smol_relay a, b;
	int fds[6];
};

static void pair(int p[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p), 0);
}

static void rig_open(struct rig *r)
{
	int plain_a[2], framed[2], plain_b[2];

	pair(plain_a);
	pair(framed);
	pair(plain_b);
	r->host = plain_a[0];
	r->guest = plain_b[0];
	smol_relay_init(&r->a, plain_a[1], framed[0]);
	smol_relay_init(&r->b, plain_b[1], framed[1]);
	memcpy(r->fds,
	    (int[6]){plain_a[0], plain_a[1], framed[0], framed[1], plain_b[0], plain_b[1]},
	    sizeof(r->fds));
}

static void rig_close(struct rig *r)
{
	smol_relay_free(&r->a);
	smol_relay_free(&r->b);
	for (int i = 0; i < 6; i++)
		if (r->fds[i] >= 0)
			close(r->fds[i]);
}

static int run_both(struct rig *r)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	int a = smol_relay_run(&r->a, &err), b = smol_relay_run(&r->b, &err);

	if (a < 0 || b < 0)
		fail_msg("%s", err.msg);
	return a + b;
}

static void test_both_ways_and_half_close(void **state)
{
	enum { TOTAL = 3000000 };
	struct rig r;
	size_t sent = 0, got = 0;
	char buf[40000];

	(void)state;
	rig_open(&r);
	/* The host sends a lot and ends; only then does the guest answer. */
	while (got < TOTAL) {
		size_t want = TOTAL - sent < sizeof(buf) ? TOTAL - sent : sizeof(buf);
		ssize_t n;

		for (size_t i = 0; i < want; i++)
			buf[i] = (char)((sent + i) * 7 % 251);
		n = want ? send(r.host, buf, want, MSG_DONTWAIT) : 0;
		sent += n > 0 ? (size_t)n : 0;
		if (n > 0 && sent == TOTAL)
			assert_int_equal(shutdown(r.host, SHUT_WR), 0);
		run_both(&r);
		while ((n = recv(r.guest, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			for (ssize_t i = 0; i < n; i++, got++)
				assert_int_equal((unsigned char)buf[i], got * 7 % 251);
	}
	for (int i = 0; i < 20; i++)
		run_both(&r);
	assert_int_equal(recv(r.guest, buf, 1, MSG_DONTWAIT), 0); /* the end has come */
	assert_int_equal(send(r.guest, "answer", 6, 0), 6);
	for (int i = 0; i < 20; i++)
		assert_int_not_equal(run_both(&r), 0);
	assert_int_equal(recv(r.host, buf, sizeof(buf), MSG_DONTWAIT), 6);
	shutdown(r.guest, SHUT_WR);
	for (int i = 0; i < 20; i++)
		run_both(&r);
	assert_int_equal(run_both(&r), 0);
	assert_int_equal(recv(r.host, buf, 1, MSG_DONTWAIT), 0);
	rig_close(&r);
}

static void test_backpressure(void **state)
{
	struct rig r;
	char buf[65536] = {0};
	size_t sent = 0;

	(void)state;
	rig_open(&r);
	/* Nobody reads at the guest's end: the host's end stops taking, within the bounds. */
	for (int i = 0; i < 2000; i++) {
		ssize_t n = send(r.host, buf, sizeof(buf), MSG_DONTWAIT);

		sent += n > 0 ? (size_t)n : 0;
		run_both(&r);
	}
	assert_true(sent < 8 * SMOL_RELAY_BOUND);
	assert_true(smol_buf_len(&r.a.out) <= SMOL_RELAY_BOUND + SMOL_FRAME_HEADER + 65536);
	assert_true(smol_buf_len(&r.b.data) <= SMOL_RELAY_BOUND + 65536);
	/* And goes on when somebody does. */
	for (size_t got = 0; got < sent;) {
		ssize_t n = recv(r.guest, buf, sizeof(buf), MSG_DONTWAIT);

		got += n > 0 ? (size_t)n : 0;
		run_both(&r);
	}
	rig_close(&r);
}

static void test_early_end_is_an_error(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(send(r.host, "x", 1, 0), 1);
	run_both(&r);
	close(r.b.framed);
	r.fds[3] = -1;
	assert_int_equal(smol_relay_run(&r.a, &err), -1);
	assert_int_equal(err.code, SMOL_E_RESET);
	rig_close(&r);
}

/* One way is over, the other is to a reader who pauses, and the peer, which has nothing more to do,
 * is gone: nothing is waited for but the reader. */
static void test_peer_done_before_the_reader(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	char buf[65536] = {0};
	size_t sent = 0, got = 0;
	short plain, framed;
	struct rig r;
	ssize_t n;

	(void)state;
	rig_open(&r);
	shutdown(r.host, SHUT_WR);
	/* As much as is held on the way, and a little for the relay to hold. */
	while (!smol_buf_len(&r.a.data)) {
		n = send(r.guest, buf, sizeof(buf), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		run_both(&r);
	}
	shutdown(r.guest, SHUT_WR);
	while (smol_relay_run(&r.b, &err) > 0)
		assert_int_equal(smol_relay_run(&r.a, &err), 1);
	assert_int_equal(err.code, SMOL_E_NONE);
	assert_int_equal(smol_relay_run(&r.a, &err), 1);
	close(r.b.framed);
	r.fds[3] = -1;
	smol_relay_wants(&r.a, &plain, &framed);
	assert_int_equal(plain, POLLOUT);
	assert_int_equal(framed, 0);
	while ((n = recv(r.host, buf, sizeof(buf), MSG_DONTWAIT)) != 0) {
		got += n > 0 ? (size_t)n : 0;
		smol_relay_run(&r.a, &err);
	}
	assert_int_equal(got, sent);
	assert_int_equal(smol_relay_run(&r.a, &err), 0);
	rig_close(&r);
}

/* Who reads goes away; whoever sends to it learns of that. */
static void test_nobody_reads_any_more(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	char buf[65536] = {0};
	struct rig r;
	int rc = 1;

	(void)state;
	rig_open(&r);
	assert_int_equal(send(r.host, "last words", 10, 0), 10);
	close(r.host);
	r.fds[0] = -1;
	for (int i = 0; i < 100 && rc > 0; i++) {
		send(r.guest, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		smol_relay_run(&r.b, &err);
		rc = smol_relay_run(&r.a, &err);
	}
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, SMOL_E_RESET);
	smol_err_clear(&err);
	close(r.a.framed);
	r.fds[2] = -1;
	for (rc = 1; rc > 0;)
		rc = smol_relay_run(&r.b, &err);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, SMOL_E_RESET);
	/* What it had sent before has come. */
	assert_int_equal(recv(r.guest, buf, sizeof(buf), MSG_DONTWAIT), 10);
	rig_close(&r);
}

static void test_rules(void **state)
{
	static const struct smol_frame bad[] = {
	    {SMOL_FRAME_STDOUT, 1, 0}, {SMOL_FRAME_DATA, 1, 5}, {SMOL_FRAME_EXIT, 2, 0}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;
		unsigned char raw[SMOL_FRAME_HEADER + 2] = {0};
		struct rig r;

		rig_open(&r);
		smol_frame_encode(&bad[i], raw);
		smol_relay_prime(&r.a, raw, SMOL_FRAME_HEADER + bad[i].length);
		assert_int_equal(smol_relay_run(&r.a, &err), -1);
		assert_int_equal(err.code, SMOL_E_PROTOCOL);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_ways_and_half_close),
	    cmocka_unit_test(test_backpressure),
	    cmocka_unit_test(test_early_end_is_an_error),
	    cmocka_unit_test(test_peer_done_before_the_reader),
	    cmocka_unit_test(test_nobody_reads_any_more),
	    cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
