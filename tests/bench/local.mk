# SPDX-License-Identifier: GPL-3.0-or-later
# `make bench`: measures beside peers, see tests/bench/README.md. Nothing of it is built otherwise.
BENCH_SHARED = tests/bench/shared.c tests/bench/shared.h
BENCH_ADDRESS = tests/soak/address.c tests/soak/address.h $(BENCH_SHARED)
BENCH_HELPERS = tests/bench/echo_line tests/bench/fake_vm tests/bench/qga_exec tests/bench/ssh_exec \
	tests/bench/screen tests/bench/spawn_true tests/bench/stopwatch tests/bench/vm_exec tests/bench/vsock_bulk \
	tests/bench/vsock_pipe
EXTRA_PROGRAMS = $(BENCH_HELPERS)
CLEANFILES += $(BENCH_HELPERS)

tests_bench_echo_line_SOURCES = tests/bench/echo_line.c $(BENCH_SHARED)
tests_bench_fake_vm_SOURCES = tests/bench/fake_vm.c
tests_bench_fake_vm_LDADD = $(tests_bench_vm_exec_LDADD)
tests_bench_qga_exec_SOURCES = tests/bench/qga_exec.c $(BENCH_SHARED)
tests_bench_ssh_exec_SOURCES = tests/bench/ssh_exec.c $(BENCH_SHARED)
tests_bench_screen_SOURCES = tests/bench/screen.c $(BENCH_SHARED)
tests_bench_spawn_true_SOURCES = tests/bench/spawn_true.c $(BENCH_SHARED)
tests_bench_stopwatch_SOURCES = tests/bench/stopwatch.c $(BENCH_SHARED)
tests_bench_vsock_bulk_SOURCES = tests/bench/vsock_bulk.c $(BENCH_ADDRESS)
tests_bench_vsock_pipe_SOURCES = tests/bench/vsock_pipe.c $(BENCH_ADDRESS)
tests_bench_vm_exec_SOURCES = tests/bench/vm_exec.c $(BENCH_SHARED)
tests_bench_vm_exec_LDADD = src/vm/libvm.a src/backend/libbackend.a src/image/libimage.a \
	src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a $(SQLITE_LIBS) $(CJSON_LIBS) \
	$(NETTLE_LIBS)

EXTRA_DIST += tests/bench/README.md tests/bench/bench.sh tests/bench/files.sh \
	tests/bench/measures.sh tests/bench/peers.sh tests/bench/results.sh tests/bench/screen.sh

# BENCH_JSON=FILE for the results as JSON, BENCH_ARGS for anything else (--help says what).
bench: all $(BENCH_HELPERS)
	bash $(srcdir)/tests/bench/bench.sh --build . $${BENCH_JSON:+--json "$$BENCH_JSON"} \
		$(BENCH_ARGS)
