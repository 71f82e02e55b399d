/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job's ring of frames against a list that holds all of them, and what PID 1 and the agent both
 * know of the jobs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/ring.h"
#include "agent/roster.h"
#include "base/auto.h"

#define MAX   (16 * 1024) /* bytes of the rings here */
#define FIRST (8 * 1024)  /* what one begins with */
#define H     SMOL_FRAME_HEADER

/* ---- the ring ---- */

/* The byte at a position of the output: any misplaced piece differs. */
static char byte_at(uint64_t seq)
{
	return (char)(seq * 7 + seq / 251);
}

/* Put a frame of n bytes behind the others; its output begins at *seq. */
static void put(struct smol_ring *r, uint64_t *seq, size_t n)
{
	struct smol_frame f = {.type = SMOL_FRAME_STDOUT, .length = (uint32_t)n, .seq = *seq};
	struct iovec v[2];
	int pieces = smol_ring_payload(r, n, v);
	size_t total = 0;

	for (int i = 0; i < pieces; i++) {
		for (size_t k = 0; k < v[i].iov_len; k++)
			((char *)v[i].iov_base)[k] = byte_at((*seq)++);
		total += v[i].iov_len;
	}
	assert_int_equal(total, n);
	smol_ring_commit(r, &f);
}

/* What is held: whole frames that follow each other and end at seq. Gives where they begin. */
static uint64_t held_from(const struct smol_ring *r, uint64_t seq)
{
	uint64_t at = r->tail, begin = seq, next = 0;
	static char payload[MAX];
	struct smol_frame f;

	while (smol_ring_frame(r, at, &f)) {
		begin = at == r->tail ? f.seq : begin;
		assert_true(at == r->tail || f.seq == next);
		assert_true(f.length <= sizeof(payload));
		smol_ring_copy(r, at + H, payload, f.length);
		for (uint32_t k = 0; k < f.length; k++)
			assert_int_equal(payload[k], byte_at(f.seq + k));
		at += H + f.length;
		next = f.seq + f.length;
	}
	assert_true(at == r->head);
	assert_true(r->head - r->tail <= r->cap);
	if (at != r->tail)
		assert_true(next == seq);
	return begin;
}

static void test_empty(void **state)
{
	struct smol_ring r = {0};
	struct smol_frame f;

	(void)state;
	assert_false(smol_ring_frame(&r, 0, &f));
	assert_int_equal(held_from(&r, 0), 0);
	smol_ring_fit(&r);
	assert_null(r.data);
	smol_ring_free(&r);
}

static void test_memory_grows_to_its_bound(void **state)
{
	struct smol_ring r = {0};
	uint64_t seq = 0;

	(void)state;
	assert_int_equal(smol_ring_room(&r, 1, MAX, 0), 1);
	assert_int_equal(r.cap, FIRST);
	put(&r, &seq, 1);
	/* To the last byte of what there is; then twice as much. */
	assert_int_equal(smol_ring_room(&r, FIRST - 2 * H - 1, MAX, 0), FIRST - 2 * H - 1);
	assert_int_equal(r.cap, FIRST);
	put(&r, &seq, FIRST - 2 * H - 1);
	assert_int_equal(r.head - r.tail, r.cap);
	assert_int_equal(held_from(&r, seq), 0);
	assert_int_equal(smol_ring_room(&r, 1, MAX, 0), 1);
	assert_int_equal(r.cap, MAX);
	assert_int_equal(held_from(&r, seq), 0);
	/* No further: what is not to be kept goes, a frame at a time. */
	assert_int_equal(smol_ring_room(&r, MAX - H, MAX, r.head), MAX - H);
	assert_int_equal(r.cap, MAX);
	assert_int_equal(r.tail, r.head);
	smol_ring_free(&r);
	/* A bound that is no double of the beginning is kept to as well. */
	assert_int_equal(smol_ring_room(&r, MAX, FIRST + 100, 0), FIRST + 100 - H);
	assert_int_equal(r.cap, FIRST + 100);
	smol_ring_free(&r);
}

static void test_what_is_to_be_kept_is_kept(void **state)
{
	struct smol_ring r = {0};
	uint64_t seq = 0, second;

	(void)state;
	assert_int_equal(smol_ring_room(&r, 100, MAX, 0), 100);
	put(&r, &seq, 100);
	second = r.head;
	assert_int_equal(smol_ring_room(&r, MAX - 3 * H - 200, MAX, 0), MAX - 3 * H - 200);
	put(&r, &seq, MAX - 3 * H - 200);
	/* 100 bytes are left: less than is worth a read while more will come. */
	assert_int_equal(smol_ring_room(&r, 5000, MAX, 0), 0);
	assert_false(smol_ring_has_room(&r, MAX, 0));
	assert_int_equal(held_from(&r, seq), 0);
	/* But all of it where no more was asked for. */
	assert_int_equal(smol_ring_room(&r, 100, MAX, 0), 100);
	/* The first may go: not the second. */
	assert_int_equal(smol_ring_room(&r, 200 + H, MAX, second), 200 + H);
	assert_int_equal(r.tail, second);
	assert_int_equal(held_from(&r, seq), 100);
	assert_false(smol_ring_has_room(&r, MAX, second));
	assert_true(smol_ring_has_room(&r, MAX, r.head));
	/* No frame goes that need not. */
	assert_int_equal(smol_ring_room(&r, 10, MAX, r.head), 10);
	assert_int_equal(r.tail, second);
	smol_ring_free(&r);
}

/* Frames of all sizes round and round: headers and payloads across the end at every offset. */
static void test_round_and_round(void **state)
{
	struct smol_ring r = {0};
	uint64_t seq = 0, wrapped = 0;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		size_t want = 1 + i * 37 % 701;

		assert_int_equal(smol_ring_room(&r, want, 9973, r.head), want);
		if (r.head % 9973 > 9973 - H)
			wrapped++;
		put(&r, &seq, want);
		if (i % 16 == 0)
			assert_true(held_from(&r, seq) < seq);
	}
	assert_int_equal(r.cap, 9973);
	assert_true(wrapped > 10); /* headers in two pieces */
	/* It is as full as the size of a frame allows. */
	assert_true(r.head - r.tail + H + 701 > r.cap);
	smol_ring_free(&r);
}

/* Where a frame is, as one piece or two, to the byte. */
static void test_pieces(void **state)
{
	struct smol_ring r = {0};
	struct iovec v[2];
	uint64_t seq = 0;

	(void)state;
	assert_int_equal(smol_ring_room(&r, FIRST - H, FIRST, 0), FIRST - H);
	put(&r, &seq, FIRST - H - 10);
	assert_int_equal(smol_ring_pieces(&r, r.head, 10, v), 1);
	assert_int_equal(v[0].iov_len, 10);
	assert_int_equal(smol_ring_pieces(&r, r.head, 11, v), 2);
	assert_int_equal(v[0].iov_len, 10);
	assert_int_equal(v[1].iov_len, 1);
	assert_ptr_equal(v[1].iov_base, r.data);
	/* The header goes across the end, the payload lies behind it. */
	assert_int_equal(smol_ring_room(&r, 50, FIRST, r.head), 50);
	assert_int_equal(smol_ring_payload(&r, 50, v), 1);
	assert_ptr_equal(v[0].iov_base, r.data + H - 10);
	put(&r, &seq, 50);
	assert_int_equal(held_from(&r, seq), FIRST - H - 10);
	smol_ring_free(&r);
}

/* When nothing more will come: all is there, in less memory, wherever it began. */
static void test_fitted(void **state)
{
	(void)state;
	for (size_t skip = 0; skip < 300; skip += 7) {
		struct smol_ring r = {0};
		uint64_t seq = 0;

		assert_int_equal(smol_ring_room(&r, MAX - H, MAX, 0), MAX - H);
		put(&r, &seq, MAX - H - skip);
		assert_int_equal(smol_ring_room(&r, 400, MAX, r.head), 400);
		put(&r, &seq, 400);
		put(&r, &seq, 100);
		assert_int_equal(held_from(&r, seq), MAX - H - skip);
		smol_ring_fit(&r);
		assert_int_equal(r.cap, 500 + 2 * H);
		assert_int_equal(held_from(&r, seq), MAX - H - skip);
		smol_ring_free(&r);
	}
}

/* The same where the memory is a mapping, before, after, or both; no copy for a few bytes. */
static void test_large_ones_fitted(void **state)
{
	static const struct {
		size_t held, cap;
	} rows[] = {{1000000, 1 << 20}, {900000, 900000 + 9 * H}, {200000, 200000 + 2 * H},
	    {100000, 100000 + H}, {1, 1 + H}};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(rows); i++) {
		struct smol_ring r = {0};
		struct smol_frame f;
		uint64_t seq = 0;
		size_t n;
		char last;

		assert_int_equal(smol_ring_room(&r, (1 << 20) - H, 1 << 20, 0), (1 << 20) - H);
		for (size_t left = rows[i].held; left; left -= n) {
			n = left < 100000 ? left : 100000;
			put(&r, &seq, n);
		}
		smol_ring_fit(&r);
		assert_int_equal(r.cap, rows[i].cap);
		assert_true(smol_ring_frame(&r, 0, &f));
		smol_ring_copy(&r, r.head - 1, &last, 1);
		assert_int_equal(last, byte_at(seq - 1));
		smol_ring_free(&r);
	}
}

/* ---- the roster ---- */

static struct smol_roster *roster;

static int make_roster(void **state)
{
	(void)state;
	roster = smol_roster_make();
	return roster ? 0 : -1;
}

static int drop_roster(void **state)
{
	(void)state;
	return munmap(roster, sizeof(*roster));
}

static void fill(enum smol_roster_use use)
{
	for (int i = 0; i < SMOL_ROSTER_MAX; i++) {
		struct smol_roster_entry *e = &roster->entries[i];

		*e = (struct smol_roster_entry){.id = 1000 + (i + 7) % SMOL_ROSTER_MAX, .use = use};
	}
}

static void test_roster_takes_what_is_free_first(void **state)
{
	struct smol_roster_entry *e;

	(void)state;
	fill(SMOL_ROSTER_LOST);
	roster->entries[SMOL_ROSTER_MAX - 1].use = SMOL_ROSTER_FREE;
	assert_ptr_equal(smol_roster_take(roster), &roster->entries[SMOL_ROSTER_MAX - 1]);
	/* Then that of the one that was lost longest ago. */
	roster->entries[SMOL_ROSTER_MAX - 1].use = SMOL_ROSTER_LIVE;
	e = smol_roster_take(roster);
	assert_non_null(e);
	assert_int_equal(e->id, 1000);
	/* Never that of one that lives. */
	fill(SMOL_ROSTER_LIVE);
	assert_null(smol_roster_take(roster));
	assert_null(smol_roster_take(NULL));
}

static pid_t start_group(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	setpgid(pid, pid);
	return pid;
}

static void test_roster_buries_what_lives(void **state)
{
	pid_t live = start_group(), other = start_group();
	int status = 0;

	(void)state;
	roster->entries[0] = (struct smol_roster_entry){
	    .id = 1, .group = live, .started_ms = 5, .use = SMOL_ROSTER_LIVE, .command = "x"};
	/* Waited for its turn; and numbers that would mean somebody else. */
	roster->entries[1] = (struct smol_roster_entry){.id = 2, .use = SMOL_ROSTER_LIVE};
	roster->entries[5] =
	    (struct smol_roster_entry){.id = 3, .group = 1, .use = SMOL_ROSTER_LIVE};
	roster->entries[6] =
	    (struct smol_roster_entry){.id = 4, .group = -1, .use = SMOL_ROSTER_LIVE};
	/* Lost before, and over: their groups are others' by now. */
	roster->entries[7] =
	    (struct smol_roster_entry){.id = 5, .group = other, .use = SMOL_ROSTER_LOST};
	roster->entries[8] =
	    (struct smol_roster_entry){.id = 6, .group = other, .use = SMOL_ROSTER_FREE};
	assert_int_equal(smol_roster_bury(roster), 4);
	assert_int_equal(waitpid(live, &status, 0), live);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(waitpid(other, &status, WNOHANG), 0);
	assert_int_equal(roster->entries[0].use, SMOL_ROSTER_LOST);
	assert_string_equal(roster->entries[0].command, "x");
	assert_int_equal(roster->entries[6].use, SMOL_ROSTER_LOST);
	assert_int_equal(roster->entries[8].use, SMOL_ROSTER_FREE);
	/* Each is lost once. */
	assert_int_equal(smol_roster_bury(roster), 0);
	assert_int_equal(smol_roster_bury(NULL), 0);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, &status, 0), other);
}

/* What an agent writes is there when it has died. */
static void test_roster_outlives_the_agent(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct smol_roster_entry *e = smol_roster_take(roster);

		e->id = roster->last_id = 42;
		e->use = SMOL_ROSTER_LIVE;
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(roster->last_id, 42);
	assert_int_equal(smol_roster_bury(roster), 1);
	assert_int_equal(roster->entries[0].use, SMOL_ROSTER_LOST);
}

#define WITH_ROSTER(f) cmocka_unit_test_setup_teardown(f, make_roster, drop_roster)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_memory_grows_to_its_bound),
	    cmocka_unit_test(test_what_is_to_be_kept_is_kept),
	    cmocka_unit_test(test_round_and_round),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_fitted),
	    cmocka_unit_test(test_large_ones_fitted),
	    WITH_ROSTER(test_roster_takes_what_is_free_first),
	    WITH_ROSTER(test_roster_buries_what_lives),
	    WITH_ROSTER(test_roster_outlives_the_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
