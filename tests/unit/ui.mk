# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_ui
tests_unit_test_ui_SOURCES = tests/unit/test_ui.c
tests_unit_test_ui_LDADD = ui/libui.a src/base/libbase.a $(VTERM_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_ui
