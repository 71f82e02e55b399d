#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The vsock device dies, again and again and at the wrong time, and another takes over: connections end
# with the reason, the guest and its jobs live, nothing piles up. And what a guest had sent when it ended
# is not lost. SMOLSH_KILLS says how often (15); pids come from the VM's own records.
# shellcheck disable=SC2016,SC2317 # words for another shell; functions called by name
. "$(dirname "$0")/lib.sh"
: "${SMOLSH_KILLS:=15}"
t_begin device

run_dir() { echo "$SMOLSH_HOME/run/$(smolsh list | awk '/^web /{print $2}')"; }
# The device's pid as the monitor has noted it, without asking anybody; nothing while there is none.
device() {
	local pid comm
	while read -r pid _; do
		read -r comm <"/proc/$pid/comm" && [ "$comm" = smolsh-vsockd ] && ! t_ended "$pid" && echo "$pid"
	done <"$dir/children" 2>/dev/null
}
another() { # than this one, and it has been started
	local now
	now=$(device)
	[ -n "$now" ] && [ "$now" != "$1" ]
}
there() { [ -n "$(device)" ]; }
kill_device() { t_until there && kill -9 "$(device)"; }
restarts() { smolsh --json info web | tr -d '\n' | grep -oE '"restarts":[0-9]+' | cut -d: -f2; }
boot_id() { smolsh exec web -- cat /proc/sys/kernel/random/boot_id; }
phase() { grep -q "\"phase\":\"$1\"" <(tail -n +"$from" "$journal"); }
ended() { t_ended "$1"; }
words="the vsock device of VM 'web' died, which cut the connection, and was started again: smolsh-vsockd was killed by signal 9 \(SIGKILL\)"

check "create" smolsh create web --memory 256M
dir=$(run_dir)
journal=$(echo "$SMOLSH_HOME"/state/vms/*/journal.jsonl)
boot=$(boot_id)
monitor=$(t_pid web monitor)
job=$(smolsh exec -d web -- sh -c 'while :; do echo tick; sleep 0.2; done')
smolsh exec web -- sh -c 'nc -ll -p 8080 -e echo served >/dev/null 2>&1 </dev/null &'
port=$(smolsh forward web 0:8080 | sed -E 's|.*127\.0\.0\.1:([0-9]+).*|\1|')
socat -u SYSTEM:'echo served' "UNIX-LISTEN:$t_dir/host.sock,fork" 2>/dev/null &
back=$!
check "forward -R" smolsh forward -R web "$t_dir/host.sock:9090"

# ---- again and again ----
# Once: a client is connected, the device dies, the client is told, the next one is served; what the
# client had started goes on (there is no cancelling of what has ended).
once() {
	local client cut
	rm -f "$t_dir/out"
	smolsh_bg exec web -- sh -c 'echo up; exec sleep 4320' >"$t_dir/out" 2>"$t_dir/err" &
	client=$!
	t_until grep -q up "$t_dir/out" || return 1
	kill_device && t_until ended "$client" || return 1
	wait "$client"
	code=$?
	cut=$(grep -E "$words; try: smolsh attach web [0-9]+\$" "$t_dir/err") && [ "$code" = 125 ] &&
		[ "$(boot_id)" = "$boot" ] && smolsh cancel web "${cut##* }" >/dev/null
}
fds() { find "/proc/$monitor/fd" -mindepth 1 | wc -l; }
rss() { awk '/^VmRSS/{print $2}' "/proc/$monitor/status"; }
# The first one brings in what is made once.
check "kill -9 of the device: its client is told, the next one is served, by the same guest" once
fds_before=$(fds)
processes_before=$(t_processes | wc -l)
done=1
bad=0
while [ "$done" -lt "$SMOLSH_KILLS" ] && [ "$bad" = 0 ]; do
	[ "$done" = 5 ] && rss_before=$(rss)
	done=$((done + 1))
	once || bad=$done
done
same "kill -9 of the device, $SMOLSH_KILLS times in a row: all the same each time" "$bad" 0
[ "$bad" = 0 ] || cat "$t_dir/err" >&2
same "the monitor has no more descriptors than after the first" "$(fds)" "$fds_before"
same "nor are there more processes" "$(t_processes | wc -l)" "$processes_before"
grown=$(($(rss) - ${rss_before:-0}))
check "and its memory has not grown ($grown KiB)" [ "$grown" -lt 2048 ]
same "info knows how often" "$(restarts)" "$SMOLSH_KILLS"
expect_exit 0 "info" smolsh info web
expect_out "info: and why" "^restarts +$SMOLSH_KILLS of the device, which died .* ago: smolsh-vsockd was killed by signal 9"
same "the journal has each, with its cause" \
	"$(smolsh logs --journal web | grep '"event":"device-restart"' | grep -c 'smolsh-vsockd was killed by signal 9 (SIGKILL)"')" "$SMOLSH_KILLS"
# Each has died soon after its start, so the next one's waits 10 ms more, 2 s at most.
pause=$((SMOLSH_KILLS > 200 ? 2000 : 10 * (SMOLSH_KILLS - 1)))
expect_out "info: and for how long the last start was put off" "SIGKILL\); it keeps dying: the last start waited $pause ms\$"
same "the journal: for how long each" \
	"$(grep -oE '"pause_ms":[0-9]+' "$journal" | cut -d: -f2 | sort -n | tail -n 1)" "$pause"
same "the VM runs" "$(t_state web)" running
expect_exit 0 "jobs" smolsh jobs web
expect_out "a job from before goes on" "^ *web +$job +running"
check "and is cancelled" smolsh cancel web "$job"
check "a forwarded port is served" bash -c 'read -r line <"/dev/tcp/127.0.0.1/$0" && [ "$line" = served ]' "$port"
reverse() { [ "$(smolsh exec web -- nc 127.0.0.1 9090)" = served ]; }
check "the other way, too" t_until reverse
kill "$back"

# ---- in the midst ----
smolsh exec web -- sh -c 'head -c 30000000 /dev/zero >/root/big'
mkfifo "$t_dir/sink" "$t_dir/source"
smolsh_bg cp web:/root/big - >"$t_dir/sink" 2>"$t_dir/get.err" &
get=$!
smolsh_bg exec -i web -- sh -c 'echo up; cat >/dev/null; echo never' <"$t_dir/source" >"$t_dir/cat.out" 2>"$t_dir/cat.err" &
cat=$!
exec 4>"$t_dir/source" 5<"$t_dir/sink"
t_until grep -q up "$t_dir/cat.out"
head -c 65536 /dev/zero >&4
head -c 65536 <&5 >/dev/null
kill_device
cat <&5 >/dev/null &
wait "$get"
same "in the midst of bulk: cp fails" $? 125
match "in the midst of bulk: and says why" "$words" "$(cat "$t_dir/get.err")"
wait "$cat"
same "in the midst of stdin: exec fails" $? 125
match "in the midst of stdin: and says why" "$words" "$(cat "$t_dir/cat.err")"
same "in the midst of stdin: nobody claims that all came" "$(cat "$t_dir/cat.out")" up
exec 4>&- 5<&-

# A pause is one, whatever dies in it, before it, or behind it.
check "pause" smolsh pause web
before=$(device)
kill_device
check "while paused: there is another" t_until another "$before"
same "while paused: it stays paused" "$(t_state web)" paused
check "while paused: resume" smolsh resume web
same "while paused: the guest goes on" "$(boot_id)" "$boot"
for i in 1 2 3; do
	from=$(($(wc -l <"$journal") + 1))
	smolsh_bg pause web 2>"$t_dir/err" &
	pause=$!
	[ "$i" = 1 ] || t_until phase paused
	kill_device
	wait "$pause"
	same "pause and kill at once: pause succeeds" $? 0
	same "pause and kill at once: paused" "$(t_state web)" paused
	kill_device
	check "kill and resume at once: resume succeeds" smolsh resume web
	same "kill and resume at once: the guest goes on" "$(boot_id)" "$boot"
done

# One that has hardly begun, killed too; somebody gets through afterwards.
for i in 1 2 3; do
	before=$(device)
	kill_device
	t_until another "$before"
done
same "three in a row, each as soon as it is there: the guest goes on" "$(boot_id)" "$boot"

# ---- while it boots, and while it stops ----
# QEMU is to give up the dead one's rings, and does so when it has been told to quit, too.
stop_stuck() {
	local qemu stop
	qemu=$(t_pid web hypervisor)
	kill -STOP "$qemu"
	kill_device
	smolsh_bg stop --timeout 1s web &
	stop=$!
	t_until said '"step":"quit"'
	kill -CONT "$qemu"
	wait "$stop"
}
said() { grep -q "$1" <(tail -n +"$from" "$journal"); }
for at in kernel agent; do
	from=$(($(wc -l <"$journal") + 1))
	if [ "$at" = kernel ]; then
		kill_device
		check "killed just before the stop: stop" smolsh stop web
	else
		check "killed, and QEMU hears of it when it is to quit: stop" stop_stuck
		same "... no other device is started" "$(tail -n +"$from" "$journal" | grep -c '"event":"device-exit"')" 1
	fi
	match "killed just before the stop: as asked" 'stopped as asked|powered off' "$(smolsh info web | grep '^ended by')"
	from=$(($(wc -l <"$journal") + 1))
	smolsh_bg start web >"$t_dir/start" 2>&1 &
	start=$!
	check "start: phase $at" t_until phase "$at"
	kill_device
	wait "$start"
	same "killed in phase $at: it becomes ready" $? 0
	expect_exit 0 "killed in phase $at: and works" smolsh exec web -- true
done
kill -9 "$(device)" "$(t_pid web monitor)"
check "device and monitor at once: no process is left" t_until t_no_processes
expect_exit 0 "device and monitor at once: list tells" smolsh list
expect_out "device and monitor at once: died, and why" '^web .*died.*its monitor was killed'
check "it starts again" smolsh start web
expect_exit 0 "and works" smolsh exec web -- true

# ---- one that dies at once, always ----
# Nobody comes in between: neither info nor anybody else that asks the agent. Five count that lie
# within 10 s: on a host that stands still for a while, the five behind that.
gone() { [ ! -e "$dir/children" ]; }
another_or_gone() { gone || another "$1"; }
before=
for ((deaths = 0; deaths < 30; deaths++)); do
	t_until another_or_gone "$before"
	before=$(device)
	[ -n "$before" ] || break
	kill -9 "$before"
done
check "five deaths, and nobody served: the VM ends" gone
check "... and not before the fifth" [ "$deaths" -ge 5 ]
check "... it died" t_until t_is web died
expect_exit 125 "... exec" smolsh exec web -- true
expect_err "... says why" "VM 'web' died: smolsh-vsockd was killed by signal 9 \(SIGKILL\).*, for the 5th time within 10 s"

# ---- the end of the guest ----
# More than a client's socket holds, and no more than the device takes for it beside that.
wmem=$(cat /proc/sys/net/core/wmem_max)
much=$((2 * (wmem < 262144 ? wmem : 262144) + 214000))
# A client that reads nothing until QEMU has ended gets all of it, and how its command ended.
check "it starts again" smolsh start web
smolsh_bg exec web -- head -c "$much" /dev/zero >"$t_dir/sink" 2>"$t_dir/err" &
client=$!
exec 5<"$t_dir/sink"
sent() { smolsh jobs web | grep -q "exited.*head -c $much"; }
check "a command has ended whose output nobody reads" t_until sent
qemu=$(t_pid web hypervisor)
for i in 1 2 3; do smolsh exec web -- true; done
smolsh exec -d web -- poweroff -f >/dev/null 2>&1
check "the guest powers off, QEMU ends" t_until ended "$qemu"
same "all that it had sent comes" "$(wc -c <&5)" "$much"
wait "$client"
same "and how the command ended" $? 0
exec 5<&-
check "the VM has ended" t_until t_is web stopped

# One that never reads is not waited for for ever; stop --force waits for nobody. It is more than all
# that lies between the two can hold: the command stands still in the midst of it.
written() { smolsh exec web -- sh -c 'cat "/proc/$(pidof head)/io"' | grep wchar; }
for how in "" --force; do
	check "start" smolsh start web
	smolsh_bg exec web -- head -c 1000000000 /dev/zero >"$t_dir/sink" 2>"$t_dir/err" &
	client=$!
	exec 5<"$t_dir/sink"
	check "output that nobody reads" t_until written
	match "output that nobody reads: its command waits" wchar "$(t_steady written)"
	check "stop $how" smolsh stop $how web
	same "stop $how: stopped" "$(t_state web)" stopped
	[ -n "$how" ] || match "stop: what was not taken is told" 'bytes that the guest had sent were not taken in time' \
		"$(smolsh logs --journal web | tail -n 5)"
	exec 5<&-
	wait "$client" 2>/dev/null
done

t_end
