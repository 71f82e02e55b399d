# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_base_text tests/unit/test_base_sys
tests_unit_test_base_text_SOURCES = tests/unit/test_base_text.c
tests_unit_test_base_text_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_test_base_sys_SOURCES = tests/unit/test_base_sys.c
tests_unit_test_base_sys_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_base_text tests/unit/test_base_sys

check_PROGRAMS += tests/unit/test_bound
tests_unit_test_bound_SOURCES = tests/unit/test_bound.c
tests_unit_test_bound_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_bound
