#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# One check of the sources without running them: lint.sh NAME [JOBS]; `lint.sh list` names them. Run
# from anywhere; looks at the tree that it lies in.
set -u

cd "$(dirname "$0")/../.." || exit 1
jobs=${2:-2}
flags=(-std=gnu17 -D_GNU_SOURCE -O2 -Isrc -I. -DSMOL_VERSION='"0"' -DSMOL_BINDIR='"/b"'
	-DSMOL_LIBEXECDIR='"/l"' -DSMOL_DATADIR='"/d"' -Wall -Wextra)

sources() { find src ui -name '*.c' | sort; }

scripts() {
	local f
	find . -path ./.git -prune -o -path './build*' -prune -o -path ./autom4te.cache -prune -o -type f -size -200k -print |
		while IFS= read -r f; do
			case $f in
			./configure* | ./config.status | ./*.m4 | */depcomp | */install-sh | */missing) continue ;;
			*.sh) printf '%s\n' "$f" ;;
			*) [[ $(head -c 20 "$f" 2>/dev/null | tr -d '\0') =~ ^'#!'[^$'\n']*/(bash|sh) ]] && printf '%s\n' "$f" ;;
			esac
		done | sort
}

# Off: what asks for a proof that a buffer which holds bytes is not NULL, and what does not know
# that a cleanup function sees the variable's last value, or takes two such variables for one.
one_analyzer() {
	local off=(-Wno-analyzer-null-argument -Wno-analyzer-null-dereference
		-Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-double-free)
	gcc "${flags[@]}" -Werror -fanalyzer "${off[@]}" -c "$1" -o /dev/null
}

one_tidy() { clang-tidy -quiet "$1" -- "${flags[@]}" 2>&1 | grep -v '^[0-9]* warnings\? .*generated'; return "${PIPESTATUS[0]}"; }

# each_source FUNCTION: for every source, as many at a time as there are jobs.
each_source() {
	sources | xargs -P "$jobs" -I FILE "$0" "$1" FILE
}

case ${1-} in
list) printf '%s\n' format gcc-analyzer clang-tidy cppcheck shellcheck ;;
format) find src ui tests -name '*.[ch]' -exec clang-format -n --Werror {} + ;;
gcc-analyzer) each_source --one-analyzer ;;
clang-tidy) each_source --one-tidy ;;
cppcheck)
	cppcheck -q -j "$jobs" --enable=warning,portability --inline-suppr --error-exitcode=1 \
		--std=c11 -D_GNU_SOURCE -Isrc -I. \
		--include=tests/lib/cppcheck.h src ui
	;;
shellcheck) scripts | xargs shellcheck -x ;;
--one-analyzer) one_analyzer "$2" ;;
--one-tidy) one_tidy "$2" ;;
*)
	echo "usage: lint.sh list | NAME [JOBS]" >&2
	exit 2
	;;
esac
