# SPDX-License-Identifier: GPL-3.0-or-later
# The program behind tests/integration/load.sh, and `make soak`, the long form of what it does.
# It runs in guests too, so it needs no library that they lack.
EXTRA_PROGRAMS += tests/soak/vsock_load
CLEANFILES += tests/soak/vsock_load
tests_soak_vsock_load_SOURCES = tests/soak/vsock_load.c tests/soak/address.c tests/soak/address.h
tests_soak_vsock_load_LDADD = $(NETTLE_STATIC)

EXTRA_DIST += tests/soak/soak.sh

# SOAK="NAME…" for some of it; SMOLSH_KILLS=N for how often the device is killed (100).
soak: all tests/soak/vsock_load
	./smolsh image build --if-changed
	SMOLSH_BUILD=$(abs_builddir) bash $(srcdir)/tests/soak/soak.sh
