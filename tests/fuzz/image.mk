# SPDX-License-Identifier: GPL-3.0-or-later
noinst_PROGRAMS += tests/fuzz/fuzz_image_manifest tests/fuzz/fuzz_bzimage
tests_fuzz_fuzz_image_manifest_SOURCES = tests/fuzz/fuzz_image_manifest.c
tests_fuzz_fuzz_image_manifest_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_image_manifest_LDADD = src/image/libimage.a src/proto/libproto.a \
	src/base/libbase.a $(NETTLE_LIBS) $(CJSON_LIBS)
tests_fuzz_fuzz_bzimage_SOURCES = tests/fuzz/fuzz_bzimage.c
tests_fuzz_fuzz_bzimage_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_bzimage_LDADD = src/image/libimagebuild.a src/image/libimage.a \
	src/proto/libproto.a src/base/libbase.a $(ARCHIVE_LIBS) $(LZ4_LIBS) $(NETTLE_LIBS) $(CJSON_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_root
tests_fuzz_fuzz_root_SOURCES = tests/fuzz/fuzz_root.c
tests_fuzz_fuzz_root_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_root_LDADD = $(tests_fuzz_fuzz_bzimage_LDADD)
