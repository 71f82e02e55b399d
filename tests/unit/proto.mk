# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_proto
tests_unit_test_proto_SOURCES = tests/unit/test_proto.c
tests_unit_test_proto_LDADD = src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_proto

check_PROGRAMS += tests/unit/test_limits
tests_unit_test_limits_SOURCES = tests/unit/test_limits.c
tests_unit_test_limits_LDADD = src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_limits

check_PROGRAMS += tests/unit/test_relay
tests_unit_test_relay_SOURCES = tests/unit/test_relay.c
tests_unit_test_relay_LDADD = src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_relay
