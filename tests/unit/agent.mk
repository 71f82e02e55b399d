# SPDX-License-Identifier: GPL-3.0-or-later
agent_tests = tests/unit/test_vsock_client tests/unit/test_agent tests/unit/test_agent_wire \
	tests/unit/test_agent_parts tests/unit/test_agent_root tests/unit/test_jobs tests/unit/test_compat \
	tests/unit/test_forward tests/unit/test_ring \
	tests/unit/test_complete_guest
check_PROGRAMS += $(agent_tests)
TESTS += $(agent_tests)

tests_unit_test_vsock_client_SOURCES = tests/unit/test_vsock_client.c
tests_unit_test_vsock_client_LDADD = src/vsock/libvsock.a src/proto/libproto.a \
	src/base/libbase.a $(CJSON_LIBS) $(CMOCKA_LIBS) -lpthread

tests_unit_test_agent_root_SOURCES = tests/unit/test_agent_root.c
tests_unit_test_agent_root_LDADD = src/agent/libagent.a src/proto/libproto.a src/base/libbase.a \
	$(CJSON_LIBS) $(CMOCKA_LIBS)

# These two run ./smolsh-agent, or what SMOLSH_AGENT names.
tests_unit_test_agent_SOURCES = tests/unit/test_agent.c \
	tests/unit/agent_fixture.c tests/unit/agent_fixture.h
tests_unit_test_agent_LDADD = src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a \
	$(CJSON_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_unit_test_agent_DEPENDENCIES = smolsh-agent$(EXEEXT)

tests_unit_test_agent_wire_SOURCES = tests/unit/test_agent_wire.c \
	tests/unit/agent_fixture.c tests/unit/agent_fixture.h
tests_unit_test_agent_wire_LDADD = $(tests_unit_test_agent_LDADD)
EXTRA_tests_unit_test_agent_wire_DEPENDENCIES = smolsh-agent$(EXEEXT)

tests_unit_test_jobs_SOURCES = tests/unit/test_jobs.c tests/unit/session.c tests/unit/session.h \
	tests/unit/agent_fixture.c tests/unit/agent_fixture.h
tests_unit_test_jobs_LDADD = $(tests_unit_test_agent_LDADD)
EXTRA_tests_unit_test_jobs_DEPENDENCIES = smolsh-agent$(EXEEXT)

tests_unit_test_compat_SOURCES = tests/unit/test_compat.c \
	tests/unit/agent_fixture.c tests/unit/agent_fixture.h
tests_unit_test_compat_LDADD = $(tests_unit_test_agent_LDADD)
EXTRA_tests_unit_test_compat_DEPENDENCIES = smolsh-agent$(EXEEXT)

tests_unit_test_complete_guest_SOURCES = tests/unit/test_complete_guest.c \
	tests/unit/agent_fixture.c tests/unit/agent_fixture.h
tests_unit_test_complete_guest_LDADD = $(shell_test_libs) $(CMOCKA_LIBS)
EXTRA_tests_unit_test_complete_guest_DEPENDENCIES = smolsh-agent$(EXEEXT)

# This one runs ./smolsh-forward as well.
tests_unit_test_forward_SOURCES = tests/unit/test_forward.c \
	tests/unit/agent_fixture.c tests/unit/agent_fixture.h
tests_unit_test_forward_LDADD = $(tests_unit_test_agent_LDADD)
EXTRA_tests_unit_test_forward_DEPENDENCIES = smolsh-agent$(EXEEXT) smolsh-forward$(EXEEXT)

tests_unit_test_agent_parts_SOURCES = tests/unit/test_agent_parts.c
tests_unit_test_agent_parts_LDADD = src/agent/libagent.a src/proto/libproto.a \
	src/base/libbase.a $(CJSON_LIBS) $(NETTLE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_ring_SOURCES = tests/unit/test_ring.c
tests_unit_test_ring_LDADD = $(tests_unit_test_agent_parts_LDADD)
