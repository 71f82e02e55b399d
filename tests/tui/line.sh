#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The line prompt, where there can be no screen: commands, history, completion, what is told above
# the line that is typed, Ctrl-C, Ctrl-Z, and the terminal afterwards.
. "$(dirname "$0")/../integration/lib.sh"
t_begin line
. "$(dirname "$0")/../lib/tmux.sh"

mux new-session -d -x 100 -y 30 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; alias s=$SMOLSH_BUILD/smolsh; clear" Enter
see "a shell on the host" '^host>$'
settings() {
	keys "clear; stty -a | tail -n +2 >$t_dir/$1; echo sett\"\"led" Enter
	see "the terminal's settings: $1" '^settled'
}
settings before

# Where there can be no screen.
begin() {
	keys "clear; $2" Enter
	see "$1: the line prompt" "line prompt \\($3\\)"
	see "$1: a prompt" '^smolsh>$'
}
begin "TERM unset" "env -u TERM $SMOLSH_BUILD/smolsh" 'TERM is not set'
see "no VM: what to type" '^ +run -- uname -a +a fresh VM'
keys C-d
begin "TERM unknown" "TERM=no-such-terminal s" 'nothing is known of TERM=no-such-terminal'
keys quit Enter
printf 'set show-all-if-ambiguous on\n"\\C-o": "help language\\n"\n' >"$t_dir/inputrc"
begin "--line" "INPUTRC=$t_dir/inputrc s --line" '--line'
keys st Tab
see "inputrc: a variable" '^stop +shut VMs down$'
keys C-u C-o
see "inputrc: a key" '^The language of -c'
keys exit Enter
mux resize-window -x 28 -y 7
keys "clear; s" Enter
see "a small window: the line prompt" '^smolsh>$'
keys C-d
mux resize-window -x 100 -y 30
begin "TERM=dumb" "TERM=dumb s" 'TERM=dumb has no screen'

# Commands, one after the other.
keys 'create web' Enter
see "create" '^web$'
keys 'create db' Enter
see "create: another one" '^db$'
see_no "what a line has done itself is not told again" 'is running'
keys 'exec @all -- hostname' Enter
see "several VMs: output marked by VM: db" '^db +\| db$'
see "several VMs: output marked by VM: web" '^web +\| web$'
keys 'exec web -- sh -c "exit 3"' Enter
see "the exit code is told" '^exit 3$'
keys 'exec web -- cat' Enter 'exec web "read a; echo got"' Enter
see "keys typed ahead are the next line" '^got$'
keys Up Up
see "history" '^smolsh> exec web -- cat$'
keys C-u
keys C-r hostname
see "history: Ctrl-R" 'i-search.*exec @all -- hostname'
keys C-c
see "Ctrl-C: the line is given up" '\^C$'
see "Ctrl-C: another begins" '^smolsh>$'
keys 'exec w' Tab '-- echo don' Tab 'e' Enter
see "Tab: a VM's name" '^done$'
keys 'st' Tab Tab
see "Tab twice: what there is, with a word of help" '^stop +shut VMs down$'
see "the line goes on below it" '^smolsh> st$'
keys C-u

# What the guest has: a Tab that it does not answer in time finds nothing, so another may be needed.
# shellcheck disable=SC2317 # it is run by t_until
tab() { keys Tab; shows "$1"; }
tab_until() { if t_until tab "$2"; then ok "$1"; else not_ok "$1"; screen >&2; fi; }
job=$(smolsh exec -d web -- sleep 1000)
keys 'exec web -- cat /etc/'
tab_until "Tab: a guest's files" '^/etc/passwd +file$'
keys C-u 'exec web -- cat /etc/passw'
tab_until "Tab: a guest's file" 'cat /etc/passwd$'
keys C-u 'exec web -- ls /us'
tab_until "Tab: a guest's directory" 'ls /usr/$'
keys C-u 'cp web:/etc/host'
tab_until "Tab: a file to copy" 'cp web:/etc/hosts$'
keys C-u 'cancel web '
tab_until "Tab: a job" "cancel web $job\$"
keys Enter
see "it is a job's id" "$job"
keys 'label web role=web' Enter 'exec @ro'
tab_until "Tab: a label" 'exec @role=web$'
keys C-u

# Ctrl-C and Ctrl-Z belong to what runs.
keys 'exec web -- sh -c "echo be\"\"gun; sleep 1000"' Enter
see "a command that lasts" '^begun$'
keys C-z
see "Ctrl-Z: it is stopped" '^stopped: exec web .*fg goes on'
keys quit Enter
see "quit: a stopped command is told" '1 command is stopped'
keys fg Enter
see "fg" '^exec web -- sh'
keys C-c
see "Ctrl-C ends it" '^exit 130$'

# What happens meanwhile is told above the line that is typed.
keys clear Enter
see "what is no command" "^exit 2$"
keys 'echo typed so'
see "a line is typed" '^smolsh> echo typed so$'
kill -9 "$(t_pid db hypervisor)"
see "a death is told, with its cause and what mends it" \
	'^db died: qemu was killed by signal 9 \(SIGKILL\); try: smolsh start db$'
see "the line is still there" '^smolsh> echo typed so$'
keys ' far'
see "and goes on" '^smolsh> echo typed so far$'
smolsh stop web >/dev/null
see "a stop is told" '^web has stopped$'
see "the line is below it" '^smolsh> echo typed so far$'
keys C-u
keys 'delete db --yes' Enter
see_no "nothing is told of what one does oneself" 'db was deleted'
keys 'start web' Enter

# Suspended, left, killed: the terminal is as it was.
keys "list" Enter
see "a list" '^web +[0-9a-f]{12} +running'
keys C-z
see "Ctrl-Z without a command: the host's shell" 'Stopped'
keys "clear; fg" Enter
see "fg: back" '^smolsh>'
keys C-d
see "left: the host's shell" '^host>'
settings left
same "left: the terminal is as it was" "$(cat "$t_dir/left")" "$(cat "$t_dir/before")"
begin "again, on a terminal that can do more" "s --line" '--line'
keys Up
see "again: history is kept" '^smolsh> list$'
keys C-u 'exec web -- sh -c "echo fir\"\"st; sleep 1000"' Enter
see "a command runs" '^first$'
prompt_pid=$(for p in $(t_processes); do [ "$(cat "/proc/$p/comm")" = smolsh-tui ] && echo "$p"; done)
check "the prompt's process" test -n "$prompt_pid"
# As when it is typed before the command has the terminal.
kill -INT "$prompt_pid"
see "SIGINT for the prompt is the command's" '^exit 130$'
keys 'exec web -- sh -c "echo be\"\"gun; sleep 1000"' Enter
see "another command runs" '^begun$'
kill -TERM "$prompt_pid"
see "SIGTERM: the host's shell" '^host>'
# shellcheck disable=SC2317 # it is run by t_until
no_commands() { ! for p in $(t_processes); do cat "/proc/$p/comm"; done | grep -qx smolsh; }
check "SIGTERM: its command is gone, too" t_until no_commands
settings terminated
same "SIGTERM: the terminal is as it was" "$(cat "$t_dir/terminated")" "$(cat "$t_dir/before")"
same "the VM goes on" "$(smolsh exec web -- echo yes)" yes
check "cleaned up" smolsh delete --all --force --yes
mux kill-server
t_end
