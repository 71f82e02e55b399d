#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The vsock device through what befalls a guest: a reboot, its driver unbound and bound, pauses, and
# the device itself plugged in and out. What was open then ends, new connections work, from either
# side, and the device keeps nothing. A step that is not over in its time fails by its name, and where
# one failed nothing more is tried. The load is tests/soak/vsock_load; SMOLSH_SOAK=1 plugs more often
# (`make soak`).
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
: "${SMOLSH_SOAK:=}"
plugs=${SMOLSH_SOAK:+100}
plugs=${plugs:-10}
: "${T_LIMIT:=800}"
step_s=240
# shellcheck source=SCRIPTDIR/lib.sh
. "$(dirname "$0")/lib.sh"
t_begin vsock_life

load=$SMOLSH_BUILD/tests/soak/vsock_load
check "the load is built" make -C "$SMOLSH_BUILD" tests/soak/vsock_load tests/bench/vsock_pipe
check "create" smolsh create --memory 128M box
device=$(t_pid box device)
socket=$(smolsh --json info box | tr -d '\n' | sed -E 's/.*"path":"([^"]*)".*/\1/')
"$load" serve "${socket}_7001" >"$t_dir/serve.log" 2>&1 &
servers=($!)

in_guest() { timeout "$step_s" "$SMOLSH_BUILD/smolsh" exec "$@"; }
from_host() { timeout "$step_s" "$load" "$1" "$socket:7000" "${@:2}"; }
from_guest() { in_guest box -- /root/vsock_load "$1" vsock:7001 "${@:2}"; }
goes_on() { [ "$t_failed" -eq 0 ] || t_end; }
# The guest starts from nothing after a reboot: its half of the load goes in again.
serve_in_guest() {
	timeout "$step_s" "$SMOLSH_BUILD/smolsh" cp "$load" box:/root/ &&
		in_guest -d box -- /root/vsock_load serve vsock:7000 && t_within "$step_s" from_host flow
}
# A device's descriptors (only root may look), and the connections of its clients.
files_of() { printf '%d %d\n' "$(find "/proc/$1/fd" -type l 2>/dev/null | wc -l)" "$(grep -cF "$2" /proc/net/unix)"; }
# How many connections the guest has to the host's server, which listens, too. (/proc/net/unix has them
# in the device's network.)
taken() { echo $(($(find "/proc/${servers[-1]}/fd" -lname 'socket:*' | wc -l) - 1)); }
none_from_guest() { [ "$(taken)" -eq 0 ]; }
begun() { [ "$(taken)" -ge "$1" ]; }
as_before() { [ "$(files_of "$device" "$socket")" = "$files" ]; }
works() {
	check "$1: connections from the host" from_host flow -n 4 -u 300K -d 300K
	check "$1: connections from the guest" from_guest flow -n 4 -u 300K -d 300K
	goes_on
	if t_until as_before; then
		ok "$1: no descriptor is left"
	else
		not_ok "$1: descriptors $(files_of "$device" "$socket"), before: $files"
	fi
}

# idle WHAT: three connections from the host, which `judge WHAT` wants to find dead, and two from the
# guest.
idle() {
	rm -f "$t_dir/idle" && mkfifo "$t_dir/idle"
	# for as long as the steps in between take
	timeout 600 "$load" hold "$socket:7000" 3 <"$t_dir/idle" >"$t_dir/idle.out" 2>&1 &
	idle=$!
	exec {idle_fd}>"$t_dir/idle"
	in_guest -d box -- sh -c 'sleep 1000 | /root/vsock_load hold vsock:7001 2 >/tmp/hold' >/dev/null
	check "$1: idle connections from the host" t_until grep -q '^held 3 refused 0$' "$t_dir/idle.out"
	check "$1: idle connections from the guest" t_within "$step_s" in_guest box -- grep -q '^held 2 refused 0$' /tmp/hold
	goes_on
}
judge() {
	exec {idle_fd}>&-
	wait $idle
	same "$1: what was open has ended" "$(tail -n 1 "$t_dir/idle.out")" "dead 3 silent 0"
	goes_on
}

check "the guest serves" serve_in_guest
goes_on
files=$(t_steady files_of "$device" "$socket")
works "at first"

# ---- reboot ----

idle "before a reboot"
in_guest box -- reboot >/dev/null 2>&1
check "reboot: who asked for it hears of an end" test $? -ne 124
check "reboot: it was noticed" t_until grep -q '"event":"reboot"' "$SMOLSH_HOME"/state/vms/*/journal.jsonl
check "reboot: ready again" smolsh wait box --for ready --timeout 60
judge "reboot"
check "reboot: the guest serves" serve_in_guest
works "after the reboot"

# ---- unbind and bind ----

# In one go, by a job that outlives the connection that it cuts.
idle "before unbind"
in_guest -d box -- sh -c 'sleep 0.3
	cd /sys/bus/virtio/drivers/vmw_vsock_virtio_transport || exit
	device=$(echo virtio*)
	for i in 1 2 3; do
		echo $device >unbind && echo $device >bind && echo $i >>/root/bound
		sleep 0.1
	done' >/dev/null 2>&1
check "unbind and bind, three times" t_within "$step_s" in_guest box -- grep -qx 3 /root/bound
judge "unbind"
in_guest box -- killall sleep
check "unbind: what the guest had open, too" t_within "$step_s" in_guest box -- grep -qx 'dead 2 silent 0' /tmp/hold
works "after unbind and bind"

# ---- pause, with traffic ----

# As much as is still under way when the first pause has come.
for much in 12M 36M 108M 324M; do
	t_until none_from_guest
	from_host flow -n 2 -u $much -d $much >"$t_dir/host.out" 2>&1 &
	host=$!
	from_guest flow -n 2 -u $much -d $much >"$t_dir/guest.out" 2>&1 &
	guest=$!
	t_until begun 2
	check "pause" smolsh pause box
	! t_ended $host && ! t_ended $guest && break
	smolsh resume box
	wait $host $guest
done
check "pause: in the middle of it" kill -0 "$host" "$guest"
for i in 1 2 3; do
	[ "$i" = 1 ] || check "pause, $i" smolsh pause box
	read -rt 0.3 <> <(:)
	check "resume, $i" smolsh resume box
done
wait "$host"
same "paused: the host's streams arrive" "$? $(cat "$t_dir/host.out")" "0 2 of 2 are well"
wait "$guest"
same "paused: the guest's streams arrive" "$? $(cat "$t_dir/guest.out")" "0 2 of 2 are well"
works "after pauses"
same "the device is the one that it was" "$(t_pid box device)" "$device"

# ---- hot-plug and hot-unplug ----

# The machine of the VM above, word for word as far as it goes, with the device in a port out of which
# it can be pulled; and a device program that is started by hand and stays, whatever is plugged in.
mapfile -d '' -t words <"/proc/$(t_pid box hypervisor)/cmdline"
value() {
	local i
	for ((i = 0; i < ${#words[@]} - 1; i++)); do
		[ "${words[i]}" = "$1" ] && printf '%s\n' "${words[i + 1]}" && return
	done
}
token=$(od -An -vtx1 -N32 /dev/urandom | tr -d ' \n')
mkdir -p "$t_dir/more/smolsh" "$t_dir/more/root"
printf '{"v":1,"token":"%s","name":"plug","guest_port":5000,"ready_port":0}\n' "$token" >"$t_dir/more/smolsh/vm.json"
cp "$load" "$t_dir/more/root/"
{
	cat "$SMOLSH_IMAGES/base/initramfs.cpio"
	(cd "$t_dir/more" && printf '%s\n' smolsh smolsh/vm.json root root/vsock_load | busybox cpio -o -H newc 2>/dev/null)
} >"$t_dir/plug.cpio"
smolsh delete --force --yes box >/dev/null

socket=$t_dir/plug.sock
"$SMOLSH_BUILD/smolsh-vsockd" --guest-cid 4242 --uds-path "$socket" --vhost-socket "$t_dir/plug.vhost" 2>"$t_dir/plug.log" &
device=$!
check "a device that waits" t_until test -S "$t_dir/plug.vhost"
"${words[0]}" -nodefaults -no-user-config -display none -no-reboot -accel "$(value -accel)" -cpu "$(value -cpu)" \
	-M "$(value -M)" -object "$(value -object)" -m "$(value -m)" -smp 1 -kernel "$(value -kernel)" \
	-append "$(value -append)" -initrd "$t_dir/plug.cpio" -serial "file:$t_dir/plug.console" \
	-device pcie-root-port,id=slot1,chassis=1,slot=1 -qmp "unix:$t_dir/qmp,server=on,wait=off" 2>"$t_dir/qemu.log" &
check "a guest without it" t_until test -S "$t_dir/qmp"
coproc QMP { exec socat - "UNIX-CONNECT:$t_dir/qmp"; }
# qmp COMMAND REGEX: until QEMU has said that.
qmp() {
	local line
	printf '%s\n' "$1" >&"${QMP[1]}"
	while read -rt 30 line <&"${QMP[0]}"; do
		[[ $line =~ $2 ]] && return
		[[ $line != *'"error"'* ]] || break
	done
	echo "QEMU: ${line:-nothing}"
	return 1
}
check "QMP" qmp '{"execute":"qmp_capabilities"}' '"return"'
# It may boot with no device of virtio's at all: what comes later is served the same.
check "it boots" t_within "$step_s" grep -q 'smolsh-agent: up' "$t_dir/plug.console"
plug() {
	check "plug $1: the back end" qmp '{"execute":"chardev-add","arguments":{"id":"vs","backend":{"type":"socket",
		"data":{"server":false,"addr":{"type":"unix","data":{"path":"'"$t_dir/plug.vhost"'"}}}}}}' '"return"'
	check "plug $1" qmp '{"execute":"device_add","arguments":{"driver":"vhost-user-vsock-pci","id":"plugged",
		"chardev":"vs","bus":"slot1"}}' '"return"'
}
plug 0
goes_on

# What its agent runs; the answer has the output and the exit code.
ask() {
	local answer
	answer=$(printf '{"op":"exec","command":"%s","timeout":60,"token":"%s"}\n' "$1" "$token" |
		timeout 60 "$SMOLSH_BUILD/tests/bench/vsock_pipe" ask "$socket:5000")
	printf '%s\n' "$answer"
	grep -q '"exit_code":0' <<<"$answer"
}
"$load" serve "${socket}_7001" >>"$t_dir/serve.log" 2>&1 &
servers+=($!)
check "the guest serves" t_within "$step_s" ask 'setsid /root/vsock_load serve vsock:7000 </dev/null >/dev/null 2>&1 &'

pull() {
	check "unplug $1" qmp '{"execute":"device_del","arguments":{"id":"plugged"}}' 'DEVICE_DELETED.*"plugged"'
	check "unplug $1: the back end" qmp '{"execute":"chardev-remove","arguments":{"id":"vs"}}' '"return"'
	goes_on
	# What it has with nothing plugged in.
	files=${files:-$(t_steady files_of "$device" "$socket")}
	if t_until as_before; then
		ok "unplug $1: no descriptor is left"
	else
		not_ok "unplug $1: descriptors $(files_of "$device" "$socket"), before: $files"
	fi
}
put() {
	plug "$1"
	check "plug $1: the guest answers" t_within "$step_s" from_host flow
	goes_on
}

files=
check "the guest answers" t_within "$step_s" from_host flow
goes_on
pull 0
for ((i = 1; i <= plugs; i++)); do
	put $i
	check "plug $i: connections from the host" from_host flow -n 4 -u 300K -d 300K
	check "plug $i: connections from the guest" ask '/root/vsock_load flow vsock:7001 -n 4 -u 300K -d 300K'
	# Streams without an end, from either side, which the unplugging ends. The host's come first: by the
	# time that the guest's has begun they have, and are no calls without an answer, which has 10 s.
	from_host flow -n 2 -u 99G -d 99G >"$t_dir/endless" 2>&1 &
	endless=$!
	t_until none_from_guest
	check "plug $i: a stream of the guest" ask 'setsid /root/vsock_load flow vsock:7001 -u 99G -d 99G </dev/null >/tmp/endless.'$i' 2>&1 &'
	check "plug $i: which has begun" t_until begun 1
	pull $i
	wait $endless
	same "unplug $i: the host's streams have ended" "$? $(tail -n 1 "$t_dir/endless")" "1 0 of 2 are well"
	check "unplug $i: the device runs" kill -0 $device
done
put "$i"
endless_ended() { ask 'tail -qn 1 /tmp/endless.* | sort | uniq -c' | grep -q "$plugs 0 of 1 are well"; }
check "and the guest's have" t_until endless_ended
check "QEMU ends" qmp '{"execute":"quit"}' '"return"|SHUTDOWN'
t_until as_before
same "and the device keeps nothing" "$(files_of "$device" "$socket")" "$files"
kill $device
wait $device
same "the device ends in order" $? 0
kill "${servers[@]}"
wait 2>/dev/null

t_end
