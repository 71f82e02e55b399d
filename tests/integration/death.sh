#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What dies at the wrong time: hypervisor, device, monitor, agent, client (pitfalls 4, 13, 14, 16-19).
# shellcheck disable=SC2016
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
kill -9 "$(t_pid web device)"
check "kill -9 of the device: the VM ends" t_until t_is web died
expect_exit 0 "kill -9 of the device: info" smolsh info web
expect_out "kill -9 of the device: the cause" 'smolsh-vsockd was killed by signal 9'
check "kill -9 of the device: no process is left" t_until t_no_processes

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

# The agent dies: PID 1 starts it again, and the running command says what happened.
check "it starts again" smolsh start web
smolsh_bg exec web -- sh -c 'echo up; sleep 100' >"$t_dir/out" 2>"$t_dir/err" &
client=$!
check "the command runs" t_until grep -q up "$t_dir/out"
smolsh exec web -- sh -c 'for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" -gt 1 ] && [ "$(readlink /proc/$p/exe)" = /init ] && kill -9 $p; done' >"$t_dir/kill" 2>&1
wait "$client"
same "kill -9 of the agent: exec ends with 125" $? 125
check "kill -9 of the agent: said so" grep -q 'the connection ended before the command did' "$t_dir/err"
expect_exit 0 "kill -9 of the agent: it is back" smolsh exec web -- echo back
same "kill -9 of the agent: and answers" "$t_out" back
same "kill -9 of the agent: the VM still runs" "$(t_state web)" running

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
check "a boot that fails: no process is left but web's" test "$(t_processes | wc -l)" -eq 3
expect_exit 0 "a boot that fails: its log is there" smolsh logs bad
expect_out "a boot that fails: its log says it" 'Kernel panic'
expect_exit 125 "a boot that takes too long" smolsh create slow --kernel-args 'rdinit=/bin/busybox' --boot-timeout 4
expect_err "a boot that takes too long, or panics: said" "VM 'slow'"

t_end
