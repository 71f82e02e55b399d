#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The long form of the tests of the vsock device that ./run-tests has in short. Run from a build
# directory (`make soak`); SOAK="NAME…" picks from the tests below. Each is a script of
# tests/integration that looks at SMOLSH_SOAK (or, device, at SMOLSH_KILLS).
set -u
: "${SMOLSH_BUILD:=$PWD}" "${SOAK:=load vsock_life device}" "${SMOLSH_KILLS:=100}"
export SMOLSH_BUILD SMOLSH_KILLS SMOLSH_SOAK=1
unset SMOLSH_HOME
scripts=$(cd "$(dirname "$0")/../integration" && pwd) || exit

failed=()
for name in $SOAK; do
	began=$SECONDS
	echo "# $name"
	T_LIMIT=7200 bash "$scripts/$name.sh" || failed+=("$name")
	echo "# $name: $((SECONDS - began)) s"
done
[ ${#failed[@]} -eq 0 ] && exit
echo "soak: failed: ${failed[*]}" >&2
exit 1
