# SPDX-License-Identifier: GPL-3.0-or-later
noinst_PROGRAMS += tests/fuzz/fuzz_vsockd_handshake tests/fuzz/fuzz_vsockd_messages \
	tests/fuzz/fuzz_vsockd_rings
vsockd_fuzz_ldflags = $(fuzz_ldflags) -Wl,--wrap=smol_vsockd_log \
	-Wl,--wrap=clock_gettime
VSOCKD_FUZZ_LIBS = src/vsockd/libvsockd.a src/base/libbase.a $(SECCOMP_LIBS)
tests_fuzz_fuzz_vsockd_handshake_SOURCES = tests/fuzz/fuzz_vsockd_handshake.c tests/fuzz/vsockd_common.h
tests_fuzz_fuzz_vsockd_handshake_LDFLAGS = $(vsockd_fuzz_ldflags)
tests_fuzz_fuzz_vsockd_handshake_LDADD = $(VSOCKD_FUZZ_LIBS)
tests_fuzz_fuzz_vsockd_messages_SOURCES = tests/fuzz/fuzz_vsockd_messages.c tests/fuzz/vsockd_common.h
tests_fuzz_fuzz_vsockd_messages_LDFLAGS = $(vsockd_fuzz_ldflags)
tests_fuzz_fuzz_vsockd_messages_LDADD = $(VSOCKD_FUZZ_LIBS)
tests_fuzz_fuzz_vsockd_rings_SOURCES = tests/fuzz/fuzz_vsockd_rings.c tests/fuzz/vsockd_common.h \
	tests/fuzz/vsockd_host.h
tests_fuzz_fuzz_vsockd_rings_LDFLAGS = $(vsockd_fuzz_ldflags) \
	-Wl,--wrap=accept4 -Wl,--wrap=connect -Wl,--wrap=epoll_wait \
	-Wl,--wrap=setsockopt
tests_fuzz_fuzz_vsockd_rings_LDADD = $(VSOCKD_FUZZ_LIBS)
