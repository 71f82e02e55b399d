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
