/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files in frames: what a sender sends arrives as it was; what a hostile one sends is refused, and
 * nothing is written outside the target or left behind. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/text.h"
#include "proto/files_receive.h"
#include "proto/files_send.h"

/* SHA-256 of nothing, and of "abc". */
static const unsigned char sha_empty[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a,
    0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4,
    0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
static const unsigned char sha_abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41,
    0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4,
    0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};

static char dir[64]; /* of the test that runs */

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/smolsh-test-XXXXXX");
	return mkdtemp(dir) ? chdir(dir) : -1;
}

static int teardown(void **state)
{
	(void)state;
	return chdir("/") < 0 ? -1 : smol_rmdir_r(dir, NULL);
}

static void write_file(const char *path, const char *text)
{
	assert_int_equal(smol_file_write(path, text, strlen(text), 0644, NULL), 0);
}

static void holds(const char *path, const char *text)
{
	smol_auto_buf struct smol_buf b = {0};

	assert_int_equal(smol_file_read(path, 1 << 20, &b, NULL), 0);
	assert_string_equal(smol_buf_str(&b), text);
}

static int entries(const char *path)
{
	smol_auto_closedir DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	return n - 2;
}

/* ---- frames by hand ---- */

struct script {
	struct smol_buf frames;
	struct smol_files_receiver *r;
	struct smol_err err;
	int rc; /* of the last frame that was taken */
};

static void open_script(struct script *s, const char *path, const char *name, uint64_t max)
{
	struct smol_files_target t = {.path = path, .name = name, .max_bytes = max, .modes = 0777};

	*s = (struct script){.err = SMOL_ERR_INIT};
	s->r = smol_files_receiver_open(&t, &s->err);
	if (!s->r)
		fail_msg("%s", s->err.msg);
}

static void close_script(struct script *s)
{
	smol_files_receiver_free(s->r);
	smol_buf_free(&s->frames);
	smol_err_clear(&s->err);
}

static void add_sized(struct script *s, enum smol_file_kind kind, unsigned depth, const char *name,
    const char *target, uint64_t size)
{
	struct smol_file_entry e = {.kind = kind, .depth = depth, .mode = 0755, .size = size};

	snprintf(e.name, sizeof(e.name), "%s", name);
	snprintf(e.target, sizeof(e.target), "%s", target);
	smol_file_entry_encode(&e, &s->frames);
}

static void add(struct script *s, enum smol_file_kind kind, unsigned depth, const char *name)
{
	add_sized(s, kind, depth, name, kind == SMOL_FILE_LINK ? "/etc" : "", 0);
}

static void add_file(struct script *s, unsigned depth, const char *name)
{
	add_sized(s, SMOL_FILE_PLAIN, depth, name, "", 3);
	smol_files_frame(&s->frames, SMOL_FRAME_DATA, 0, "abc", 3);
	smol_files_frame(&s->frames, SMOL_FRAME_ENTRY_END, 0, sha_abc, 32);
}

/* All frames, up to the first that is refused. */
static void play(struct script *s)
{
	s->rc = 0;
	while (smol_buf_len(&s->frames) && s->rc == 0) {
		const char *head = smol_buf_head(&s->frames);
		struct smol_frame f;

		assert_int_equal(smol_frame_decode((const unsigned char *)head, &f, NULL), 0);
		s->rc = smol_files_receiver_frame(s->r, &f, head + SMOL_FRAME_HEADER, &s->err);
		smol_buf_consume(&s->frames, SMOL_FRAME_HEADER + f.length);
	}
}

static void refused(struct script *s, enum smol_code code, const char *words)
{
	play(s);
	assert_int_equal(s->rc, -1);
	if (s->err.code != code || !strstr(s->err.msg, words))
		fail_msg("%s: '%s'", smol_code_name(s->err.code), s->err.msg);
	close_script(s);
}

static void test_names_that_lead_elsewhere(void **state)
{
	static const char *const bad[] = {"..", ".", "", "/etc", "../x", "a/b", "a/../../x", "/"};

	(void)state;
	assert_int_equal(mkdir("to", 0755), 0);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		struct script s;

		open_script(&s, "to", "d", 0);
		add(&s, SMOL_FILE_DIRECTORY, 0, "");
		add_file(&s, 1, bad[i]);
		refused(&s, SMOL_E_PROTOCOL, "the name");
	}
	assert_int_equal(entries("."), 1);
	assert_int_equal(entries("to/d"), 0);
}

static void test_nul_within_a_name(void **state)
{
	struct script s;
	size_t at;

	(void)state;
	open_script(&s, "d", NULL, 0);
	add(&s, SMOL_FILE_DIRECTORY, 0, "");
	add(&s, SMOL_FILE_DIRECTORY, 1, "abc");
	at = smol_buf_len(&s.frames) - 2;
	smol_buf_head(&s.frames)[at] = '\0';
	refused(&s, SMOL_E_PROTOCOL, "a\\x00c");
}

static void test_the_first_entry_brings_no_name(void **state)
{
	struct script s;

	(void)state;
	open_script(&s, "mine", NULL, 0);
	add_file(&s, 0, "theirs");
	refused(&s, SMOL_E_PROTOCOL, "the name 'theirs'");
	assert_int_equal(entries("."), 0);
}

static void test_through_a_link_that_came_before(void **state)
{
	struct script s;

	(void)state;
	assert_int_equal(mkdir("outside", 0755), 0);
	open_script(&s, "d", NULL, 0);
	add(&s, SMOL_FILE_DIRECTORY, 0, "");
	add_sized(&s, SMOL_FILE_LINK, 1, "x", "../outside", 0);
	add(&s, SMOL_FILE_DIRECTORY, 1, "x");
	add_file(&s, 2, "y");
	refused(&s, SMOL_E_EXISTS, "d/x");
	assert_int_equal(entries("outside"), 0);
}

static void test_a_file_takes_the_place_of_a_link(void **state)
{
	struct stat st;
	struct script s;

	(void)state;
	write_file("outside", "safe");
	open_script(&s, "d", NULL, 0);
	add(&s, SMOL_FILE_DIRECTORY, 0, "");
	add_sized(&s, SMOL_FILE_LINK, 1, "x", "../outside", 0);
	add_file(&s, 1, "x");
	play(&s);
	assert_int_equal(s.rc, 0);
	close_script(&s);
	assert_int_equal(lstat("d/x", &st), 0);
	assert_true(S_ISREG(st.st_mode));
	holds("outside", "safe");
	assert_int_equal(entries("d"), 1);
}

static void test_a_link_that_was_there_is_not_followed(void **state)
{
	struct script s;

	(void)state;
	assert_int_equal(mkdir("outside", 0755) || mkdir("to", 0755), 0);
	assert_int_equal(symlink("../outside", "to/d"), 0);
	open_script(&s, "to", "d", 0);
	add(&s, SMOL_FILE_DIRECTORY, 0, "");
	refused(&s, SMOL_E_EXISTS, "d");
	assert_int_equal(entries("outside"), 0);
}

static void test_wrong_digest(void **state)
{
	struct script s;

	(void)state;
	write_file("f", "old");
	open_script(&s, "f", NULL, 0);
	add_sized(&s, SMOL_FILE_PLAIN, 0, "", "", 3);
	smol_files_frame(&s.frames, SMOL_FRAME_DATA, 0, "abd", 3);
	smol_files_frame(&s.frames, SMOL_FRAME_ENTRY_END, 0, sha_abc, 32);
	refused(&s, SMOL_E_PROTOCOL, "SHA-256");
	holds("f", "old");
	assert_int_equal(entries("."), 1);
}

static void test_sizes_that_are_not_kept(void **state)
{
	struct script s;

	(void)state;
	open_script(&s, "f", NULL, 0);
	add_sized(&s, SMOL_FILE_PLAIN, 0, "", "", 3);
	smol_files_frame(&s.frames, SMOL_FRAME_DATA, 0, "abcd", 4);
	refused(&s, SMOL_E_PROTOCOL, "more content");
	open_script(&s, "f", NULL, 0);
	add_sized(&s, SMOL_FILE_PLAIN, 0, "", "", 3);
	smol_files_frame(&s.frames, SMOL_FRAME_DATA, 0, "ab", 2);
	smol_files_frame(&s.frames, SMOL_FRAME_ENTRY_END, 0, sha_abc, 32);
	refused(&s, SMOL_E_PROTOCOL, "less content");
	open_script(&s, "f", NULL, 0);
	add_sized(&s, SMOL_FILE_PLAIN, 0, "", "", SMOL_FILES_SIZE_UNKNOWN);
	smol_files_frame(&s.frames, SMOL_FRAME_HOLE, 0, "\377\377\377\377\377\377\377\177", 8);
	refused(&s, SMOL_E_PROTOCOL, "more content");
	assert_int_equal(entries("."), 0);
}

static void test_size_limit(void **state)
{
	struct script s;

	(void)state;
	open_script(&s, "f", NULL, 2);
	add_file(&s, 0, "");
	refused(&s, SMOL_E_LIMIT_FILE, "limit file_bytes, 2");
	open_script(&s, "f", NULL, 2);
	add_sized(&s, SMOL_FILE_PLAIN, 0, "", "", SMOL_FILES_SIZE_UNKNOWN);
	smol_files_frame(&s.frames, SMOL_FRAME_DATA, 0, "abc", 3);
	refused(&s, SMOL_E_LIMIT_FILE, "limit file_bytes");
	assert_int_equal(entries("."), 0);
}

static void test_order(void **state)
{
	struct script s;

	(void)state;
	open_script(&s, "d", NULL, 0);
	add_file(&s, 1, "a");
	refused(&s, SMOL_E_PROTOCOL, "in no directory");
	open_script(&s, "d", NULL, 0);
	smol_files_frame(&s.frames, SMOL_FRAME_DATA, 0, "abc", 3);
	refused(&s, SMOL_E_PROTOCOL, "out of place");
	open_script(&s, "d", NULL, 0);
	add_sized(&s, SMOL_FILE_PLAIN, 0, "", "", 3);
	smol_files_frame(&s.frames, SMOL_FRAME_DATA, 1, "abc", 3);
	refused(&s, SMOL_E_PROTOCOL, "out of place");
	open_script(&s, "d", NULL, 0);
	add_sized(&s, SMOL_FILE_PLAIN, 0, "", "", 3);
	smol_files_frame(&s.frames, SMOL_FRAME_DONE, 0, "{}", 2);
	refused(&s, SMOL_E_PROTOCOL, "before all was there");
	open_script(&s, "d", NULL, 0);
	add_file(&s, 0, "");
	smol_files_frame(&s.frames, SMOL_FRAME_DONE, 0, "{\"files\":2}", 11);
	refused(&s, SMOL_E_PROTOCOL, "not all that was sent");
	open_script(&s, "e", NULL, 0);
	add(&s, SMOL_FILE_DIRECTORY, 0, "");
	add_file(&s, 1, "a");
	add_file(&s, 2, "b");
	refused(&s, SMOL_E_PROTOCOL, "in no directory");
	open_script(&s, "e", NULL, 0);
	smol_files_frame(&s.frames, SMOL_FRAME_STDOUT, 0, "abc", 3);
	refused(&s, SMOL_E_PROTOCOL, "carries no files");
}

static void test_too_deep(void **state)
{
	struct script s;

	(void)state;
	open_script(&s, "d", NULL, 0);
	add(&s, SMOL_FILE_DIRECTORY, 0, "");
	for (unsigned i = 1; i <= SMOL_FILES_DEPTH_MAX + 1; i++)
		add(&s, SMOL_FILE_DIRECTORY, i, "d");
	refused(&s, SMOL_E_LIMIT, "deeper than");
}

static void test_an_end_in_the_middle_leaves_nothing(void **state)
{
	struct script s;

	(void)state;
	open_script(&s, "f", NULL, 0);
	add_sized(&s, SMOL_FILE_PLAIN, 0, "", "", 30);
	smol_files_frame(&s.frames, SMOL_FRAME_DATA, 0, "abc", 3);
	play(&s);
	assert_int_equal(s.rc, 0);
	close_script(&s);
	assert_int_equal(entries("."), 0);
}

static void test_a_device_is_not_replaced(void **state)
{
	struct smol_files_target t = {.path = "pipe", .modes = 0777};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct script s;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_null(smol_files_receiver_open(&t, &err));
	assert_int_equal(err.code, SMOL_E_INVALID);
	open_script(&s, ".", NULL, 0);
	add(&s, SMOL_FILE_DIRECTORY, 0, "");
	add_file(&s, 1, "pipe");
	refused(&s, SMOL_E_IO, "pipe");
	assert_int_equal(entries("."), 1);
}

static void test_set_user_id_is_not_taken_over(void **state)
{
	struct smol_file_entry e = {.kind = SMOL_FILE_PLAIN, .mode = 06755};
	struct stat st;
	struct script s;

	(void)state;
	open_script(&s, "f", NULL, 0);
	smol_file_entry_encode(&e, &s.frames);
	smol_files_frame(&s.frames, SMOL_FRAME_ENTRY_END, 0, sha_empty, 32);
	play(&s);
	assert_int_equal(s.rc, 0);
	close_script(&s);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

/* ---- there and back ---- */

/* From one path to another; the counts in *counts. */
static void copy(const char *from, const char *to, struct smol_file_counts *counts)
{
	smol_auto_files_sender struct smol_files_sender *sender = NULL;
	struct script s;
	int rc = 1;

	sender = smol_files_sender_open(from, true, 0, NULL);
	assert_non_null(sender);
	open_script(&s, to, NULL, 0);
	while (rc > 0) {
		rc = smol_files_sender_next(sender, &s.frames, &s.err);
		play(&s);
		if (rc < 0 || s.rc < 0)
			fail_msg("%s", s.err.msg);
	}
	assert_int_equal(s.rc, 1);
	*counts = *smol_files_receiver_counts(s.r);
	close_script(&s);
}

static void test_a_tree_arrives_as_it_was(void **state)
{
	const struct timespec then[2] = {
	    {.tv_sec = 1000000000, .tv_nsec = 5000}, {.tv_sec = 1000000000, .tv_nsec = 123456000}};
	struct smol_file_counts n;
	char link[16] = "";
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("a", 0755) || mkdir("a/sub", 0755) || mkdir("a/empty", 0700), 0);
	write_file("a/sub/one", "1");
	write_file("a/zero", "");
	assert_int_equal(symlink("sub/one", "a/l"), 0);
	assert_int_equal(mkfifo("a/pipe", 0600), 0);
	assert_int_equal(chmod("a/sub/one", 0604) || chmod("a/sub", 0555), 0);
	assert_int_equal(utimensat(AT_FDCWD, "a/sub/one", then, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, "a/sub", then, 0), 0);
	copy("a", "b", &n);
	assert_int_equal(chmod("a/sub", 0755), 0);
	assert_int_equal(n.files, 2);
	assert_int_equal(n.directories, 3);
	assert_int_equal(n.links, 1);
	assert_int_equal(n.skipped, 1);
	assert_int_equal(n.bytes, 1);
	holds("b/sub/one", "1");
	holds("b/zero", "");
	assert_int_equal(readlink("b/l", link, sizeof(link) - 1), 7);
	assert_string_equal(link, "sub/one");
	assert_int_equal(stat("b/sub/one", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, 123456000);
	assert_int_equal(stat("b/sub", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0555);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(chmod("b/sub", 0755), 0);
	assert_int_equal(entries("b"), 4);
	/* Once more into what is there now. */
	write_file("b/more", "m");
	copy("a", "b", &n);
	assert_int_equal(entries("b"), 5);
	assert_int_equal(entries("b/sub"), 1);
}

static void test_holes_stay_holes(void **state)
{
	smol_auto_close int fd = open("a", O_CREAT | O_RDWR, 0600);
	struct smol_file_counts n;
	struct stat from, to;
	char c[4] = "";

	(void)state;
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	assert_int_equal(pwrite(fd, "abc", 3, 32 << 20), 3);
	copy("a", "b", &n);
	assert_int_equal(n.bytes, 64 << 20);
	assert_int_equal(stat("a", &from) || stat("b", &to), 0);
	assert_int_equal(to.st_size, 64 << 20);
	assert_true(to.st_blocks <= from.st_blocks);
	close(smol_steal_fd(&fd));
	fd = open("b", O_RDONLY);
	assert_int_equal(pread(fd, c, 3, 32 << 20), 3);
	assert_string_equal(c, "abc");
}

static void test_a_large_file(void **state)
{
	smol_auto_free char *data = smol_alloc(3000001);
	smol_auto_buf struct smol_buf b = {0};
	struct smol_file_counts n;

	(void)state;
	for (int i = 0; i < 3000000; i++)
		data[i] = (char)('a' + i % 23);
	write_file("a", data);
	copy("a", "b", &n);
	assert_int_equal(smol_file_read("b", 4000000, &b, NULL), 0);
	assert_int_equal(smol_buf_len(&b), 3000000);
	assert_memory_equal(smol_buf_head(&b), data, 3000000);
}

/* Files of /proc tell no size. */
static void test_a_file_of_no_known_size(void **state)
{
	struct smol_file_counts n;
	struct stat st;

	(void)state;
	copy("/proc/self/status", "b", &n);
	assert_int_equal(stat("b", &st), 0);
	assert_true(st.st_size > 100);
	assert_int_equal(st.st_size, n.bytes);
}

static void test_where_a_copy_goes(void **state)
{
	struct smol_files_target t = {.path = "no/dir", .modes = 0777};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct script s;

	(void)state;
	assert_null(smol_files_receiver_open(&t, &err));
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	t.path = "nothere/";
	assert_null(smol_files_receiver_open(&t, &err));
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	assert_int_equal(mkdir("real", 0755), 0);
	assert_int_equal(symlink("real", "through"), 0);
	open_script(&s, "through", "f", 0);
	add_file(&s, 0, "");
	play(&s);
	close_script(&s);
	holds("real/f", "abc");
	/* A link to a file stays, and the file is replaced. */
	write_file("real/target", "old");
	assert_int_equal(symlink("real/target", "link"), 0);
	open_script(&s, "link", "f", 0);
	add_file(&s, 0, "");
	play(&s);
	close_script(&s);
	holds("real/target", "abc");
	assert_int_equal(readlink("link", (char[32]){0}, 32), 11);
}

static void test_sources_that_are_none(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_null(smol_files_sender_open("nothing", true, 0, &err));
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
	assert_null(smol_files_sender_open(".", false, 0, &err));
	assert_non_null(strstr(err.msg, "takes -r"));
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_null(smol_files_sender_open("pipe", true, 0, &err));
	assert_int_equal(err.code, SMOL_E_INVALID);
}

#define FILES_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FILES_TEST(test_names_that_lead_elsewhere),
	    FILES_TEST(test_nul_within_a_name),
	    FILES_TEST(test_the_first_entry_brings_no_name),
	    FILES_TEST(test_through_a_link_that_came_before),
	    FILES_TEST(test_a_file_takes_the_place_of_a_link),
	    FILES_TEST(test_a_link_that_was_there_is_not_followed),
	    FILES_TEST(test_wrong_digest),
	    FILES_TEST(test_sizes_that_are_not_kept),
	    FILES_TEST(test_size_limit),
	    FILES_TEST(test_order),
	    FILES_TEST(test_too_deep),
	    FILES_TEST(test_an_end_in_the_middle_leaves_nothing),
	    FILES_TEST(test_a_device_is_not_replaced),
	    FILES_TEST(test_set_user_id_is_not_taken_over),
	    FILES_TEST(test_a_tree_arrives_as_it_was),
	    FILES_TEST(test_holes_stay_holes),
	    FILES_TEST(test_a_large_file),
	    FILES_TEST(test_a_file_of_no_known_size),
	    FILES_TEST(test_where_a_copy_goes),
	    FILES_TEST(test_sources_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
