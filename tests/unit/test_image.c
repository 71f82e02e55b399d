/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and verifying images, and the archive that is appended for each VM. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "image/hash.h"
#include "image/image.h"
#include "image/manifest.h"
#include "image/newc.h"

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char home[64];
static const char kernel[] = "this is the kernel", initramfs[] = "and this the initramfs";

static int setup(void **state)
{
	(void)state;
	snprintf(home, sizeof(home), "/tmp/smolsh-test-XXXXXX");
	assert_non_null(mkdtemp(home));
	unsetenv("SMOLSH_IMAGES");
	return setenv("SMOLSH_HOME", home, 1);
}

static int teardown(void **state)
{
	(void)state;
	return smol_rmdir_r(home, NULL);
}

static char *image_file(const char *name, const char *file)
{
	return smol_asprintf("%s/images/%s/%s", home, name, file);
}

static void write_file(const char *name, const char *file, const void *data, size_t n)
{
	smol_auto_free char *path = image_file(name, file);

	assert_int_equal(smol_file_write(path, data, n, 0644, NULL), 0);
}

/* An image of two small parts. */
static void make_image(const char *name)
{
	smol_auto_free char *dir = image_file(name, "");
	smol_auto_free char *text = NULL;
	char k[65], i[65];

	assert_int_equal(smol_mkdir_p(dir, 0755, NULL), 0);
	smol_sha256(kernel, strlen(kernel), k);
	smol_sha256(initramfs, strlen(initramfs), i);
	text = smol_asprintf(
	    "{\"format\":1,\"name\":\"%s\",\"created\":1764000000123,\"kernel_version\":\"6.1\","
	    "\"kernel_args\":\"\",\"agent_version\":\"0.1.0\",\"parts\":["
	    "{\"role\":\"kernel\",\"file\":\"vmlinux\",\"size\":%zu,\"sha256\":\"%s\"},"
	    "{\"role\":\"initramfs\",\"file\":\"initramfs.cpio\",\"size\":%zu,\"sha256\":\"%s\"}]}",
	    name, strlen(kernel), k, strlen(initramfs), i);
	write_file(name, "vmlinux", kernel, strlen(kernel));
	write_file(name, "initramfs.cpio", initramfs, strlen(initramfs));
	write_file(name, "manifest.json", text, strlen(text));
}

static struct smol_image *open_image(const char *name)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_image *img = smol_image_open(name, &err);

	if (!img)
		fail_msg("%s", err.msg);
	return img;
}

static void assert_message(const struct smol_err *err, const char *want)
{
	if (!err->msg || !strstr(err->msg, want))
		fail_msg("'%s' is not in '%s'", want, err->msg ? err->msg : "(none)");
}

static void test_names(void **state)
{
	static const char *const good[] = {
	    "base", "a", "0", "debian-12.5_x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	static const char *const bad[] = {"", "-a", ".a", "_a", "A", "a/b", "..", "a b", "\xc3\xa9",
	    "a\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(good); i++)
		assert_true(smol_image_name_ok(good[i]));
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		assert_false(smol_image_name_ok(bad[i]));
		assert_null(smol_image_open(bad[i], &err));
		assert_int_equal(err.code, SMOL_E_INVALID);
	}
}

static void test_absent(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	assert_null(smol_image_open("base", &err));
	assert_int_equal(err.code, SMOL_E_IMAGE);
	assert_string_equal(err.msg, "no image 'base'");
	assert_string_equal(err.hint, "smolsh image build");
}

static void test_open(void **state)
{
	smol_auto_image struct smol_image *img = NULL;
	smol_auto_free char *path = image_file("base", "vmlinux");

	(void)state;
	make_image("base");
	img = open_image("base");
	assert_string_equal(img->name, "base");
	assert_string_equal(img->kernel_version, "6.1");
	assert_int_equal(img->created_ms, 1764000000123);
	assert_int_equal(img->nparts, 2);
	assert_string_equal(smol_image_part_path(img, "kernel"), path);
	assert_null(smol_image_part_path(img, "kernel-packed"));
}

/* SMOLSH_IMAGES comes before all others, and the first of a name wins. */
static void test_first_directory_wins(void **state)
{
	smol_auto_free char *other = smol_asprintf("%s/images", home);
	smol_auto_free char *first = smol_asprintf("%s/first", home);
	smol_auto_image_list struct smol_image **list = NULL;
	smol_auto_image struct smol_image *img = NULL;

	(void)state;
	make_image("one");
	assert_int_equal(rename(other, first), 0);
	make_image("one");
	make_image("two");
	setenv("SMOLSH_IMAGES", first, 1);
	img = open_image("one");
	list = smol_image_list(NULL);
	unsetenv("SMOLSH_IMAGES");
	assert_memory_equal(img->dir, first, strlen(first));
	assert_string_equal(list[0]->name, "one");
	assert_memory_equal(list[0]->dir, first, strlen(first));
	assert_string_equal(list[1]->name, "two");
	assert_null(list[2]);
}

static void test_list_goes_on(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_image_list struct smol_image **list = NULL;

	(void)state;
	make_image("bad");
	make_image("good");
	write_file("bad", "manifest.json", "{", 1);
	list = smol_image_list(&err);
	assert_string_equal(list[0]->name, "good");
	assert_null(list[1]);
	assert_message(&err, "image 'bad' is damaged");
}

static void test_manifest_round_trip(void **state)
{
	smol_auto_image struct smol_image *img = NULL, *again = NULL;
	smol_auto_free char *text = NULL, *twice = NULL;

	(void)state;
	make_image("base");
	img = open_image("base");
	img->inputs = smol_strdup(SHA_A);
	free(img->kernel_args);
	img->kernel_args = smol_strdup("quiet \"x\"");
	text = smol_manifest_print(img);
	again = smol_manifest_parse(text, strlen(text), "base", img->dir, NULL);
	assert_non_null(again);
	assert_string_equal(again->kernel_args, "quiet \"x\"");
	assert_string_equal(again->inputs, SHA_A);
	twice = smol_manifest_print(again);
	assert_string_equal(text, twice);
}

#define KERNEL(file, size, sha)                                                                    \
	"{\"role\":\"kernel\",\"file\":\"" file "\",\"size\":" size ",\"sha256\":\"" sha "\"}"
#define INITRAMFS	"{\"role\":\"initramfs\",\"file\":\"i\",\"size\":1,\"sha256\":\"" SHA_A "\"}"
#define MANIFEST(parts) "{\"format\":1,\"parts\":[" parts "]}"

static void test_manifest_refused(void **state)
{
	static const char *const bad[][2] = {
	    {"", "not a JSON object"},
	    {"[]", "not a JSON object"},
	    {"{}", "no format number"},
	    {"{\"format\":2}", "of a format"},
	    {"{\"format\":1}", "no parts"},
	    {"{\"format\":1,\"created\":\"x\"}", "time of creation"},
	    {MANIFEST(""), "no parts"},
	    {MANIFEST(INITRAMFS), "no kernel"},
	    {MANIFEST(KERNEL("k", "1", SHA_A)), "no initramfs"},
	    {MANIFEST(INITRAMFS "," INITRAMFS), "two parts of one role"},
	    {MANIFEST(KERNEL("../k", "1", SHA_A) "," INITRAMFS), "file name"},
	    {MANIFEST(KERNEL(".k", "1", SHA_A) "," INITRAMFS), "file name"},
	    {MANIFEST(KERNEL("verified", "1", SHA_A) "," INITRAMFS), "file name"},
	    {MANIFEST(KERNEL("", "1", SHA_A) "," INITRAMFS), "file name"},
	    {MANIFEST(KERNEL("k", "0", SHA_A) "," INITRAMFS), "its size"},
	    {MANIFEST(KERNEL("k", "1e300", SHA_A) "," INITRAMFS), "its size"},
	    {MANIFEST(KERNEL("k", "\"1\"", SHA_A) "," INITRAMFS), "its size"},
	    {MANIFEST(KERNEL("k", "1", "abc") "," INITRAMFS), "its SHA-256"},
	};

	(void)state;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(bad); i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		assert_null(smol_manifest_parse(bad[i][0], strlen(bad[i][0]), "x", "/d", &err));
		assert_int_equal(err.code, SMOL_E_IMAGE);
		assert_message(&err, bad[i][1]);
		assert_string_equal(err.hint, "smolsh image build x");
	}
}

/* Parts of roles that this version does not know are passed over, members too. */
static void test_manifest_later(void **state)
{
	static const char text[] =
	    "{\"format\":1,\"later\":[1],\"parts\":[{\"role\":\"root-disk\"}," KERNEL(
		"k", "1", SHA_A) "," INITRAMFS "]}";
	smol_auto_image struct smol_image *img =
	    smol_manifest_parse(text, strlen(text), "x", "/d", NULL);

	(void)state;
	assert_non_null(img);
	assert_int_equal(img->nparts, 2);
}

static void expect_damage(const char *want)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_image struct smol_image *img = open_image("base");

	assert_int_equal(smol_image_verify(img, false, &err), -1);
	assert_int_equal(err.code, SMOL_E_IMAGE);
	assert_message(&err, "image 'base' is damaged");
	assert_message(&err, want);
	assert_string_equal(err.hint, "smolsh image build base");
}

static void test_verify_names_the_part(void **state)
{
	smol_auto_free char *path = image_file("base", "initramfs.cpio");
	char flipped[sizeof(initramfs)];

	(void)state;
	make_image("base");
	memcpy(flipped, initramfs, sizeof(flipped));
	flipped[3] ^= 1;
	write_file("base", "initramfs.cpio", flipped, strlen(initramfs));
	expect_damage("initramfs.cpio is not what was built");
	write_file("base", "initramfs.cpio", initramfs, strlen(initramfs) - 1);
	expect_damage("initramfs.cpio has 21 bytes, not 22");
	unlink(path);
	expect_damage("initramfs.cpio is missing");
	assert_int_equal(mkdir(path, 0755), 0);
	expect_damage("initramfs.cpio is not a file");
}

/* Verify until it leaves its stamp, which it does once the files are old enough to tell a later
 * change by its time. */
static void verify_until_stamped(void)
{
	smol_auto_image struct smol_image *img = open_image("base");
	smol_auto_free char *stamp = image_file("base", "verified");
	smol_deadline deadline = smol_in_ms(10000);

	do {
		assert_int_equal(smol_image_verify(img, false, NULL), 0);
		assert_true(smol_poll_ms(deadline) > 0);
	} while (access(stamp, F_OK) < 0);
}

static void replace_in(const char *file, const char *old, const char *new)
{
	smol_auto_free char *path = image_file("base", file);
	smol_auto_buf struct smol_buf b = {0};
	char *at;

	assert_int_equal(smol_file_read(path, 65536, &b, NULL), 0);
	at = strstr(smol_buf_str(&b), old);
	assert_non_null(at);
	memcpy(at, new, strlen(new));
	assert_int_equal(smol_file_write(path, smol_buf_head(&b), smol_buf_len(&b), 0644, NULL), 0);
}

/* As long as nothing has changed the parts are not read: a stamp that agrees with the manifest is
 * believed, even one that lies; --verify does not believe it. */
static void test_stamp_is_believed(void **state)
{
	smol_auto_image struct smol_image *img = NULL;
	char sha[65];

	(void)state;
	make_image("base");
	verify_until_stamped();
	smol_sha256(kernel, strlen(kernel), sha);
	replace_in("verified", sha, SHA_A);
	replace_in("manifest.json", sha, SHA_A);
	img = open_image("base");
	assert_int_equal(smol_image_verify(img, false, NULL), 0);
	assert_int_equal(smol_image_verify(img, true, NULL), -1);
}

static void test_stamp_is_void_after_a_change(void **state)
{
	smol_auto_free char *path = image_file("base", "vmlinux");
	struct timespec times[2];
	struct stat st;
	char flipped[sizeof(kernel)];
	int fd;

	(void)state;
	make_image("base");
	verify_until_stamped();
	assert_int_equal(stat(path, &st), 0);
	memcpy(flipped, kernel, sizeof(flipped));
	flipped[0] ^= 1;
	/* In place, and with the old modification time: size and mtime tell nothing. */
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, flipped, strlen(kernel), 0), strlen(kernel));
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	expect_damage("vmlinux is not what was built");
}

static void test_new_manifest_voids_the_stamp(void **state)
{
	char sha[65];

	(void)state;
	make_image("base");
	verify_until_stamped();
	smol_sha256(kernel, strlen(kernel), sha);
	replace_in("manifest.json", sha, SHA_A);
	expect_damage("vmlinux is not what was built");
}

/* No stamp can be written: no error, only no saving. */
static void test_stamp_cannot_be_written(void **state)
{
	smol_auto_free char *stamp = image_file("base", "verified");
	smol_auto_image struct smol_image *img = NULL;

	(void)state;
	make_image("base");
	assert_int_equal(mkdir(stamp, 0755), 0);
	img = open_image("base");
	assert_int_equal(smol_image_verify(img, false, NULL), 0);
}

static void test_newc_reads_back(void **state)
{
	smol_auto_buf struct smol_buf b = {0};
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	char text[16] = "";

	(void)state;
	smol_newc_single(&b, "smolsh", "vm.json", "secret", 6, 0400);
	assert_int_equal(smol_buf_len(&b) % 512, 0);
	archive_read_support_format_cpio(a);
	assert_int_equal(archive_read_open_memory(a, smol_buf_head(&b), smol_buf_len(&b)), 0);
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(e), "smolsh");
	assert_int_equal(archive_entry_mode(e), S_IFDIR | 0700);
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(e), "smolsh/vm.json");
	assert_int_equal(archive_entry_mode(e), S_IFREG | 0400);
	assert_int_equal(archive_entry_uid(e), 0);
	assert_int_equal(archive_read_data(a, text, sizeof(text)), 6);
	assert_string_equal(text, "secret");
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_EOF);
	archive_read_free(a);
}

/* Appended behind something: its padding counts from its own start, as the kernel counts. */
static void test_newc_appends(void **state)
{
	smol_auto_buf struct smol_buf b = {0};

	(void)state;
	smol_buf_puts(&b, "abc");
	smol_newc_single(&b, "d", "f", "12345", 5, 0644);
	assert_memory_equal(smol_buf_head(&b), "abc070701", 9);
	assert_int_equal((smol_buf_len(&b) - 3) % 512, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_names),
	    TEST(test_absent),
	    TEST(test_open),
	    TEST(test_first_directory_wins),
	    TEST(test_list_goes_on),
	    TEST(test_manifest_round_trip),
	    TEST(test_manifest_refused),
	    TEST(test_manifest_later),
	    TEST(test_verify_names_the_part),
	    TEST(test_stamp_is_believed),
	    TEST(test_stamp_is_void_after_a_change),
	    TEST(test_new_manifest_voids_the_stamp),
	    TEST(test_stamp_cannot_be_written),
	    TEST(test_newc_reads_back),
	    TEST(test_newc_appends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
