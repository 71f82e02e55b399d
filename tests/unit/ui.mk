# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_ui
tests_unit_test_ui_SOURCES = tests/unit/test_ui.c
tests_unit_test_ui_LDADD = ui/libui.a src/base/libbase.a $(VTERM_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_ui

check_PROGRAMS += tests/unit/test_term
tests_unit_test_term_SOURCES = tests/unit/test_term.c
tests_unit_test_term_LDADD = ui/libui.a src/base/libbase.a $(VTERM_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_term

check_PROGRAMS += tests/unit/test_pane
tests_unit_test_pane_SOURCES = tests/unit/test_pane.c ui/options.c ui/options.h ui/pane/pane.c ui/pane/pane.h
tests_unit_test_pane_CFLAGS = $(AM_CFLAGS) $(VTERM_CFLAGS) $(UV_CFLAGS)
tests_unit_test_pane_LDADD = ui/libui.a src/base/libbase.a $(VTERM_LIBS) $(UV_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_pane

check_PROGRAMS += tests/unit/test_keyboard
tests_unit_test_keyboard_SOURCES = tests/unit/test_keyboard.c ui/input/keyboard.c ui/input/keyboard.h
tests_unit_test_keyboard_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
tests_unit_test_keyboard_LDADD = ui/libui.a src/base/libbase.a $(UV_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_keyboard

check_PROGRAMS += tests/unit/test_layout
tests_unit_test_layout_SOURCES = tests/unit/test_layout.c
tests_unit_test_layout_LDADD = ui/libui.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_layout

check_PROGRAMS += tests/unit/test_view
tests_unit_test_view_SOURCES = tests/unit/test_view.c
tests_unit_test_view_LDADD = ui/libui.a src/base/libbase.a $(VTERM_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_view

check_PROGRAMS += tests/unit/test_theme
tests_unit_test_theme_SOURCES = tests/unit/test_theme.c
tests_unit_test_theme_LDADD = ui/libui.a src/base/libbase.a $(CMOCKA_LIBS) -lm
TESTS += tests/unit/test_theme

check_PROGRAMS += tests/unit/test_list
tests_unit_test_list_SOURCES = tests/unit/test_list.c ui/vms/uses.c ui/vms/uses.h ui/vms/vms.c ui/vms/vms.h
tests_unit_test_list_CFLAGS = $(AM_CFLAGS)
tests_unit_test_list_LDADD = $(shell_test_libs) $(CMOCKA_LIBS)
TESTS += tests/unit/test_list

check_PROGRAMS += tests/unit/test_tap
tests_unit_test_tap_SOURCES = tests/unit/test_tap.c
tests_unit_test_tap_LDADD = ui/libui.a src/base/libbase.a $(VTERM_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_tap

check_PROGRAMS += tests/unit/test_form
tests_unit_test_form_SOURCES = tests/unit/test_form.c
tests_unit_test_form_LDADD = ui/libui.a $(shell_test_libs) $(CMOCKA_LIBS)
TESTS += tests/unit/test_form

check_PROGRAMS += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c
tests_unit_test_log_LDADD = ui/libui.a src/shell/libshell.a src/base/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_log
