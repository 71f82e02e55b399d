# SPDX-License-Identifier: GPL-3.0-or-later
# Every test that `make check` builds and runs. A unit test's fragment is tests/unit/<area>.mk.
if HAVE_CMOCKA
include tests/unit/base.mk
include tests/unit/proto.mk
include tests/unit/files.mk
include tests/unit/vsockd.mk
include tests/unit/agent.mk
include tests/unit/image.mk
include tests/unit/vm.mk
include tests/unit/firecracker.mk
include tests/unit/shell.mk
include tests/unit/ui.mk
if HAVE_YAML
include tests/fcsim/local.mk
endif
endif

include tests/golden/local.mk

dist_check_SCRIPTS += tests/unit/test_deps.sh tests/unit/test_rc.sh tests/unit/test_tree.sh
TESTS += tests/unit/test_deps.sh tests/unit/test_rc.sh tests/unit/test_tree.sh

if FUZZING
include tests/fuzz/local.mk
endif

include tests/bench/local.mk
include tests/nested/local.mk
include tests/soak/local.mk

# run-tests works from a tarball too. (In a conditional EXTRA_DIST counts only where it is true.)
EXTRA_DIST += .ci/run .clang-format .clang-tidy .shellcheckrc tests/README.md tests/run tests/lib \
	tests/fcsim/README.md tests/fcsim/jailer tests/fcsim/LICENSE.Apache-2.0 tests/fcsim/firecracker.yaml \
	tests/integration tests/nested/vhost_vsock.sh tests/tui tests/fuzz/corpus tests/fuzz/agent_request.dict \
	tests/fuzz/client_reply.dict tests/fuzz/grammar.dict tests/fuzz/vsockd_handshake.dict
