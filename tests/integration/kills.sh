#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 of everything in the midst of everything: client, agent, device, monitor and QEMU, while a
# command streams, files go both ways, a forwarded port carries bytes, a job is attached to, is
# waited for, and jobs are started. Whoever is left comes to its end with the right words and code,
# and nothing stays behind on the host or in the guest.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
. "$(dirname "$0")/lib.sh"
t_begin kills

ops=(exec put get attach wait start)
declare -A pid

# Something that goes on for ever, and can be seen to.
ticks='while :; do echo tick; sleep 0.05; done'
producer() { while head -c 65536 /dev/zero; do read -rt 0.05 <> <(:); done; }

# begin_OP starts a client in the background and leaves its pid in $!; midst_OP: it is in the midst.
begin_exec() { smolsh_bg exec web -- sh -c "$ticks" >"$t_dir/exec.out" 2>"$t_dir/exec.err" & }
midst_exec() { grep -q tick "$t_dir/exec.out"; }
# From a source that never ends, into a directory of its own.
begin_put() { smolsh_bg cp - web:/root/in/file <"$t_dir/source" >/dev/null 2>"$t_dir/put.err" & }
midst_put() { [ "$(sed -n 's/^rchar: //p' "/proc/${pid[put]}/io")" -gt 300000 ]; }
# To a reader that takes its time.
begin_get() { smolsh_bg cp web:/root/big - >"$t_dir/sink" 2>"$t_dir/get.err" & }
midst_get() { [ -s "$t_dir/got" ]; }
begin_attach() { smolsh_bg attach web "$job" >"$t_dir/attach.out" 2>"$t_dir/attach.err" & }
midst_attach() { grep -q tick "$t_dir/attach.out"; }
begin_wait() { smolsh_bg wait web --job "$job" >/dev/null 2>"$t_dir/wait.err" & }
midst_wait() { [ "$(smolsh --json health web | grep -oE '"connections":[0-9]+' | cut -d: -f2)" -ge 6 ]; }
# One after the other, until one cannot be started: its code and its words are what counts.
begin_start() { (while smolsh exec -d web -- true >>"$t_dir/start.out" 2>"$t_dir/start.err"; do :; done; exit 125) & }
midst_start() { [ -s "$t_dir/start.out" ]; }

# All of them at once, and a forwarded port beside them.
begin_all() {
	: >"$t_dir/start.out"
	rm -f "$t_dir/source" "$t_dir/sink" "$t_dir/got"
	mkfifo "$t_dir/source" "$t_dir/sink"
	producer >"$t_dir/source" 2>/dev/null &
	pid[producer]=$!
	(while head -c 32768 && read -rt 0.05 <> <(:) || [ $? -gt 128 ]; do :; done) <"$t_dir/sink" >"$t_dir/got" 2>/dev/null &
	pid[consumer]=$!
	job=$(smolsh exec -d web -- sh -c "$ticks")
	for op in "${ops[@]}"; do
		"begin_$op"
		pid[$op]=$!
		check "$victim: in the midst of $op" t_until "midst_$op"
	done
	socat -u "TCP:127.0.0.1:$port" "CREATE:$t_dir/forward.out" 2>/dev/null &
	pid[forward]=$!
	check "$victim: in the midst of forward" t_until midst_forward
}
midst_forward() { grep -q tick "$t_dir/forward.out"; }

# Each comes to its end in time, with 125 and the words.
ended() { ! kill -0 "$1" 2>/dev/null || t_ended "$1"; }
end_all() { # WORDS WORDS-OF-START
	for op in "${ops[@]}"; do
		if t_until ended "${pid[$op]}"; then
			wait "${pid[$op]}"
			same "$victim: $op ends with 125" $? 125
		else
			not_ok "$victim: $op comes to its end"
		fi
		local words=$1
		[ "$op" = start ] && words=$2
		match "$victim: $op says why" "$words" "$(head -n 1 "$t_dir/$op.err")"
	done
	check "$victim: the forwarded connection comes to its end" t_until ended "${pid[forward]}"
	kill "${pid[producer]}" "${pid[consumer]}" 2>/dev/null
	wait "${pid[forward]}" "${pid[producer]}" "${pid[consumer]}" 2>/dev/null
}

# What the guest needs for it.
prepare() {
	smolsh exec web -- sh -c 'mkdir -p /root/in; [ -e /root/big ] || head -c 50000000 /dev/zero >/root/big
		pidof nc >/dev/null || { nc -ll -p 8080 -e sh -c "'"$ticks"'" >/dev/null 2>&1 </dev/null & }'
	port=$(smolsh forward web 0:8080 | sed -E 's|.*127\.0\.0\.1:([0-9]+).*|\1|')
}
guest_is_clean() {
	[ -z "$(smolsh exec web -- find /root/in -mindepth 1)" ] &&
		[ "$(smolsh --json health web | grep -oE '"connections":[0-9]+')" = '"connections":1' ]
}

check "create" smolsh create web --memory 256M

# The clients: each is killed, the guest goes on.
victim="kill -9 of the client"
prepare
begin_all
for op in "${ops[@]}" forward; do
	kill -9 "${pid[$op]}"
	wait "${pid[$op]}" 2>/dev/null
done
kill "${pid[producer]}" "${pid[consumer]}" 2>/dev/null
wait "${pid[producer]}" "${pid[consumer]}" 2>/dev/null
check "$victim: nothing of them is left in the guest" t_until guest_is_clean
same "$victim: their commands go on, with nobody attached" \
	"$(smolsh --json jobs web | tr '{' '\n' | grep '"state":"running"' | grep tick | grep -c '"attached":false')" 2
check "$victim: the forwarded port still answers" bash -c 'read -r line <"/dev/tcp/127.0.0.1/$0" && [ "$line" = tick ]' "$port"
expect_exit 0 "$victim: the VM goes on" smolsh exec web -- true

# The agent: PID 1 starts it again.
victim="kill -9 of the agent"
prepare
begin_all
smolsh exec web -- sh -c 'for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" -gt 1 ] && [ "$(readlink /proc/$p/exe)" = /init ] && kill -9 $p; done' >/dev/null 2>&1
end_all 'the connection ended before (the command did|the answer came|all was copied)' \
	'the connection ended before the answer came'
check "$victim: nothing of them is left in the guest" t_until guest_is_clean
check "$victim: none of their commands runs" t_until smolsh exec web -- sh -c '! ps | grep -v "nc -ll" | grep -q "[e]cho tick"'
# Those of the clients that were killed, and those of now.
same "$victim: the jobs are lost" "$(smolsh jobs web | grep -c ' lost .* echo tick')" 4
prepare
check "$victim: a forwarded port answers" bash -c 'read -r line <"/dev/tcp/127.0.0.1/$0" && [ "$line" = tick ]' "$port"

# The vsock device: another takes over, and what their commands do goes on.
victim="kill -9 of the device"
prepare
begin_all
kill -9 "$(t_pid web device)"
cut="the vsock device of VM 'web' died, which cut the connection, and was started again: smolsh-vsockd was killed by signal 9"
# One that nobody had heard yet is said again by itself, so starting jobs may go on and on.
kill "${pid[start]}"
wait "${pid[start]}" 2>/dev/null
ops=(exec put get attach wait)
end_all "$cut" "$cut"
ops+=(start)
check "$victim: nothing of them is left in the guest" t_until guest_is_clean
check "$victim: a forwarded port answers" bash -c 'read -r line <"/dev/tcp/127.0.0.1/$0" && [ "$line" = tick ]' "$port"
expect_exit 0 "$victim: the VM goes on" smolsh exec web -- true

# What the VM needs: it ends, and says who was killed.
for row in 'hypervisor|qemu was killed by signal 9' \
	'monitor|its monitor was killed' \
	'monitor device|its monitor was killed'; do
	who=${row%%|*}
	victim="kill -9 of the $who"
	t_is web running || check "$victim: it starts again" smolsh start web
	prepare
	begin_all
	pids=()
	for one in $who; do
		pids+=("$(t_pid web "$one")")
	done
	kill -9 "${pids[@]}"
	end_all "VM 'web' died: ${row#*|}" "VM 'web' died: ${row#*|}"
	expect_exit 0 "$victim: list tells" smolsh list
	expect_out "$victim: died, and why" "^web .*died.*${row#*|}"
	check "$victim: no process is left" t_until t_no_processes
	check "$victim: no socket is left" t_until t_no_sockets
	same "$victim: nothing but logs is left of the VM" \
		"$(find "$SMOLSH_HOME/state/vms" -type f ! -name '*.log' ! -name 'journal.jsonl*' ! -name '*.log.1')" ""
	check "$victim: the port is closed" bash -c '! exec 3<>"/dev/tcp/127.0.0.1/$0"' "$port"
done
same "no temporary file is left" "$(find "$t_dir" -name '.smolsh-*' -o -name '*.part')" ""

t_end
