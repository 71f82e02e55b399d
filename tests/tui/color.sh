#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Colours of the screen and the line prompt: when there are some, and which.
. "$(dirname "$0")/../integration/lib.sh"
t_begin color
. "$(dirname "$0")/../lib/tmux.sh"

mux new-session -d -x 100 -y 30 "env -u NO_COLOR -u COLORFGBG HISTFILE= TERM=xterm-256color bash --norc --noprofile"
keys "PS1='host> '; alias s=$SMOLSH_BUILD/smolsh; clear" Enter
see "a shell on the host" '^host>$'
smolsh create web --no-start --quiet >/dev/null

# How the prompt's sign is drawn; the whole screen's colours.
# shellcheck disable=SC2317 # they are run by t_until
front() { mux capture-pane -pe | grep -F '▸' | tail -1; }
colors() { mux capture-pane -pe | grep -oE $'\e''\[([0-9;]*;)?(3[0-7]|9[0-7]|38;5;[0-9]+|4[0-7]|48;5;[0-9]+)m'; }
# shellcheck disable=SC2317
front_has() { front | grep -qF "$1"; }
# begin WHAT LINE
begin() {
	keys "clear; $2" Enter
	see "$1: the screen" 'Tab complete'
	see "$1: the VM" '○ web'
}
leave() { keys C-d; see "the host's shell" '^host>$'; }
tinted() { check "$1" t_until front_has $'\e['"$2"; }
plain() { same "$1" "$(colors)" ""; }

begin "colours" "s"
tinted "colours: the accent is the terminal's cyan" '36m'
leave
begin "NO_COLOR" "NO_COLOR=1 s"
plain "NO_COLOR: no colours"
leave
begin "--color never" "s --color never"
plain "--color never: no colours"
keys 'exec web -- true' Enter
see "--color never: a command" 'exit 125'
plain "--color never: nor in what a command prints"
leave
begin "--color always" "NO_COLOR=1 s --color always"
tinted "--color always: although NO_COLOR is set" '36m'
leave
begin "a light background" "COLORFGBG='0;15' s"
tinted "a light background: a darker accent" '38;5;24m'
keys 'set theme dark' Enter
tinted "a theme that is set goes before" '38;5;80m'
keys 'set theme 16' Enter
tinted "the terminal's own colours" '36m'
leave
begin "a dark background" "COLORFGBG='15;0' s"
tinted "a dark background: a lighter accent" '38;5;80m'
leave
begin "few colours" "TERM=xterm COLORFGBG='15;0' s"
tinted "few colours: those there are" '36m'
leave

# The line prompt.
failing() {
	keys "clear; $1" Enter
	see "$2: the line prompt" '^smolsh>$'
	keys 'exec web -- true' Enter
	see "$2: a command that fails" '^exit 125$'
}
failing "s --line" "line prompt"
check "line prompt: its words are dim" grep -qF $'\e[2m'"exit 125" <(mux capture-pane -pe)
leave
failing "NO_COLOR=1 s --line" "line prompt, NO_COLOR"
same "line prompt, NO_COLOR: plain words" "$(mux capture-pane -pe | grep -F 'exit 125')" "exit 125"
leave
check "a VM that prints colours" smolsh create paint --quiet
begin "eight colours" "TERM=xterm s"
keys "exec paint -- printf '\\033[38;5;80mA\\033[38;5;203mB\\033[92mC\\033[38;2;200;200;10mD'" Enter
see "eight colours: some are printed" '│ABCD$'
row=$(mux capture-pane -pe | grep -oE '│[^ ]*A[^ ]*D$')
same "eight colours: the nearest" "${row//$'\e'/^}" '│^[0m^[36m^[49mA^[31mB^[32mC^[33mD'
leave

# Values instead of numbers, where terminfo has the flag RGB (tmux-direct is in Debian's ncurses-term).
direct() {
	begin "direct colours" "TERM=tmux-direct COLORFGBG='15;0' s"
	tinted "direct colours: the theme's accent" '38;2;95;215;215m'
	keys "exec paint -- printf '\\033[38;2;12;34;56mA\\033[48;2;0;0;0mB\\033[0;91mC\\033[31mD\\033[38;5;244mE'" Enter
	see "direct colours: some are printed" '│ABCDE$'
	row=$(mux capture-pane -pe | grep -oE 'A[^ ]*E$')
	same "direct colours: as they are; the first 8 the terminal's own" "${row//$'\e'/^}" \
		'A^[48;2;1;0;0mB^[38;2;255;0;0m^[49mC^[31mD^[38;2;128;128;128mE'
	check "direct colours: the first, too" grep -qF $'\e[38;2;12;34;56mA' <(mux capture-pane -pe)
	leave
}
if infocmp tmux-direct >/dev/null 2>&1; then
	direct
else
	echo "# skip: direct colours: terminfo knows no tmux-direct (Debian: ncurses-term)"
fi
mux kill-server
t_end
