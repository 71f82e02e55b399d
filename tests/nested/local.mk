# What the nested guest's tests need built; they are a lane of run-tests, not of `make check`.
EXTRA_PROGRAMS += tests/nested/hold_cid
CLEANFILES += tests/nested/hold_cid
tests_nested_hold_cid_SOURCES = tests/nested/hold_cid.c
