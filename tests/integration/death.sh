#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What dies at the wrong time: hypervisor, monitor, agent, client (pitfalls 4, 13, 14, 16-19). The
# device: device.sh.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
. "$(dirname "$0")/lib.sh"
t_begin death

check "create" smolsh create web
smolsh_bg exec web -- sh -c 'echo the last words >/dev/console; echo started; sleep 100' >"$t_dir/out" 2>"$t_dir/err" &
client=$!
check "the command runs" t_until grep -q started "$t_dir/out"
kill -9 "$(t_pid web hypervisor)"
wait "$client"
same "kill -9 of QEMU: exec ends with 125, never 0" $? 125
t_err=$(cat "$t_dir/err")
expect_err "kill -9 of QEMU: why" "VM 'web' died: qemu was killed by signal 9 \(SIGKILL\)"
expect_err "kill -9 of QEMU: the console's last lines" '^ +the last words'
same "kill -9 of QEMU: died" "$(t_state web)" died
check "kill -9 of QEMU: no process is left" t_until t_no_processes
check "kill -9 of QEMU: no socket is left" t_no_sockets
expect_exit 0 "kill -9 of QEMU: list shows the cause" smolsh list
expect_out "kill -9 of QEMU: in its row" '^web .*died.*SIGKILL'

check "it starts again" smolsh start web
smolsh_bg exec web -- sleep 100 2>"$t_dir/err" &
client=$!
monitor=$(t_pid web monitor)
hypervisor=$(t_pid web hypervisor)
check "QEMU is there" test -d "/proc/$hypervisor"
kill -9 "$monitor"
wait "$client"
same "kill -9 of the monitor: exec ends with 125" $? 125
check "kill -9 of the monitor: QEMU dies with it" t_until t_ended "$hypervisor"
expect_exit 0 "kill -9 of the monitor: list tells" smolsh list
expect_out "kill -9 of the monitor: died, and why" '^web .*died.*its monitor was killed'
check "kill -9 of the monitor: sockets are cleaned up" t_no_sockets

# SIGTERM to the monitor is an orderly stop.
check "it starts again" smolsh start web
kill -TERM "$(t_pid web monitor)"
check "SIGTERM to the monitor: stopped" t_until t_is web stopped
check "SIGTERM to the monitor: no process is left" t_until t_no_processes

# The agent dies: PID 1 starts it again, and what it ran is lost, which nobody calls a success.
kill_agent() { smolsh exec web -- sh -c 'for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" -gt 1 ] && [ "$(readlink /proc/$p/exe)" = /init ] && kill -9 $p; done'; }
check "it starts again" smolsh start web
job=$(smolsh exec -d web 'echo kept; exec sleep 4320')
smolsh_bg exec web -- sh -c 'echo up; sleep 100' >"$t_dir/out" 2>"$t_dir/err" &
client=$!
smolsh_bg wait web --job "$job" >/dev/null 2>"$t_dir/wait.err" &
waiter=$!
smolsh_bg attach web "$job" >"$t_dir/attach" 2>"$t_dir/attach.err" &
attached=$!
check "the command runs" t_until grep -q up "$t_dir/out"
check "the job is attached to" t_until grep -q kept "$t_dir/attach"
connected() { [ "$(smolsh --json health web | sed -E 's/.*"connections":([0-9]+).*/\1/')" -eq 4 ]; }
check "and waited for" t_until connected
kill_agent >"$t_dir/kill" 2>&1
wait "$client"
same "kill -9 of the agent: exec ends with 125" $? 125
check "kill -9 of the agent: said so" grep -q 'the connection ended before the command did' "$t_dir/err"
wait "$waiter"
same "kill -9 of the agent: wait ends with 125" $? 125
check "kill -9 of the agent: wait says so" grep -q 'the connection ended before the answer came; try: smolsh jobs web' "$t_dir/wait.err"
wait "$attached"
same "kill -9 of the agent: attach ends with 125" $? 125
check "kill -9 of the agent: attach says so" grep -q 'the connection ended before the command did' "$t_dir/attach.err"
expect_exit 0 "kill -9 of the agent: it is back" smolsh exec web -- echo back
same "kill -9 of the agent: and answers" "$t_out" back
same "kill -9 of the agent: nothing is told of tries before the one that did it" "$t_err" ""
same "kill -9 of the agent: the VM still runs" "$(t_state web)" running
expect_exit 1 "kill -9 of the agent: its commands are killed" smolsh exec web -- sh -c 'ps | grep "[s]leep 4320"'
expect_exit 0 "a lost job: jobs" smolsh jobs web
expect_out "a lost job: its state" "^web +$job +lost +- +125 .* echo kept"
expect_exit 125 "a lost job: attach" smolsh attach web "$job"
expect_err "a lost job: attach says why" "job $job was lost when the agent died, and its output with it"
expect_exit 125 "a lost job: wait" smolsh wait web --job "$job"
expect_err "a lost job: wait says why" "job $job was lost when the agent died"
expect_exit 125 "a lost job: wait --json" smolsh --json wait web --job "$job"
expect_out "a lost job: wait --json is no success" '^\{"ok":false.*"code":"state"'
expect_exit 0 "a lost job: there is nothing left to cancel" smolsh cancel web "$job"
same "a lost job: cancel calls it so" "$t_out" "job $job: lost"
next=$(smolsh exec -d web -- true)
check "ids go on" test "$next" -gt "$job"
kill_agent >"$t_dir/kill" 2>&1
expect_exit 125 "a lost job: it stays lost" smolsh attach web "$job"

# A client that is killed does no harm to a VM that is meant to stay, nor to its command.
smolsh_bg exec web -- sleep 4321 &
client=$!
check "the command runs" t_until smolsh exec web -- sh -c 'ps | grep -q "[s]leep 4321"'
kill -9 "$client"
wait "$client" 2>/dev/null
expect_exit 0 "kill -9 of the client: the VM goes on" smolsh exec web -- true
check "kill -9 of the client: its command goes on" smolsh exec web -- sh -c 'ps | grep -q "[s]leep 4321"'

# A boot that fails shows the console's end and where the log is (18).
expect_exit 125 "a boot that fails" smolsh create bad --kernel-args 'rdinit=/no/such/init init=/no/such' --boot-timeout 60
expect_err "a boot that fails: why" "VM 'bad' died: .*panic"
expect_err "a boot that fails: the console's last lines" '^ +.*(panic|init)'
expect_err "a boot that fails: where the rest is" 'smolsh logs bad'
webs_alone() { [ "$(t_processes | wc -l)" -eq 3 ]; }
check "a boot that fails: no process is left but web's" t_until webs_alone
expect_exit 0 "a boot that fails: its log is there" smolsh logs bad
expect_out "a boot that fails: its log says it" 'Kernel panic'
expect_exit 125 "a boot that takes too long" smolsh create slow --kernel-args 'rdinit=/bin/busybox' --boot-timeout 4
expect_err "a boot that takes too long, or panics: said" "VM 'slow'"

t_end
