# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_grammar tests/unit/test_commands tests/unit/test_complete \
	tests/unit/test_config \
	tests/unit/test_select tests/unit/test_filter_tty tests/unit/test_stats \
	tests/unit/test_events
shell_test_libs = src/shell/libshell.a src/vm/libvm.a src/backend/libbackend.a \
	src/image/libimage.a src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a \
	$(SQLITE_LIBS) $(CJSON_LIBS) $(NETTLE_LIBS)
tests_unit_test_grammar_SOURCES = tests/unit/test_grammar.c
tests_unit_test_grammar_LDADD = src/shell/libshell.a src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_test_commands_SOURCES = tests/unit/test_commands.c
tests_unit_test_commands_LDADD = $(shell_test_libs) $(CMOCKA_LIBS)
tests_unit_test_complete_SOURCES = tests/unit/test_complete.c
tests_unit_test_complete_LDADD = $(shell_test_libs) $(CMOCKA_LIBS)
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_LDADD = $(shell_test_libs) $(CMOCKA_LIBS)
tests_unit_test_events_SOURCES = tests/unit/test_events.c
tests_unit_test_events_LDADD = src/shell/libshell.a src/proto/libproto.a src/base/libbase.a \
	$(CJSON_LIBS) $(CMOCKA_LIBS)
tests_unit_test_filter_tty_SOURCES = tests/unit/test_filter_tty.c
tests_unit_test_filter_tty_LDADD = src/shell/libshell.a src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_test_select_SOURCES = tests/unit/test_select.c
tests_unit_test_select_LDADD = $(shell_test_libs) $(CMOCKA_LIBS)
tests_unit_test_stats_SOURCES = tests/unit/test_stats.c
tests_unit_test_stats_LDADD = $(shell_test_libs) $(CMOCKA_LIBS)
TESTS += tests/unit/test_grammar tests/unit/test_commands tests/unit/test_complete \
	tests/unit/test_config \
	tests/unit/test_select tests/unit/test_filter_tty tests/unit/test_stats \
	tests/unit/test_events
