# SPDX-License-Identifier: GPL-3.0-or-later
noinst_PROGRAMS += tests/fuzz/fuzz_term
tests_fuzz_fuzz_term_SOURCES = tests/fuzz/fuzz_term.c
tests_fuzz_fuzz_term_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_term_LDADD = ui/libui.a src/base/libbase.a $(VTERM_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_input
tests_fuzz_fuzz_input_SOURCES = tests/fuzz/fuzz_input.c
tests_fuzz_fuzz_input_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_input_LDADD = ui/libui.a src/base/libbase.a
EXTRA_DIST += tests/fuzz/input.dict tests/fuzz/term.dict
