#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What configures the screen: the file rc with mistakes in it, aliases, keys, settings, files that
# are read at the prompt; the same at the line prompt. One VM.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin config
. "$(dirname "$0")/../lib/tmux.sh"

cat >"$SMOLSH_HOME/rc" <<'RC'
# Mistakes in the second, in a file beside this one, and in the last line.
set histroy 5
alias ll list --labels
alias e 'exec web --'
source more
bind M-q close
bind --in list u 'exec VM "echo u-$((40+2))"'
bind M-e 'exec VM -- '
bind F5 list --quiet
set list-width 40
bind F6 frobnicate
RC
echo 'set wrap perhaps; set sort state' >"$SMOLSH_HOME/more"
check "a VM" smolsh create web --quiet

mux new-session -d -x 120 -y 30 "$SMOLSH_BUILD/smolsh"
see "rc: the shell starts all the same, and names file and line" "rc:2: there is no setting 'histroy'"
see "rc: at the bottom, too, with how many more there are" '^ rc:2: .*\(and 2 more\)'
see "rc: a file that it reads is named itself" "more:1: wrap: 'perhaps' is not off or on"
see "rc: what is no command is said where the key is bound" "rc:11: 'frobnicate'"
see "rc: what follows a mistake is done" '^ VMs.{36}│'

# Aliases: what is typed is the title; what runs is what it stands for.
keys 'll' Enter
see "alias: runs what it stands for" '^.*web +running$'
keys 'e sh -c "echo one-$((20+1)); read x </proc/self/fd/0; sleep 1000"' Enter
see "alias: opens a pane, as its command does" '1 e sh -c .*'
see "alias: the words behind it follow" 'one-21'
keys 'e sh' Tab
keys C-u 'help ll' Enter
see "help: of an alias" 'an alias of: list --labels'
keys 'alias up exec web -- echo up-now; up' Enter
see "alias: made and used in one line" '^.*up-now *$'
keys 'unalias ll; ll' Enter
see "unalias" "unknown command 'll'"

# Keys: what was bound, for the chosen VM, and begun only.
keys F5
see "a key that runs a line" '▸ list --quiet'
keys M-l
keys u
see "a key of the list, for the chosen VM" '^.*u-42 *$'
keys M-p M-e
see "a line that is only begun" '▸ exec web -- *$'
keys C-u 'bind M-q' Enter
see "bind: says what is bound" '^.*Alt-q +all +close'
keys F1
see "help shows the keys as they are bound" 'Alt-q, Alt-x'
keys F1
see_no "help: closed" 'Alt-q, Alt-x'
keys 'unbind M-p; set history' Enter
see "a way back that is lost is told" '^ no key leads from a pane to the prompt'
keys 'bind --default' Enter
keys 'bind M-p' Enter
see "bind --default: as at first" '^.*Alt-p +all +prompt'

# Settings, and files at the prompt.
keys 'set history' Enter
see "set: what it is" '^.*10000 *$'
keys 'set history 5' Enter
see "set: what it cannot be" 'history: .5. is not a number from 100'
keys "source $SMOLSH_HOME/more" Enter
see "source: the mistake and its place" "more:1: wrap: 'perhaps'"
keys 'exec web "i=0; while [ \$i -lt 400 ]; do i=\$((i+1)); echo line-\$i.; done"' Enter
see "a pane with 400 lines" '^.*line-400\.'
keys M-p 'set history 100; set history' Enter
see "set history" '^.*100 *$'
keys M-4 Home
see "set history: what is above it is forgotten at once" '↑ 100 lines'
keys End M-p
printf 'set sort memory\nset sort\nlist --quiet\nexec web -- echo from-a-file\n' >"$SMOLSH_HOME/script"
keys "source $SMOLSH_HOME/script" Enter
see "source: what is set is set here" '^ VMs by memory'
see "source: the rest runs" '^.*from-a-file *$'
keys "source $SMOLSH_HOME/nosuch" Enter
see "source: no such file" 'nosuch: No such file'
keys 'alias bye quit; bye' Enter
see "leaving, by an alias: asked" 'Leave smolsh'
keys y
no_server() { ! mux list-sessions; }
check "left" t_until no_server

# The line prompt reads it, too.
mux new-session -d -x 100 -y 30 "$SMOLSH_BUILD/smolsh --line"
see "--line: rc" "rc:2: there is no setting 'histroy'"
keys 'e echo two-words' Enter
see "--line: an alias" '^two-words$'
keys 'alias v version; v; set history' Enter
see "--line: set" '^10000$'
see "--line: and what is left" '^smolsh [0-9.]+$'
mux kill-server
t_end
