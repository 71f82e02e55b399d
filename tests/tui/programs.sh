#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Programs that draw, in a pane: a pager, top, an editor, a shell's line editing, colours, pasted text,
# and a size that changes under them.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: programs in a pane"
. "$(dirname "$0")/../lib/tmux.sh"

check "a VM" smolsh create web
mux new-session -d -x 120 -y 30 "env -u NO_COLOR HISTFILE= TERM=xterm-256color bash --norc --noprofile"
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
keys "$SMOLSH_BUILD/smolsh" Enter
see "the screen is there" 'Tab complete'
keys 'shell web' Enter
see "a shell in the guest" 'root@web:'

# Line editing: the arrows, the beginning of the line, history.
keys 'echo two three' C-a Right Right Right Right Right 'one ' Enter
see "a line is edited in its middle" '│one two three'
keys Up C-e ' four' Enter
see "history of the guest's shell" '│one two three four'

# The alternate screen: a pager, and what was there before it.
keys 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo row $i; done >/tmp/rows; clear; echo before-the-pager' Enter
see "something stands there" '│before-the-pager'
keys 'less /tmp/rows' Enter
see "less: its first page" '│row 1 *$'
keys Space
see "less: the next" '│row 3[0-9] *$'
# It changes the terminal's settings for that: what comes in between would be lost.
keys /
see "less: asks for what to search" '│/ *$'
keys 'row 250' Enter
see "less: a search" '│row 250 *$'
keys G
see "less: its end" '│row 300 *$'
keys 'q'
see "less: has gone" 'root@web:.*# ?$'

keys 'top -d 1' Enter
see "top: its table" 'PID +PPID|Load average'
keys q
see "top: has gone" 'root@web:.*# ?$'

# A size that changes: the program is told.
keys 'clear; stty size' Enter
see "the size" '│[0-9]+ [0-9]+ *$'
narrow=$(screen | grep -oE '│[0-9]+ [0-9]+' | head -1)
# Asked again until the guest has heard of it.
size() {
	keys 'clear; stty size' Enter
	see "the size, again" '│[0-9]+ [0-9]+ *$' >/dev/null
	screen | grep -oE '│[0-9]+ [0-9]+' | head -1
}
other() { size | grep -vqxF "$narrow"; }
as_before() { size | grep -qxF "$narrow"; }
mux resize-window -x 160 -y 40
check "another size: the guest knows it" t_until other
mux resize-window -x 120 -y 30
check "the first one again: the guest knows that, too" t_until as_before

# An editor on the whole screen, and back.
keys 'vi /tmp/rows' Enter
see "vi: the file" '│row 1 *$'
keys M-z
see "vi, zoomed: drawn anew" '^row 1 *$'
keys G
see "vi, zoomed: its end" '^row 300 *$'
keys M-z
see "vi: back among the others" '│row 300 *$'
keys ':q!' Enter
see "vi: has gone" 'root@web:.*# ?$'

# Colours: the basic ones, 256, and direct ones as near as the terminal can; bold, underlined.
keys "clear; printf '\\033[31mred\\033[m \\033[38;5;208morange\\033[m \\033[38;2;255;0;0mdirect\\033[m \\033[1;4mstrong\\033[m end\\n'" Enter
see "coloured words" 'red orange direct strong end'
colored() { mux capture-pane -e -p | grep -aqE -- "$1"; }
check "a basic colour" t_until colored $'\e\\[31m(\e\\[49m)?red'
check "one of 256" t_until colored $'\e\\[38;5;208m ?orange'
check "a direct colour: the nearest" t_until colored $'\e\\[(38;5;(196|9)|91|31)m ?direct'
check "bold and underlined" t_until colored $'\e\\[(1;4|1m\e\\[4|[0-9;]*1;4[0-9;]*)m?.*strong'

# Pasted text: a program that asks for it is told what is pasted.
keys "clear; printf '\\033[?2004hask%s\\n' ed; cat -v" Enter
see "a program asks to be told" '│asked'
mux set-buffer -b one 'pasted text'
mux paste-buffer -p -b one
keys Enter
see "it is told apart" '\^\[\[200~pasted text\^\[\[201~'
keys C-c
see "its shell is back" '\^C'
keys "clear; printf '\\033[?2004lplain%s\\n' ly" Enter
see "it asks no more" '│plainly'
mux set-buffer -b two 'echo from-the-clipboard'
mux paste-buffer -p -b two
keys Enter
see "pasted into a line" '│from-the-clipboard'
keys exit Enter
see "the shell has ended" 'shell web .*done'
mux kill-server
t_end
