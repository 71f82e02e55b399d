# SPDX-License-Identifier: GPL-3.0-or-later
# Firecracker's API without Firecracker: the check of requests, and the simulator.
FCSIM_YAML = $(abs_top_srcdir)/tests/fcsim/firecracker.yaml
OPENAPI_SOURCES = tests/lib/openapi.c tests/lib/openapi.h tests/lib/yaml_json.c tests/lib/yaml_json.h

check_PROGRAMS += tests/unit/test_openapi
tests_unit_test_openapi_SOURCES = tests/unit/test_openapi.c $(OPENAPI_SOURCES)
tests_unit_test_openapi_CPPFLAGS = $(AM_CPPFLAGS) -DFCSIM_YAML='"$(FCSIM_YAML)"'
tests_unit_test_openapi_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_unit_test_openapi_LDADD = src/proto/libproto.a src/base/libbase.a $(YAML_LIBS) $(CJSON_LIBS) \
	$(CMOCKA_LIBS)
TESTS += tests/unit/test_openapi
