#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What run-tests copies (tests/lib/tree.sh), with and without git: the sources, whatever was built.
set -u

# shellcheck source=tests/lib/tree.sh
. "$(dirname "$0")/../lib/tree.sh"
dir=$(mktemp -d /tmp/smolsh-tree-XXXXXX) || exit 99
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C GIT_CEILING_DIRECTORIES=/tmp HOME=$dir/home
cd "$dir" && mkdir home tree && cd tree || exit 99
failed=0

# put FILES…: each with a line in it.
put() {
	local f
	for f in "$@"; do
		mkdir -p "$(dirname "$f")" && echo x >"$f"
	done
}

same() {
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		diff <(echo "$3") <(echo "$2")
		failed=1
	fi
}

sources=(.ci/run Makefile.am configure.ac docs/smolsh.1.in quickstart src/main.c src/new.c)
generated=(Makefile.in aclocal.m4 build-aux/compile build-aux/install-sh configure)
put "${sources[@]}"
printf '#!/bin/bash\n' | tee quickstart >.ci/run
chmod +x quickstart .ci/run
same "nothing built: all" "$(tree_list .)" "$(printf '%s\n' "${sources[@]}" | sort)"

# A tarball has build-aux as files; autogen.sh makes links of them.
put "${generated[@]}"
ln -sf "$dir/home/install-sh" build-aux/install-sh
put "$dir/home/install-sh"
put autom4te.cache/requests Makefile config.status config.log quickstart.log docs/smolsh.1 src/main.o \
	src/.deps/main.Po src/.dirstamp images/base/kernel build/src/main.c build-tests/src/main.c smolsh
printf '\177ELF' >smolsh
chmod +x smolsh
same "built, without git: the sources and what autogen.sh made" "$(tree_list "$dir/tree")" \
	"$(printf '%s\n' "${sources[@]}" "${generated[@]}" | sort)"

if command -v git >/dev/null; then
	printf '%s\n' '/build*' /images/ /smolsh /autom4te.cache/ /Makefile /Makefile.in /aclocal.m4 \
		/configure /config.status /docs/smolsh.1 '*.log' '*.o' .deps .dirstamp >.gitignore
	git -c init.defaultBranch=main init -q && git add configure.ac src/main.c quickstart
	rm quickstart
	same "built, with git: the sources, new ones too, but not those that are gone" "$(tree_list .)" \
		"$(printf '%s\n' .gitignore "${sources[@]}" | grep -v quickstart | sort)"
fi
exit $failed
