#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Load on the vsock device of a real guest (pitfalls 26 to 29): many streams, every odd size, readers
# that pause, connections cut, idle ones past the limit of descriptors. Each is done from the host and
# from the guest, by tests/soak/vsock_load. SMOLSH_SOAK=1 is the long form (`make soak`).
# shellcheck disable=SC2317 # functions called by name
: "${SMOLSH_SOAK:=}"
if [ -n "$SMOLSH_SOAK" ]; then
	T_LIMIT=7200 step_s=1800
	memory=512M per_stream=20M commands=50 cuts=1000 readers=8 pauses=(200 1000 30000) tiny=3M tiniest=128K
else
	T_LIMIT=800 step_s=240
	memory=256M per_stream=1M commands=10 cuts=200 readers=4 pauses=(200 1000) tiny=1M tiniest=64K
fi
# shellcheck source=SCRIPTDIR/lib.sh
. "$(dirname "$0")/lib.sh"
t_begin load

load=$SMOLSH_BUILD/tests/soak/vsock_load
check "the load is built" make -C "$SMOLSH_BUILD" tests/soak/vsock_load
check "create" smolsh create --memory "$memory" box
check "the load goes into the guest" smolsh cp "$load" box:/root/
device=$(t_pid box device)
socket=$(smolsh --json info box | tr -d '\n' | sed -E 's/.*"path":"([^"]*)".*/\1/')

smolsh exec -d box -- /root/vsock_load serve vsock:7000 >/dev/null
"$load" serve "${socket}_7001" >"$t_dir/serve.log" 2>&1 &
server=$!

# from_host COMMAND OPTION…, from_guest: the load, which dials the other side's server.
in_guest() { timeout "$step_s" "$SMOLSH_BUILD/smolsh" exec "$@"; }
from_host() { timeout "$step_s" "$load" "$1" "$socket:7000" "${@:2}"; }
# Idle for as long as the steps between take.
holding() { timeout 600 "$load" hold "$socket:7000" "$@"; }
from_guest() { in_guest box -- /root/vsock_load "$1" vsock:7001 "${@:2}"; }
goes_on() { [ "$t_failed" -eq 0 ] || t_end; }
check "the guest serves" t_within "$step_s" from_host flow
goes_on
check "the host serves" t_within "$step_s" from_guest flow
goes_on

# both WHAT COMMAND OPTION…: from either side.
both() {
	check "$1, from the host" from_host "${@:2}"
	goes_on
	check "$1, from the guest" from_guest "${@:2}"
	goes_on
}

# What the device holds of its own, in KiB: guest memory, which it maps, is not counted.
held() { awk '$1 == "RssAnon:" { print $2 }' "/proc/$device/status"; }
# Its descriptors (only root may look), and its clients' connections.
files() { printf '%d %d\n' "$(find "/proc/$device/fd" -type l 2>/dev/null | wc -l)" "$(grep -cF "$socket" /proc/net/unix)"; }
# shellcheck disable=SC2016 # words for a shell of the guest
guest_files() {
	in_guest box -- sh -c 'for p in /proc/[0-9]*; do
		case $(cat $p/comm 2>/dev/null) in smolsh-agent | vsock_load) ls $p/fd ;; esac
	done | wc -l'
}
ticks() { sed 's/.*) //' "/proc/$device/stat" | awk '{ print $12 + $13 }'; }

# What all comes back to. One stream each way has been through, so that all code was run once.
files_before=$(t_steady files)
guest_before=$(t_steady guest_files)
held_before=$(held)
as_before() { [ "$(files)" = "$files_before" ] && [ "$(guest_files)" = "$guest_before" ] && [ "$(held)" -le $((held_before + 256)) ]; }
back() {
	if t_within 30 as_before; then
		ok "$1: descriptors and memory are as before"
	else
		not_ok "$1: device $(files), guest $(guest_files), $(held) KiB; before: device $files_before, guest $guest_before, $held_before KiB"
		goes_on
	fi
}

for n in 0 1 43 44 45 4095 4096 4097 32767 32768 32769 65535 65536 65537 1M; do
	both "$n bytes each way" flow -u "$n" -d "$n"
done

both "50 streams, $per_stream each way, by their SHA-256" flow -n 50 -u "$per_stream" -d "$per_stream"
# The same through commands. A guest that is busy with some may not take another one in time, of which
# nothing has come then; that one is asked for again.
through_guest() {
	local i err=$t_dir/exec.err.$1
	for i in 1 2 3; do
		in_guest -i box -- cat <"$t_dir/content" 2>"$err" | sha256sum >"$t_dir/sum.$1"
		grep -qE 'did not take the connection|own wait was over' "$err" || return
		echo "command $1: $(cat "$err")" >&2
	done
}
head -c "$per_stream" /dev/urandom >"$t_dir/content"
want=$(sha256sum <"$t_dir/content")
pids=()
for ((i = 0; i < commands; i++)); do
	through_guest "$i" &
	pids+=($!)
done
wait "${pids[@]}"
same "$commands commands at once, $per_stream into each and out again" \
	"$(cat "$t_dir"/sum.* | sort | uniq -c | sed 's/^ *//')" "$commands $want"
[ "$t_failed" -eq 0 ] || sort "$t_dir"/exec.err.* | uniq -c >&2
goes_on
back "after streams"

# Each end ends its half while the other goes on (26).
both "half-close: what is asked for behind it comes" flow -H -n 8 -u 300K -d 1M
both "half-close: of nothing at all" flow -H -n 8
back "after half-closes"

# Readers that pause (27), on both sides at once, with 8 MiB for each. The device keeps no more than
# its promise of 256 KiB for each connection.
for ms in "${pauses[@]}"; do
	for side in host guest; do
		"from_$side" flow -n $readers -u 8M -d 8M -p "$ms" -P "$ms" >"$t_dir/pause.out" 2>&1 &
		job=$!
		most=0
		while ! t_ended $job; do
			now=$(held)
			[ "$now" -le "$most" ] || most=$now
			[ "$ms" -lt 10000 ] || [ -n "${meanwhile-}" ] || {
				meanwhile=1
				both "readers pause: others are served" flow -n 4 -u 1M -d 1M
				check "readers pause: and they still do" kill -0 $job
			}
			read -rt 0.05 <> <(:)
		done
		wait $job
		same "readers pause for $ms ms, from the $side: all arrives" "$? $(cat "$t_dir/pause.out")" \
			"0 $readers of $readers are well"
		goes_on
		check "readers pause for $ms ms, from the $side: $most KiB are within the bound" \
			test "$most" -le $((held_before + 512 + readers * 256))
	done
done
back "after pauses"

# Tiny packets to a reader that does not read (29): kernels that count packets reset such streams.
both "tiny packets: 1 to 300 bytes" flow -u $tiny -c 300 -p 500
both "tiny packets: 1 to 20 bytes" flow -u $tiniest -c 20 -p 500
both "tiny packets, back" flow -d $tiny -c 300 -P 500

# Cut in the middle, by either side, with bytes on their way.
both "$cuts connections are cut" cut "$cuts"
back "after cuts"
both "and new ones work" flow -u 1M -d 1M

# Idle connections past the limit of descriptors (28). Those that there are live on, new ones are
# refused, nothing spins, and when clients leave there is room again.
mkfifo "$t_dir/early" "$t_dir/late"
holding 5 <"$t_dir/early" >"$t_dir/early.out" 2>&1 &
early=$!
exec {early_fd}>"$t_dir/early"
check "five connections are idle" t_until grep -q '^held 5 refused 0$' "$t_dir/early.out"
limit=$(prlimit --pid "$device" --nofile --noheadings --output SOFT --raw)
check "the device may have 64 descriptors" prlimit --pid "$device" --nofile=64:
holding 100 <"$t_dir/late" >"$t_dir/late.out" 2>&1 {early_fd}>&- &
late=$!
exec {late_fd}>"$t_dir/late"
check "a hundred more: some are refused, at once" t_until grep -qE '^held [0-9]+ refused [1-9][0-9]*$' "$t_dir/late.out"
expect_exit 1 "past the limit: a new one is refused" from_host flow
ran=$(ticks)
read -rt 2 <> <(:)
ran=$(($(ticks) - ran))
check "past the limit: no busy loop ($ran ticks in 2 s)" test "$ran" -lt $(($(getconf CLK_TCK) / 2))
exec {early_fd}>&-
wait $early
same "past the limit: those that there were live on" "$? $(tail -n 1 "$t_dir/early.out")" "0 dead 0 silent 0"
exec {late_fd}>&-
wait $late
same "past the limit: those that were let in live on, too" "$? $(tail -n 1 "$t_dir/late.out")" "0 dead 0 silent 0"
both "clients have left: new ones are served" flow -n 8 -u 64K -d 64K
check "the limit is as it was" prlimit --pid "$device" --nofile="$limit:"
back "after the limit"

if [ -n "$SMOLSH_SOAK" ]; then
	both "4400 MiB each way on one connection" flow -u 4400M -d 4400M
	back "after all"
fi

same "the device is the one that it was" "$(t_pid box device)" "$device"
kill $server
wait $server 2>/dev/null
t_end
