#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Scripts: -c, -f, #!, stdin; where they stop; several at once (15); logs -f, wait, doctor.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
t_begin batch

cat >"$t_dir/script" <<-END
	#!$SMOLSH_BUILD/smolsh -f
	# a VM, used and removed
	create web     # with a comment
	exec web -- echo "from a file"; exec web 'echo "a | b" | wc -l'
	exec web -- false
	exec web -- echo never
END
chmod +x "$t_dir/script"
expect_exit 1 "#!: stops at the first failure, with its exit code" "$t_dir/script"
same "#!: what came before it" "$t_out" 'web
from a file
1'
expect_exit 1 "--keep-going: goes on" smolsh --keep-going -c 'exec web -- false; exec web -- echo after'
same "--keep-going: what came behind" "$t_out" after
printf 'exec web -- echo one\nexec web -- echo two\n' >"$t_dir/in"
same "stdin is a script, too" "$(smolsh <"$t_dir/in")" 'one
two'
expect_exit 2 "an error in a script names file and line" smolsh -f <(printf 'list\nfrob\n')
expect_err "file and line" ':2: '
expect_exit 2 "nothing runs when the text does not parse" smolsh -c 'exec web -- touch /tmp/ran; exec web "x'
expect_exit 1 "nothing has run" smolsh exec web -- test -e /tmp/ran

# The starter's descriptors are not kept: command substitution returns.
got=$(timeout 60 "$SMOLSH_BUILD/smolsh" create sub)
same "\$(smolsh create …) returns" "$got" sub

# Ten commands at once on one registry (15).
pids=()
for i in 1 2 3 4 5 6 7 8 9 10; do
	smolsh -c "create par-$i --no-start; list; delete --yes par-$i" >"$t_dir/par$i" 2>&1 &
	pids+=($!)
done
bad=0
for p in "${pids[@]}"; do wait "$p" || bad=$((bad + 1)); done
same "ten scripts at once: none is told that the database is locked" $bad 0

# Two starters of one VM: one monitor.
check "stop" smolsh stop --force sub
smolsh start sub >"$t_dir/s1" 2>&1 &
one=$!
smolsh start sub >"$t_dir/s2" 2>&1 &
two=$!
wait $one
a=$?
wait $two
b=$?
check "two starts at once: at least one succeeds" test $a -eq 0 -o $b -eq 0
same "two starts at once: one hypervisor" "$(for p in $(t_processes); do tr '\0' ' ' <"/proc/$p/cmdline"; echo; done | grep -c 'guest=sub ')" 1
expect_exit 0 "two starts at once: the VM works" smolsh exec sub -- true

# logs and logs -f.
smolsh exec sub -- sh -c 'echo mark-one >/dev/console'
expect_exit 0 "logs" smolsh logs sub
expect_out "logs: the console" 'mark-one'
smolsh_bg logs -f sub >"$t_dir/follow" 2>&1 &
follow=$!
check "logs -f: begins with what there is" t_until grep -q mark-one "$t_dir/follow"
smolsh exec sub -- sh -c 'echo mark-two >/dev/console'
check "logs -f: shows what comes" t_until grep -q mark-two "$t_dir/follow"
smolsh exec sub -- sh -c 'i=0; while [ $i -lt 400 ]; do head -c 4000 /dev/zero | tr "\0" x; echo; i=$((i+1)); done >/dev/console; echo mark-three >/dev/console'
check "logs -f: follows through a rotation" t_until grep -q mark-three "$t_dir/follow"
check "the console log is bounded" test "$(cat "$SMOLSH_HOME"/state/vms/"$(smolsh list | awk '/^sub/{print $2}')"/console.log* | wc -c)" -le 2200000
check "stop it" smolsh stop sub
wait $follow
same "logs -f: ends with the VM" $? 0
expect_exit 0 "logs --journal" smolsh logs --journal sub
expect_out "logs --journal: the end and its cause" 'stopped as asked'

check "a VM that was never started" smolsh create never --no-start
expect_exit 0 "logs -f of it: ends" timeout 20 "$SMOLSH_BUILD/smolsh" logs -f never
expect_err "logs -f of it: says so" "'never' has not been started yet: no log"

# wait.
smolsh_bg wait web --for exit --timeout 60 &
waiter=$!
check "stop web" smolsh stop --force web
wait $waiter
same "wait --for exit" $? 0
expect_exit 1 "wait: bounded" timeout 20 "$SMOLSH_BUILD/smolsh" wait web --for ready --timeout 1

# doctor, version, help.
expect_exit 0 "doctor" smolsh doctor
expect_out "doctor: the accelerator" 'tcg|kvm'
expect_out "doctor: every helper" 'smolsh-monitor.*smolsh-vsockd.*smolsh-forward.*smolsh-image.*smolsh-agent'
expect_exit 0 "doctor --json" smolsh --json doctor
check "doctor --json is JSON" python3 -c 'import json,sys; json.loads(sys.argv[1])' "$t_out"
expect_exit 0 "version" smolsh version
expect_exit 0 "help" smolsh help
for c in create start stop restart delete list info exec run health sysinfo logs wait doctor image help version; do
	expect_exit 0 "help $c" smolsh help $c
done
expect_exit 0 "image list" smolsh image list
expect_out "image list: base" 'base'
expect_exit 0 "image info base" smolsh image info base
expect_exit 0 "image info --verify" smolsh image info base --verify

t_end
