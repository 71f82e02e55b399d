#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# create, start, stop, restart, delete, list, info, wait, health, sysinfo; reboot, poweroff, panic.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
t_begin lifecycle

expect_exit 0 "create" smolsh create web --memory 96 --cpus 1
same "create: prints the name and nothing else" "$t_out" web
same "create: it runs" "$(t_state web)" running
expect_exit 125 "create: the name is taken" smolsh create web
expect_err "create: and says so" "exists"
expect_exit 0 "list" smolsh list
expect_out "list: shows it" '^web +[0-9a-f]{12} +running'
expect_exit 0 "info" smolsh info web
expect_out "info: accelerator and why" '(tcg|kvm) \('
expect_out "info: vsock" 'enabled: CID [0-9]+, port 5000'
same "the journal: QEMU has no news of a start" "$(cat "$SMOLSH_HOME"/state/vms/*/journal.jsonl | grep -c '"message"')" 0
expect_exit 0 "health" smolsh health web --json
expect_out "health: no more digits than were measured" '"rtt_ms":[0-9]+(\.[0-9]{1,3})?,'
expect_exit 0 "sysinfo" smolsh sysinfo web
expect_out "sysinfo: kernel" 'kernel +[0-9]+\.'
expect_out "sysinfo: words, and values with their units" '^uptime +[0-9ms]+s$'
expect_out "sysinfo: a limit that is none" '^limits file +none$'
expect_out "sysinfo: the load" '^load +[0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2} [0-9.]+$'
expect_exit 0 "sysinfo --json" smolsh --json sysinfo web
expect_out "sysinfo --json: memory, load, processes, disk" '"memory":\{.*"load":\[.*"processes":.*"disk":\{'
expect_exit 0 "an id's beginning is enough" smolsh exec "$(smolsh list | awk '/^web/{print substr($2,1,6)}')" -- true
expect_exit 0 "a name's beginning is enough" smolsh exec we -- true
for verb in 'delete --force' stop restart; do
	# shellcheck disable=SC2086
	expect_exit 125 "but not for $verb" smolsh $verb we
	expect_err "$verb: what it may have meant" "^smolsh: no VM 'we', and a whole name is needed here; did you mean 'web'\?$"
done
expect_exit 2 "start what runs, with a wrong option" smolsh start --nope web
expect_exit 0 "start what runs is no error" smolsh start web

expect_exit 0 "stop" smolsh stop web
same "stop: stopped" "$(t_state web)" stopped
expect_exit 0 "stop: the guest was asked first" smolsh logs web
expect_out "stop: and powered off" 'Power down|powering off'
check "stop: no process is left" t_until t_no_processes
check "stop: no socket is left" t_no_sockets
expect_exit 0 "stop again is no error" smolsh stop web
expect_exit 125 "exec in a stopped VM" smolsh exec web -- true
expect_err "exec in a stopped VM: the mend" 'smolsh start web'
expect_exit 1 "health of a stopped VM is no" smolsh health web
expect_exit 1 "wait --for ready on a stopped VM is no" smolsh wait web --for ready --timeout 1
expect_err "wait on a stopped VM: why, and the mend" "'web' is not ready: it is stopped: .+; try: smolsh start web"

# Within one -c: exec after restart finds the new agent.
expect_exit 0 "restart and exec within one -c" smolsh -c 'start web; exec web -- touch /tmp/mark; restart web; exec web -- sh -c "test ! -e /tmp/mark && echo fresh"'
same "restart: it is a fresh boot" "$t_out" fresh

# The guest reboots: it boots again, by itself.
before=$(smolsh exec web -- cat /proc/sys/kernel/random/boot_id)
smolsh exec web -- sh -c 'reboot; sleep 60' >"$t_dir/reboot" 2>&1
check "guest reboot: what ran is an error that says why: exit code" test $? -eq 125
check "guest reboot: and the message" grep -q "VM 'web' rebooted, which cut the connection; try: smolsh wait web" "$t_dir/reboot"
check "guest reboot: it was noticed" t_until grep -q '"event":"reboot"' "$SMOLSH_HOME"/state/vms/*/journal.jsonl
check "guest reboot: ready again" smolsh wait web --for ready --timeout 60
after=$(smolsh exec web -- cat /proc/sys/kernel/random/boot_id)
check "guest reboot: another boot" test -n "$after" -a "$before" != "$after"

# The guest powers off: stopped, and not died.
smolsh exec web -- poweroff >"$t_dir/poweroff" 2>&1
expect_exit 0 "guest poweroff: wait --for exit" smolsh wait web --for exit --timeout 30
same "guest poweroff: stopped" "$(t_state web)" stopped
expect_exit 0 "guest poweroff: the cause" smolsh info web
expect_out "guest poweroff: is said" 'the guest powered off'

# The guest panics: died, with the panic as the cause.
check "start again" smolsh start web
expect_exit 125 "panic: exec in it is 125" smolsh exec web -- sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 60'
expect_err "panic: why it died" "VM 'web' died: the guest's kernel panicked: Kernel panic - not syncing"
same "panic: the console up to it, without registers" "$(tail -n 1 <<<"$t_err" | cut -d']' -f2-)" " Kernel panic - not syncing: sysrq triggered crash"
same "panic: died" "$(t_state web)" died
expect_exit 125 "panic: later commands say it, too" smolsh exec web -- true
expect_err "panic: with the cause" 'panicked'

# A guest that does not listen to a polite request.
check "start again" smolsh start web
# One that stands still answers nothing: nobody knows whether the job still runs.
kill -STOP "$(t_pid web hypervisor)"
expect_exit 125 "a guest that stands still: wait --job" smolsh wait web --job 1
expect_exit 1 "a guest that stands still: wait has an end" smolsh wait web --for agent --timeout 1
kill -CONT "$(t_pid web hypervisor)"
# (SIGSTOP does nothing to PID 1: it is the agent that is stopped.)
smolsh_bg exec web -- sh -c 'for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" -gt 1 ] && [ "$(readlink /proc/$p/exe)" = /init ] && kill -STOP $p; done' 2>"$t_dir/stopped" &
deaf=$!
check "the agent is stopped" t_until eval '! timeout 1 "$SMOLSH_BUILD/smolsh" health web'
expect_exit 0 "stop --timeout: a guest that does not react is killed" timeout 60 "$SMOLSH_BUILD/smolsh" stop --timeout 1 web
same "stop --timeout: stopped" "$(t_state web)" stopped
wait "$deaf"
check "stop --timeout: it was not the guest that ended" grep -q '"step":"quit"' "$SMOLSH_HOME"/state/vms/*/journal.jsonl

# Several VMs at once.
check "create two, not started" smolsh -c 'create a --no-start; create b --no-start'
same "create --no-start: created" "$(t_state a)" created
expect_exit 0 "start a b" smolsh start a b
expect_exit 0 "stop a b" smolsh stop a b
expect_exit 125 "delete a nosuch: 125" smolsh delete --yes a nosuch
expect_exit 125 "delete a nosuch: a is deleted all the same" smolsh info a
check "start b" smolsh start b
expect_exit 125 "delete of a running VM is refused" smolsh delete --yes b
expect_err "delete of a running VM: the mend" '--force|smolsh stop'
check "create c, not started" smolsh create c --no-start
expect_exit 125 "delete of several, one running: refused" smolsh delete --yes c b
expect_err "delete of several: which runs, and the mend" 'nothing was deleted: b \(running\); try: smolsh delete --force --yes c b'
same "delete of several: none is deleted" "$(t_state c)" created
expect_exit 125 "delete --all, one running: refused" smolsh delete --all --yes
expect_err "delete --all: the mend" '--force --yes --all'
expect_exit 0 "delete --all --force --yes" smolsh delete --all --force --yes
expect_exit 0 "list: nothing left" smolsh --json list
expect_out "list --json: empty" '"data":\[\]'

t_end
