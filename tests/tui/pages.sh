#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Questions before harm, jobs that outlive the screen, and the pages that take the place of the
# panes: help, a VM's details, the form that creates one, the log of commands.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin pages
. "$(dirname "$0")/../lib/tmux.sh"

mux new-session -d -x 120 -y 30 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; alias s=$SMOLSH_BUILD/smolsh; clear" Enter
see "a shell on the host" '^host>$'
start() {
	keys "clear; s" Enter
	see "$1: the screen is there" 'Tab complete'
}
screen_pid() {
	local p

	for p in $(t_processes); do [ "$(cat "/proc/$p/comm")" = smolsh-tui ] && echo "$p"; done
}
# The state of the first job of a VM whose command has this in it.
state_of() { smolsh jobs "$1" | awk -v c="$2" 'index($0, c) { print $3; exit }'; }

job_is() { [ "$(state_of "$1" "$2")" = "$3" ]; }

check "a VM" smolsh create web
start "start"

# The form: what is wrong stands beside the field; the line is the one that could have been typed.
keys M-l c
see "form: defaults" 'memory +128M'
keys 'web' Tab
see "form: a name that is taken" "there is a VM 'web' already"
keys BTab C-u 'dx' Left Delete 'b' Down Down Right
see "form: a value from a list" '▸ create db --image base'
keys Down '12'
see "form: what is wrong" 'memory of 12 MiB'
keys M-Enter
see "form: nothing is run until it is right" 'something is wrong still'
keys Escape
see_no "form: left" 'Create a VM'
keys c
see "form: what was entered is kept" '▸ create db --image base --memory 12'
keys C-a '1' End '8'
see "form: the line" '▸ create db --image base --memory 1128$'
keys C-w '128' M-Enter
see "form: the VM is there" '● db +run'
see "form: what was run" '▸ create db --image base --memory 128'
keys M-p

# Help.
keys F1
see "help: keys, by where they work" 'Keys everywhere'
see "help: the commands, too" 'Commands .*help COMMAND'
see "help: there is more" '↓ [0-9]+ more lines'
keys End
see_no "help: it scrolls, to its end" '↓ [0-9]+ more lines'
keys q
see_no "help: closed" 'Commands .*help COMMAND'

# Details: five parts, live.
check "a forward" smolsh forward web 0:80
check "a job" smolsh exec -d web -- sleep 2222
keys M-l Down i
see "details: of the VM" 'web +running'
see "details: configuration" 'memory +128M'
see "details: events" 'phase +ready, after'
see "details: console" 'smolsh-agent: up'
see "details: jobs" '1 +running .*sleep 2222'
see "details: ports" '127.0.0.1:[0-9]+ +web:80'
smolsh exec web -- sh -c 'echo line-$((40+2)) >/dev/console'
see "details: the console is live" 'line-42'
smolsh cancel web 1
see "details: so are jobs" '1 +cancelled .*sleep 2222'
# More jobs than there is room for: what runs is in sight.
check "many jobs" smolsh -c "$(for i in 11 12 13 14 15 16 17 18 19; do echo "exec -d web -- true $i;"; done) exec -d web -- sleep 3333"
see "details: the newest job" 'running .*sleep 3333'
see_no "details: not the oldest" 'sleep 2222'
smolsh exec web -- killall sleep
mux resize-window -x 80 -y 24
see "details, 80×24: one part, the others by number" '1 configuration  2 events  3 console  4 jobs  5 ports'
keys 2
see "details, 80×24: events" 'phase +ready, after'
keys Tab
see "details, 80×24: the next part" 'line-42'
keys P
see "details: keys act on its VM" 'web paused'
keys P
see "details: and back" 'web running'
keys Escape
mux resize-window -x 120 -y 30
see_no "details: closed" '1 configuration'
keys M-p

# A crash of the screen: its commands' jobs go on, and are offered.
keys 'exec web -- sh -c "i=0; while sleep 0.2; do i=\$((i+1)); echo tick \$i; done"' Enter
see "a job in a pane" 'tick 3'
keys 'exec -i web -- cat' Enter
see "one that reads" 'exec -i web -- cat'
keys M-p 'shell db' Enter
see "and a shell" 'root@db:'
check "the screen's process" test -n "$(screen_pid)"
kill -9 "$(screen_pid)"
see "kill -9: the host's shell" 'host>'
alone() { [ "$(smolsh --json jobs | tr '{' '\n' | grep '"state":"running"' | grep -c '"attached":false')" = 3 ]; }
check "kill -9: its commands have left their jobs" t_until alone
keys 'stty sane; clear' Enter
same "kill -9: the job goes on" "$(state_of web 'sleep 0.2')" running
same "kill -9: so does one that reads" "$(state_of web cat)" running
start "after the crash"
see "after the crash: jobs are offered" '3 jobs run that no pane shows; Alt-a attaches to them'
see "after the crash: which" 'web [0-9]+  sh -c i=0;'
keys M-a
see "attached: its output goes on" 'attach web [0-9]+ .*run'
see "attached: what is new" 'tick [0-9]{2,}'
see "attached: the shell, on its terminal" 'attach -t db 1'
keys M-p

# Leaving says what becomes of commands; closing a pane ends its command.
keys 'exec web -- sleep 1111' Enter
see "a command" 'exec web -- sleep 1111 .*run '
check "a command: it has begun" t_until job_is web 'sleep 1111' running
keys M-0 M-p C-d
see "leaving: what goes on is said" 'Leave smolsh\?  1 command goes on in its VM\.'
keys n
see_no "leaving: no is no" 'Leave smolsh'
keys M-4 M-x
see "closing: asked, for something runs" 'Close 4\?'
keys y
see_no "closing: the pane is gone" 'exec web -- sleep 1111 .*run '
t_until job_is web 'sleep 1111' signalled
same "closing: the job was ended" "$(state_of web 'sleep 1111')" signalled
keys M-p

# What is lost is named before it is.
keys M-l Space Space
see "marks: whom a key reaches" '2 marked ▸ .*→ db, web'
keys S
see "stop of several: asked" 'Stop db, web\?  2 running, 3 jobs, their files will be lost\.'
see "stop of several: the answers" 'y stop   n keep \(default\)'
keys n
see_no "stop of several: no is no" 'Stop db, web'
keys Space D
see "delete: what is lost" 'Delete db\?  running, 1 job, its files and .* of logs will be lost\.'
keys x
see_no "delete: another key is no" 'Delete db'
keys M-p

# The log: what ran, by key too; a script that runs.
keys 'label db role=db' Enter
see "a line" 'label db role=db'
keys 'exec db -- sh -c "exit 7"' Enter
see "one that fails" 'exit 7'
keys M-h
see "log: what was typed" 'done +[0-9]+s  label db role=db'
see "log: how it ended" 'exit 7 +[0-9]+s  exec db -- sh -c'
see "log: what a key did" 'attach web [0-9]+'
keys Up e
see "log: a line goes to the prompt" '▸ label db role=db$'
keys C-u 'label db tier=one' Enter
keys M-h
see "log: and is run otherwise" 'done +[0-9]+s  label db tier=one'
keys w C-u "$t_dir/script" Enter
see "log: saved" 'lines written to'
same "log: only for its owner" "$(stat -c %a "$t_dir/script")" 700
keys w C-u "$t_dir/script" Enter
see "log: what is there is replaced after a question" 'Overwrite .*script'
keys n Escape
same "log: what failed is a comment" "$(grep -c "^# exec db -- sh -c 'exit 7'" "$t_dir/script")" 1
grep -E '^(#|label )' "$t_dir/script" >"$t_dir/labels"
check "log: labels taken back" smolsh label db role- tier-
check "log: the script runs" smolsh -f "$t_dir/labels"
same "log: it did what was done" "$(smolsh label db)" 'db: role=db tier=one'
keys M-p

keys C-d
see "left without a question, for what is attached to goes on: the host's shell" 'host>'
same "left: the job goes on" "$(state_of web 'sleep 0.2')" running
check "cleaned up" smolsh delete --all --force --yes
mux kill-server
t_end
