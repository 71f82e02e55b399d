#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A guest's terminal on ours (9, 31, 39): keys, size, TERM, signals, full-screen programs, the key
# that detaches, and our terminal afterwards. tmux is the terminal; its screen is what a person sees.
# shellcheck disable=SC2016,SC2317,SC2001
. "$(dirname "$0")/lib.sh"
t_begin tty
. "$(dirname "$0")/../lib/tmux.sh"

check "a VM" smolsh create web
mux new-session -d -x 80 -y 24 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; alias s=$SMOLSH_BUILD/smolsh; clear" Enter
see "a shell on the host" '^host>$'
before=$(mux display-message -p '#{pane_tty}')
settings() { stty -a <"$before"; }
were=$(settings)
as_were() { [ "$(settings)" = "$were" ]; }
# It is a client's: no key is a signal.
raw() { settings | grep -q -- '-isig'; }
# The client that runs the command below.
client() {
	local p
	for p in $(t_processes); do
		tr '\0' ' ' <"/proc/$p/cmdline" | grep -q 'exec -t web -- sh -c echo up' && echo "$p"
	done | tail -n 1
}

keys "clear; s shell web" Enter
see "shell: a login shell's prompt" '^root@web:'
keys 'tty; stty size; echo "[$TERM]"; test -t 0 -a -t 1 -a -t 2 && echo all' Enter
see "it is a terminal" '^/dev/pts/[0-9]'
see "of our size" '^24 80$'
see "with our TERM" '^\[(tmux|screen)'
see "on all descriptors" '^all$'
mux resize-window -x 100 -y 30
sized() { keys 'stty size' Enter; shows '^30 100$'; }
check "a change of size reaches it" t_until sized
keys "clear; sh -c 'trap \"echo caught; exit\" INT; echo loop; while :; do sleep 0.1; done'" Enter
see "a loop runs" '^loop'
keys C-c
see "Ctrl-C goes to the guest, and only there" '^(\^C)?caught'
keys 'clear; sh -c "echo sleeps; sleep 1000"' Enter
see "a command runs" '^sleeps'
keys C-z
see "Ctrl-Z, too" 'Stopped'
keys 'kill -9 %1; clear' Enter

# Programs that draw.
keys 'vi /tmp/note' Enter
see "vi has the screen" '^~'
keys 'ihello from vi'
see "vi shows what is typed" '^hello from vi$'
keys Escape
see "vi takes Escape alone" '^- /tmp/note \[Modified\]'
keys ':wq' Enter
keys 'clear; cat /tmp/note' Enter
see "vi wrote what was typed" '^hello from vi$'
keys 'top' Enter
see "top draws" 'Mem: +[0-9]+K used'
keys q
# Its screen does not reach beyond drawing (31).
keys 'clear; printf "a\033]2;evil\007b\033[6nc\n"' Enter
see "titles and queries are swallowed" '^abc$'
same "the title is as it was" "$(mux display-message -p '#{pane_title}' | grep -c evil)" 0
keys 'clear; echo mark; exit 7' Enter
see "shell: back on the host" '^host>$'
same "shell: the prompt comes behind, not over the top" "$(screen | grep -vx '' | tail -n 2 | paste -sd' ')" "mark host>"
keys 'c=$?; clear; echo "code $c"' Enter
see "shell: the exit code is its own" '^code 7$'
were=$(sed 's/rows [0-9]*; columns [0-9]*/rows 30; columns 100/' <<<"$were")
check "our terminal is as it was" t_until as_were

# exec -t
keys 'clear; s exec -t web -- sh -c "echo begin; read x; echo got:\$x; exit 3"' Enter
see "exec -t" '^begin'
keys 'typed' Enter
see "exec -t: what is typed arrives" '^got:typed'
see "exec -t: back on the host" '^host>$'
keys 'c=$?; clear; echo "code $c"' Enter
see "exec -t: exit code" '^code 3$'
keys 'clear; s exec -t --detach-keys none web -- cat -v' Enter
check "exec -t: it has the terminal" t_until raw
keys C-] Enter
see "without a detach key that one goes to the guest, too" '\^\]'
keys C-d
see "Ctrl-D is the end of input" '^host>$'

# The key that detaches leaves the command running; attach -t takes it up.
keys 'clear; s exec -t web -- sh -c "echo begin; printf ask:; read x; echo got:\$x; exit 4"' Enter
see "before the key" '^ask:'
keys C-]
see "the key detaches, and says how to come back" '^smolsh: detached from job [0-9]+; smolsh attach -t web [0-9]+'
see "back on the host" '^host>$'
job=$(screen | grep -oE 'detached from job [0-9]+' | grep -oE '[0-9]+')
expect_exit 0 "the job runs on" smolsh jobs web
expect_out "the job runs on: state" "^web +$job +running"
keys "clear; s attach -t web $job" Enter
see "attach -t: what was on it" '^begin'
keys 'again' Enter
see "attach -t: keys arrive" '^got:again'
keys 'c=$?; clear; echo "code $c"' Enter
see "attach -t: exit code" '^code 4$'

# However we end, the terminal is put back (39).
for signal in TERM HUP QUIT; do
	keys "clear; s exec -t web -- sh -c 'echo up; sleep 1000'" Enter
	see "$signal: it runs" '^up'
	kill -s "$signal" "$(client)"
	keys 'true' Enter
	see "$signal: back" '^host>$'
	check "$signal: the terminal is as it was" t_until as_were
done
keys "clear; s exec -t web -- sh -c 'echo up; sleep 1000'" Enter
see "STOP by a signal: it runs" '^up'
kill -TSTP "$(client)"
see "stopped: our shell says so" 'Stopped'
keys 'echo in between' Enter
see "stopped: the terminal is ours" '^in between'
keys 'fg' Enter
check "fg: the terminal is its" t_until raw
keys C-c
see "and goes on raw: Ctrl-C is the guest's" '\^Chost>$'

# The device dies: how to go on is by a terminal, as the job is on one.
keys 'clear; s exec -t web -- sh -c "echo up; read -r l; echo got:\$l; exit 5"' Enter
see "the device dies: it runs" '^up'
kill -9 "$(t_pid web device)"
see "the device dies: how to go on" 'attach -t web [0-9]+$'
job=$(smolsh jobs web | awk '/running.*read -r l/ {print $2}')
check "the device dies: the terminal is as it was" t_until as_were
keys "clear; s attach -t web $job" Enter
see "and it goes on" '^up'
keys 'again' Enter
see "keys arrive there" '^got:again'

expect_exit 2 "-t without a terminal" smolsh exec -t web -- true
expect_err "says so" '--tty: a terminal is needed on stdin and stdout'
expect_exit 2 "shell without a terminal" smolsh shell web
expect_exit 2 "-t with --json" smolsh --json exec -t web -- true
expect_exit 2 "a key that is none" smolsh exec --detach-keys F1 web -- true

# A line on stderr is red where a person looks.
keys 'clear; s exec web -- sh -c "echo out; echo err >&2"' Enter
t_until shows '^err'
same "stderr is marked by colour" "$(mux capture-pane -pe | grep -c $'\033\\[31merr')" 1
keys 'clear; NO_COLOR=1 s exec web -- sh -c "echo out; echo err >&2"' Enter
t_until shows '^err'
same "NO_COLOR: it is not" "$(mux capture-pane -pe | grep -c $'\033\\[31merr')" 0
keys 'clear; s exec web,web -- echo hello' Enter
t_until shows '^web \| hello'
same "a VM's mark has its colour" "$(mux capture-pane -pe | grep -c $'\033\\[36mweb |')" 1

mux kill-server
t_end
