# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with bench.sh
# What is measured. Sourced by bench.sh, which says in `runs` and `cold_runs` how often.
#
# A measure is a function measure_NAME. It takes its values pair by pair (ours, then each peer, the
# other way round every second time), so that whatever else the machine does hits both, and reports
# rows. A value is a number on stdout; what fails or is absent gives nothing.

: "${build:?}" "${tmp:?}" "${tools:?}" "${runs:?}" "${cold_runs:?}"

measures=(cold exec open line out in bulk files gib list idle screen)
bulk=$((256 * 1024 * 1024))
receive_port=5999
send_port=5998

# took PROGRAM WORD…: ms of the whole process; its output is dropped.
took() { "$tools/stopwatch" "$@" 3>&1 >/dev/null 2>>"$tmp/bench.log" </dev/null | ms; }
ms() { awk '{ printf "%.3f\n", $1 / 1000 }'; }

# pairs N OURS PEER…: run the functions N times in turn; their values go to $tmp/values.FUNCTION.
pairs() {
	local n=$1 i f order
	shift
	for f in "$@"; do : >"$tmp/values.$f"; done
	for ((i = 0; i < n; i++)); do
		order=("$@")
		if ((i % 2)); then
			order=()
			for f in "$@"; do order=("$f" "${order[@]}"); done
		fi
		for f in "${order[@]}"; do
			value_of "$f" "$i" >>"$tmp/values.$f"
		done
	done
}

value_of() {
	local value
	value=$("$1" "$2") && [ -n "$value" ] && printf '%s\n' "$value" && return
	printf -- '-\n'
	note "$1, run $2: no value (see the log)"
}

# ---- cold: from nothing to a command that has run ----

ours_cold() { took "$build/smolsh" -c 'run -- true'; }

# A plain QEMU, from its start to the first byte of the agent in it. $1: whose vsock device.
plain_cold() {
	local us device cpu=()
	[ "$accel" != kvm ] || cpu=(-cpu host)
	start_device "$1" cold || return 1
	device=$device_pid
	us=$("$tools/stopwatch" -s "$tmp/cold.uds_$ready_port" qemu-system-x86_64 \
		-nodefaults -no-user-config -display none -no-reboot -accel "$accel" \
		-object memory-backend-memfd,id=mem,size=128M,share=on -M q35,memory-backend=mem \
		"${cpu[@]}" -m 128M -smp 1 -kernel "$base/vmlinuz" -initrd "$tmp/cold.cpio.gz" \
		-append 'console=ttyS0 quiet' -serial "file:$tmp/cold.console" \
		-chardev "socket,id=vsock,path=$tmp/cold.vhost" \
		-device vhost-user-vsock-pci,chardev=vsock 3>&1 >/dev/null 2>>"$tmp/bench.log") || us=
	end "$device"
	[ -n "$us" ] && ms <<<"$us"
}
plain_cold_theirs() { plain_cold theirs; }
plain_cold_ours() { plain_cold ours; }

measure_cold() {
	local peer='plain QEMU, vhost-device-vsock'
	{ cat "$base/initramfs.cpio" && per_vm "$ready_port"; } | gzip -9 >"$tmp/cold.cpio.gz"
	if [ -n "$vhost_device_vsock" ]; then
		pairs "$cold_runs" ours_cold plain_cold_theirs
		row cold ms ours_cold "$peer" plain_cold_theirs ratio 0.80
		return
	fi
	pairs "$cold_runs" ours_cold plain_cold_ours
	row cold ms ours_cold "$peer" "" ratio 0.80
	row cold ms ours_cold 'plain QEMU, smolsh-vsockd' plain_cold_ours ratio 0.80
}

# ---- exec: one command in a VM that runs ----

ours_exec() { took "$build/smolsh" exec bench -- true; }
health_exec() { took "$build/smolsh" health bench; }
# What starting a process takes in that guest, whoever asks for it.
spawn_exec() { "$build/smolsh" exec bench -- spawn_true 20 2>>"$tmp/bench.log" </dev/null | ms; }
qga_exec() { took "$tools/qga_exec" "$tmp/qga"; }
qga_anew_exec() { took "$tools/qga_exec" "$tmp/qga.sock"; }
ssh_exec() { took ssh -F none -S "$tmp/ssh/ctl" bench true; }

measure_exec() {
	local peers=()
	need_guests qemu_ga ssh
	[ -n "${absent[qemu-ga]-}" ] || peers+=(qga_exec)
	[ -n "${absent[dropbear]-}" ] || peers+=(ssh_exec)
	pairs $((runs * 5)) ours_exec "${peers[@]}"
	row exec ms ours_exec 'qemu-guest-agent, kept open' "$(is_in qga_exec "${peers[@]}")" ratio 0.4
	row exec ms ours_exec 'ssh, multiplexed' "$(is_in ssh_exec "${peers[@]}")" ratio 0.25
	peers=(health_exec spawn_exec)
	if start_second_qemu_ga; then
		peers+=(qga_anew_exec)
	fi
	pairs "$runs" ours_exec "${peers[@]}"
	row exec ms ours_exec 'qemu-guest-agent, connecting' \
		"$(is_in qga_anew_exec "${peers[@]}")" ratio 0.4
	row exec ms ours_exec 'smolsh health (a floor)' health_exec '' ''
	row exec ms ours_exec 'a spawn in the guest (a floor)' spawn_exec '' ''
}

# ---- open: commands one after another on a connection that stands ----

one_of=20 # a value is the mean of so many

# each TOOL WORD…: ms of one of the commands that the tool has run.
each() { "$@" "$one_of" 2>>"$tmp/bench.log" </dev/null | ms; }
ours_open() { each "$tools/vm_exec" bench; }
qga_open() { each "$tools/qga_exec" "$tmp/qga"; }
ssh_open() { each "$tools/ssh_exec" "$tmp/ssh/ctl"; }
# ssh_exec, above, is what a shell does for each: the channel, and ssh's own start.

measure_open() {
	local peers=()
	need_guests qemu_ga ssh
	[ -n "${absent[qemu-ga]-}" ] || peers+=(qga_open)
	[ -n "${absent[dropbear]-}" ] || peers+=(ssh_open ssh_exec)
	pairs "$runs" ours_open "${peers[@]}"
	row open ms ours_open 'qemu-guest-agent, kept open' "$(is_in qga_open "${peers[@]}")" '' ''
	row open ms ours_open 'ssh, a channel each' "$(is_in ssh_open "${peers[@]}")" ratio 0.25
	row open ms ours_open 'ssh, a process each' "$(is_in ssh_exec "${peers[@]}")" '' ''
}

# ---- line: from a line's writing to its being there ----

# The guest writes a line when it gets one, so the way there is in the value as well.
# shellcheck disable=SC2016 # for the guest's shell
echoing='while read -r x; do echo "$x"; done'
line_of() { "$tools/echo_line" "$one_of" "$@" 2>>"$tmp/bench.log" | ms; }
ours_line() { line_of "$build/smolsh" exec -i bench -- sh -c "$echoing"; }
ssh_line() { line_of ssh -F none -S "$tmp/ssh/ctl" bench "$echoing"; }

measure_line() {
	local peers=()
	need_guests ssh
	[ -n "${absent[dropbear]-}" ] || peers+=(ssh_line)
	pairs "$runs" ours_line "${peers[@]}"
	row line ms ours_line 'ssh, multiplexed' "$(is_in ssh_line "${peers[@]}")" at_most 50
}

# is_in NAME WORD…: the name, if it is among the words.
is_in() {
	local name=$1
	shift
	case " $* " in *" $name "*) echo "$name" ;; esac
}

# ---- out, in: bulk ----

ours_out() { took "$build/smolsh" exec bench -- cat /tmp/big; }

# received SOCKET BYTES COMMAND…: ms from the moment at which the connection has been accepted that
# COMMAND makes a guest open, to its end.
received() {
	local line pid socket=$1 bytes=$2
	shift 2
	coproc RECEIVE { "$tools/vsock_pipe" receive "$socket"; }
	pid=$RECEIVE_PID
	started+=("$pid")
	exec {from}<&"${RECEIVE[0]}"
	read -rt 10 line <&"$from"
	"$@" >>"$tmp/bench.log"
	read -rt 120 line <&"$from"
	exec {from}<&-
	end "$pid"
	[ "${line%% *}" = "$bytes" ] && ms <<<"${line##* }"
}

# socat's buffer is 8 KiB unless told otherwise, which takes three times as long.
socat_out() {
	received "$tmp/peer.uds_$receive_port" "$bulk" \
		ask "cat /tmp/big | socat -u -b 65536 - VSOCK-CONNECT:2:$receive_port"
}

measure_out() {
	need_guests socat
	pairs_with_socat out socat_out ratio 1.00
}

# pairs_with_socat NAME PEER KIND GOAL
pairs_with_socat() {
	if [ -n "${absent[socat]-}" ]; then
		pairs "$runs" "ours_$1"
		row "$1" ms "ours_$1" 'socat, vhost-device-vsock' '' "$3" "$4"
	else
		pairs "$runs" "ours_$1" "$2"
		row "$1" ms "ours_$1" 'socat, vhost-device-vsock' "$2" "$3" "$4"
	fi
}

ours_in() {
	"$tools/stopwatch" "$build/smolsh" exec -i bench -- sh -c 'cat >/dev/null' \
		3>&1 >/dev/null 2>>"$tmp/bench.log" <"$tmp/big" | ms
}

# sent SOCKET FILE COMMAND…: ms from the moment at which a guest has taken the connection for which
# COMMAND makes it listen, until that is over, all of the file read.
sent() {
	local begun asker socket=$1 file=$2
	shift 2
	"$@" >>"$tmp/bench.log" &
	asker=$!
	started+=("$asker")
	begun=$("$tools/vsock_pipe" send "$socket:$send_port" "$file") || return 1
	wait "$asker" || return 1
	"$tools/vsock_pipe" now | awk -v begun="$begun" '{ printf "%.3f\n", ($1 - begun) / 1000 }'
}

socat_in() {
	sent "$tmp/peer.uds" "$tmp/big" \
		ask "socat -u -b 65536 VSOCK-LISTEN:$send_port - | cat >/dev/null"
}

measure_in() {
	need_guests socat
	truncate -s "$bulk" "$tmp/big"
	pairs_with_socat in socat_in '' ''
}

# ---- bulk: the device alone ----

# The same program sends and receives, in both guests and here; the clock is the receiver's or, into
# the guest, the sender's, both of them here. $1: the device's socket, then what runs a command in
# the guest.
bulk_out() {
	local line pid socket=$1
	shift
	coproc RECEIVE { "$tools/vsock_bulk" receive "${socket}_$receive_port" "$bulk" 2>>"$tmp/bench.log"; }
	pid=$RECEIVE_PID
	started+=("$pid")
	exec {from}<&"${RECEIVE[0]}"
	read -rt 10 line <&"$from"
	"$@" "vsock_bulk send vsock:$receive_port $bulk" >>"$tmp/bench.log"
	read -rt 120 line <&"$from"
	exec {from}<&-
	end "$pid"
	[ -n "$line" ] && ms <<<"$line"
}
bulk_in() {
	local us guest socket=$1
	shift
	"$@" "vsock_bulk receive vsock:$send_port $bulk" >>"$tmp/bench.log" &
	guest=$!
	started+=("$guest")
	us=$("$tools/vsock_bulk" send "$socket:$send_port" "$bulk" 2>>"$tmp/bench.log")
	wait "$guest" && [ -n "$us" ] && ms <<<"$us"
}
ours_bulk_out() { bulk_out "$our_uds" in_ours; }
ours_bulk_in() { bulk_in "$our_uds" in_ours; }
peer_bulk_out() { bulk_out "$tmp/peer.uds" ask; }
peer_bulk_in() { bulk_in "$tmp/peer.uds" ask; }

measure_bulk() {
	local way peer
	need_guests
	our_uds=$(uds_of_ours)
	for way in out in; do
		peer=
		[ -n "${absent[guest]-}" ] || peer=peer_bulk_$way
		pairs "$runs" "ours_bulk_$way" ${peer:+"$peer"}
		row "bulk-$way" ms "ours_bulk_$way" 'vhost-device-vsock' "$peer" ratio 0.667
	done
}

# ---- list: the registry ----

ours_list() { took "$build/smolsh" list; }
true_list() { took /bin/true; }
sqlite_list() { took sqlite3 "$tmp/list/state/registry.db" 'select name,state from vm'; }

measure_list() {
	local i peers=(true_list)
	mkdir -m 700 "$tmp/list"
	for ((i = 0; i < 100; i++)); do
		printf 'create --no-start --name vm%d\n' "$i"
	done >"$tmp/create.smol"
	SMOLSH_HOME=$tmp/list "$build/smolsh" -f "$tmp/create.smol" >/dev/null || return 1
	program sqlite3 >/dev/null && peers+=(sqlite_list)
	SMOLSH_HOME=$tmp/list pairs $((runs * 5)) ours_list "${peers[@]}"
	row list ms ours_list 'true (the floor)' true_list at_most 30
	row list ms ours_list sqlite3 "$(is_in sqlite_list "${peers[@]}")" at_most 30
}

# ---- idle: what a VM costs while nothing happens ----

switches() {
	cat "/proc/$1"/task/*/status | awk '$1 == "voluntary_ctxt_switches:" { n += $2 } END { print n }'
}

measure_idle() {
	local monitor device before
	need_vm
	monitor=$(our_pid monitor)
	device=$(our_pid device)
	sleep 2 # what the last command left to do
	before=$(($(switches "$monitor") + $(switches "$device")))
	sleep 10
	awk -v n=$(($(switches "$monitor") + $(switches "$device") - before)) \
		'BEGIN { printf "%.1f\n", n / 10 }' >"$tmp/values.wakeups"
	"$build/smolsh" --json info bench | grep -oE '"(monitor|device)":\{"program"[^}]*' |
		sed -E 's/.*"resident_bytes":([0-9]+).*/\1/' |
		awk '{ n += $1 } END { printf "%.1f\n", n / 1e6 }' >"$tmp/values.memory"
	row memory MB memory '' '' at_most 12
	row wakeups /s wakeups '' '' at_most 1
}
