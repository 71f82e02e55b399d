#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Golden tests of the shell: NAME.in is a script for its stdin; a first line "#args: …" gives words
# for its command line instead of none. NAME.out is what it has to print: stdout, then stderr, then
# the exit code. With --update the .out files are written anew; look at the difference then.
#
#   SMOLSH  the program (default: ./smolsh)
set -u

here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${SMOLSH:-./smolsh}") || exit 99
update=no
if [ "${1:-}" = --update ]; then
	update=yes
	shift
fi
dir=$(mktemp -d /tmp/smolsh-golden-XXXXXX) || exit 99
trap 'rm -rf "$dir"' EXIT
export SMOLSH_VHOST_VSOCK=/nonexistent/vhost-vsock
export SMOLSH_HOME=$dir/home SMOLSH_IMAGES=$dir/images LC_ALL=C.UTF-8
unset NO_COLOR TERM
cd "$dir" || exit 99

# What differs from machine to machine.
mask() { sed -e "s|$dir|DIR|g" -e 's/this host has ([0-9]* MiB)/this host has (N MiB)/'; }

one() {
	local in=$1 args=() line
	line=$(head -n 1 "$in")
	case $line in
	'#args: '*) eval "args=(${line#'#args: '})" ;;
	esac
	rm -rf "$SMOLSH_HOME"
	mkdir -p "$SMOLSH_IMAGES"
	"$program" "${args[@]}" <"$in" >"$dir/stdout" 2>"$dir/stderr"
	local code=$?
	mask <"$dir/stdout"
	[ -s "$dir/stderr" ] && echo '--- stderr' && mask <"$dir/stderr"
	echo "--- exit $code"
}

failed=0
for in in "$here"/*.in; do
	name=$(basename "$in" .in)
	[ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
	one "$in" >"$dir/got"
	if [ $update = yes ]; then
		cp "$dir/got" "$here/$name.out"
	elif cmp -s "$here/$name.out" "$dir/got"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		diff -u "$here/$name.out" "$dir/got"
		failed=$((failed + 1))
	fi
done
exit $((failed > 0))
