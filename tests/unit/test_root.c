/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Root images: layers merged, container images read, and what is wrong with either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "image/import.h"
#include "image/roots.h"
#include "root_archive.h"

#define LAYER(...) ((const char *const[]){__VA_ARGS__, NULL})

#define assert_message(err, want)                                                                  \
	do {                                                                                       \
		if (!(err).msg || !strstr((err).msg, want))                                        \
			fail_msg("'%s' is not in '%s'", want, (err).msg ? (err).msg : "(none)");   \
	} while (0)

/* "a/b d", "x f3", "y=z f3@1" (two names, three bytes, of layer 1), "l>target", one a line. */
static char *listing(struct smol_merge *m)
{
	struct smol_buf b = {0};
	size_t n;
	struct smol_merge_file **list = smol_merge_finish(m, &n);

	for (size_t i = 0; i < n; i++) {
		const struct smol_merge_file *f = list[i];

		for (char **name = f->names; *name; name++)
			smol_buf_printf(&b, "%s%s", name == f->names ? "" : "=", *name);
		if (S_ISREG(f->mode))
			smol_buf_printf(&b, " f%llu@%d\n", (unsigned long long)f->size, f->layer);
		else if (S_ISLNK(f->mode))
			smol_buf_printf(&b, ">%s\n", f->symlink);
		else if (S_ISCHR(f->mode))
			smol_buf_printf(&b, " c%u:%u\n", f->major, f->minor);
		else
			smol_buf_printf(&b, " %s\n", S_ISDIR(f->mode) ? "d" : "p");
	}
	return smol_buf_len(&b) ? smol_buf_take(&b) : smol_strdup("");
}

/* Read an archive as far as the tree; NULL with the error. */
static char *read_archive(
    const struct smol_buf *b, const struct smol_root_limits *limits, struct smol_err *err)
{
	smol_auto_container struct smol_container *c =
	    smol_container_open_fd(root_fd(b), "x.tar", "/tmp", limits->bytes, err);
	smol_auto_merge struct smol_merge *m = smol_merge_new(limits);
	smol_auto_oci struct smol_oci o = {0};

	if (!c)
		return NULL;
	if (smol_container_kind(c) != SMOL_CONTAINER_TAR && smol_oci_read(c, &o, err) < 0)
		return NULL;
	return smol_import_scan(c, &o, limits, m, err) < 0 ? NULL : listing(m);
}

/* The tree of these layers, as an image of either kind: both give the same. */
static char *merged(const char *const *const *layers, int n, struct smol_err *err)
{
	smol_auto_buf struct smol_buf docker = {0}, oci = {0};
	struct smol_buf tars[ROOT_LAYERS] = {0}, packed[ROOT_LAYERS] = {0};
	smol_auto_free char *a = NULL;
	char *b;

	for (int i = 0; i < n; i++) {
		root_tar(&tars[i], layers[i], false);
		root_tar(&packed[i], layers[i], true);
	}
	root_image(&docker, tars, n, false, ROOT_SOUND);
	root_image(&oci, packed, n, true, ROOT_SOUND);
	a = read_archive(&docker, &smol_root_limits_default, err);
	if (!a && err)
		smol_err_clear(err);
	b = read_archive(&oci, &smol_root_limits_default, err);
	for (int i = 0; i < n; i++) {
		smol_buf_free(&tars[i]);
		smol_buf_free(&packed[i]);
	}
	if (a && b)
		assert_string_equal(a, b);
	assert_true(!a == !b);
	return b;
}

static void check_merged(const char *const *const *layers, int n, const char *want)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *got = merged(layers, n, &err);

	if (!got)
		fail_msg("%s", err.msg);
	assert_string_equal(got, want);
}

#define CHECK_MERGED(want, ...)                                                                    \
	check_merged((const char *const *const[]){__VA_ARGS__},                                    \
	    (int)SMOL_ARRAY_SIZE(((const char *const *const[]){__VA_ARGS__})), want)

static void test_layers_lie_over_one_another(void **state)
{
	(void)state;
	CHECK_MERGED("etc d\netc/b f3@0\netc/a f5@1\n", LAYER("d etc", "f etc/a 1", "f etc/b abc"),
	    LAYER("f etc/a 12345"));
	/* Directories that no entry makes are there all the same. */
	CHECK_MERGED("a d\na/b d\na/b/c f1@0\n", LAYER("f a/b/c x"));
	/* "./" and a slash behind are the same name. */
	CHECK_MERGED(
	    "a d\na/x f1@0\na/x2 f1@1\n", LAYER("d ./a/", "f ./a/x 1"), LAYER("f a//x2 1"));
	CHECK_MERGED("dev d\ndev/null c1:3\np p\nx>dev/null\n",
	    LAYER("c dev/null 1:3", "p p", "l x dev/null"));
}

static void test_whiteouts(void **state)
{
	(void)state;
	CHECK_MERGED("d d\nd/b f1@0\n", LAYER("d d", "f d/a 1", "f d/b 1"), LAYER("f d/.wh.a "));
	/* A whole directory. */
	CHECK_MERGED(
	    "k f1@0\n", LAYER("d d", "f d/a 1", "d d/e", "f d/e/f 1", "f k 1"), LAYER("f .wh.d "));
	/* Over three layers: away and back again. */
	CHECK_MERGED("d d\nd/a f2@2\n", LAYER("f d/a 1"), LAYER("f d/.wh.a "), LAYER("f d/a 22"));
	/* It hides what lies below, not what its own layer brings, in whichever order. */
	CHECK_MERGED("d d\nd/a f2@1\n", LAYER("f d/a 1"), LAYER("f d/a 22", "f d/.wh.a "));
	CHECK_MERGED("d d\nd/a f2@1\n", LAYER("f d/a 1"), LAYER("f d/.wh.a ", "f d/a 22"));
	/* Of what is not there. */
	CHECK_MERGED("a f1@0\n", LAYER("f a 1"), LAYER("f x/y/.wh.z ", "f .wh.b "));
	/* Storage drivers' own notes are no files. */
	CHECK_MERGED("a f1@0\n", LAYER("f a 1"), LAYER("f .wh..wh.aufs x", "d .wh..wh.plnk"));
}

static void test_opaque_directories(void **state)
{
	(void)state;
	CHECK_MERGED("d d\nk f1@0\nd/new f1@1\n", LAYER("f d/a 1", "f d/e/f 1", "f k 1"),
	    LAYER("d d", "f d/.wh..wh..opq ", "f d/new 1"));
	/* The mark behind what it does not hide. */
	CHECK_MERGED("d d\nd/e d\nd/e/new f1@1\n", LAYER("f d/a 1", "f d/e/f 1"),
	    LAYER("d d", "d d/e", "f d/e/new 1", "f d/.wh..wh..opq "));
	/* A third layer sees what the second left. */
	CHECK_MERGED("d d\nd/b f1@1\nd/c f1@2\n", LAYER("f d/a 1"),
	    LAYER("d d", "f d/.wh..wh..opq ", "f d/b 1"), LAYER("f d/c 1"));
}

static void test_directory_becomes_file_and_back(void **state)
{
	(void)state;
	CHECK_MERGED("x f3@1\n", LAYER("d x", "f x/a 1"), LAYER("f x abc"));
	CHECK_MERGED(
	    "x d\nx/b f1@2\n", LAYER("d x", "f x/a 1"), LAYER("f x abc"), LAYER("d x", "f x/b 1"));
	CHECK_MERGED("x>y\n", LAYER("d x", "f x/a 1"), LAYER("l x y"));
}

static void test_hard_links(void **state)
{
	(void)state;
	CHECK_MERGED("b=a f3@0\n", LAYER("f a abc", "h b a"));
	/* To a lower layer's file. */
	CHECK_MERGED("b=a f3@0\n", LAYER("f a abc"), LAYER("h b ./a"));
	/* One name is written anew, the other keeps what it was. */
	CHECK_MERGED("b f3@0\na f1@1\n", LAYER("f a abc", "h b a"), LAYER("f a 1"));
	/* One name is taken away. */
	CHECK_MERGED("b f3@0\n", LAYER("f a abc", "h b a"), LAYER("f .wh.a "));
	CHECK_MERGED("a f3@0\n", LAYER("f a abc", "h a a"));
}

static void test_symbolic_links_on_the_way(void **state)
{
	(void)state;
	/* Within the tree, as chroot() would, wherever they point. */
	CHECK_MERGED("lib>usr/lib\nusr d\nusr/lib d\nusr/lib/x f1@1\n",
	    LAYER("d usr", "d usr/lib", "l lib usr/lib"), LAYER("f lib/x 1"));
	CHECK_MERGED("etc d\nup>/../../etc\netc/passwd f1@1\n", LAYER("d etc", "l up /../../etc"),
	    LAYER("f up/passwd 1"));
	/* One that leads to no directory gives way. */
	CHECK_MERGED("a d\na/x f1@1\n", LAYER("l a /nowhere"), LAYER("f a/x 1"));
}

static void refused(const char *const *lines, const char *why)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *got = merged((const char *const *const[]){lines}, 1, &err);

	if (got)
		fail_msg("taken, and it should be refused: %s", why);
	assert_message(err, why);
}

static void test_hostile_names(void **state)
{
	smol_auto_buf struct smol_buf deep = {0};
	char part[320] = "f ";

	(void)state;
	refused(LAYER("f ../x 1"), "'../x' leads out of the root");
	refused(LAYER("f a/../../x 1"), "leads out of the root");
	refused(LAYER("f a/.. 1"), "leads out of the root");
	refused(LAYER("f /etc/x 1"), "'/etc/x' is absolute");
	refused(LAYER("f a 1", "h b ../a"), "leads out of the root");
	refused(LAYER("f a 1", "h b /a"), "is absolute");
	refused(LAYER("h b a"), "is a hard link to what is not there");
	refused(LAYER("d a", "h b a"), "is a hard link to what is not there");
	refused(LAYER("l a b", "l b a", "f a/x 1"), "symbolic links without end");
	refused(LAYER("f .wh... 1"), "is a whiteout of nothing that can be");
	refused(LAYER("f d/.wh. 1"), "is a whiteout of nothing that can be");
	refused(LAYER("f . 1"), "is the root, and no directory");
	refused(LAYER("f a\x1b[2J/../x 1"), "a\\x1b[2J/../x");
	memset(part + 2, 'n', 300);
	refused(LAYER(part), "too long");
	smol_buf_puts(&deep, "f ");
	for (int i = 0; i < SMOL_ROOT_DEPTH_MAX + 1; i++)
		smol_buf_puts(&deep, "d/");
	smol_buf_puts(&deep, "x 1");
	refused(LAYER(smol_buf_str(&deep)), "lies too deep");
}

/* A short name that leads deep down through a symbolic link is as deep as what it leads to. */
static void test_depth_through_links(void **state)
{
	smol_auto_buf struct smol_buf deep = {0}, way = {0};

	(void)state;
	smol_buf_puts(&deep, "d ");
	smol_buf_puts(&way, "l s ");
	for (int i = 0; i < SMOL_ROOT_DEPTH_MAX - 8; i++) {
		smol_buf_puts(&deep, "d/");
		smol_buf_puts(&way, "d/");
	}
	refused(LAYER(smol_buf_str(&deep), smol_buf_str(&way), "f s/1/2/3/4/5/6/7/8/9 1"),
	    "lies too deep");
}

static void test_limits(void **state)
{
	struct smol_root_limits few = smol_root_limits_default;
	smol_auto_buf struct smol_buf tar = {0}, bomb = {0}, image = {0};
	struct smol_buf layers[ROOT_LAYERS] = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *zeros = smol_alloc((4 << 20) + 16);

	(void)state;
	root_tar(&tar, LAYER("f a 1", "f b 1", "f c 1"), false);
	few.entries = 2;
	assert_null(read_archive(&tar, &few, &err));
	assert_int_equal(err.code, SMOL_E_LIMIT);
	assert_message(err, "more than 2 files");
	few = smol_root_limits_default;
	few.names = 2;
	assert_null(read_archive(&tar, &few, &err));
	assert_message(err, "names and attributes");
	/* One name that makes many directories. */
	smol_buf_clear(&tar);
	root_tar(&tar, LAYER("f a/a/a/a/a/a/a/a 1", "f b 1"), false);
	few = smol_root_limits_default;
	few.entries = 5;
	assert_null(read_archive(&tar, &few, &err));
	assert_message(err, "more than 5 files");
	/* Four MiB that came in four kB: as one layer, and as an image that is compressed as a
	 * whole. */
	few = smol_root_limits_default;
	few.bytes = 1 << 20;
	memset(zeros, '0', 4 << 20);
	memcpy(zeros, "f big ", 6);
	root_tar(&bomb, LAYER(zeros), true);
	assert_true(smol_buf_len(&bomb) < 65536);
	assert_null(read_archive(&bomb, &few, &err));
	assert_int_equal(err.code, SMOL_E_LIMIT);
	assert_message(err, "larger than 1M together");
	for (int i = 0; i < 3; i++)
		root_tar(&layers[i], LAYER("f a 1"), false);
	root_image(&image, layers, 3, false, ROOT_SOUND);
	few = smol_root_limits_default;
	few.layers = 2;
	assert_null(read_archive(&image, &few, &err));
	assert_message(err, "more than 2 layers");
	for (int i = 0; i < 3; i++)
		smol_buf_free(&layers[i]);
}

static void test_sparse_giant(void **state)
{
	/* A header that says 8 GiB, and nothing behind it. */
	smol_auto_buf struct smol_buf tar = {0};
	struct smol_root_limits few = smol_root_limits_default;
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	char *h;
	unsigned sum = 0;

	(void)state;
	root_tar(&tar, LAYER("f a 1"), false);
	h = smol_buf_head(&tar);
	memcpy(h + 124, "77777777777", 11);
	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	few.bytes = UINT64_C(1) << 30;
	/* Seen while its names are looked through, or while they are counted. */
	assert_null(read_archive(&tar, &few, &err));
	assert_message(err, "truncated");
}

static const struct {
	enum root_flaw flaw;
	bool oci, docker;
	const char *why;
} flaws[] = {
    {ROOT_WRONG_DIGEST, true, true, "is damaged: its SHA-256 is"},
    {ROOT_NO_LAYER, true, true, "is not in it"},
    {ROOT_ARM, true, true, "not for Linux on x86-64, but for arm64"},
    {ROOT_ARM_INDEX, true, false, "not for x86-64, but for s390x, arm64"},
    {ROOT_TWO_IMAGES, true, true, "it holds 2 container images"},
    {ROOT_BAD_JSON, true, true, "the container image's"},
    {ROOT_NO_DIFF_IDS, true, true, "no sound list of layers"},
    {ROOT_LOST_INDEX, true, false, "is not in it"},
};

static void test_broken_images(void **state)
{
	struct smol_buf layers[ROOT_LAYERS] = {0};

	(void)state;
	root_tar(&layers[0], LAYER("f a 1"), true);
	root_tar(&layers[1], LAYER("f b 1"), true);
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(flaws); i++)
		for (int oci = 0; oci < 2; oci++) {
			smol_auto_buf struct smol_buf image = {0};
			smol_auto_err struct smol_err err = SMOL_ERR_INIT;
			smol_auto_free char *got = NULL;

			if (oci ? !flaws[i].oci : !flaws[i].docker)
				continue;
			root_image(&image, layers, 2, oci, flaws[i].flaw);
			got = read_archive(&image, &smol_root_limits_default, &err);
			if (got)
				fail_msg("flaw %d was taken (oci %d)", flaws[i].flaw, oci);
			assert_message(err, flaws[i].why);
		}
	smol_buf_free(&layers[0]);
	smol_buf_free(&layers[1]);
}

/* Wherever it is cut off: an error, and never a part of it. */
static void test_truncated(void **state)
{
	struct smol_buf layers[ROOT_LAYERS] = {0};
	smol_auto_buf struct smol_buf oci = {0}, docker = {0};

	(void)state;
	root_tar(&layers[0], LAYER("f a 1", "d b", "f b/c 12345"), true);
	root_image(&oci, layers, 1, true, ROOT_SOUND);
	root_image(&docker, layers, 1, false, ROOT_SOUND);
	for (int k = 0; k < 2; k++) {
		struct smol_buf *b = k ? &oci : &docker;
		size_t whole = b->end;

		/* The two blocks of zeros at a tar's end may be missing. */
		for (size_t n = 0; n < whole - 1536; n += 97) {
			smol_auto_err struct smol_err err = SMOL_ERR_INIT;
			smol_auto_free char *got = NULL;

			b->end = b->start + n;
			got = read_archive(b, &smol_root_limits_default, &err);
			if (got && strstr(got, "b/c"))
				fail_msg("cut off at %zu of %zu it is taken", n, whole);
			b->end = whole;
		}
	}
	smol_buf_free(&layers[0]);
}

static void test_no_archive(void **state)
{
	smol_auto_buf struct smol_buf b = {0}, empty = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	smol_buf_puts(&b, "PK\3\4 this is no tar, whatever it is, and goes on for a while");
	assert_null(read_archive(&b, &smol_root_limits_default, &err));
	assert_message(err, "x.tar is no tar archive");
	assert_null(read_archive(&empty, &smol_root_limits_default, &err));
	assert_message(err, "x.tar");
	smol_err_clear(&err);
	assert_null(smol_container_open("/dev/null", "/tmp", 1, &err));
	assert_message(err, "neither a directory nor a file");
}

static void test_configuration(void **state)
{
	struct smol_buf layers[ROOT_LAYERS] = {0};
	smol_auto_buf struct smol_buf image = {0};
	smol_auto_container struct smol_container *c = NULL;
	smol_auto_oci struct smol_oci o = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct smol_root r = {0};
	smol_auto_json cJSON *j = NULL;
	smol_auto_free char *text = NULL;

	(void)state;
	root_tar(&layers[0], LAYER("f a 1"), true);
	root_image(&image, layers, 1, true, ROOT_SOUND);
	smol_buf_free(&layers[0]);
	c = smol_container_open_fd(root_fd(&image), "x", "/tmp", 1 << 20, &err);
	assert_non_null(c);
	assert_int_equal(smol_container_kind(c), SMOL_CONTAINER_OCI);
	assert_int_equal(smol_oci_read(c, &o, &err), 0);
	r = (struct smol_root){
	    .env = o.env, .entrypoint = o.entrypoint, .cmd = o.cmd, .cwd = o.cwd, .user = o.user};
	j = smol_root_defaults(&r);
	text = smol_json_print(j);
	/* What is no variable is left out. */
	assert_string_equal(text,
	    "{\"env\":{\"PATH\":\"/bin:/usr/bin\",\"STAGE\":\"test\"},\"cwd\":\"/srv\","
	    "\"user\":\"nobody\",\"argv\":[\"/bin/sh\",\"-c\",\"echo \\\"$STAGE\\\"\"]}");
}

/* A container image that is compressed as a whole is the same as one that is not. */
static void test_compressed_whole(void **state)
{
	struct smol_buf layers[ROOT_LAYERS] = {0};
	smol_auto_buf struct smol_buf image = {0}, packed = {0};
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *line = NULL, *got = NULL, *path = NULL;
	char dir[] = "/tmp/smolsh-root-XXXXXX";
	struct smol_root_limits few = smol_root_limits_default;

	(void)state;
	assert_non_null(mkdtemp(dir));
	root_tar(&layers[0], LAYER("f a 1"), false);
	root_image(&image, layers, 1, false, ROOT_SOUND);
	smol_buf_free(&layers[0]);
	path = smol_asprintf("%s/x", dir);
	assert_int_equal(
	    smol_file_write(path, smol_buf_head(&image), smol_buf_len(&image), 0600, &err), 0);
	line = smol_asprintf("gzip -c %s > %s.gz", path, path);
	assert_int_equal(system(line), 0);
	free(line);
	line = smol_asprintf("%s.gz", path);
	assert_int_equal(smol_file_read(line, 1 << 20, &packed, &err), 0);
	got = read_archive(&packed, &smol_root_limits_default, &err);
	if (!got)
		fail_msg("%s", err.msg);
	assert_string_equal(got, "a f1@0\n");
	few.bytes = 2048;
	assert_null(read_archive(&packed, &few, &err));
	assert_message(err, "unpacks to more than");
	assert_int_equal(smol_rmdir_r(dir, &err), 0);
}

static void test_record(void **state)
{
	static const char sound[] =
	    "{\"name\":\"a\",\"source\":\"/x\",\"inputs\":\"%064d\",\"digest\":\"%064d\","
	    "\"size\":4096,\"unpacked\":1,\"created\":5,\"env\":{\"A\":\"b\"},\"cmd\":[\"x\"]}";
	static const char *const unsound[][2] = {
	    {"\"name\":\"a\"", "\"name\":\"../a\""},
	    {"\"name\":\"a\"", "\"name\":7"},
	    {"\"size\":4096", "\"size\":-1"},
	    {"\"size\":4096", "\"size\":1e300"},
	    {"{\"A\":\"b\"}", "{\"A\":7}"},
	    {"{\"A\":\"b\"}", "[]"},
	    {"[\"x\"]", "\"x\""},
	    {"\"digest\":\"0", "\"digest\":\"/"},
	    {"\"inputs\":\"0", "\"inputs\":\""},
	};
	smol_auto_free char *text = smol_asprintf(sound, 0, 0);
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_json cJSON *j = smol_json_parse_object(text, strlen(text), &err), *again = NULL;
	smol_auto_root struct smol_root *r = smol_root_decode(j, &err);

	(void)state;
	assert_non_null(r);
	again = smol_root_encode(r);
	assert_true(cJSON_Compare(j, again, true));
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(unsound); i++) {
		char *at = strstr(text, unsound[i][0]);
		smol_auto_free char *bad = smol_asprintf(
		    "%.*s%s%s", (int)(at - text), text, unsound[i][1], at + strlen(unsound[i][0]));
		smol_auto_json cJSON *k = smol_json_parse_object(bad, strlen(bad), NULL);
		smol_auto_root struct smol_root *none = smol_root_decode(k, &err);

		assert_non_null(k);
		if (none)
			fail_msg("taken: %s", bad);
		assert_int_equal(err.code, SMOL_E_IMAGE);
	}
}

static void put_file(const char *dir, const char *name, const char *text)
{
	smol_auto_free char *path = smol_asprintf("%s/%s", dir, name);

	assert_int_equal(smol_file_write(path, text, strlen(text), 0600, NULL), 0);
}

static bool is_there(const char *dir, const char *name)
{
	smol_auto_free char *path = smol_asprintf("%s/%s", dir, name);

	return access(path, F_OK) == 0;
}

/* Files that a record names stay, whatever else is wrong with it; and all of them as long as there
 * is a record that nobody can read. */
static void test_sweep(void **state)
{
	static const char digits[] =
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
	smol_auto_free char *named = smol_asprintf("%s0.squashfs", digits);
	smol_auto_free char *orphan = smol_asprintf("%s1.squashfs", digits);
	smol_auto_free char *record = smol_asprintf("{\"digest\":\"%s0\"}", digits);
	char dir[] = "/tmp/smolsh-sweep-XXXXXX";
	smol_auto_free char *broken = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	broken = smol_asprintf("%s/broken.json", dir);
	put_file(dir, named, "x");
	put_file(dir, orphan, "x");
	put_file(dir, "a.json", record);
	put_file(dir, "broken.json", "{");
	smol_roots_sweep(dir);
	assert_true(is_there(dir, named));
	assert_true(is_there(dir, orphan));
	assert_int_equal(unlink(broken), 0);
	smol_roots_sweep(dir);
	assert_true(is_there(dir, named));
	assert_false(is_there(dir, orphan));
	assert_int_equal(smol_rmdir_r(dir, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_layers_lie_over_one_another),
	    cmocka_unit_test(test_whiteouts),
	    cmocka_unit_test(test_opaque_directories),
	    cmocka_unit_test(test_directory_becomes_file_and_back),
	    cmocka_unit_test(test_hard_links),
	    cmocka_unit_test(test_symbolic_links_on_the_way),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_depth_through_links),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_sparse_giant),
	    cmocka_unit_test(test_broken_images),
	    cmocka_unit_test(test_sweep),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_no_archive),
	    cmocka_unit_test(test_configuration),
	    cmocka_unit_test(test_compressed_whole),
	    cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
