# SPDX-License-Identifier: GPL-3.0-or-later
# `make bench`: measures beside peers, see tests/bench/README.md. Nothing of it is built otherwise.
BENCH_HELPERS = tests/bench/stopwatch tests/bench/qga_exec tests/bench/vsock_pipe
EXTRA_PROGRAMS = $(BENCH_HELPERS)
CLEANFILES += $(BENCH_HELPERS)

tests_bench_stopwatch_SOURCES = tests/bench/stopwatch.c tests/bench/uds.c tests/bench/uds.h
tests_bench_qga_exec_SOURCES = tests/bench/qga_exec.c tests/bench/uds.c tests/bench/uds.h
tests_bench_vsock_pipe_SOURCES = tests/bench/vsock_pipe.c tests/bench/uds.c tests/bench/uds.h

EXTRA_DIST += tests/bench/README.md tests/bench/bench.sh tests/bench/measures.sh \
	tests/bench/peers.sh

# BENCH_JSON=FILE for the results as JSON, BENCH_ARGS for anything else (--help says what).
bench: all $(BENCH_HELPERS)
	bash $(srcdir)/tests/bench/bench.sh --build . $${BENCH_JSON:+--json "$$BENCH_JSON"} \
		$(BENCH_ARGS)
