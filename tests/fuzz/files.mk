# SPDX-License-Identifier: GPL-3.0-or-later
noinst_PROGRAMS += tests/fuzz/fuzz_files
tests_fuzz_fuzz_files_SOURCES = tests/fuzz/fuzz_files.c
tests_fuzz_fuzz_files_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_files_LDADD = src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS) $(NETTLE_LIBS)
