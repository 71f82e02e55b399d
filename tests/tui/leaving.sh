#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# However the screen ends: the shell that it was started from has its terminal as it was, and nothing
# of the screen's is left.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: leaving"
. "$(dirname "$0")/../lib/tmux.sh"

pidfile=$SMOLSH_HOME/pid
# Bytes as the program writes them: a mode that is left on is seen there.
written=$SMOLSH_HOME/log
mkdir -p "$SMOLSH_HOME"
mux new-session -d -x 80 -y 24 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
mux pipe-pane "cat >>'$written'"
keys "PS1='host> '; bind 'set enable-bracketed-paste off'; clear" Enter
see "a shell on the host" '^host>$'

begin() {
	keys "clear; sh -c 'echo \$\$ >$pidfile; exec $SMOLSH_BUILD/smolsh'; echo rc=\$? \$(stty -a | grep -ow -- '-\\?icanon')" Enter
	see "$1: it is there" 'Tab complete'
	pid=$(cat "$pidfile")
}
# ended NAME CODE: the shell is there again, in its own modes, and none of the screen's children.
ended() {
	see "$1: exit $2, and the terminal as it was" "^rc=$2 icanon"
	check "$1: nothing is left" t_until t_no_processes
	check "$1: no mode is left" t_until modes_off
}
# Of bracketed paste and the mouse the last word is "off".
modes_off() {
	local mode last
	for mode in 2004 1002 1006; do
		last=$(grep -ao "\[?${mode}[hl]" "$written" | tail -1)
		[ "$last" = "[?${mode}l" ] || return 1
	done
}

begin quit
keys quit Enter
ended quit 0
for signal in TERM INT QUIT HUP; do
	begin "$signal"
	kill "-$signal" "$pid"
	ended "$signal" 0
done

begin TSTP
kill -TSTP "$pid"
see "TSTP: the shell goes on" 'Stopped'
check "TSTP: no mode is left" t_until modes_off
keys "fg; echo rc=\$? \$(stty -a | grep -ow -- '-\\?icanon')" Enter
see "fg: the screen is there again" 'Tab complete'
keys quit Enter
ended fg 0

# Where there is no shell to go on from, Ctrl-Z stops nothing.
mux new-window "$SMOLSH_BUILD/smolsh"
see "no shell: it is there" 'Tab complete'
keys C-z
keys still-here
see "no shell: Ctrl-Z does not stop it" '▸ still-here'
keys C-u quit Enter
see "no shell: left" '^rc=0 icanon'

# What is closed is what the question names, whatever is chosen meanwhile.
check "a VM" smolsh create web
check "a job" smolsh exec -d web -- sleep 1000
begin closing
keys 'exec web -- sleep 2000' Enter
see "closing: a pane" '1 exec web .*run'
keys M-1
keys M-a M-x
see "closing: it is asked" 'Close 1'
see "closing: another pane is chosen meanwhile" '2 attach web .*run'
keys y
see_no "closing: the one that was asked about is closed" '1 exec web'
see "closing: the other one is not" '2 attach web .*run'
keys M-p quit Enter
see "closing: left" "^rc=0 icanon"
check "the VM is deleted" smolsh delete web --force --yes
mux kill-server
t_end
