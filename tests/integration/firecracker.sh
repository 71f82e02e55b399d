#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The Firecracker backend, end to end, with a real guest: its whole life, what dies at the wrong
# time, and each way in which the API can fail. By default behind it is fc-sim, a simulator
# (tests/fcsim), and not Firecracker; with SMOLSH_FIRECRACKER=PATH it is that program, and what only
# the simulator can be told to do is left out.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
. "$(dirname "$0")/lib.sh"
sim=$SMOLSH_BUILD/tests/fcsim/fc-sim
fc=${SMOLSH_FIRECRACKER:-$sim}
if [ ! -x "$fc" ]; then
	echo "skipped: there is no $fc (built where libyaml is)"
	exit 77
fi
simulated() { [ "$fc" = "$sim" ]; }
t_begin firecracker
simulated && echo "# with fc-sim, a simulator: Firecracker itself does not run here"

create() { smolsh create "$@" --memory 96 --backend firecracker --firecracker "$fc"; }
run_dir() { printf '%s/run/%s' "$SMOLSH_HOME" "$(smolsh --json info "$1" | sed -E 's/.*"id":"([0-9a-f]+)".*/\1/')"; }
# Nothing but the VMs that are named has a file in the runtime directory.
left_over() { find "$SMOLSH_HOME/run" -mindepth 2 "${@}" | head; }
child_of() { pgrep -P "$1" "$2"; }

# ---- each failure of the API, all at once: they mostly wait ----

# fault NAME FAULT: create it with that fault, what it says in $t_dir/NAME.err.
fault() {
	(
		FC_SIM_FAULT=$2 timeout 100 "$SMOLSH_BUILD/smolsh" create "$1" --memory 96 \
			--backend firecracker --firecracker "$fc" >"$t_dir/$1.out" 2>"$t_dir/$1.err"
		echo $? >"$t_dir/$1.code"
	) &
	faults+=($!)
	names+=("$1")
}
faults=() names=()
if simulated; then
	fault exits exits
	fault no-socket no-socket
	fault refuses 'refuses@PUT /vsock'
	fault refuses-kernel 'refuses@PUT /boot-source'
	fault dies-at 'dies-at@PUT /boot-source'
	fault dies-between 'dies-after@PUT /machine-config'
	fault hangs 'hangs@PUT /machine-config'
	fault hangs-start 'hangs@PUT /actions'
	fault half 'half@PUT /entropy'
	fault huge '10mb@PUT /boot-source'
	fault rubbish 'rubbish@PUT /vsock'
	fault no-json 'no-json@PUT /entropy'
	fault length-long 'length-long@PUT /logger'
	fault length-short 'length-short@PUT /machine-config'
	fault slow 'slow=60000@PUT /vsock'
fi

# failed NAME PATTERN: it ended in time with 125, and said this in one line.
failed() {
	t_err=$(cat "$t_dir/$1.err")
	same "$1: exit code" "$(cat "$t_dir/$1.code")" 125
	expect_err "$1: why" "$2"
	same "$1: nothing on standard output" "$(cat "$t_dir/$1.out")" ''
	match "$1: what would help" '; try: ' "$t_err"
	same "$1: one line" "$(grep -c '^smolsh: ' "$t_dir/$1.err")" 1
}
check_faults() {
	local pid name refusal='Firecracker refused'
	for pid in "${faults[@]}"; do wait "$pid"; done
	failed exits "VM 'exits' died: firecracker exited with code 1: .*fc-sim was told to end"
	failed no-socket 'PUT /logger: Firecracker does not open its API socket|PUT /logger.*within'
	failed refuses "$refusal PUT /vsock: fc-sim was told to refuse this.*; try: "
	failed refuses-kernel "$refusal PUT /boot-source: fc-sim was told to refuse this.*; try: "
	failed dies-at 'PUT /boot-source.*firecracker exited with code 1'
	failed dies-between 'PUT /boot-source'
	same "dies-between: a note is no last word" "$(grep -c 'a snapshot resets' <<<"$t_err")" 0
	failed hangs 'Firecracker has not answered PUT /machine-config within 5 s'
	failed hangs-start 'Firecracker has not answered PUT /actions within 30 s'
	failed half 'Firecracker has not answered PUT /entropy within 5 s'
	failed huge "Firecracker's answer to PUT /boot-source is too long: at most [0-9]+ KiB"
	failed rubbish "Firecracker's answer to PUT /vsock is not HTTP"
	failed no-json "$refusal PUT /entropy with status 400, and does not say why"
	failed length-long 'Firecracker has not answered PUT /logger within 5 s'
	failed length-short "PUT /machine-config"
	failed slow 'Firecracker has not answered PUT /vsock within 5 s'
	# One that never ran a guest is not kept, but for what its console says.
	for name in "${names[@]}"; do
		[ "$name" = exits ] || same "$name: nothing is registered" \
			"$(smolsh info "$name" 2>&1 | grep -c "no VM '$name'")" 1
	done
	same "of all these: no file is left" "$(left_over ! -path "$(run_dir web)/*")" ''
	expect_exit 0 "exits: delete" smolsh delete exits --yes
}

# ---- a life ----

# Its devices are virtio-mmio's, and ACPI tells of them, as with Firecracker; later one on PCI.
export FC_SIM_MACHINE=microvm
expect_exit 0 "create" create web --disk 8M --balloon
expect_exit 0 "info" smolsh info web
expect_out "info: the backend" '^backend +firecracker \(as asked\)'
expect_out "info: the hypervisor" '^hypervisor +firecracker, pid'
expect_exit 0 "exec: standard output" smolsh exec web -- sh -c 'echo out; echo err >&2; exit 0'
same "exec: standard output alone" "$t_out" out
same "exec: standard error alone" "$t_err" err
expect_exit 7 "exec: the exit code" smolsh exec web -- sh -c 'exit 7'
expect_exit 143 "exec: a signal" smolsh exec web -- sh -c 'kill -TERM $$'
expect_exit 124 "exec: a timeout" smolsh exec --timeout 0.5 web -- sleep 60
same "exec -i: stdin and its end" "$(seq 20000 | smolsh exec -i web -- sha256sum)" "$(seq 20000 | sha256sum)"
same "exec: 4 MiB, counted" "$(smolsh exec web -- head -c 4194304 /dev/zero | wc -c)" 4194304
seq 50000 >"$t_dir/there"
check "cp: into it" smolsh cp "$t_dir/there" web:/tmp/there
check "cp: out of it" smolsh cp web:/tmp/there "$t_dir/back"
check "cp: the same" cmp "$t_dir/there" "$t_dir/back"

expect_exit 0 "pause" smolsh pause web
same "pause: the state" "$(t_state web)" paused
expect_exit 125 "paused: exec" smolsh exec web -- true
expect_err "paused: exec says what would help" 'try: smolsh resume web'
expect_exit 0 "resume" smolsh resume web
expect_exit 0 "resumed: exec" smolsh exec web -- echo on
same "resumed: it answers" "$t_out" on

# virtio-mmio and ACPI alone: the same image has found its devices.
same "no PCI" "$(smolsh exec web -- sh -c 'ls /sys/bus/pci/devices 2>/dev/null | wc -l')" 0
check "a disk is written" smolsh exec web -- sh -c 'printf kept >/dev/vda && sync'
expect_exit 0 "balloon: what is taken" smolsh balloon web 80M
expect_exit 0 "balloon: and given back" smolsh balloon web 96M

# Neither the API's requests nor what is written of them hold the token.
token=$(sqlite3 "$SMOLSH_HOME/state/registry.db" "SELECT token FROM vm WHERE name='web'")
same "the token has 256 bits" "${#token}" 64
same "the token is in no file but the registry" \
	"$(grep -rlsF "$token" "$SMOLSH_HOME" --devices=skip | grep -v '/registry.db')" ""
told=""
for pid in $(t_processes); do
	cat "/proc/$pid/cmdline" "/proc/$pid/environ" 2>/dev/null | grep -qaF "$token" && told="$told $pid"
done
same "nor on a command line or in an environment" "$told" ""

# An agent that does not answer: the guest is told by its keyboard then, and ends in order.
dir=$(run_dir web)
check "the vsock's socket" test -S "$dir/vsock.sock"
smolsh exec -d web -- sh -c '(until grep -q "^State:.*stopped" /proc/$PPID/status; do :; done
	echo "it stands still" >/dev/console) & kill -STOP $PPID' >/dev/null &
stands_still() { smolsh logs web | grep -q '^it stands still'; }
check "the agent stands still" t_until stands_still
kill "$!" 2>/dev/null
expect_exit 0 "stop" smolsh stop --timeout 0.2 web
same "stop: the state" "$(t_state web)" stopped
same "stop: asked by the agent, then by Ctrl-Alt-Del, and not killed" \
	"$(smolsh logs --journal web | grep -o '"step":"[a-z]*"' | paste -sd' ')" '"step":"ask" "step":"quit"'
match "stop: the guest shut down" 'rebooting' "$(smolsh logs web)"
match "stop: Firecracker's last figures are kept" '"utc_timestamp_ms":' "$(cat "$SMOLSH_HOME"/state/vms/*/metrics.json)"
same "stop: nothing is left" "$(left_over -path "$dir/*")" ''
expect_exit 0 "start again" smolsh start web
expect_exit 0 "started again: the disk" smolsh exec web -- head -c 4 /dev/vda
same "started again: the disk is as it was" "$t_out" kept
expect_exit 0 "restart" smolsh restart web
expect_exit 0 "restarted: exec" smolsh exec web -- true

# ---- the guest ends itself ----

# ended WHAT STATE CAUSE: the VM is over, for this reason, and nothing of it is left.
ended() {
	check "$1: the VM ends" t_until t_is web "$2"
	expect_exit 0 "$1: info" smolsh info web
	expect_out "$1: the cause" "$3"
	check "$1: nothing is left" t_until gone
	expect_exit 0 "$1: it starts again" smolsh start web
}
gone() { [ -z "$(left_over -path "$dir/*")" ]; }
smolsh exec web -- sh -c 'sync; reboot -f' >/dev/null 2>&1 </dev/null
ended "the guest reboots" stopped 'the guest shut down'
smolsh exec web -- sh -c 'poweroff -f' >/dev/null 2>&1 </dev/null
ended "the guest powers off" stopped 'the guest powered off'
smolsh exec web -- sh -c 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1 </dev/null
ended "the guest panics" died "the guest's kernel panicked: "

# ---- something dies ----

hypervisor=$(t_pid web hypervisor)
simulated && qemu=$(child_of "$hypervisor" qemu-system)
kill -9 "$hypervisor"
if simulated; then
	check "kill -9 of Firecracker: what it had started goes with it" t_until t_ended "$qemu"
fi
ended "kill -9 of Firecracker" died 'firecracker was killed by signal 9 \(SIGKILL\)'
if simulated; then
	kill -9 "$(child_of "$(t_pid web hypervisor)" qemu-system)"
	ended "kill -9 below fc-sim" died 'firecracker exited with code 1: fc-sim: (QEMU|smolsh-vsockd) has ended'
fi
hypervisor=$(t_pid web hypervisor)
monitor=$(t_pid web monitor)
kill -9 "$monitor"
check "kill -9 of the monitor: Firecracker goes with it" t_until t_ended "$hypervisor"
ended "kill -9 of the monitor" died 'its monitor was killed'

# ---- sockets ----

simulated && check_faults
if simulated; then
	# As some versions are: the guest is not reached any more. Nobody waits for ever.
	check "deaf after a resume: restart" env FC_SIM_FAULT=deaf-after-resume "$SMOLSH_BUILD/smolsh" restart web
	expect_exit 0 "deaf after a resume: it answers before" smolsh exec web -- true
	check "deaf after a resume: pause, resume" smolsh -c 'pause web; resume web'
	expect_exit 125 "deaf after a resume: exec" timeout 60 "$SMOLSH_BUILD/smolsh" exec web -- true
	expect_err "deaf after a resume: why" 'did not take the connection.*; try: '
fi
expect_exit 0 "delete" smolsh delete web --force --yes
check "delete: nothing is left" t_until gone

touch "$t_dir/file"
expect_exit 125 "uds_path: a file is in the way" create inway --vsock-path "$t_dir/file"
expect_err "uds_path: said so" 'exists and is not a socket'
check "uds_path: the file is still there" test -f "$t_dir/file"
socat UNIX-LISTEN:"$t_dir/live.sock",fork - </dev/null >/dev/null 2>&1 &
listener=$!
check "somebody listens" t_until test -S "$t_dir/live.sock"
expect_exit 125 "uds_path: somebody else's" create inway --vsock-path "$t_dir/live.sock"
check "uds_path: somebody else's socket is still there" test -S "$t_dir/live.sock"
kill "$listener" 2>/dev/null
long=/tmp/$(printf 'x%.0s' {1..100})
expect_exit 2 "uds_path: too long is refused early" create long --no-start --vsock-path "$long"
for cid in 0 1 2 4294967295 -1 1e10 3x; do
	expect_exit 2 "--cid '$cid' is refused" create cid --no-start "--cid=$cid"
done
same "nothing of these is registered" "$(smolsh list | grep -cE '^(inway|long|cid) ')" 0

if simulated; then
	# A kernel that it cannot boot, a version that is too old.
	expect_exit 2 "a packed kernel" create bad --kernel "$SMOLSH_IMAGES/base/vmlinuz"
	expect_err "a packed kernel: why, and what would help" 'no ELF file.*try: .*vmlinux.*--kernel'
	FC_SIM_VERSION=1.7.0 expect_exit 125 "an old version" create old
	expect_err "an old version: why, and what would help" '1\.7\.0 is too old.*1\.8\.0'
fi
expect_exit 2 "no such program" smolsh create none --backend firecracker --firecracker /nonexistent/fc
expect_err "no such program: said so" '/nonexistent/fc'

# ---- the largest CID, a stale socket, an answer in two parts, devices on PCI ----

stale=$t_dir/stale.sock
socat UNIX-LISTEN:"$stale",unlink-close=0 - </dev/null >/dev/null 2>&1 &
listener=$!
check "a socket for going stale" t_until test -S "$stale"
kill -9 "$listener"
wait "$listener" 2>/dev/null
FC_SIM_MACHINE=q35 FC_SIM_VERSION=1.16.0 FC_SIM_FAULT=halves=50 expect_exit 0 "a stale socket, and answers in two parts" create big --cid 4294967294 --vsock-path "$stale"
expect_exit 0 "the largest CID: exec" smolsh exec big -- sh -c 'ls /sys/bus/pci/devices | wc -l'
if simulated; then
	check "devices on PCI: there are" test "$t_out" -gt 0
	# Versions that are known for it do not pause.
	expect_exit 125 "a version that goes deaf: pause" smolsh pause big
	expect_err "a version that goes deaf: said by version, with the number of the report" '1\.16\.0.*6100'
	expect_exit 0 "a version that goes deaf: it still runs" smolsh exec big -- true
	# The guest heard of a pause that did not come: its timeouts run all the same.
	smolsh pause big 2>/dev/null
	expect_exit 124 "a version that goes deaf: time passes in it" smolsh exec --timeout 1s big -- sleep 4
fi
expect_exit 0 "stop it" smolsh stop big
check "its socket is gone, at a place that was chosen" test ! -e "$stale"
t_end
