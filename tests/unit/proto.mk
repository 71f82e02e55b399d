# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_proto
tests_unit_test_proto_SOURCES = tests/unit/test_proto.c
tests_unit_test_proto_LDADD = src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_proto
