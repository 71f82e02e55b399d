# SPDX-License-Identifier: GPL-3.0-or-later
fc_test_libs = src/backend/libhypervisor.a src/backend/libbackend.a src/vm/libvm.a src/vsock/libvsock.a \
	src/proto/libproto.a src/base/libbase.a $(SQLITE_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_firecracker
tests_unit_test_firecracker_SOURCES = tests/unit/test_firecracker.c
tests_unit_test_firecracker_LDADD = $(fc_test_libs)
TESTS += tests/unit/test_firecracker

check_PROGRAMS += tests/unit/test_fc_api
tests_unit_test_fc_api_SOURCES = tests/unit/test_fc_api.c
tests_unit_test_fc_api_LDADD = $(fc_test_libs)
TESTS += tests/unit/test_fc_api
