# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_image tests/unit/test_image_build tests/unit/test_root

tests_unit_test_image_SOURCES = tests/unit/test_image.c
tests_unit_test_image_CFLAGS = $(AM_CFLAGS) $(ARCHIVE_CFLAGS)
tests_unit_test_image_LDADD = src/image/libimage.a src/proto/libproto.a src/base/libbase.a \
	$(ARCHIVE_LIBS) $(NETTLE_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)

tests_unit_test_image_build_SOURCES = tests/unit/test_image_build.c
tests_unit_test_image_build_CFLAGS = $(AM_CFLAGS) $(ARCHIVE_CFLAGS) $(LZ4_CFLAGS)
tests_unit_test_image_build_LDADD = src/image/libimagebuild.a src/image/libimage.a \
	src/proto/libproto.a src/base/libbase.a $(ARCHIVE_LIBS) $(LZ4_LIBS) $(NETTLE_LIBS) \
	$(CJSON_LIBS) $(CMOCKA_LIBS)

tests_unit_test_root_SOURCES = tests/unit/test_root.c tests/unit/root_archive.c \
	tests/unit/root_archive.h
tests_unit_test_root_CFLAGS = $(AM_CFLAGS) $(ARCHIVE_CFLAGS)
tests_unit_test_root_LDADD = $(tests_unit_test_image_build_LDADD)

TESTS += tests/unit/test_image tests/unit/test_image_build tests/unit/test_root
