# SPDX-License-Identifier: GPL-3.0-or-later
# libFuzzer targets: ./configure CC=clang --enable-fuzzing --enable-sanitizers
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer

noinst_PROGRAMS += tests/fuzz/fuzz_grammar
tests_fuzz_fuzz_grammar_SOURCES = tests/fuzz/fuzz_grammar.c
tests_fuzz_fuzz_grammar_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_grammar_LDADD = src/shell/libshell.a src/vm/libvm.a src/backend/libbackend.a \
	src/image/libimage.a src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a \
	$(SQLITE_LIBS) $(CJSON_LIBS) $(MD_LIBS)
EXTRA_DIST += tests/fuzz/grammar.dict
