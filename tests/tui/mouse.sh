#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The mouse: what is under it is chosen, focused, scrolled, moved or selected; a program that has asked
# for it hears of it; one key gives it back to the terminal. And panes that are split and arranged.
# shellcheck disable=SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: mouse"
. "$(dirname "$0")/../lib/tmux.sh"

has() { screen | grep -qF -- "$1"; }
# The place of a text on the screen, once it is there, from 1: "row column".
place() {
	local row=0 line
	t_until has "$1" || return 1
	while IFS= read -r line; do
		row=$((row + 1))
		case $line in *"$1"*)
			line=${line%%"$1"*}
			echo "$row $((${#line} + 1))"
			return
			;;
		esac
	done < <(screen)
	return 1
}
row_of() { place "$1" | cut -d' ' -f1; }
# mouse CODE ROW COLUMN [m]: what a terminal sends; m is a release.
mouse() { keys -l $'\e[<'"$1;$3;$2${4:-M}"; }
click() { clicks 1 "$@"; }
# clicks HOW-OFTEN ROW COLUMN [CODE]: in one piece, however busy the machine is.
clicks() {
	local all='' n
	for ((n = 0; n < $1; n++)); do all+=$'\e[<'"${4:-0};$3;$2M"$'\e[<'"${4:-0};$3;$2m"; done
	keys -l "$all"
}
# Click on the first place of a text.
click_on() {
	local at
	read -r -a at < <(place "$1")
	click "${at[@]}"
}
# drag FROM_ROW FROM_COLUMN ROW COLUMN
drag() {
	mouse 0 "$1" "$2"
	mouse 32 "$((($1 + $3) / 2))" "$((($2 + $4) / 2))"
	mouse 32 "$3" "$4"
	mouse 0 "$3" "$4" m
}
flag() { [ "$(mux display -p '#{mouse_sgr_flag}')" = "$1" ]; }

check "a VM" smolsh create web
check "another" smolsh create db
mux new-session -d -x 120 -y 30 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
keys "$SMOLSH_BUILD/smolsh" Enter
see "the screen is there" 'Tab complete'
check "the terminal reports the mouse" flag 1
keys 'exec db -- seq 100' Enter
see "a pane" '1 exec db .*done'
keys 'exec -it web -- cat' Enter
see "another one" '2 exec -it web .*run'

# The list.
click_on 'web '
see "list: a click chooses" '▸ ● web'
see "list: and the keys go there" 'Space mark'
read -r -a at < <(place '● db')
click "${at[0]}" 2
see "list: a click at its left marks" '\*● db'
click "${at[0]}" 2
see_no "list: and takes the mark away" '\*● db'

# Panes: the wheel turns what is under it, whatever has the focus.
read -r -a at < <(place '99')
mouse 64 "${at[@]}"
see "wheel: the pane under it looks back" '1 exec db .*↑ 3 lines'
see "wheel: the focus stays" 'Space mark'
mouse 65 "${at[@]}"
see_no "wheel: and forth" '↑ 3 lines'
click "$(($(row_of '2 exec -it web') + 2))" 60
see_no "pane: a click has the focus" 'Space mark'
keys 'typed here' Enter
see "pane: what is typed goes to it" '│typed here'

# The bottom lines.
click_on 'Alt-p prompt'
see "hint: a click does it" 'Tab complete'
keys 'exec wb'
read -r -a at < <(place 'wb')
click "$((at[0]))" "$((at[1] + 1))"
keys e
see "prompt: a click puts the cursor" '▸ exec web'
keys C-a C-k e Tab
see "candidates" '┊ exec '
click_on '┊ exec '
see "candidates: a click takes one" '▸ exec $|▸ exec$'
keys C-u

# A question.
keys M-l D
see "question: asked" 'Delete web\?'
click 5 60
click_on 'n keep'
see_no "question: a click on no is no" 'Delete web'
see "question: the list is as it was" '▸ ● web'
keys M-p

# Borders.
read -r -a at < <(place '2 exec -it web')
drag "${at[0]}" 90 $((at[0] + 5)) 90
moved() { [ "$(row_of '2 exec -it web')" = "$1" ]; }
check "border: a pane's title is dragged" t_until moved $((at[0] + 5))
drag 10 31 10 45
see "border: the list's bar is dragged, and ends in the rule" '^─{44}┴─+$'
mux resize-window -x 200 -y 50
see "border: it is a share of the window" '^─{73}┴─+$'
mux resize-window -x 80 -y 24
click_on '●db'
see "80×24: a click on a VM's name goes to the list" '▸ ● db'
mux resize-window -x 120 -y 30
keys M-l
see "border: and where it was in the old one" '^─{44}┴─+$'
drag 10 45 10 31
keys M-p M-k M-+ M-+
check "keys: a pane grows at another's cost" t_until moved $((at[0] + 7))
keys M--
check "keys: and shrinks" t_until moved $((at[0] + 6))

# Order and arrangement.
keys M-J
see "swap: the pane changes places, its number stays" '^ VMs +│ 2 exec -it web'
keys M-K
see "swap: and back" '^ VMs +│ 1 exec db'
keys M-S
see "arranged side by side" '1 exec db .*│ 2 exec -it web'
keys M-S M-S M-S
see "arranged as a grid again" 'a grid'

# A double click on a title; numbers of panes that are hidden.
read -r -a at < <(place '1 exec db')
clicks 2 "${at[0]}" 60
see "title: a double click zooms" '^ 1 exec db'
see "zoomed: the others are numbers" '─\[1\] 2 ─'
read -r -a at < <(place '[1] 2')
click "${at[0]}" $((at[1] + 4))
see "number: a click goes there" '^ 2 exec -it web'
keys M-z C-d

# A program that asks for the mouse has it while it has the focus.
keys M-2 M-s
see "split: a shell in the same VM, beside the pane" '3 shell web'
see "split: it is there" 'root@web:'
keys -l "printf '\\033[?1000h\\033[?1006h'; cat -v"
keys Enter
see "a program asks for the mouse" '; cat -v'
row=$(row_of '3 shell web')
click $((row + 2)) 40
see "it hears of a click, where that is in its pane" '\^\[\[<0;9;2M\^\[\[<0;9;2m'
mouse 64 $((row + 1)) 41
see "and of the wheel" '\^\[\[<64;10;1M'
keys C-c
see "the shell is back" 'root@web:~# ?$'
keys -l "printf '\\033[?1003h'; cat -v"
keys Enter
all_moves() { [ "$(mux display -p '#{mouse_all_flag}')" = "$1" ]; }
check "it may have all moves" t_until all_moves 1
mouse 35 $((row + 2)) 44
see "and hears of them" '\^\[\[<35;13;2M'
keys M-1
check "all moves: not without the focus" t_until all_moves 0
mouse 64 $((row + 1)) 42
keys M-3 End
click $((row + 3)) 40
see "it hears again" '\^\[\[<0;9;3m'
see_no "not without the focus" '\^\[\[<64;11;1M'

# Selected text.
selected() { mux capture-pane -ep | grep -qE $'\e\\[(0;)?7m'; }
row=$(row_of BusyBox)
mouse 4 "$row" 40
mouse 36 "$row" 50
check "with Shift it is ours: text is selected" t_until selected
mouse 4 "$row" 50 m
see "and copied" 'copied: 11 bytes'
clicks 2 $((row + 1)) 33 4
keys M-p M-v
see "a double click copies a word" '▸ Enter'
keys C-u

# The terminal's own mouse.
keys M-m
see "Alt-m: said, and how to come back" "the mouse is the terminal's; Alt-m"
see "Alt-m: shown as long as it lasts" 'no mouse'
check "Alt-m: no mouse is asked for" t_until flag 0
keys M-m
check "Alt-m: and again" t_until flag 1
keys M-p C-z
see "suspended" 'Stopped'
check "suspended: no mouse is asked for" flag 0
keys fg Enter
see "back" 'Tab complete'
check "back: the mouse, too" t_until flag 1
pid=$(for p in $(t_processes); do [ "$(cat "/proc/$p/comm")" = smolsh-tui ] && echo "$p"; done)
kill -SEGV "$pid"
see "a crash" 'host>'
check "a crash: no mouse is asked for" flag 0
check "cleaned up" smolsh delete --all --force --yes
mux kill-server
t_end
