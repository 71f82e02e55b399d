# SPDX-License-Identifier: GPL-3.0-or-later
# Firecracker's API without Firecracker: the check of requests, and the simulator.
FCSIM_YAML = $(abs_top_srcdir)/tests/fcsim/firecracker.yaml
OPENAPI_SOURCES = tests/fcsim/openapi.c tests/fcsim/openapi.h tests/fcsim/yaml_json.c tests/fcsim/yaml_json.h

check_PROGRAMS += tests/unit/test_openapi
tests_unit_test_openapi_SOURCES = tests/unit/test_openapi.c $(OPENAPI_SOURCES)
tests_unit_test_openapi_CPPFLAGS = $(AM_CPPFLAGS) -DFCSIM_YAML='"$(FCSIM_YAML)"'
tests_unit_test_openapi_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_unit_test_openapi_LDADD = src/proto/libproto.a src/base/libbase.a $(YAML_LIBS) $(CJSON_LIBS) \
	$(CMOCKA_LIBS)
TESTS += tests/unit/test_openapi

check_PROGRAMS += tests/unit/test_fc_requests
tests_unit_test_fc_requests_SOURCES = tests/unit/test_fc_requests.c $(OPENAPI_SOURCES)
tests_unit_test_fc_requests_CPPFLAGS = $(tests_unit_test_openapi_CPPFLAGS)
tests_unit_test_fc_requests_CFLAGS = $(tests_unit_test_openapi_CFLAGS)
tests_unit_test_fc_requests_LDADD = $(fc_test_libs) $(YAML_LIBS)
TESTS += tests/unit/test_fc_requests

# The simulator itself; integration tests run it.
noinst_PROGRAMS += tests/fcsim/fc-sim
tests_fcsim_fc_sim_SOURCES = tests/fcsim/fc_sim.c tests/fcsim/sim.h tests/fcsim/api.c \
	tests/fcsim/guest.c tests/fcsim/snapshot.c tests/fcsim/qmp.c tests/fcsim/qmp.h \
	tests/fcsim/http.c tests/fcsim/http.h tests/fcsim/fault.c tests/fcsim/fault.h $(OPENAPI_SOURCES)
tests_fcsim_fc_sim_CPPFLAGS = $(AM_CPPFLAGS) -DFCSIM_YAML='"$(FCSIM_YAML)"'
tests_fcsim_fc_sim_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_fcsim_fc_sim_LDADD = src/proto/libproto.a src/base/libbase.a $(YAML_LIBS) $(CJSON_LIBS)

check_PROGRAMS += tests/unit/test_fcsim
tests_unit_test_fcsim_SOURCES = tests/unit/test_fcsim.c tests/fcsim/sim.h tests/fcsim/api.c \
	tests/fcsim/http.c tests/fcsim/http.h tests/fcsim/fault.c tests/fcsim/fault.h $(OPENAPI_SOURCES)
tests_unit_test_fcsim_CPPFLAGS = $(tests_unit_test_openapi_CPPFLAGS)
tests_unit_test_fcsim_CFLAGS = $(tests_unit_test_openapi_CFLAGS)
tests_unit_test_fcsim_LDADD = $(tests_unit_test_openapi_LDADD)
TESTS += tests/unit/test_fcsim
