# SPDX-License-Identifier: GPL-3.0-or-later
# libFuzzer targets: ./configure CC=clang --enable-fuzzing --enable-sanitizers
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer

noinst_PROGRAMS += tests/fuzz/fuzz_grammar
tests_fuzz_fuzz_grammar_SOURCES = tests/fuzz/fuzz_grammar.c
tests_fuzz_fuzz_grammar_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_grammar_LDADD = src/shell/libshell.a src/vm/libvm.a src/backend/libbackend.a \
	src/image/libimage.a src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a \
	$(SQLITE_LIBS) $(CJSON_LIBS) $(NETTLE_LIBS)
EXTRA_DIST += tests/fuzz/grammar.dict

noinst_PROGRAMS += tests/fuzz/fuzz_agent_request tests/fuzz/fuzz_client_reply
tests_fuzz_fuzz_agent_request_SOURCES = tests/fuzz/fuzz_agent_request.c
tests_fuzz_fuzz_agent_request_LDFLAGS = $(fuzz_ldflags) -Wl,--wrap=smol_agent_files_start \
	-Wl,--wrap=smol_relay_start
tests_fuzz_fuzz_agent_request_LDADD = src/agent/libagent.a src/proto/libproto.a \
	src/base/libbase.a $(CJSON_LIBS) $(NETTLE_LIBS)
tests_fuzz_fuzz_client_reply_SOURCES = tests/fuzz/fuzz_client_reply.c src/forward/flow.c
tests_fuzz_fuzz_client_reply_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_client_reply_LDADD = src/vsock/libvsock.a src/proto/libproto.a \
	src/base/libbase.a $(CJSON_LIBS) $(NETTLE_LIBS)

include tests/fuzz/files.mk
include tests/fuzz/image.mk
include tests/fuzz/vsockd.mk
include tests/fuzz/vm.mk
include tests/fuzz/ui.mk
