# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A terminal whose keys a test presses and whose screen it reads. Sourced behind lib.sh and t_begin.
command -v tmux >/dev/null || { echo "tmux is not here"; exit 77; }
export TERM=xterm LANG=C.UTF-8

mux() { tmux -L "smolsh-test-$$" -f /dev/null "$@"; }
trap 'mux kill-server 2>/dev/null; t_exit' EXIT
screen() { mux capture-pane -p; }
shows() { screen | grep -qE -- "$1"; }
shows_not() { ! shows "$1"; }
keys() { mux send-keys "$@"; }

see_by() {
	if t_until "$1" "$3"; then
		ok "$2"
	else
		not_ok "$2 ($1 /$3/)"
		screen | sed 's/^/    |/' >&2
		exit 1
	fi
}
# What the screen comes to show, within 20 s. What follows makes no sense without it.
see() { see_by shows "$@"; }
# What it comes to show no more.
see_no() { see_by shows_not "$@"; }

# The screen with what changes from run to run masked: the clock, how long something has run, ids,
# numbers of the machine. What is in front of a number, and in front of what stands to the left of a
# number at the right end, goes with it, as its width may change.
masked() {
	screen | sed -E -e '1s/[0-9]{2}:[0-9]{2} *$/hh:mm/' -e 's/\b[0-9a-f]{12}\b/IDENTIFIER__/g' \
		-e 's/ +[0-9.]+(ms|[smhd])([0-9]{1,2}[smh])?( *│| |$)/ TIME\3/g' -e 's/ +[0-9.]+%/ CPU%/g' \
		-e 's/ +[0-9.]+[KMG]( |$)/ SIZE\1/g' -e 's/ [0-9.]+[BKM] of logs/ SIZE of logs/' \
		-e 's/[ ─]+ (run|done|exit [0-9]+|signal [0-9]+) TIME/ … \1 TIME/g' -e 's/(TIME) +[0-9]+$/\1 JOBS/' -e 's/ +$//'
}
screen_like() { masked | cmp -s - "$1"; }
# screen_is NAME: it comes to show what tests/tui/screens/NAME.txt holds. SMOLSH_SCREENS=write makes
# those files; then they are to be looked at.
screen_is() {
	local file
	file=$(dirname "$0")/screens/$1.txt
	if [ "${SMOLSH_SCREENS-}" = write ]; then
		read -rt 1 <> <(:)
		masked >"$file"
		ok "screen $1: written"
	elif t_until screen_like "$file"; then
		ok "screen $1"
	else
		not_ok "screen $1"
		masked | diff -u "$file" - >&2
	fi
}
