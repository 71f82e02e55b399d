# SPDX-License-Identifier: GPL-3.0-or-later
noinst_PROGRAMS += tests/fuzz/fuzz_qmp tests/fuzz/fuzz_monitor
tests_fuzz_fuzz_qmp_SOURCES = tests/fuzz/fuzz_qmp.c
tests_fuzz_fuzz_qmp_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_qmp_LDADD = src/backend/libhypervisor.a src/vm/libvm.a src/proto/libproto.a \
	src/base/libbase.a $(CJSON_LIBS)
tests_fuzz_fuzz_monitor_SOURCES = tests/fuzz/fuzz_monitor.c src/monitor/control.c src/monitor/loop.c
tests_fuzz_fuzz_monitor_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
tests_fuzz_fuzz_monitor_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_monitor_LDADD = src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS) $(UV_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_fc_reply
tests_fuzz_fuzz_fc_reply_SOURCES = tests/fuzz/fuzz_fc_reply.c
tests_fuzz_fuzz_fc_reply_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_fc_reply_LDADD = src/backend/libhypervisor.a src/backend/libbackend.a \
	src/vm/libvm.a src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS)
