# SPDX-License-Identifier: GPL-3.0-or-later
# The language and what the shell says, compared with checked-in text.
dist_check_SCRIPTS += tests/golden/run.sh
TESTS += tests/golden/run.sh
EXTRA_DIST += tests/golden
