# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += tests/unit/test_vm
tests_unit_test_vm_SOURCES = tests/unit/test_vm.c tests/unit/home.h tests/unit/registry.h
tests_unit_test_vm_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_vm_LDADD = src/vm/libvm.a src/vsock/libvsock.a src/proto/libproto.a \
	src/base/libbase.a $(SQLITE_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_vm

check_PROGRAMS += tests/unit/test_denied
tests_unit_test_denied_SOURCES = tests/unit/test_denied.c
tests_unit_test_denied_LDADD = $(tests_unit_test_vm_LDADD)
TESTS += tests/unit/test_denied

check_PROGRAMS += tests/unit/test_disk
tests_unit_test_disk_SOURCES = tests/unit/test_disk.c tests/unit/home.h tests/unit/registry.h
tests_unit_test_disk_LDADD = src/vm/libvm.a src/vsock/libvsock.a src/proto/libproto.a \
	src/base/libbase.a $(SQLITE_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_disk

check_PROGRAMS += tests/unit/test_lifecycle
tests_unit_test_lifecycle_SOURCES = tests/unit/test_lifecycle.c
tests_unit_test_lifecycle_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_lifecycle_LDADD = src/vm/libvm.a src/vsock/libvsock.a src/proto/libproto.a \
	src/base/libbase.a $(SQLITE_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_lifecycle

check_PROGRAMS += tests/unit/test_backend
tests_unit_test_backend_SOURCES = tests/unit/test_backend.c
tests_unit_test_backend_LDADD = src/backend/libhypervisor.a src/backend/libbackend.a \
	src/vm/libvm.a src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a $(SQLITE_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_backend

check_PROGRAMS += tests/unit/test_rotlog
tests_unit_test_rotlog_SOURCES = tests/unit/test_rotlog.c src/monitor/rotlog.c src/monitor/rotlog.h
tests_unit_test_rotlog_CFLAGS = $(AM_CFLAGS)
tests_unit_test_rotlog_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_rotlog

check_PROGRAMS += tests/unit/test_choose
tests_unit_test_choose_SOURCES = tests/unit/test_choose.c
tests_unit_test_choose_LDADD = src/backend/libbackend.a src/vm/libvm.a src/vsock/libvsock.a \
	src/proto/libproto.a src/base/libbase.a $(SQLITE_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_choose
