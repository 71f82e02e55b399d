#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Output that does not stop: the prompt, the sizes and the list go on; a line for several VMs; a screen
# that is killed leaves VMs alone.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: output flows"
. "$(dirname "$0")/../lib/tmux.sh"

check "a VM" smolsh create web --label role=front
check "another" smolsh create db
mux new-session -d -x 200 -y 50 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
keys "$SMOLSH_BUILD/smolsh" Enter
see "the screen is there" 'Tab complete'

# Both VMs flood two panes each; the line that is typed meanwhile is whole.
for vm in web db; do
	for n in 1 2; do
		keys "exec $vm -- sh -c 'i=0; while :; do i=\$((i+1)); echo $vm-$n \$i; done'" Enter
	done
done
see "four panes flood" '4 exec db .*run'
for n in 1 2 3 4; do
	see "pane $n prints" "(^|│) ?$n exec .*run"
done
keys 'exec @role=front -- echo typed-"while"-it-flows'
see "what is typed is whole, and says whom it reaches" '▸ exec @role=front -- echo typed-"while"-it-flows +→ web'
keys C-u

# A screen is drawn in pieces: there may be no number yet.
number() { screen | grep -oE 'web-1 [0-9]+' | tail -1 | cut -d' ' -f2; }
was=
went_on() {
	local now
	now=$(number)
	[ -n "$was" ] || { was=$now; return 1; }
	[ "${now:-0}" -gt "$was" ]
}
for size in 40x10 300x100 80x24 31x9 120x30 200x50; do
	mux resize-window -x "${size%x*}" -y "${size#*x}"
	see "$size: the prompt is in its place" '^ ▸'
	keys 'size'"$size"
	see "$size: and takes keys" "▸ size$size"
	keys C-u
	check "$size: no line is longer than the screen" test "$(screen | wc -L)" -le "${size%x*}"
	keys M-1
	see "$size: pane 1 shows the flood" 'web-1 [0-9]+'
	was=
	check "$size: which goes on" t_until went_on
	keys M-p
done

# Scrolled up it stands still while output arrives.
keys C-c
see "Ctrl-C at the prompt: the way to the command" '^ its command goes on; to end it: Alt-1, then Ctrl-C'
keys M-1 C-c
see "Ctrl-C ends a flood" '1 exec web .*(exit 130|signal 2)'
keys M-p
keys "exec web -- sh -c 'i=0; while usleep 10000; do i=\$((i+1)); echo slow \$i; done'" Enter
see "a slower one" 'slow ([6-9][0-9]|[0-9]{3,})( |$)'
keys M-5 S-PPage
see "scrolled up" '↑ [0-9]+ lines'
seen() { screen | grep -oE 'slow [0-9]+'; }
still=$(t_steady seen)
behind() { screen | grep -oE '↑ [0-9]+ lines' | tr -dc 0-9; }
before=$(behind)
grown() { [ "$(behind)" -gt $((before + 20)) ]; }
check "more arrives below" t_until grown
same "what is looked at stands still" "$(seen)" "$still"
keys End
see_no "follows again" '↑ [0-9]+ lines'

# A line for several: who receives it is said, and each one's output is told apart.
keys M-p M-l Space
see "one is marked" '\*●'
keys Space M-p
keys 'exec @marked -- hostname'
see "broadcast: whom it reaches" '→ db, web'
keys Enter
see "broadcast: one" 'web \| web'
see "broadcast: the other" 'db +\| db'

# The screen is killed: the terminal takes a reset, the VMs do not notice.
screen_pid=$(for p in $(t_processes); do [ "$(cat "/proc/$p/comm")" = smolsh-tui ] && echo "$p"; done)
check "the screen's process" test -n "$screen_pid"
kill -9 "$screen_pid"
see "kill -9: the host's shell" 'host>|Killed'
keys "" "stty sane; clear; $SMOLSH_BUILD/smolsh" Enter
see "again: both VMs run" '2 VMs  2 running'
same "kill -9: a VM answers" "$(smolsh exec db -- echo yes)" yes
keys C-c C-d
mux kill-server
t_end
