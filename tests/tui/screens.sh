#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the screen looks like, compared with what it looked like when somebody last looked at it.
# shellcheck disable=SC2016
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: screens"
. "$(dirname "$0")/../lib/tmux.sh"

mux new-session -d -x 80 -y 24 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
keys "$SMOLSH_BUILD/smolsh" Enter
see "first start" 'No VM yet'
screen_is first-80x24
mux resize-window -x 40 -y 10
screen_is first-40x10
mux resize-window -x 120 -y 30
screen_is first-120x30

for vm in web db; do
	keys "create $vm" Enter
	see "created: $vm" "● $vm +run"
done
keys 'create old --no-start' Enter
see "created: old" '○ old'
keys 'exec web -- sh -c "echo begin; sleep 1000"' Enter
see "web prints" '│begin'
keys 'exec db -- sh -c "ls /; exit 3"' Enter
see "db has ended" 'exit 3'
for vm in web db; do
	see "what it uses is known: $vm" "● $vm +run +[0-9]+%"
done
screen_is main-120x30
keys e Tab
see "candidates" '┊ exec'
screen_is candidates-120x30
keys C-u 'exec @running -- df'
screen_is reached-120x30
keys C-u M-l
see "the list" 'Space mark'
keys D
see "a question" 'Delete '
screen_is question-120x30
keys n M-p
see "none any more" 'Tab complete'
keys F1
see "help" 'Keys'
screen_is help-120x30
mux resize-window -x 200 -y 50
screen_is help-200x50
keys F1
screen_is main-200x50
mux resize-window -x 300 -y 100
screen_is main-300x100
mux resize-window -x 80 -y 24
screen_is main-80x24
keys M-l
screen_is list-80x24
mux resize-window -x 40 -y 10
screen_is list-40x10
keys M-p
screen_is main-40x10
keys C-d
see "leaving" 'Leave'
screen_is leave-40x10
keys y
see "left" 'host>'
mux kill-server
t_end
