# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Which files are the tree's own. Sourced by tests/run.

# tree_list DIR: as git has them, changes and new ones included; without git, all but what building
# leaves (make would take it for what it has to build itself). What autogen.sh makes stays: a tarball
# comes with it, and a ./configure without its build-aux (links to automake's) is none.
tree_list() {
	local f
	(
		cd "$1" || exit 1
		if git ls-files --error-unmatch configure.ac >/dev/null 2>&1; then
			git ls-files -co --exclude-standard
		else
			tree_find
		fi | while IFS= read -r f; do
			[ ! -f "$f" ] || printf '%s\n' "$f"
		done | sort
	)
}

tree_find() {
	local f
	find . -regex '\./build\(-[^/]*\)?' ! -name build-aux -prune -o -path ./images -prune -o \
		-path ./.git -prune -o -path ./autom4te.cache -prune -o -name .deps -prune -o \
		\( -type f -o -type l \) \
		! -name '*.[oa]' ! -name '*.log' ! -name '*.trs' ! -name .dirstamp \
		! -path ./config.status ! -path ./Makefile ! -path ./docs/smolsh.1 \
		! -path ./docs/smolsh.1.commands -print |
		while IFS= read -r f; do
			[ -x "$f" ] && [ "$(head -c 2 "$f" | tr -d '\0')" != '#!' ] && continue
			printf '%s\n' "${f#./}"
		done
}
