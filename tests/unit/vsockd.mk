# SPDX-License-Identifier: GPL-3.0-or-later
# The device's tests: everything but the handshake of processes runs in one, with the guest player.
VSOCKD_TEST_LIBS = src/vsockd/libvsockd.a src/base/libbase.a $(SECCOMP_LIBS) $(CMOCKA_LIBS)
VSOCKD_RIG = tests/vsockd/player.c tests/vsockd/player.h tests/vsockd/rig.c tests/vsockd/rig.h

# No test depends on how busy the machine is: time is the test's own.
VSOCKD_CLOCK = tests/vsockd/clock.c tests/vsockd/clock.h
vsockd_clock_ldflags = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime

VSOCKD_TESTS = tests/unit/test_vsockd_conn tests/unit/test_vsockd_credit \
	tests/unit/test_vsockd_cve tests/unit/test_vsockd_front tests/unit/test_vsockd_handshake \
	tests/unit/test_vsockd_limits tests/unit/test_vsockd_ops tests/unit/test_vsockd_race \
	tests/unit/test_vsockd_ring \
	tests/unit/test_vsockd_signals tests/unit/test_vsockd_split tests/unit/test_vsockd_stream
check_PROGRAMS += $(VSOCKD_TESTS)
TESTS += $(VSOCKD_TESTS)
tests_unit_test_vsockd_conn_SOURCES = tests/unit/test_vsockd_conn.c
tests_unit_test_vsockd_conn_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_credit_SOURCES = tests/unit/test_vsockd_credit.c $(VSOCKD_RIG) \
	$(VSOCKD_CLOCK) tests/vsockd/linux_sock.c tests/vsockd/linux_sock.h
tests_unit_test_vsockd_credit_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_credit_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_cve_SOURCES = tests/unit/test_vsockd_cve.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_cve_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_cve_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_front_SOURCES = tests/unit/test_vsockd_front.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_front_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_front_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_handshake_SOURCES = tests/unit/test_vsockd_handshake.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_handshake_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_handshake_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_limits_SOURCES = tests/unit/test_vsockd_limits.c $(VSOCKD_RIG) \
	$(VSOCKD_CLOCK) tests/vsockd/linux_sock.c tests/vsockd/linux_sock.h
tests_unit_test_vsockd_limits_LDFLAGS = $(vsockd_clock_ldflags) -Wl,--wrap=accept4 \
	-Wl,--wrap=epoll_ctl
tests_unit_test_vsockd_limits_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_ops_SOURCES = tests/unit/test_vsockd_ops.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_ops_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_ops_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_race_SOURCES = tests/unit/test_vsockd_race.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_race_LDFLAGS = $(vsockd_clock_ldflags) -Wl,--wrap=smol_vring_give
tests_unit_test_vsockd_race_LDADD = $(VSOCKD_TEST_LIBS) -lpthread
tests_unit_test_vsockd_ring_SOURCES = tests/unit/test_vsockd_ring.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_ring_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_ring_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_signals_SOURCES = tests/unit/test_vsockd_signals.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_signals_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_signals_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_split_SOURCES = tests/unit/test_vsockd_split.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_split_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_split_LDADD = $(VSOCKD_TEST_LIBS)
tests_unit_test_vsockd_stream_SOURCES = tests/unit/test_vsockd_stream.c $(VSOCKD_RIG) $(VSOCKD_CLOCK)
tests_unit_test_vsockd_stream_LDFLAGS = $(vsockd_clock_ldflags)
tests_unit_test_vsockd_stream_LDADD = $(VSOCKD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_vsockd_isolation
tests_unit_test_vsockd_isolation_SOURCES = tests/unit/test_vsockd_isolation.c
tests_unit_test_vsockd_isolation_LDADD = $(VSOCKD_TEST_LIBS)
dist_check_SCRIPTS += tests/unit/test_vsockd_calls.sh
TESTS += tests/unit/test_vsockd_isolation tests/unit/test_vsockd_calls.sh

check_PROGRAMS += tests/unit/test_vsockd_memory
tests_unit_test_vsockd_memory_SOURCES = tests/unit/test_vsockd_memory.c $(VSOCKD_RIG)
tests_unit_test_vsockd_memory_LDADD = $(VSOCKD_TEST_LIBS)
TESTS += tests/unit/test_vsockd_memory

# As a process, locked up; the player runs in the test.
check_PROGRAMS += tests/unit/test_vsockd_process tests/unit/test_vsockd_end
tests_unit_test_vsockd_process_SOURCES = tests/unit/test_vsockd_process.c tests/vsockd/process.c \
	tests/vsockd/process.h tests/vsockd/player.c tests/vsockd/player.h
tests_unit_test_vsockd_process_LDADD = $(SECCOMP_LIBS) $(CMOCKA_LIBS)
tests_unit_test_vsockd_end_SOURCES = tests/unit/test_vsockd_end.c tests/vsockd/process.c \
	tests/vsockd/process.h $(VSOCKD_RIG)
tests_unit_test_vsockd_end_LDADD = $(VSOCKD_TEST_LIBS)
TESTS += tests/unit/test_vsockd_process tests/unit/test_vsockd_end

check_PROGRAMS += tests/vsockd/bench-vsockd
tests_vsockd_bench_vsockd_SOURCES = tests/vsockd/bench.c tests/vsockd/player.c tests/vsockd/player.h
tests_vsockd_bench_vsockd_LDADD = -lpthread

.PHONY: bench-vsockd
bench-vsockd: smolsh-vsockd tests/vsockd/bench-vsockd
	tests/vsockd/bench-vsockd $(BENCH_ARGS) ./smolsh-vsockd \
		$${VHOST_DEVICE_VSOCK:-$$(command -v vhost-device-vsock)}
