# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_files tests/unit/test_files_agent
TESTS += tests/unit/test_files tests/unit/test_files_agent

tests_unit_test_files_SOURCES = tests/unit/test_files.c
tests_unit_test_files_LDADD = src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS) $(NETTLE_LIBS) \
	$(CMOCKA_LIBS)

# Runs ./smolsh-agent, or what SMOLSH_AGENT names.
tests_unit_test_files_agent_SOURCES = tests/unit/test_files_agent.c \
	tests/unit/agent_fixture.c tests/unit/agent_fixture.h
tests_unit_test_files_agent_LDADD = src/vsock/libvsock.a src/proto/libproto.a \
	src/base/libbase.a $(CJSON_LIBS) $(NETTLE_LIBS) $(CMOCKA_LIBS) -lpthread
EXTRA_tests_unit_test_files_agent_DEPENDENCIES = smolsh-agent$(EXEEXT)
