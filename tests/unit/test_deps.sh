#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How what is missing gets installed (tests/lib/deps.sh): as root, with sudo, and what is said where
# neither is there or it fails. dpkg-query, apt-get, sudo and id are small scripts here.
# shellcheck disable=SC2016
set -u

# shellcheck source=tests/lib/deps.sh
. "$(dirname "$0")/../lib/deps.sh"
dir=$(mktemp -d /tmp/smolsh-deps-XXXXXX) || exit 99
trap 'rm -rf "$dir"' EXIT
export DEPS_LOG=$dir/log DIR=$dir
failed=0

# What a fresh Debian has, and nothing else: each command that deps.sh uses.
mkdir "$dir/bin" "$dir/sudo" || exit 99
for tool in bash cat cut env grep paste tail touch; do
	ln -s "$(command -v $tool)" "$dir/bin/$tool"
done
script() {
	printf '#!%s\n%s\n' "$(command -v bash)" "$2" >"$1"
	chmod +x "$1"
}
# All packages but make and what apt-get has installed are there.
script "$dir/bin/dpkg-query" '[ "${!#}" = make ] && [ ! -e "$DIR/installed" ] || printf "ii "'
script "$dir/bin/id" 'echo "$USER_ID"'
script "$dir/bin/apt-get" 'echo "apt-get $*" >>"$DIR/calls"
case " $* " in
*" update "*) touch "$DIR/lists" ;;
*" install "*) [ -e "$DIR/lists" ] && [ -z "${APT_FAILS-}" ] && touch "$DIR/installed" ;;
esac'
script "$dir/sudo/sudo" 'echo "sudo" >>"$DIR/calls"
[ -z "${SUDO_REFUSES-}" ] || { echo "sudo: a password is required" >&2; exit 1; }
exec "$@"'
deps_have_lists() { [ -e "$dir/lists" ]; }

# install SETTINGS...: a machine of these settings, on which make is missing.
install() {
	rm -f "$dir/lists" "$dir/installed" "$dir/calls" "$dir/log"
	out=$(PATH=$dir/bin && export "${@?}" && deps_install build 2>&1)
	code=$?
	calls=$(cat "$dir/calls" 2>/dev/null)
}

# expect WHAT CODE PATTERN: the exit code, and a line of what was said.
expect() {
	if [ $code -eq "$2" ] && grep -qE -- "$3" <<<"$out"; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		printf 'exit %d\n%s\ncalls:\n%s\n' $code "$out" "$calls"
		failed=1
	fi
}

by_hand='^As root: apt-get update && apt-get install --no-install-recommends make$'

install USER_ID=0
expect "root: says what and why, and installs" 0 '^  make +builds$'
out=$calls
expect "root: fetches the lists first where there are none" 0 '^apt-get -q update$'
install USER_ID=0 APT_FAILS=1
expect "it fails: says where the output is" 1 "all of its output is in $dir/log"
install USER_ID=1000 PATH="$dir/sudo:$dir/bin"
expect "sudo: says that it is used" 0 '^Installing from Debian with sudo:$'
install USER_ID=1000 PATH="$dir/sudo:$dir/bin" SUDO_REFUSES=1
expect "sudo refuses: says so" 1 'a password is required'
expect "sudo refuses: what to type" 1 "$by_hand"
install USER_ID=1000
expect "no sudo: what to type on a machine without lists" 1 "$by_hand"
out="calls: $calls."
expect "no sudo: nothing is tried" 1 '^calls: \.$'
touch "$dir/installed"
out=$(PATH=$dir/bin && export USER_ID=1000 && deps_install build 2>&1)
code=$?
out="said: $out."
expect "nothing missing: says nothing" 0 '^said: \.$'
exit $failed
