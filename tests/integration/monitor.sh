#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The monitor in bad company: clients that do not behave, guests that loop, hypervisors that refuse,
# a registry that is busy, files that are taken away (pitfalls 13-20).
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
t_begin monitor

# ask TEXT: send it to the monitor of web, print what comes back until it closes or is silent.
sock() { printf '%s/run/%s/monitor.sock' "$SMOLSH_HOME" "$(smolsh --json info "$1" | sed -E 's/.*"id":"([0-9a-f]+)".*/\1/')"; }
ask() { printf '%b' "$2" | timeout 10 socat -t 10 - UNIX-CONNECT:"$(sock "$1")"; }
journal() { cat "$SMOLSH_HOME"/state/vms/*/journal.jsonl; }
db() { sqlite3 -cmd '.timeout 10000' "$SMOLSH_HOME/state/registry.db" "$1"; }

# A hypervisor of our own, before the real one in PATH.
fake_qemu() {
	mkdir -p "$t_dir/bin"
	printf '#!/bin/sh\ncase $1 in --version) echo "QEMU emulator version 7.2.0"; exit;; esac\n%s\n' "$1" >"$t_dir/bin/qemu-system-x86_64"
	chmod +x "$t_dir/bin/qemu-system-x86_64"
}

check "create" smolsh create web

# Requests of all kinds.
match "status" '"ok":true.*"phase":"ready"' "$(ask web '{"v":1,"op":"status"}\n')"
match "another version is refused" '"code":"unsupported"' "$(ask web '{"v":2,"op":"status"}\n')"
match "no version is refused" '"code":"unsupported"' "$(ask web '{"op":"status"}\n')"
match "an unknown op is refused" '"code":"unsupported"' "$(ask web '{"v":1,"op":"explode"}\n')"
match "noise is refused" '"code":"protocol"' "$(ask web 'x\n')"
match "ask_ms out of range is refused" '"code":"invalid"' "$(ask web '{"v":1,"op":"stop","ask_ms":-1}\n')"
match "several requests in one write" '"code":"protocol".*"phase":"ready"' "$(ask web 'x\n{"v":1,"op":"status"}\n' | tr -d '\n')"
match "an endless line is cut off, with the reason" '"code":"limit"' \
	"$(head -c 69632 /dev/zero | tr '\0' a | timeout 10 socat -t 10 - UNIX-CONNECT:"$(sock web)" 2>/dev/null)"
expect_exit 0 "and the VM still runs" smolsh exec web -- true

# Clients that watch: several, one that does not read, and more than there is room for.
mkfifo "$t_dir/hold"
exec 7<>"$t_dir/hold"
socat -u FILE:"$t_dir/hold" UNIX-CONNECT:"$(sock web)" 7>&- &
deaf=$!
printf '{"v":1,"op":"watch"}\n' >&7
for i in 1 2 3; do
	(printf '{"v":1,"op":"watch"}\n' && cat <"$t_dir/hold") 7>&- |
		timeout 60 socat -t 60 - UNIX-CONNECT:"$(sock web)" >"$t_dir/watch.$i" 7>&- &
done
for i in 1 2 3; do check "watcher $i hears where things stand" t_until grep -q '"event":"ready"' "$t_dir/watch.$i"; done
smolsh exec web -- reboot >"$t_dir/reboot" 2>&1
for i in 1 2 3; do
	check "watcher $i hears of the reboot" t_until grep -q '"event":"reboot"' "$t_dir/watch.$i"
	check "watcher $i hears that it is ready again" t_until eval 'test "$(grep -c ready\"}$ "$t_dir/watch.'$i'")" -ge 4'
	same "watcher $i hears of it once" "$(grep -c '"event":"reboot"' "$t_dir/watch.$i")" 1
done
kill "$deaf"
path=$(sock web)
mapfile -t many < <(for i in $(seq 70); do timeout 60 socat -u FILE:"$t_dir/hold" UNIX-CONNECT:"$path" >/dev/null 2>&1 & echo $!; done)
check "no room for another client" t_until eval '! smolsh --json info web | grep -q "\"hypervisor\""'
expect_exit 1 "no room for another client: wait --for exit does not say it has ended" smolsh wait web --for exit --timeout 1
expect_exit 0 "no room for another client: stop stops it" smolsh stop web
same "no room for another client: stopped" "$(t_state web)" stopped
check "no room for another client: no process is left" t_until t_no_processes
kill "${many[@]}" 2>/dev/null
exec 7>&-

# Two at once.
smolsh_bg start web 2>"$t_dir/first" &
first=$!
smolsh_bg start web 2>"$t_dir/second" &
second=$!
wait "$first"
same "two starts at once: the first succeeds" $? 0
wait "$second"
same "two starts at once: so does the second" $? 0
same "two starts at once: one VM" "$(t_processes | wc -l)" 3
check "stop" smolsh stop web
smolsh_bg start web 2>"$t_dir/first" &
first=$!
check "it boots" t_until t_is web starting
expect_exit 125 "who joins a start and gives up" smolsh start web --boot-timeout 0.05
wait "$first"
same "has not ended it" $? 0

# Stop: while it boots; with less patience than the one before; against a guest that powers off.
check "stop" smolsh stop web
smolsh_bg start web 2>"$t_dir/first" &
first=$!
check "it boots" t_until t_is web starting
expect_exit 0 "stop while it boots" smolsh stop web
wait "$first"
same "stop while it boots: the start has failed" $? 125
match "stop while it boots: and says why" 'stopped as asked' "$(cat "$t_dir/first")"
same "stop while it boots: stopped" "$(t_state web)" stopped
check "start" smolsh start web
# An agent that does not react (SIGSTOP does nothing to PID 1).
smolsh_bg exec web -- sh -c 'for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" -gt 1 ] && [ "$(readlink /proc/$p/exe)" = /init ] && kill -STOP $p; done' 2>"$t_dir/stopped" &
client=$!
check "the agent is stopped" t_until eval '! timeout 1 "$SMOLSH_BUILD/smolsh" health web'
smolsh_bg stop --timeout 20m web &
first=$!
check "a patient stop" t_until t_is web stopping
expect_exit 0 "an impatient one is heard" timeout 30 "$SMOLSH_BUILD/smolsh" stop --timeout 1 web
wait "$first"
same "both succeed" $? 0
wait "$client"
same "an impatient stop: stopped as asked" "$(db "SELECT state || ': ' || end_cause FROM vm")" "stopped: stopped as asked"
check "start" smolsh start web
smolsh exec web -- poweroff >"$t_dir/poweroff" 2>&1
expect_exit 0 "stop while the guest powers off" smolsh stop web
same "stop while the guest powers off: stopped" "$(t_state web)" stopped

# The socket is taken away: it can be stopped all the same.
check "start" smolsh start web
rm "$(sock web)"
expect_exit 1 "without its socket: wait --for exit does not say that it has ended" smolsh wait web --for exit --timeout 1
expect_exit 0 "without its socket: stop" smolsh stop web
same "without its socket: stopped" "$(t_state web)" stopped
check "without its socket: no process is left" t_until t_no_processes

# Earlier boots do not explain this one.
fake_qemu 'echo "qemu: no, thank you" >&2; exit 3'
expect_exit 125 "a hypervisor that ends at once" env PATH="$t_dir/bin:$PATH" "$SMOLSH_BUILD/smolsh" start web
expect_err "a hypervisor that ends at once: why" "died: qemu exited with code 3: qemu: no, thank you"
same "a hypervisor that ends at once: nothing of the boot before" "$(grep -c '^ ' <<<"$t_err")" 0
fake_qemu 'exit 0'
expect_exit 125 "a hypervisor that ends without a word" env PATH="$t_dir/bin:$PATH" "$SMOLSH_BUILD/smolsh" start web
expect_err "a hypervisor that ends without a word: that" "died: qemu exited with code 0"
fake_qemu 'exec sleep 1000'
expect_exit 125 "a hypervisor that says nothing" env PATH="$t_dir/bin:$PATH" "$SMOLSH_BUILD/smolsh" start web --boot-timeout 1
expect_err "a hypervisor that says nothing: in time" "not ready within [0-9]"
fake_qemu 'printf "HTTP/1.1 200 OK\r\n" >&4; exec sleep 1000'
expect_exit 125 "a hypervisor that speaks something else" env PATH="$t_dir/bin:$PATH" "$SMOLSH_BUILD/smolsh" start web
expect_err "a hypervisor that speaks something else: why" "control connection broke: QMP: not JSON"
# As on a loaded host: the resets of one reboot, far apart. The line is the next reboot's.
late='reset() { printf "{\"event\":\"RESET\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\"}}\r\n" >&4; }
printf "{\"QMP\":{}}\r\n{\"return\":{}}\r\n" >&4
reset; sleep 0.7; reset; sleep 0.7; reset
echo "reboot: Restarting system" >&3; reset; exec sleep 1000'
fake_qemu "$late"
before=$(journal | grep -c '"event":"reboot"')
expect_exit 125 "resets that come late" env PATH="$t_dir/bin:$PATH" "$SMOLSH_BUILD/smolsh" start web --boot-timeout 4
same "resets that come late: two reboots" "$(($(journal | grep -c '"event":"reboot"') - before))" 2
check "no process is left" t_until t_no_processes
check "no socket is left" t_no_sockets

# Guests.
expect_exit 125 "a guest that reboots in a loop" smolsh create loop --kernel-args 'rdinit=/bin/busybox -- reboot -f'
expect_err "a guest that reboots in a loop: why" "died: the guest rebooted [0-9]+ times without becoming ready"
expect_exit 125 "a guest that powers off while it boots" smolsh create off --kernel-args 'rdinit=/bin/busybox -- poweroff -f'
expect_err "a guest that powers off while it boots: why" "VM 'off' stopped: the guest powered off"
expect_err "a guest that powers off while it boots: its console" '^ +.*Power down'
check "no vsock" smolsh create mute --no-vsock --kernel-args 'rdinit=/bin/busybox -- sh -c "while read -r l; do [ \"\$l\" = x ] && reboot -f; done; sleep 3; reboot -f"'
check "without vsock: it rebooted" t_until eval 'journal | grep -q "\"event\":\"reboot\""'
check "without vsock: it runs again" t_until t_is mute running
check "delete" smolsh delete --force --yes loop off mute

# A console that is flooded: the log stays bounded, and everything else works meanwhile.
check "start" smolsh start web
smolsh_bg exec web -- sh -c 'while :; do echo the guest has a lot to say, again and again; done >/dev/console' 2>"$t_dir/flood" &
flood=$!
# A mebibyte, which an emulated serial line takes byte by byte.
check "a flood: the log is rotated" t_within 120 eval 'test -n "$(find "$SMOLSH_HOME/state/vms" -name console.log.1)"'
expect_exit 0 "a flood: exec" smolsh exec web -- echo through
same "a flood: and its answer" "$t_out" through
check "a flood: no log is larger than it may be" test -z "$(find "$SMOLSH_HOME/state/vms" -name 'console.log*' -size +1025k)"
expect_exit 0 "a flood: stop" smolsh stop web
kill "$flood" 2>/dev/null
wait "$flood"

# A registry that somebody holds while the VM becomes ready: recorded as soon as it is free.
mkfifo "$t_dir/sql"
sqlite3 "$SMOLSH_HOME/state/registry.db" <"$t_dir/sql" >"$t_dir/locked" 2>&1 &
locker=$!
exec 8>"$t_dir/sql"
smolsh_bg start web 2>"$t_dir/first" &
first=$!
check "it boots" t_until t_is web starting
echo "BEGIN IMMEDIATE; SELECT 'locked';" >&8
check "the registry is held" t_until grep -q locked "$t_dir/locked"
wait "$first"
same "a busy registry: the start succeeds" $? 0
check "a busy registry: which was noticed" eval 'journal | grep "\"event\":\"registry\"" | grep -q busy'
echo "COMMIT;" >&8
exec 8>&-
wait "$locker"
check "a busy registry: the VM is recorded as running at last" t_until t_is web running
expect_exit 0 "a busy registry: and can be used" smolsh exec web -- true

# The home is removed: nobody could find the VM again.
rm -rf "$SMOLSH_HOME"
check "the home is removed: the VM ends" t_until t_no_processes
check "the home is removed: and nothing makes it anew" test ! -e "$SMOLSH_HOME"

# A disk that is full when the VM ends: what became of it is recorded all the same.
export SMOLSH_HOME=$t_dir/tiny
mkdir -m 0700 "$SMOLSH_HOME"
full_disk() {
	unshare -rm bash -c 'mount -t tmpfs -o size=800k,mode=700 none "$SMOLSH_HOME" && "$0" create web >/dev/null &&
		{ cat /dev/zero >"$SMOLSH_HOME/fill" || "$0" stop web && rm "$SMOLSH_HOME/fill" && "$0" list; }' "$SMOLSH_BUILD/smolsh"
}
if unshare -rm true 2>/dev/null; then
	expect_exit 0 "a full disk: stop" full_disk
	expect_out "a full disk: its end is recorded" '^web .*stopped.*stopped as asked'
else
	echo "# no user namespaces here: the full disk is left out"
fi

# A vsock device that a guest has taken over asks its VM's monitor, whose socket it can see: it has no
# answer. A process that is not the device has one.
mkdir "$t_dir/programs"
for program in smolsh smolsh-monitor smolsh-forward smolsh-image; do
	cp "$SMOLSH_BUILD/$program" "$t_dir/programs/"
done
printf '{"v":1,"op":"status"}\n' >"$t_dir/request"
cat >"$t_dir/programs/smolsh-vsockd" <<END
#!/bin/sh
PATH=/usr/bin:/bin
while [ "\$1" != --uds-path ]; do shift; done
to=UNIX-CONNECT:\${2%/*}/monitor.sock
socat -t 10 - "\$to" <"$t_dir/request" >>"$t_dir/another"
exec socat -t 10 - "\$to" <"$t_dir/request" >>"$t_dir/device" 2>>"$t_dir/device.err"
END
chmod +x "$t_dir/programs/smolsh-vsockd"
SMOLSH_IMAGES=${SMOLSH_IMAGES:-$SMOLSH_BUILD/images} timeout 60 "$t_dir/programs/smolsh" create taken >"$t_dir/taken" 2>&1
match "another process is answered" '"ok":true' "$(cat "$t_dir/another")"
check "the device asked" test -e "$t_dir/device"
same "and is not answered" "$(cat "$t_dir/device")" ""
# It ends before QEMU can do with another one.
match "such a start is told, and tried anew by hand" \
	"VM 'taken' died: smolsh-vsockd exited with code [01]; qemu exited .*; try: smolsh start taken\$" "$(cat "$t_dir/taken")"
check "delete" smolsh delete --force --yes taken

t_end
