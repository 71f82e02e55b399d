#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The screen in its first hour: the first VM, two VMs side by side, an editor in a pane, marks and a
# filter, completion and history, a VM that dies, sizes, and the terminal afterwards.
# shellcheck disable=SC2016
. "$(dirname "$0")/../integration/lib.sh"
t_begin tui
. "$(dirname "$0")/../lib/tmux.sh"

mux new-session -d -x 120 -y 30 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; alias s=$SMOLSH_BUILD/smolsh; clear" Enter
see "a shell on the host" '^host>$'
# As the terminal is while a command runs in it (the shell's own prompt changes it).
settings() {
	keys "clear; stty -a | tail -n +2 >$t_dir/$1; echo sett\"\"led" Enter
	see "the terminal's settings: $1" '^settled'
}
settings before
start() {
	keys "clear; s" Enter
	see "$1: the screen is there" 'Tab complete'
}

# The first start says what to type; Enter is enough.
start "first start"
see "first start: no VM" 'No VM yet'
keys Enter
see "first start: Enter runs the first one" '6.1.0|x86_64 GNU/Linux'
see "first start: its pane says that it is done" '1 run -- uname -a .*done'
keys M-x
see_no "close: the pane is gone" '1 run'

# Two VMs and what they print, side by side.
keys 'create web' Enter
see "create: the list has it" '● web +run'
keys 'create db' Enter
see "create: another one" '● db +run'
see "the counts" '2 VMs  2 running'
keys 'exec web -- sh -c "echo begin-$((20+1)); read x </proc/self/fd/0; sleep 1000"' Enter
keys 'exec db -- sh -c "i=0; while sleep 0.2; do i=\$((i+1)); echo tick \$i; done"' Enter
see "two panes: the first goes on" '1 exec web.*'
see "two panes: the second counts" 'tick 3'
see "two panes: it is live, and more than fits" 'tick 2[0-9]'
keys 'list' Enter
see "the session: a short command prints there" 'session .*done'
see "the session: what it printed" 'db +[0-9a-f]{12} +running'

# Whom a line reaches.
keys 'exec @all -- hostname'
see "a line for several says whom it reaches" '→ db, web'
keys Enter
see "and reaches them" '^.*web \| web'
see "all of them, and is over" '3 exec @all .*done'
keys M-x
see_no "its pane is closed" '3 exec @all'

# Scrolled up it stands still, and follows again.
keys M-2
keys S-PPage
see "scrolled up: said" '↑ [0-9]+ lines'
keys End
see_no "following again" '↑ [0-9]+ lines'
keys C-c
see "Ctrl-C in a pane ends its command" '2 exec db.*(exit 130|signal 2)'
keys M-p

# A full-screen program.
keys 'shell web' Enter
see "shell: its prompt" 'root@web:'
keys 'vi /tmp/note' Enter
see "vi: draws" '^.*~$'
keys i 'written in a pane' Escape
see "vi: what is typed" 'written in a pane'
see "vi: Esc reaches it" '- /tmp/note'
keys ':wq' Enter
see "vi: the shell is back" 'root@web:.*# ?$'
keys 'exit' Enter
see "shell: ended" 'shell web .*done'
same "vi: it was saved" "$(smolsh exec web -- cat /tmp/note)" "written in a pane"

# Completion and history.
keys 'exec w' Tab
see "Tab: a VM's name" '▸ exec web $|▸ exec web$'
keys C-u 'e' Tab
see "Tab: candidates with a word of help" 'exec +run a command'
keys C-u
keys Up
see "history" '▸ shell web'
keys C-u
keys C-r 'uname'
see "history: Ctrl-R" 'uname.*run -- uname -a'
keys C-c

# The list: marks, filter, a question before harm.
keys M-l Space
see "list: a mark" '\*●'
keys Space
keys / 'web' Enter
see "list: filtered" '/web'
see_no "list: the other is not shown" '● db '
keys / BSpace BSpace BSpace Enter
see "list: all again" '● db '
keys D
see "delete: asks, naming what" 'Delete web\?'
keys n
see_no "delete: no is no" 'Delete web'
same "delete: both are there" "$(smolsh list | wc -l)" 3
keys M-p

# A VM that dies: seen with its cause.
victim=$(t_pid db hypervisor)
keys 'exec db -- sleep 1000' Enter
see "a command in it" 'exec db -- sleep 1000.* run'
kill -9 "$victim"
see "kill -9 of QEMU: the list" '✕ db +died'
see "kill -9 of QEMU: the pane says it" 'exec db -- sleep 1000.* lost'

# Sizes.
mux resize-window -x 40 -y 10
see "40×10: the prompt is there" '^ ▸'
see "40×10: the VMs, too" '●web'
mux resize-window -x 200 -y 50
see "200×50: the list" '● web +run'
mux resize-window -x 120 -y 30

# Suspended and back; left; killed.
keys C-z
see "Ctrl-Z: the host's shell" 'Stopped'
keys 'fg' Enter
see "fg: the screen is back" 'Tab complete'
keys M-0 M-p C-d
see "leaving while commands run: asked" 'Leave smolsh'
keys y
see "left: the host's shell" 'host>'
settings left
same "left: the terminal is as it was" "$(cat "$t_dir/left")" "$(cat "$t_dir/before")"
start "again"
keys Up
see "again: history is kept" '▸ exec db -- sleep 1000'
screen_pid=$(for p in $(t_processes); do [ "$(cat "/proc/$p/comm")" = smolsh-tui ] && echo "$p"; done)
check "the screen's process" test -n "$screen_pid"
kill -TERM "$screen_pid"
see "SIGTERM: the host's shell" 'host>'
settings terminated
same "SIGTERM: the terminal is as it was" "$(cat "$t_dir/terminated")" "$(cat "$t_dir/before")"
keys 'clear' Enter
same "the VM goes on" "$(smolsh exec web -- echo yes)" yes
check "cleaned up" smolsh delete --all --force --yes
mux kill-server
t_end
