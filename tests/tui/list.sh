#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The list of VMs: what they use, order, filter, marks, pause by key; what others do is seen.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: the list"
. "$(dirname "$0")/../lib/tmux.sh"

check "a VM" smolsh create web --memory 96 --label role=front
check "another" smolsh create db --memory 96
check "one that does not run" smolsh create old --no-start
mux new-session -d -x 120 -y 30 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
keys "$SMOLSH_BUILD/smolsh" Enter
see "the screen is there" 'Tab complete'

# The names of the list, from above.
names() { screen | sed -nE 's/^[▸ ][* ][●○◐✕‖] ([a-z]+) .*/\1/p' | paste -sd' '; }
names_are() { [ "$(names)" = "$1" ]; }
order() { check "$1" t_until names_are "$2"; }

# Beside the panes: state, CPU, age. With the whole width: all, with headings.
see "narrow: state, CPU and age" '^. ● web +run +[0-9]+% +[0-9]+[smh] │'
see "narrow: one that does not run has no CPU" '^. ○ old +new +[0-9]+[smh] │'
keys M-l M-z
see "zoomed: headings" '^ VMs +STATE +HEALTH +CPU +RESIDENT +MEMORY +AGE +JOBS$'
see "zoomed: what is known" '^. ● web +run +[0-9.]+% +[0-9]+M +96M +[0-9m]+s +0$'
mux resize-window -x 40 -y 12
see "40 columns: as much as fits, with headings" '^ VMs +STATE CPU +RES AGE$'
mux resize-window -x 120 -y 30
keys M-z
see "not zoomed: the panes are there again" '│ session'

# A job: its CPU and that it runs.
check "a job" smolsh exec -d db -- sh -c 'while :; do :; done'
keys M-z
see "a job is counted, and its CPU" '^. ● db +run +([5-9]|[0-9]{2,3})\.[0-9]% .* 1$'
order "by name" "db old web"
keys Down
see "the choice" '^▸ ○ old'
keys o
see "by state: said" '^ VMs by state'
keys M-p Up
see "by state: it is a line that could have been typed" '▸ set sort state'
keys C-u M-l
order "by state" "db web old"
see "by state: the choice stays with its VM" '^▸ ○ old'
keys o
order "by CPU" "db web old"
keys Space
see "a mark" '^[▸ ]\*○ old'
check "another job" smolsh exec -d web -- sh -c 'while :; do :; done'
check "the first one ends" smolsh cancel db 1
order "by CPU: the order follows the numbers" "web db old"
see "the mark stays" '^[▸ ]\*○ old'
keys Space
keys o o o
see "by name again" '^ VMs +STATE'
order "by name again" "db old web"
keys M-z

# The filter: shown, inverse, by state and label; / begins with it, Esc leaves it as it was.
keys / 'we' Enter
see "filter: shown" '^ VMs  /we '
order "filter" "web"
keys / BSpace BSpace '!we'
order "filter: what is not in it, as it is typed" "db old"
keys Escape
order "filter: Esc restores" "web"
see "filter: and it is said" '^ VMs  /we '
keys / C-u '@role=front' Enter
order "filter: a label" "web"
keys / C-u '!@running' Enter
order "filter: not in that state" "old"
keys / C-u Enter
order "filter: none" "db old web"
keys / Up
see "filter: the last one is recalled" '^ filter /!@running'
order "filter: and in force" "old"
keys Escape
order "filter: Esc restores none" "db old web"

# Pause by key, and what others do.
keys Up Up Up P
see "P: paused" '^▸ ‖ db +paused'
see "P: it is a line that could have been typed" '▸ pause db'
see "the counts" '3 VMs  1 running  1 paused'
keys P
see "P again: it goes on" '^▸ ● db +run'
check "somebody else pauses" smolsh pause web
see "what others do is seen" '^  ‖ web +paused'
keys Space Down Down Space P
see "P on two that are marked: those that run are paused" '^.\*‖ db +paused'
see "both stand still" '3 VMs  2 paused'
keys P
see "P again: all of them go on" '3 VMs  2 running'
keys Space Up Up Space
kill -STOP "$(t_pid db hypervisor)"
see "a guest that does not answer is silent" '● db +silent'
kill -CONT "$(t_pid db hypervisor)"
see "and answers again" '● db +run'
check "somebody else deletes" smolsh delete --yes old
see_no "what has been deleted is gone" '○ old'

# Long names that differ in their ends, and a question about them: all of both can be read.
long=a-name-that-is-long-as-of-machines
check "two with long names" smolsh -c "create --no-start $long-1; create --no-start $long-2 --disk 4M"
truncate -s 0 "$SMOLSH_HOME"/state/vms/*/disk0.raw
head -c 100k /dev/zero >"$(echo "$SMOLSH_HOME"/state/vms/*/disk0.raw)"
see "a long name's end is shown" '^. ○ a-nam…nes-1 new'
keys M-p
mux resize-window -x 80 -y 24
see "where all stand in a line, each has its share of it" '^ ○a-[a-z-]+…[a-z-]*-1 ○a-[a-z-]+…[a-z-]*-2 ●db ●web '
mux resize-window -x 120 -y 30
keys M-l
keys Home
mux resize-window -x 40 -y 12
keys Space Space D
see "the question: its first line" '^ Delete$'
see "the names" "^ $long-1,$"
see "the last of them" "^ $long-2\\?$"
see "what is lost" '^ 1[0-9][0-9]K of disks will be lost\.$'
keys n
mux resize-window -x 120 -y 30
see_no "no is no" 'will be lost'
keys Home Down Space D
see "one with nothing in it" "^ Delete $long-1\\?  created, nothing is in it yet\."
keys y
see_no "it has gone" 'nes-1 new'
check "the other one, too" smolsh delete "$long-2"

# What tells it is a process of ours: without it nothing is shown, and it comes back.
feed() { for p in $(t_processes); do grep -qz '^stats$' "/proc/$p/cmdline" 2>/dev/null && echo "$p"; done; }
first=$(feed)
check "the process that tells" test -n "$first"
kill -9 "$first"
see "it dies: nothing is known" '^. ● web +run +[0-9]+[smh] │'
see "it is started again" '^. ● web +run +[0-9]+% '
keys M-p C-d
see "left" 'host>'
check "left: the process that tells has ended" t_until eval 'test -z "$(feed)"'
mux kill-server
t_end
