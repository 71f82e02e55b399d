#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A VM is never called stopped, or died, while its hypervisor lives; and it can be started again at
# once, with its CID, whoever was killed before (pitfall 19).
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
t_begin ends

db() { sqlite3 -cmd '.timeout 10000' "$SMOLSH_HOME/state/registry.db" "$1"; }
row() { db "SELECT state FROM vm WHERE name = 'web'"; }
cid() { db "SELECT cid FROM vm WHERE name = 'web'"; }
ended() { case $(row) in stopped | died) ;; *) return 1 ;; esac }

# Looks again and again, and notes when the row says that it has ended and the process is there.
look() {
	local pid
	while [ ! -e "$t_dir/enough" ]; do
		pid=$(cat "$t_dir/pid")
		if ended && ! t_ended "$pid"; then
			echo "$(row), and $pid lives" >>"$t_dir/lies"
		fi
		read -rt 0.01 <> <(:)
	done
}
# The VM runs, and this is the process that is looked for.
runs() {
	check "$1: it runs" t_is web running
	same "$1: with its CID" "$(cid)" "$first"
	t_pid web hypervisor >"$t_dir/pid.new"
	mv "$t_dir/pid.new" "$t_dir/pid"
}

check "create" smolsh create web
first=$(cid)
runs "create"
touch "$t_dir/lies"
look 2>/dev/null &
looker=$!

# The monitor is killed: the next start waits for what it leaves.
for i in 1 2; do
	monitor=$(t_pid web monitor)
	hypervisor=$(cat "$t_dir/pid")
	[ "$i" -eq 2 ] && kill -STOP "$hypervisor"
	kill -9 "$monitor"
	check "kill -9 of the monitor, $i: it has ended" t_until t_ended "$monitor"
	expect_exit 0 "kill -9 of the monitor, $i: start at once" smolsh start web
	check "kill -9 of the monitor, $i: the hypervisor before has ended" t_ended "$hypervisor"
	runs "kill -9 of the monitor, $i"
done

# The starter is killed: its monitor goes on, and the next start joins it.
check "stop" smolsh stop web
same "stop: stopped" "$(row)" stopped
smolsh_bg start web 2>/dev/null &
starter=$!
check "it boots" t_until eval '[ "$(row)" = starting ]'
kill -9 "$starter"
wait "$starter" 2>/dev/null
expect_exit 0 "kill -9 of the starter: start joins" smolsh start web
runs "kill -9 of the starter"
same "kill -9 of the starter: there is one VM" "$(t_processes | wc -l)" 3

# A stop to which nobody answers: the monitor is killed, and only then it has ended.
kill -STOP "$(t_pid web monitor)"
hypervisor=$(cat "$t_dir/pid")
expect_exit 0 "a stop that is not answered" smolsh stop --timeout 0.1 web
check "a stop that is not answered: the hypervisor has ended" t_ended "$hypervisor"
check "a stop that is not answered: so has the VM" ended
expect_exit 0 "a stop that is not answered: start at once" smolsh start web
runs "a stop that is not answered"

# All at once, again and again.
for i in 1 2 3; do
	hypervisor=$(cat "$t_dir/pid")
	monitor=$(t_pid web monitor)
	smolsh_bg stop --force web 2>/dev/null &
	stopper=$!
	kill -9 "$monitor" 2>/dev/null
	wait "$stopper"
	check "stop and kill, $i: the monitor has ended" t_until t_ended "$monitor"
	expect_exit 0 "stop and kill, $i: start" smolsh start web
	check "stop and kill, $i: the hypervisor before has ended" t_ended "$hypervisor"
	runs "stop and kill, $i"
done

# Its CID belongs to it, and to nobody else, as long as it is there.
expect_exit 125 "its CID is not to be had" smolsh create other --no-start --cid "$first"
expect_err "its CID is not to be had: why" "CID $first is taken"
check "delete" smolsh delete --force --yes web
expect_exit 0 "its CID is free again" smolsh create other --no-start --cid "$first"

touch "$t_dir/enough"
wait "$looker"
same "never was it said to have ended while its hypervisor lived" "$(cat "$t_dir/lies")" ""

t_end
