# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with bench.sh
# The screen beside tmux: smolsh-tui and tmux on terminals of their own (screen.c), panes of the same
# size, the same `smolsh exec` in them, its agent a process on this machine (fake_vm.c). Sourced by
# bench.sh.

: "${build:?}" "${tmp:?}" "${tools:?}" "${runs:?}"

screen_rows=28
screen_cols=80
screen_bulk=$((100 * 1000 * 1000))

# ---- terminals ----

# on_terminal ROWS COLS PROGRAM WORD…: it has started there, and its pid is in `reply`.
on_terminal() {
	rm -f "$tmp/to" "$tmp/from" && mkfifo "$tmp/to" "$tmp/from" || return 1
	"$tools/screen" "$@" <"$tmp/to" >"$tmp/from" 2>>"$tmp/bench.log" &
	terminal_pid=$!
	started+=("$terminal_pid")
	exec {to}>"$tmp/to" {from}<"$tmp/from"
	tell start
}
# tell WORD…: a line for the terminal; its answer is in `reply`, which is "-" or nothing on failure.
tell() {
	reply=-
	printf '%s\n' "$*" >&"$to" && read -rt 320 reply <&"$from"
}
off_terminal() {
	exec {to}>&- {from}<&-
	wait "$terminal_pid" 2>/dev/null
}

screen_begin() {
	on_terminal "${1:-$screen_rows}" "${2:-$screen_cols}" env -u NO_COLOR TERM=xterm-256color \
		LANG=C.UTF-8 HISTFILE= "$build/smolsh"
	screen_pid=$reply
	tell wait complete
	tell quiet 300
}
screen_end() {
	off_terminal
}

mux() { tmux -L "smolsh-bench-$$" -f /dev/null "$@"; }
mux_begin() {
	# shellcheck disable=SC2016 # for the shell in tmux
	on_terminal "$mux_rows" "$mux_cols" env TERM=xterm-256color LANG=C.UTF-8 \
		tmux -L "smolsh-bench-$$" -f /dev/null new-session \
		'echo ready; while read -r line; do eval "$line"; done'
	tell wait ready
	tell quiet 300
}
mux_end() {
	mux kill-server 2>>"$tmp/bench.log"
	off_terminal
}

# ---- what all of them need ----

# 20 VMs that seem to run, the first one's agent here; files of output.
need_screen() {
	local i names=()
	[ -z "${have_screen-}" ] || return 0
	program tmux >/dev/null || return 1
	mkdir -m 700 "$tmp/screen"
	for ((i = 0; i < 20; i++)); do
		names+=("vm$i")
		printf 'create --no-start --name vm%d\n' "$i"
	done >"$tmp/screen.smol"
	SMOLSH_HOME=$tmp/screen "$build/smolsh" -f "$tmp/screen.smol" >/dev/null || return 1
	mkfifo "$tmp/fake"
	SMOLSH_HOME=$tmp/screen "$tools/fake_vm" "$build/smolsh-agent" "${names[@]}" \
		</dev/null >"$tmp/fake" 2>>"$tmp/bench.log" &
	started+=("$!")
	read -rt 20 i <"$tmp/fake" && [ "$i" = ready ] || return 1
	awk -v n="$screen_bulk" 'BEGIN { while (b < n) {
		b += length(l = sprintf("%07d The quick brown fox jumps over the lazy dog, twice a day", i++)) + 1
		print l } }' >"$tmp/plain.txt"
	awk -v n="$screen_bulk" 'BEGIN { while (b < n) {
		l = sprintf("\033[3%dm%06d\033[0m The quick \033[1;34mbrown fox\033[m jumps over the \033[38;5;%dmlazy dog\033[0m", i % 8, i, i % 256)
		i++; b += length(l) + 1; print l } }' >"$tmp/coloured.txt"
	have_screen=1
	# A pane's size, which tmux's gets, too.
	SMOLSH_HOME=$tmp/screen screen_begin
	tell send 'exec vm0 -- sleep 100\r'
	sleep 1
	for i in $(pgrep -P "$screen_pid"); do
		read -r mux_rows mux_cols < <(stty size <"/proc/$i/fd/0" 2>/dev/null) && break
	done
	[ -n "$mux_rows" ] || return 1
	note "panes of $mux_rows lines and $mux_cols columns"
	mux_rows=$((mux_rows + 1))
	screen_end
}

# in_screen LINE, in_mux LINE: the command, in a pane.
in_screen() { tell send "$1\\r"; }
in_mux() { tell send "$build/smolsh $1\\r"; }

# ---- bulk ----

bulk_of() {
	local where=$1 file=$2
	"${where}_begin"
	tell mark
	"in_$where" "exec vm0 -- sh -c 'cat $tmp/$file.txt; printf @%s@ done'"
	tell wait '@done@'
	"${where}_end"
	[ "$reply" != - ] && ms <<<"$reply"
}

plain_screen() { bulk_of screen plain; }
plain_mux() { bulk_of mux plain; }
coloured_screen() { bulk_of screen coloured; }
coloured_mux() { bulk_of mux coloured; }

# ---- keys, while four panes flood ----

keys_screen() {
	local i
	# A job outlives its screen: it goes on as long as there is this file.
	touch "$tmp/flood"
	screen_begin 50 200
	for i in 1 2 3 4; do
		in_screen "exec vm0 -- sh -c 'while [ -e $tmp/flood ]; do cat $tmp/plain.txt; done'"
		tell quiet 1
	done
	sleep 1
	tell keys 500 20
	rm "$tmp/flood"
	screen_end
	[ "$reply" != - ] && awk '{ printf "%.3f\n", $2 / 1000 }' <<<"$reply"
}

# ---- from its start to a whole screen ----

start_screen() {
	on_terminal 50 160 env -u NO_COLOR TERM=xterm-256color LANG=C.UTF-8 "SMOLSH_HOME=$tmp/hundred" \
		"$build/smolsh"
	tell wait vm10
	tell wait complete
	off_terminal
	[ "$reply" != - ] && ms <<<"$reply"
}

# ---- bytes for a line that changes ----

bytes_of() {
	"$1_begin"
	"in_$1" "exec vm0 -- sh -c 'sleep 1; i=100; while [ \$i -lt 150 ]; do printf \"\\\\r%d of what there is to be done\" \$i; i=\$((i+1)); sleep 0.1; done; printf @%s@ done'"
	tell wait '100 of what'
	tell mark
	tell wait '@done@'
	tell bytes
	"$1_end"
	awk '{ printf "%.1f\n", $1 / 50 }' <<<"$reply"
}
line_screen() { bytes_of screen; }
line_mux() { bytes_of mux; }

# ---- at rest, with 20 VMs and 8 quiet panes; and full of lines ----

pss_of() { awk '$1 == "Pss:" { printf "%.2f\n", $2 * 1024 / 1e6 }' "/proc/$1/smaps_rollup"; }
ran_ns() { cut -d' ' -f1 "/proc/$1/schedstat"; }

at_rest() {
	local i before
	screen_begin 50 200
	for i in 1 2 3 4 5 6 7 8; do
		in_screen 'exec vm0 -- sleep 60'
		tell quiet 100
	done
	sleep 3
	before=$(ran_ns "$screen_pid")
	sleep 20
	awk -v ns=$(($(ran_ns "$screen_pid") - before)) 'BEGIN { printf "%.3f\n", ns / 2e8 }' \
		>"$tmp/values.screen_cpu"
	pss_of "$screen_pid" >"$tmp/values.screen_pss"
	for i in $(pgrep -P "$screen_pid"); do pss_of "$i"; done | sort -g | tail -n 1 \
		>"$tmp/values.screen_pane"
	screen_end
	screen_begin
	before=$(pss_of "$screen_pid")
	in_screen "exec vm0 -- sh -c 'yes 12345678901234567890123456789012345678901234567890123456789012345678901234567890 | head -n 11000; printf @%s@ done'"
	tell wait '@done@'
	tell quiet 500
	awk -v a="$(pss_of "$screen_pid")" -v b="$before" 'BEGIN { printf "%.2f\n", a - b }' \
		>"$tmp/values.screen_history"
	screen_end
}

measure_screen_bulk() {
	need_screen || return 1
	local -x SMOLSH_HOME=$tmp/screen
	pairs "$runs" plain_screen plain_mux
	row screen-bulk ms plain_screen tmux plain_mux ratio 0.667
	pairs "$runs" coloured_screen coloured_mux
	row screen-coloured ms coloured_screen tmux coloured_mux ratio 0.667
}

measure_screen_line() {
	need_screen || return 1
	local -x SMOLSH_HOME=$tmp/screen
	pairs 3 line_screen line_mux
	row screen-line B line_screen tmux line_mux ratio 2
}

measure_screen_keys() {
	need_screen || return 1
	local -x SMOLSH_HOME=$tmp/screen
	pairs 3 keys_screen
	row screen-keys ms keys_screen '' '' at_most 30
}

measure_screen_start() {
	local i
	need_screen || return 1
	mkdir -m 700 "$tmp/hundred"
	for ((i = 0; i < 100; i++)); do
		printf 'create --no-start --name vm%d\n' "$i"
	done >"$tmp/hundred.smol"
	SMOLSH_HOME=$tmp/hundred "$build/smolsh" -f "$tmp/hundred.smol" >/dev/null || return 1
	pairs "$runs" start_screen
	row screen-start ms start_screen '' '' at_most 100
}

measure_screen_rest() {
	need_screen || return 1
	local -x SMOLSH_HOME=$tmp/screen
	at_rest
	row screen-cpu % screen_cpu '' '' at_most 0.5
	row screen-memory MB screen_pss '' '' at_most 30
	row screen-pane MB screen_pane '' '' at_most 3
	row screen-history MB screen_history '' '' at_most 4
}

# All of them.
measure_screen() {
	local part failed=0
	for part in bulk line keys start rest; do
		"measure_screen_$part" || failed=1
	done
	return $failed
}
