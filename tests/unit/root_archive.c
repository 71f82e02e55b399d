/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Archives for tests of root images: see root_archive.h. */
#include "root_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/auto.h"
#include "image/hash.h"
#include "image/kernel.h"

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static la_ssize_t take(struct archive *a, void *ctx, const void *data, size_t n)
{
	(void)a;
	smol_buf_append(ctx, data, n);
	return (la_ssize_t)n;
}

static struct archive *open_tar(struct smol_buf *out, bool gzip)
{
	struct archive *a = archive_write_new();

	archive_write_set_format_pax_restricted(a);
	if (gzip)
		archive_write_add_filter_gzip(a);
	archive_write_set_bytes_in_last_block(a, 1);
	CHECK(archive_write_open(a, out, NULL, take, NULL) == ARCHIVE_OK);
	return a;
}

static void put_file(struct archive *a, const char *name, const void *data, size_t n)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_mode(e, AE_IFREG | 0644);
	archive_entry_set_size(e, (la_int64_t)n);
	CHECK(archive_write_header(a, e) == ARCHIVE_OK);
	CHECK(archive_write_data(a, data, n) == (la_ssize_t)n);
	archive_entry_free(e);
}

static void put_line(struct archive *a, const char *line)
{
	struct archive_entry *e = archive_entry_new();
	const char *name = line + 2, *space = strchr(name, ' ');
	smol_auto_free char *path =
	    smol_strndup(name, space ? (size_t)(space - name) : strlen(name));
	const char *rest = space ? space + 1 : "";
	unsigned major = 0, minor = 0;

	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, (*line == 'd'	     ? AE_IFDIR | 0755
				      : *line == 'l' ? AE_IFLNK | 0777
				      : *line == 'c' ? AE_IFCHR | 0644
				      : *line == 'p' ? AE_IFIFO | 0644
						     : AE_IFREG | 0644));
	if (*line == 'l')
		archive_entry_set_symlink(e, rest);
	if (*line == 'h')
		archive_entry_set_hardlink(e, rest);
	if (*line == 'c') {
		CHECK(sscanf(rest, "%u:%u", &major, &minor) == 2);
		archive_entry_set_rdevmajor(e, major);
		archive_entry_set_rdevminor(e, minor);
	}
	archive_entry_set_size(e, *line == 'f' ? (la_int64_t)strlen(rest) : 0);
	CHECK(archive_write_header(a, e) == ARCHIVE_OK);
	if (*line == 'f')
		CHECK(archive_write_data(a, rest, strlen(rest)) == (la_ssize_t)strlen(rest));
	archive_entry_free(e);
}

void root_tar(struct smol_buf *out, const char *const *lines, bool gzip)
{
	struct archive *a = open_tar(out, gzip);

	for (; *lines; lines++)
		put_line(a, *lines);
	CHECK(archive_write_close(a) == ARCHIVE_OK);
	archive_write_free(a);
}

static void digest(const struct smol_buf *b, char hex[65])
{
	smol_sha256(smol_buf_head(b), smol_buf_len(b), hex);
}

/* Put a blob into an OCI layout and give its digest. */
static void put_blob(struct archive *a, const struct smol_buf *b, bool leave_out, char hex[65])
{
	smol_auto_free char *name = NULL;

	digest(b, hex);
	name = smol_asprintf("blobs/sha256/%s", hex);
	if (!leave_out)
		put_file(a, name, smol_buf_head(b), smol_buf_len(b));
}

/* The configuration; what the layers unpack to is hashed. */
static void config(struct smol_buf *out, struct smol_buf *layers, int n, enum root_flaw flaw)
{
	smol_buf_printf(out, "{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{",
	    flaw == ROOT_ARM ? "arm64" : "amd64");
	smol_buf_puts(out, "\"Env\":[\"PATH=/bin:/usr/bin\",\"STAGE=test\",\"odd\"],"
			   "\"Entrypoint\":[\"/bin/sh\",\"-c\"],\"Cmd\":[\"echo \\\"$STAGE\\\"\"],"
			   "\"WorkingDir\":\"/srv\",\"User\":\"nobody\"},"
			   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (int i = 0; i < n && flaw != ROOT_NO_DIFF_IDS; i++) {
		smol_auto_buf struct smol_buf plain = {0};
		char hex[65];

		CHECK(smol_decompress(smol_buf_head(&layers[i]), smol_buf_len(&layers[i]), 1 << 24,
			  &plain, NULL) == 0);
		digest(&plain, hex);
		if (flaw == ROOT_WRONG_DIGEST && i == n - 1)
			memset(hex, '0', 64);
		smol_buf_printf(out, "%s\"sha256:%s\"", i ? "," : "", hex);
	}
	smol_buf_puts(out, "]}}");
}

static void manifest_of_oci(
    struct archive *a, struct smol_buf *layers, int n, enum root_flaw flaw, struct smol_buf *out)
{
	smol_auto_buf struct smol_buf c = {0};
	char hex[65];

	config(&c, layers, n, flaw == ROOT_WRONG_DIGEST ? ROOT_SOUND : flaw);
	put_blob(a, &c, false, hex);
	smol_buf_printf(
	    out, "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:%s\"},\"layers\":[", hex);
	for (int i = 0; i < n; i++) {
		bool last = i == n - 1;

		put_blob(a, &layers[i], last && flaw == ROOT_NO_LAYER, hex);
		smol_buf_printf(out, "%s{\"digest\":\"sha256:%s\"}", i ? "," : "", hex);
	}
	smol_buf_puts(out, flaw == ROOT_BAD_JSON ? "]" : "]}");
}

/* A blob by a digest that is not its own. */
static void put_wrong(struct archive *a, const struct smol_buf *layer)
{
	smol_auto_free char *name = NULL;
	char hex[65];

	digest(layer, hex);
	name = smol_asprintf("blobs/sha256/%s", hex);
	put_file(a, name, "something else", 14);
}

static void oci(struct smol_buf *out, struct smol_buf *layers, int n, enum root_flaw flaw)
{
	smol_auto_buf struct smol_buf m = {0}, index = {0}, top = {0};
	struct archive *a = open_tar(out, false);
	const char *arch = flaw == ROOT_ARM_INDEX ? "arm64" : "amd64";
	char hex[65];

	put_file(a, "./oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 30);
	manifest_of_oci(a, layers, n, flaw, &m);
	if (flaw == ROOT_WRONG_DIGEST)
		put_wrong(a, &layers[n - 1]);
	put_blob(a, &m, false, hex);
	smol_buf_printf(&index,
	    "{\"manifests\":[{\"digest\":\"sha256:%064d\",\"platform\":{\"architecture\":\"s390x\","
	    "\"os\":\"linux\"}},{\"digest\":\"sha256:%s\",\"platform\":{\"architecture\":\"%s\","
	    "\"os\":\"linux\"}}",
	    0, hex, arch);
	if (flaw == ROOT_TWO_IMAGES)
		smol_buf_printf(&index, ",{\"digest\":\"sha256:%s\"}", hex);
	smol_buf_puts(&index, "]}");
	put_blob(a, &index, false, hex);
	if (flaw == ROOT_LOST_INDEX)
		memset(hex, 'f', 64);
	smol_buf_printf(&top,
	    "{\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
	    "\"digest\":\"sha256:%s\"}]}",
	    hex);
	put_file(a, "./index.json", smol_buf_head(&top), smol_buf_len(&top));
	CHECK(archive_write_close(a) == ARCHIVE_OK);
	archive_write_free(a);
}

static void docker(struct smol_buf *out, struct smol_buf *layers, int n, enum root_flaw flaw)
{
	smol_auto_buf struct smol_buf c = {0}, m = {0};
	struct archive *a = open_tar(out, false);

	smol_buf_puts(&m, "[{\"Config\":\"config.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[");
	for (int i = 0; i < n; i++) {
		smol_auto_free char *name = smol_asprintf("l%d/layer.tar", i);

		if (i < n - 1 || flaw != ROOT_NO_LAYER)
			put_file(a, name, smol_buf_head(&layers[i]), smol_buf_len(&layers[i]));
		smol_buf_printf(&m, "%s\"%s\"", i ? "," : "", name);
	}
	smol_buf_puts(&m, flaw == ROOT_TWO_IMAGES ? "]},{}]" : "]}]");
	config(&c, layers, n, flaw);
	put_file(a, "config.json", smol_buf_head(&c),
	    smol_buf_len(&c) - (flaw == ROOT_BAD_JSON ? 1 : 0));
	put_file(a, "manifest.json", smol_buf_head(&m), smol_buf_len(&m));
	CHECK(archive_write_close(a) == ARCHIVE_OK);
	archive_write_free(a);
}

void root_image(
    struct smol_buf *out, struct smol_buf *layers, int n, bool is_oci, enum root_flaw flaw)
{
	(is_oci ? oci : docker)(out, layers, n, flaw);
}

int root_fd(const struct smol_buf *b)
{
	int fd = memfd_create("root", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(write(fd, smol_buf_head(b), smol_buf_len(b)) == (ssize_t)smol_buf_len(b));
	return fd;
}
