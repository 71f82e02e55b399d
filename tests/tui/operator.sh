#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What an operator came upon: help that is cut, a log in a window that has grown, the ends of the
# list, a wrong field that is also the chosen one, keys after several jobs were attached to.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: an operator's findings"
. "$(dirname "$0")/../lib/tmux.sh"

check "a VM" smolsh create web --memory 96
check "another" smolsh create db --no-start
check "a job" smolsh exec -d web -- sleep 1000
check "another job" smolsh exec -d web -- sleep 1001
mux new-session -d -x 120 -y 30 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
keys "$SMOLSH_BUILD/smolsh" Enter
see "the screen is there" '2 jobs run that no pane shows'

# The keys stay where they were.
keys M-a
see "a pane for each" '1 attach web 1 .*run '
see "and for the other" '2 attach web 2 .*run '
see_no "that jobs were looked for is over" 'looking for jobs'
keys 'help nonsense'
see "what is typed is the prompt's" '▸ help nonsense'
keys C-u

# A VM that dies by itself, and nobody's command tells.
check "a VM of its own" smolsh create lone --memory 96
see "it is there" '● lone +run'
kill -9 "$(t_pid lone hypervisor)"
see "why it died is said" '^ lone died: .*signal 9.*; try: smolsh start lone'
check "it goes" smolsh delete --yes lone
see_no "it is gone" '✕ lone'

# The ends of the list.
keys M-l End
see "the list's end" '^▸ ● web'
keys Home
see "the list's beginning" '^▸ ○ db'

# What stands for the marked VMs is a name of a list, nothing of a guest's words.
keys M-p 'exec @marked -- true' Enter
see "no mark: said" '^ no VM is marked; in the list Space marks one'
keys M-l End Space
see "a mark" '\*● web'
keys M-p 'exec web -- echo me@marked @marked' Enter
see "a guest's words stay" '│me@marked @marked'
keys 'exec db,@marked -- hostname' Enter
see "one of a list" 'web +\| web'
keys M-l Space

# Help is whole, whatever the width.
keys F1
see "help: what is too long for its column" '^    Alt-1, Alt-2 +go to the pane of that number; 0 is the +alias'
see "help: goes on below" '^ +session +attach'
mux resize-window -x 40 -y 12
see "help, 40 columns" '^    Alt-1, Alt-2    go to the pane of$'
see "help, 40 columns: goes on below" '^ {20}that number; 0 is$'

# The log in a small window, then in a large one.
keys Escape M-p
for i in 1 2 3 4 5 6 7 8 9; do
	keys "set list-width 3$i" Enter
done
keys M-h
see "the log, small: the newest" '^▸ .* set lis$'
see_no "the log, small: not the oldest" '^ .* attach'
mux resize-window -x 120 -y 30
see "the log, large: the oldest, too" '^ .* attach web 1'
keys Escape M-l c
see "the form" '^ Create a VM'
keys web Tab
see "a wrong field" '^!  name +web +there is a VM'
keys Up
see "which one is at, too" '^!▸ name +web +there is a VM'
mux kill-server
t_end
