#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The main job: a fresh VM for one command, and nothing of it afterwards, however it ends.
. "$(dirname "$0")/lib.sh"
t_begin run

expect_exit 0 "run: a command in a fresh VM" smolsh -c 'run -- uname -a'
expect_out "run: the guest's own kernel" '^Linux base-[0-9a-f]{4} '
expect_exit 7 "run: the command's exit code" smolsh run -- sh -c 'echo out; echo err >&2; exit 7'
same "run: stdout is stdout" "$t_out" out
same "run: stderr is stderr" "$t_err" err
expect_exit 0 "run: list is empty afterwards" smolsh --json list
expect_out "run: no row is left" '"data":\[\]'
same "run: no log is left" "$(find "$SMOLSH_HOME/state/vms" -mindepth 1 | wc -l)" 0
expect_exit 143 "run: death by a signal is 128+n" smolsh run -- sh -c 'kill -TERM $$'
expect_exit 127 "run: no such command" smolsh run -- /no/such/command
expect_exit 126 "run: not to be executed" smolsh run -- /etc/passwd
expect_exit 124 "run: longer than the VM's limit" smolsh run --limit run=500ms -- sleep 60
expect_err "which is gone: what to change" 'limit run_ms\); try: a longer --limit run_ms=…$'

# --keep: the VM stays, and its name can be used.
expect_exit 0 "run --keep" smolsh run --keep --name kept -- true
expect_exit 0 "run --keep: the VM can be used" smolsh exec kept -- echo here
same "run --keep: exec answers" "$t_out" here
check "run --keep: deleted at last" smolsh delete --force --yes kept

# A client that is killed takes its VM with it.
smolsh_bg run --name gone -- sleep 100 &
client=$!
check "kill -9 of the client: the VM is up first" t_until t_is gone running
kill -9 "$client"
wait "$client" 2>/dev/null
check "kill -9 of the client: its VM is removed" t_until t_no_processes
expect_exit 125 "kill -9 of the client: no row is left" smolsh info gone

# Ctrl-C while it boots, and while the command runs.
smolsh_bg run --name early -- sleep 100 &
client=$!
check "SIGINT during boot: the VM is starting first" t_until t_is early starting
kill -INT "$client"
wait "$client"
same "SIGINT during boot: exit code 130" $? 130
check "SIGINT during boot: nothing is left" t_until t_no_processes
smolsh_bg run --name late -- sh -c 'trap "exit 42" INT; echo ready; while :; do sleep 0.1; done' >"$t_dir/late" &
client=$!
check "SIGINT: the command runs first" t_until grep -q ready "$t_dir/late"
kill -INT "$client"
wait "$client"
same "SIGINT goes to the guest's command, whose exit code counts" $? 42
check "SIGINT: nothing is left" t_until t_no_processes

# kill -9 of the monitor in the middle: 125, and why.
smolsh_bg run --name shot -- sleep 100 2>"$t_dir/shot" &
client=$!
check "kill -9 of the monitor: the VM is up first" t_until t_is shot running
kill -9 "$(t_pid shot monitor)"
wait "$client"
same "kill -9 of the monitor: exit code 125" $? 125
check "kill -9 of the monitor: QEMU and the device die with it" t_until t_no_processes

t_end
