#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The examples of an rc in docs/tui.md and `help rc` are taken as they stand, each setting and action
# is in the manual, and rc is found where path.h says.
# shellcheck disable=SC2016
set -u

smolsh=$(realpath "${SMOLSH:-./smolsh}") || exit 99
docs=$(cd "$(dirname "$0")/../../docs" && pwd)
dir=$(mktemp -d /tmp/smolsh-rc-XXXXXX) || exit 99
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C.UTF-8
failed=0

# same WHAT GOT WANTED
same() {
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		printf 'not ok - %s: "%s", not "%s"\n' "$1" "$2" "$3"
		failed=1
	fi
}

# The files that the examples read.
: >"$dir/work"
sed -n '/^## Making it/,/^## /{/^```/,/^```/{/^```/!p}}' "$docs/tui.md" | sed '/^ rc:3:/,$d' >"$dir/rc"
same "docs/tui.md: has an example" "$(grep -c '^bind ' "$dir/rc")" 4
same "docs/tui.md: its example is sound" "$(SMOLSH_HOME=$dir "$smolsh" source 2>&1)" ""
"$smolsh" help rc | sed -n 's/^  \(#\|[a-z]* [^(]*$\)/\1/p' | grep -E '^(#|set|alias|bind|source) ' >"$dir/rc"
same "help rc: has an example" "$(grep -c '^bind ' "$dir/rc")" 2
same "help rc: its example is sound" "$(SMOLSH_HOME=$dir "$smolsh" source 2>&1)" ""
printf 'alias a list\nalias b "list\n' >"$dir/rc"
same "an open quote: its line, and not that of who reads the file" \
	"$(SMOLSH_HOME=$dir "$smolsh" -c source 2>&1 | cut -d ';' -f 1)" \
	'smolsh: rc: line 2, column 9: quote is not closed'
rm "$dir/rc"

# Everything that can be set or bound is in the manual.
names() { "$smolsh" "$1" --json | grep -o "\"$2\":\"[^\"]*\"" | cut -d '"' -f 4 | sort -u; }
"$smolsh" --man >"$dir/man"
for name in $(names set name) $(names bind action); do
	grep -qxF ".B ${name//-/\\-}" "$dir/man" || same "the manual has $name" no yes
done
same "actions and settings are asked for" "$(($(names bind action | wc -l) > 30))" 1

# Where it is.
mkdir -p "$dir/xdg/smolsh" "$dir/home/.config/smolsh"
echo 'set wrap a' >"$dir/rc"
echo 'set wrap b' >"$dir/xdg/smolsh/rc"
echo 'set wrap c' >"$dir/home/.config/smolsh/rc"
unset SMOLSH_HOME XDG_CONFIG_HOME
where() { env HOME="$dir/home" "$@" "$smolsh" source 2>&1 | cut -d "'" -f 2; }
same "rc of SMOLSH_HOME" "$(where SMOLSH_HOME="$dir" XDG_CONFIG_HOME="$dir/xdg")" a
same "rc of XDG_CONFIG_HOME" "$(where XDG_CONFIG_HOME="$dir/xdg")" b
same "rc of HOME" "$(where)" c
rm "$dir/home/.config/smolsh/rc"
same "source without an rc" "$(where | sed "s|$dir||")" \
	"smolsh: /home/.config/smolsh/rc: No such file or directory"
exit $failed
