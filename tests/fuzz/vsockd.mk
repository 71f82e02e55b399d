# SPDX-License-Identifier: GPL-3.0-or-later
noinst_PROGRAMS += tests/fuzz/fuzz_vsockd_handshake tests/fuzz/fuzz_vsockd_messages \
	tests/fuzz/fuzz_vsockd_rings
VSOCKD_FUZZ_LIBS = src/vsockd/libvsockd.a src/base/libbase.a $(SECCOMP_LIBS)
tests_fuzz_fuzz_vsockd_handshake_SOURCES = tests/fuzz/fuzz_vsockd_handshake.c tests/fuzz/vsockd_common.h
tests_fuzz_fuzz_vsockd_handshake_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_vsockd_handshake_LDADD = $(VSOCKD_FUZZ_LIBS)
tests_fuzz_fuzz_vsockd_messages_SOURCES = tests/fuzz/fuzz_vsockd_messages.c tests/fuzz/vsockd_common.h
tests_fuzz_fuzz_vsockd_messages_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_vsockd_messages_LDADD = $(VSOCKD_FUZZ_LIBS)
tests_fuzz_fuzz_vsockd_rings_SOURCES = tests/fuzz/fuzz_vsockd_rings.c tests/fuzz/vsockd_common.h
tests_fuzz_fuzz_vsockd_rings_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_vsockd_rings_LDADD = $(VSOCKD_FUZZ_LIBS)
